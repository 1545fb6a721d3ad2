import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnctl.errors import OutputError, StorageError
from snnctl.storage import ensure_writable, write_atomic


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
