"""Small works that write all that a training or a sweep writes, in seconds; each goes on where it was."""

from __future__ import annotations

from pathlib import Path

from snnctl import config
from snnctl.report import figure
from snnctl.training import pool, run, run_folder, sweep
from snnctl.training.recipe import Recipe

from . import random_walk, test_ppo, test_sac
from .test_rstdp import RECIPES

EVALUATION = [f"evaluation.{key}=1" for key in ("every_steps", "episodes", "confirm_episodes", "final_episodes")]


def attempt(recipe: Recipe, base: Path, workers: int) -> None:
    """Start the run that is named k, or continue it."""
    folder = base / recipe.name / "k-seed0"
    resume = folder if (folder / run_folder.RECIPE).exists() else None
    run.train(recipe, 0, base, name="k", resume=resume, save_every_s=0.0, workers=workers)


def ppo(base: Path, workers: int = 1) -> None:
    attempt(test_ppo.recipe("Choice", "deterministic", 192, "trainer.rollout_steps=16", *EVALUATION), base, workers)


def rstdp(base: Path, workers: int = 1) -> None:
    overrides = ["trainer.total_steps=30", "trainer.episodes_per_update=1", *EVALUATION]
    attempt(config.load(Recipe, RECIPES / "cartpole-rstdp.toml", overrides), base, workers)


def sac(base: Path, workers: int = 1) -> None:
    attempt(test_sac.recipe("trainer.total_steps=60", "trainer.report_every=20", "trainer.start_steps=30",
                            "trainer.replay_capacity=50", *EVALUATION), base, workers)  # fmt: skip


def swept(base: Path) -> None:
    """Two trials of one update each, one after the other; begun anew if it was killed before it was a sweep."""
    base.mkdir(exist_ok=True)
    (base / "walk.toml").write_text(config.to_toml(random_walk.recipe(1, final_episodes=1, confirm_episodes=1)))
    (base / "space.toml").write_text("[keys]\nevaluation.episodes = [1, 2]\n")
    folder = base / "sweeps" / "walk"
    if not (folder / sweep.PLAN).exists():
        plan = sweep.plan(str(base / "walk.toml"), [], str(base / "space.toml"), "grid", 2, [0])
        plan = config.validate(sweep.Plan, {**config.to_data(plan), "source": "walk.toml", "space": "space.toml"}, "")
        assert sweep.begin(plan, base) == folder
    sweep.sweep(folder, 1, build=random_walk.RandomWalk)


def prepare() -> None:
    """Pictures that are not drawn, forked workers, and a folder of a sweep that has no time in its name."""

    def stamped(parent: Path, pattern: str) -> Path:
        folder = parent / pattern.format(time="").strip("-")
        folder.mkdir(exist_ok=True)
        return folder

    figure.encode = lambda *_: b"a picture"
    pool.START = "fork"
    run_folder.stamped = stamped


WORKS = {"ppo": ppo, "rstdp": rstdp, "sac": sac, "sweep": swept}
