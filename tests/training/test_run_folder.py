"""Run folders are found by what a user calls them."""

from __future__ import annotations

from pathlib import Path

import pytest

from snnctl.errors import NotFoundError, OutputError
from snnctl.training import run_folder


def made(base: Path, *names: tuple[str, int, str]) -> list[Path]:
    folders = [run_folder.create(base, recipe, seed, name) for recipe, seed, name in names]
    for folder in folders:
        (folder / run_folder.RECIPE).write_text("")
    return folders


def test_a_run_is_found_by_the_name_that_it_was_given(tmp_path: Path) -> None:
    cc, other = made(tmp_path, ("cartpole-ppo", 0, "cc"), ("cartpole-ppo", 7, "a-seed1"))
    for name in ("cc", "cc-seed0", "cartpole-ppo/cc", "cartpole-ppo/cc-seed0", str(cc)):
        assert run_folder.find(name, tmp_path) == cc
    assert run_folder.find("a-seed1", tmp_path) == other


def test_a_name_of_several_runs_is_refused_with_all_of_them(tmp_path: Path) -> None:
    made(tmp_path, ("cartpole-ppo", 0, "cc"), ("cartpole-ppo", 1, "cc"), ("pendulum-ppo", 0, "cc"))
    with pytest.raises(NotFoundError, match=r"'cc': is the name of 3 runs; say which: .*pendulum-ppo/cc-seed0"):
        run_folder.find("cc", tmp_path)
    with pytest.raises(NotFoundError, match="is the name of 2 runs"):
        run_folder.find("cc-seed0", tmp_path)
    assert run_folder.find("pendulum-ppo/cc", tmp_path).parent.name == "pendulum-ppo"


def test_the_whole_name_goes_before_a_name_without_its_seed(tmp_path: Path) -> None:
    first, _ = made(tmp_path, ("cartpole-ppo", 1, "a"), ("cartpole-ppo", 2, "a-seed1"))
    assert run_folder.find("a-seed1", tmp_path) == first


def test_the_name_of_a_training_that_was_killed_before_it_was_a_run_is_free(tmp_path: Path) -> None:
    folder = run_folder.create(tmp_path, "cartpole-ppo", 0, "cc")
    assert run_folder.create(tmp_path, "cartpole-ppo", 0, "cc") == folder
    for name in (run_folder.COMMAND, run_folder.LOCK, ".recipe.toml.0123.partial"):
        (folder / name).write_text("")
    with run_folder.lock(run_folder.create(tmp_path, "cartpole-ppo", 0, "cc")):
        assert not list(folder.glob(".*"))
    for name in (run_folder.RECIPE, "notes.txt"):
        (folder / name).write_text("")
        with pytest.raises(OutputError, match="exists already"):
            run_folder.create(tmp_path, "cartpole-ppo", 0, "cc")
        (folder / name).unlink()
