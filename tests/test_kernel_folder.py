"""The folder of compiled kernels: where it is, when it is chosen, and that edited kernels are compiled anew."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from snnctl import kernel_folder
from tests.test_runtime import PACKAGE, run


def test_it_is_chosen_when_the_compiler_is_imported_and_not_before(tmp_path: Path) -> None:
    told = run(
        "import os, snnctl; print(os.environ.get('NUMBA_CACHE_DIR')); "
        "import numba; print(numba.config.CACHE_DIR == os.environ['NUMBA_CACHE_DIR'])",
        tmp_path,
    )
    assert told.split() == ["None", "True"]
    first = "import numba, snnctl, os; print(numba.config.CACHE_DIR == os.environ['NUMBA_CACHE_DIR'])"
    assert run(first, tmp_path) == "True"
    assert len(list((tmp_path / "snnctl" / "kernels").iterdir())) == 1


def test_it_depends_on_every_source_of_kernels_and_on_no_other(tmp_path: Path) -> None:
    package = tmp_path / "package"
    for name in ("neurons/lif.py", "hardware/chip/cost.py", "cli/run.py", "runtime.py"):
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    hash_of = kernel_folder.kernel_hash.__wrapped__
    before = hash_of(package)
    for name, changes in (("cli/run.py", False), ("runtime.py", False), ("neurons/lif.py", True)):
        (package / name).write_text("edited")
        assert (hash_of(package) != before) == changes
    edited = hash_of(package)
    (package / "hardware" / "chip" / "cost.py").rename(package / "hardware" / "chip" / "costs.py")
    assert hash_of(package) != edited


def test_a_read_only_home_falls_back_to_the_temporary_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code = "from snnctl import kernel_folder; print(kernel_folder.choose())"
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
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    kernel_folder.choose()
    names = {p.name for p in kernels.iterdir()}
    assert len(names) == 8 and {"recent", "old19", Path(os.environ["NUMBA_CACHE_DIR"]).name} <= names
    assert not kernel_folder.has_kernels()
    (Path(os.environ["NUMBA_CACHE_DIR"]) / "kernel.nbi").write_text("")
    assert kernel_folder.has_kernels()
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert kernel_folder.has_kernels()


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
from snnctl import kernel_folder
out = Population(name="out", size=1, neuron=Lif(tau_mem_s=1e-2))
n = NetworkDescription(tick_s=1e-3, ticks=1, populations=(Population(name="in", size=1), out),
                       projections=(Projection(source="in", target="out"),))
e = Engine(lower(n, {"population.out.bias": np.zeros(1), "projection.in.out.weight": np.full((1, 1), 0.75)}))
print(kernel_folder.has_kernels(), e.run(e.initial_state(), np.ones((1, 1), np.uint8))[1][0, 0])
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
