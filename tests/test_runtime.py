"""Process set-up: what is set, and what is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from snnctl import runtime

PACKAGE = Path(runtime.__file__).parent
SET = ("OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "NUMBA_CACHE_DIR", "SNNCTL_KERNEL_CACHE", "NUMBA_DISABLE_JIT")


def run(code: str, cache: Path, package_parent: Path = PACKAGE.parent, **variables: str) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in SET and not k.startswith("COV")}
    environment |= {"XDG_CACHE_HOME": str(cache), "PYTHONPATH": str(package_parent), **variables}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=cache, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_sets_what_is_unset_and_keeps_what_the_user_set(tmp_path: Path) -> None:
    code = "import snnctl.runtime as r; print(r.report())"
    ours = run(code, tmp_path)
    assert str(tmp_path) in ours and "'OPENBLAS_NUM_THREADS': '1'" in ours
    assert ("SkylakeX" in ours) == (runtime.cpu_flags() >= {"avx512f", "avx512bw", "avx512dq", "avx512vl"})
    mine = run(code, tmp_path, OPENBLAS_CORETYPE="Zen", OPENBLAS_NUM_THREADS="2", NUMBA_CACHE_DIR="/nowhere")
    assert mine == "{'OPENBLAS_CORETYPE': 'Zen', 'OPENBLAS_NUM_THREADS': '2', 'NUMBA_CACHE_DIR': '/nowhere'}"
    late = run("import sys; sys.modules['numpy'] = sys; " + code, tmp_path)
    assert "'OPENBLAS_CORETYPE': 'not set'" in late


def test_imports_nothing_heavy(tmp_path: Path) -> None:
    heavy = run(
        "import sys, snnctl; print({m for m in ('numpy', 'numba', 'pydantic', 'mujoco') if m in sys.modules})", tmp_path
    )
    assert heavy == "set()"


def test_reads_the_flags_of_the_first_cpu(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor: 0\nflags\t\t: fpu avx512f\nflags: other\n")
    assert runtime.cpu_flags(tmp_path / "cpuinfo") == {"fpu", "avx512f"}
    assert runtime.cpu_flags(tmp_path / "absent") == frozenset()
