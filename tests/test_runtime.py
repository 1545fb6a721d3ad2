"""Process set-up: what is set, what is left alone, and that edited kernels are compiled anew."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_a_read_only_home_falls_back_to_the_temporary_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code = "import snnctl.runtime as r; print(r.report()['NUMBA_CACHE_DIR'])"
    folder = run(code, tmp_path, XDG_CACHE_HOME=str(tmp_path / "file"), TMPDIR=str(tmp_path))
    assert folder.startswith(str(tmp_path / "snnctl-"))


def test_old_cache_folders_go_and_recent_ones_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernels = tmp_path / "snnctl" / "kernels"
    for k in range(20):
        folder = kernels / f"old{k}"
        folder.mkdir(parents=True)
        os.utime(folder, (k, k))
    (kernels / "recent").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for name in ("NUMBA_CACHE_DIR", "SNNCTL_KERNEL_CACHE"):
        monkeypatch.setenv(name, "")  # so that it is restored
        monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "modules", {k: v for k, v in sys.modules.items() if k != "numba"})
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    runtime.prepare()
    names = {p.name for p in kernels.iterdir()}
    assert len(names) == 8 and {"recent", "old19", Path(os.environ["NUMBA_CACHE_DIR"]).name} <= names
    assert not runtime.kernels_cached()
    (Path(os.environ["NUMBA_CACHE_DIR"]) / "kernel.nbi").write_text("")
    assert runtime.kernels_cached()
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert runtime.kernels_cached()


@pytest.mark.needs_compiler
def test_an_edited_neuron_model_gives_the_new_result(tmp_path: Path) -> None:
    """numba alone would run the old code: the kernel that calls the model is in another file."""
    shutil.copytree(PACKAGE, tmp_path / "snnctl", ignore=shutil.ignore_patterns("__pycache__", "_bundle"))
    code = """
import numpy as np
from snnctl.network.description import *
from snnctl.network.engine import Engine
from snnctl.network.program import lower
from snnctl.neurons import Lif
from snnctl import runtime
out = Population(name="out", size=1, neuron=Lif(tau_mem_s=1e-2))
n = NetworkDescription(tick_s=1e-3, ticks=1, populations=(Population(name="in", size=1), out),
                       projections=(Projection(source="in", target="out"),))
e = Engine(lower(n, {"population.out.bias": np.zeros(1), "projection.in.out.weight": np.full((1, 1), 0.75)}))
print(runtime.kernels_cached(), e.run(e.initial_state(), np.ones((1, 1), np.uint8))[1][0, 0])
"""
    assert run(code, tmp_path, tmp_path) == "False 0"
    assert run(code, tmp_path, tmp_path) == "True 0"
    model = tmp_path / "snnctl" / "neurons" / "lif.py"
    text = model.read_text()
    edited = text.replace("c.a_mem * s.v + drive + bias", "c.a_mem * s.v + drive + drive + bias")
    assert edited != text
    model.write_text(edited)
    # inherited variables of a parent that ran the old sources change nothing
    old = str(next((tmp_path / "snnctl" / "kernels").iterdir()))
    assert run(code, tmp_path, tmp_path, NUMBA_CACHE_DIR=old, SNNCTL_KERNEL_CACHE=old) == "False 1"
