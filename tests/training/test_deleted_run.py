"""A run folder that is deleted or moved while a training works in it ends it, and no part is made again."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from snnctl.errors import StorageError
from snnctl.training import pool, run_folder, sweep
from snnctl.training.algorithm import Report, Rows, State
from snnctl.training.run import Moment, train

from .random_walk import RandomWalk, recipe

HOW = {
    "deleted": shutil.rmtree,
    "moved": lambda folder: folder.rename(folder.with_name("elsewhere")),
    "replaced": lambda folder: (folder.rename(folder.with_name("elsewhere")), folder.mkdir()),
}


@pytest.mark.parametrize("save_every_s", [0.0, 1e9])
@pytest.mark.parametrize("phase", ["train", "evaluate", "evaluate the best"])
@pytest.mark.parametrize("how", HOW)
def test_the_next_write_ends_the_training(tmp_path: Path, how: str, phase: str, save_every_s: float) -> None:
    folder = tmp_path / "walk" / "k-seed0"
    told = []

    def follow(moment: Moment) -> None:
        if moment.phase == phase and not told:
            HOW[how](folder)
        if moment.phase == phase:
            told.append(moment)

    with pytest.raises(StorageError, match="was deleted or moved") as caught:
        train(recipe(final_episodes=3), 0, tmp_path, name="k", build=RandomWalk, progress=follow,
              save_every_s=save_every_s)  # fmt: skip
    assert caught.value.exit_code == 3 and len(caught.value.problems) == 1
    assert {moment.done for moment in told} <= {0, 1, 2, 3, 10, 50}  # it did not go on until the end
    assert not list(folder.glob("*")) and folder.exists() == (how == "replaced")


def test_a_training_that_is_interrupted_advises_no_resume_of_what_is_gone(tmp_path: Path) -> None:
    class Leaving(RandomWalk):
        def update(self) -> Report:
            shutil.rmtree(tmp_path / "walk")
            os.kill(os.getpid(), signal.SIGINT)
            return super().update()  # type: ignore[no-any-return, no-untyped-call]

    with pytest.raises(StorageError, match="was deleted or moved"):
        train(recipe(), 0, tmp_path, name="k", build=Leaving, save_every_s=1e9)
    assert not (tmp_path / "walk").exists()


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: os.truncate(path, 8)], ids=["deleted", "cut"])
def test_rows_that_are_gone_are_not_taken_for_zeros(tmp_path: Path, harm: Any) -> None:
    import numpy as np

    class Remembering(RandomWalk):
        def state(self) -> State:
            if self.steps == 30:
                harm(tmp_path / "walk" / "k-seed0" / "checkpoints" / "seen.rows")
            state: State = super().state()  # type: ignore[no-untyped-call]
            return state._replace(rows={"seen": Rows(self.steps, np.ones((50, 2)))})

    with pytest.raises(StorageError, match=r"seen\.rows"):
        train(recipe(), 0, tmp_path, name="k", build=Remembering, save_every_s=0.0)


def test_a_sweep_whose_folder_is_deleted_makes_no_part_of_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "START", "fork")
    chosen = recipe(2, final_episodes=1)
    plan = sweep.Plan(
        source="walk", space="", search="grid", seed=0, seeds=(0, 1), keys=("evaluation.episodes",),
        recipe=sweep.config.without_none(sweep.config.to_data(chosen)),
        trials=({"evaluation.episodes": 1}, {"evaluation.episodes": 2}),
    )  # fmt: skip
    folder = sweep.begin(plan, tmp_path)

    def follow(standing: sweep.Standing) -> None:
        if standing.done and folder.exists():
            shutil.rmtree(folder)

    with pytest.raises(StorageError, match="was deleted or moved"):
        sweep.sweep(folder, 1, follow, build=RandomWalk)
    assert not folder.exists() and run_folder.runs(tmp_path) == []
