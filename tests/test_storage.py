import errno
import os
import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnctl import storage
from snnctl.errors import OutputError, StorageError
from snnctl.storage import ensure_writable, replace_folder, tidy, write_atomic


@given(st.binary(max_size=2000), st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_what_was_written_is_there(tmp_path_factory, first, second):
    folder = tmp_path_factory.mktemp("w")
    write_atomic(folder / "f", first)
    assert (folder / "f").read_bytes() == first
    write_atomic(folder / "f", second)
    assert (folder / "f").read_bytes() == second.encode()
    assert [p.name for p in folder.iterdir()] == ["f"]
    assert (folder / "f").stat().st_mode & 0o777 == 0o644


def test_a_full_disk_leaves_the_old_file_and_no_fragment(tmp_path):
    write_atomic(tmp_path / "f", "old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(StorageError, match=r"f: could not be written \(File too large, 5000 bytes\); the old file"):
            write_atomic(tmp_path / "f", b"n" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / "f").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_a_folder_that_vanished(tmp_path):
    with pytest.raises(StorageError, match="No such file"):
        write_atomic(tmp_path / "gone" / "f", "x")


def test_ensure_writable_makes_the_folder_and_leaves_it_empty(tmp_path):
    folder = ensure_writable(tmp_path / "a" / "b")
    assert folder.is_dir() and not list(folder.iterdir())


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/nothing", "x" * 300])
def test_folders_that_cannot_be_written(tmp_path, place):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="another folder"):
        ensure_writable(tmp_path / place)


def test_a_folder_is_replaced_as_a_whole_and_what_is_not_of_it_stays(tmp_path, exchange):
    replace_folder(tmp_path / "f", {"a": "1", "b": b"2", "c": None})
    (tmp_path / "f" / "mine").write_text("notes")
    replace_folder(tmp_path / "f", {"a": "3", "b": None})
    assert {p.name: p.read_text() for p in (tmp_path / "f").iterdir()} == {"a": "3", "mine": "notes"}
    assert [p.name for p in tmp_path.iterdir()] == ["f"] and (tmp_path / "f").stat().st_mode & 0o777 == 0o755


@pytest.fixture(params=["exchanged", "renamed twice"])
def exchange(request, monkeypatch):
    """With two folders that can be exchanged, and on file systems on which they cannot."""
    if request.param == "renamed twice":

        def unknown(*_):
            raise OSError(errno.ENOSYS, "")

        monkeypatch.setattr(storage, "_exchange", lambda: unknown)


def test_a_folder_with_a_folder_in_it_and_a_file_are_not_replaced(tmp_path):
    (tmp_path / "f" / "inner").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    for name, reason in (("f", "'inner' is in it"), ("file", "not a folder")):
        with pytest.raises(OutputError, match=reason):
            replace_folder(tmp_path / name, {"a": "1"})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f", "file"]


WRITES = {
    "file": lambda base, data: write_atomic(base / "f", data),
    "folder": lambda base, data: replace_folder(base / "d", {"a": data, "b": data}),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), MemoryError(), OSError(errno.ENOSPC, "No space left on device")]
)
def test_a_write_that_ends_early_leaves_what_was_there_and_no_fragment(tmp_path, monkeypatch, write, error):
    def syncing(_):
        raise error

    write(tmp_path, "old")
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    with monkeypatch.context() as patch, pytest.raises((type(error), StorageError)):
        patch.setattr(os, "fsync", syncing)
        write(tmp_path, "new")
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    assert len(list(tmp_path.iterdir())) == 1


def test_what_killed_processes_left_is_removed_and_an_old_folder_is_put_back(tmp_path):
    (tmp_path / "whole").mkdir()
    for name in (".a.partial", ".whole.previous", ".gone.previous"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").write_text(name)
    for name in (".b.partial", ".hidden", "c.partial"):
        (tmp_path / name).write_text("")
    tidy(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".hidden", "c.partial", "gone", "whole"]
    assert (tmp_path / "gone" / "x").read_text() == ".gone.previous"
    tidy(tmp_path / "absent")


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_a_place_whose_name_is_too_long(tmp_path, write):
    with pytest.raises(StorageError, match="too long"):
        write(tmp_path / ("x" * 300), "data")


def test_a_full_device():
    with pytest.raises(StorageError, match=r"/dev/full: could not be written \(No space left"):
        write_atomic(Path("/dev/full"), "x")
