import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnctl import library
from snnctl.errors import NotFoundError


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("SNNCTL_PATH", raising=False)
    return tmp_path


def recipe(root: Path, name: str) -> Path:
    path = root / "configs" / "train" / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("schema = 1\n")
    return path


def robot(root: Path, name: str) -> Path:
    folder = root / "envs" / name
    folder.mkdir(parents=True)
    (folder / "task.toml").write_text("schema = 1\n")
    return folder


def test_the_nearest_root_wins(workspace, monkeypatch):
    for place in ("first", "second", "data/snnctl", "."):
        recipe(workspace / place, "walk")
    monkeypatch.setenv("SNNCTL_PATH", os.pathsep.join(["first", "", "second"]))
    order = [library.find("recipe", "walk")]
    for origin in ("first", "second", ".", "data/snnctl"):
        (workspace / origin / "configs" / "train" / "walk.toml").unlink()
        order += [e for e in library.entries("recipe") if e.name == "walk"]
    assert [e.origin for e in order] == ["$SNNCTL_PATH", "$SNNCTL_PATH", "workspace", "user"]
    assert [e.path.parents[2].name for e in order] == ["first", "second", workspace.name, "snnctl"]


def test_the_checkout_is_always_there(workspace):
    origins = dict(library.roots())
    assert origins["checkout"] == Path(library.__file__).resolve().parents[1]
    assert {"loihi1", "spinnaker1"} <= {e.name for e in library.entries("chip")}


def test_paths_are_taken_as_they_are(workspace):
    path, folder = recipe(workspace / "elsewhere", "walk"), robot(workspace / "elsewhere", "spider")
    assert library.find("recipe", str(path)) == library.Entry("recipe", "walk", path.resolve(), "path")
    assert library.find("env", str(folder)) == library.Entry("env", "spider", folder.resolve(), "path")


def test_only_marked_entries_count(workspace):
    (workspace / "envs" / "notes").mkdir(parents=True)
    (workspace / "configs" / "train").mkdir(parents=True)
    (workspace / "configs" / "train" / "README.md").write_text("")
    (workspace / "configs" / "train" / "folder.toml").mkdir()
    robot(workspace, "spider")
    assert [e.name for e in library.entries("env") if e.origin == "workspace"] == ["spider"]
    assert [e.name for e in library.entries("recipe") if e.origin == "workspace"] == []
    with pytest.raises(NotFoundError, match=r"is not a folder with task\.toml"):
        library.find("env", str(workspace / "envs" / "notes"))


def test_an_unknown_name_gets_the_nearest(workspace):
    robot(workspace, "spider")
    with pytest.raises(NotFoundError, match="did you mean 'spider'"):
        library.find("env", "spidr")


@given(st.text(max_size=60), st.sampled_from(library.KINDS))
def test_any_name_is_found_or_not_found(name, kind):
    try:
        assert library.find(kind, name).path.exists()
    except NotFoundError as error:
        assert len(error.problems) == 1


@pytest.mark.parametrize("name", ["a" * 5000, "~nobody-has-this-name", "~nobody/x", "a\0b", "", ".", "/"])
def test_names_that_the_file_system_dislikes(name):
    with pytest.raises(NotFoundError):
        library.find("recipe", name)


def test_the_user_folder_per_platform(monkeypatch):
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv("APPDATA", "/app")
    for platform, part in (("linux", ".local/share"), ("darwin", "Application Support"), ("win32", "/app")):
        monkeypatch.setattr("sys.platform", platform)
        assert part in str(library.user_folder())
