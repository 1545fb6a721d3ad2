"""A folder of compiled kernels that is full, damaged or cannot be written to slows a process down and ends nothing."""

from __future__ import annotations

import importlib.util
import os
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from numba import njit
from numba.core import caching, config

from snnctl.errors import Notice

pytestmark = pytest.mark.needs_compiler
SOURCE = "def twice(x):\n    return 2 * x\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "module.py").write_text(SOURCE)
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def full() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def kernel(folder: Path) -> Any:
    """A kernel as a process that begins has it: nothing is compiled or loaded yet."""
    spec = importlib.util.spec_from_file_location("module", folder / "module.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return njit(cache=True)(module.twice)


def loaded(folder: Path) -> int:
    made = kernel(folder)
    assert made(21) == 42
    return sum(made.stats.cache_hits.values())


def test_a_full_disk_and_then_room_again(folder: Path, full: None) -> None:
    with pytest.warns(Notice, match=r"cannot be kept in .*\(File too large\)"):
        assert kernel(folder)(21) == 42
    assert not list((folder / "cache").rglob("*.tmp.*"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    assert (loaded(folder), loaded(folder)) == (0, 1)


def test_no_folder_can_be_written_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    with pytest.warns(Notice, match="cannot be kept"):
        assert kernel(folder)(21) == 42


def test_a_folder_that_is_gone_or_a_file(folder: Path) -> None:
    made = kernel(folder)
    shutil.rmtree(folder / "cache")
    (folder / "cache").write_text("")
    with pytest.warns(Notice, match="cannot be"):
        assert made(21) == 42


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("kept_bytes", [0, 20])
def test_a_file_that_a_crash_cut_off_is_compiled_anew(folder: Path, suffix: str, kept_bytes: int) -> None:
    assert (loaded(folder), loaded(folder)) == (0, 1)
    (path,) = (folder / "cache").rglob(f"*.{suffix}")
    os.truncate(path, kept_bytes)
    with pytest.warns(Notice, match="cannot be read"):
        assert loaded(folder) == 0
    assert loaded(folder) == 1


def test_what_a_killed_process_left_is_removed_and_what_another_is_writing_is_not(folder: Path) -> None:
    place = Path(kernel(folder)._cache.cache_path)
    for name, age_s in (("a.nbc.tmp.0123", 1e5), ("b.nbc.tmp.4567", 0.0)):
        (place / name).write_text("")
        if age_s:
            os.utime(place / name, (age_s, age_s))
    assert loaded(folder) == 0
    assert [path.name for path in place.glob("*.tmp.*")] == ["b.nbc.tmp.4567"]
