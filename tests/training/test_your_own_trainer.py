"""The trainer of docs/your_own_trainer.md: named by import path, trusted, trained, resumed, explained."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from snnctl import config, slots
from snnctl.agent import controllers, folder
from snnctl.errors import ConfigError
from snnctl.loop import closed_loop
from snnctl.loop.closed_loop import run_episodes
from snnctl.training import diagnosis, run, run_folder
from snnctl.training.blueprint import build, opened
from snnctl.training.recipe import Recipe

ROOT = Path(__file__).parents[2]
PATH = "mylab.trainer:EvolutionStrategy"
TABLE = f'trainer={{kind="{PATH}",total_steps=%d,episodes=2}}'


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "examples"))
    monkeypatch.setenv("SNNCTL_TRUST", "")
    slots.trust("mylab")


def recipe(steps: int = 400, *overrides: str) -> Recipe:
    evaluation = ("evaluation.every_steps=200", "evaluation.episodes=1", "evaluation.final_episodes=5")
    return config.load(
        Recipe, ROOT / "configs" / "train" / "cartpole-ppo.toml", [TABLE % steps, *evaluation, *overrides]
    )


def test_a_file_may_not_name_it_untold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNNCTL_TRUST", "")
    with pytest.raises(ConfigError, match=r"trainer\.kind: names Python code outside snnctl.*add --trust mylab"):
        recipe()


@pytest.mark.usefixtures("trusted")
def test_it_is_read_and_written_by_its_path_and_keys_are_checked() -> None:
    made = recipe()
    assert made.trainer.total_steps == 400
    assert config.to_data(made)["trainer"]["kind"] == PATH
    assert config.resolve(Recipe, config.parse_toml(config.to_toml(made), "x"), "x") == made
    with pytest.raises(ConfigError, match=r"trainer\.sigmma: is not a known key; did you mean 'sigma'"):
        recipe(400, "trainer.sigmma=1")
    with pytest.raises(ConfigError, match=r"cartpole-ppo:encoder\.kind: 'poisson' has no gradient"):
        build(opened(recipe(400, 'encoder={kind="poisson"}')), 0)


@pytest.mark.usefixtures("trusted")
def test_a_run_of_it_is_whole_and_resumes_to_the_same_bits(tmp_path: Path) -> None:
    whole = run.train(recipe(), 3, tmp_path, name="whole")
    calls = []

    def interrupt(moment: run.Moment) -> None:
        calls.append(moment)
        if len(calls) == 2:
            import os
            import signal

            os.kill(os.getpid(), signal.SIGINT)

    first = run.train(recipe(), 3, tmp_path, name="parts", progress=interrupt)
    assert first.status == "interrupted"
    second = run.train(run_folder.load_recipe(first.folder), 3, resume=first.folder)
    assert second.weights_sha256 == whole.weights_sha256
    assert (second.folder / "metrics.jsonl").read_bytes() == (whole.folder / "metrics.jsonl").read_bytes()
    assert folder.load(whole.folder / "checkpoints" / "best").description.provenance.recipe == "cartpole-ppo"


@pytest.mark.usefixtures("trusted")
def test_the_diagnosis_speaks_with_its_words(tmp_path: Path) -> None:
    rows = [{"steps": k, "mean_return": 9.0, "es/sigma": 1e-6} for k in range(6)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "recipe.toml").write_text(config.to_toml(recipe()))
    _, reason = diagnosis.of_run(tmp_path)
    assert reason.startswith("steps are too small") and "raise trainer.sigma" in reason


@pytest.mark.needs_compiler
@pytest.mark.usefixtures("trusted")
def test_it_learns_to_balance_with_a_linear_controller() -> None:
    linear = ('network={kind="dense",hidden=[]}', 'encoder={kind="analog"}', 'decoder={kind="argmax"}')
    algorithm = build(opened(recipe(40_000, "trainer.episodes=5", *linear)), 1)
    while algorithm.steps < algorithm.total_steps:
        algorithm.update()
    agent = algorithm.agent()
    algorithm.close()
    episodes = run_episodes(controllers.make(agent), "CartPole-v1", closed_loop.episode_seeds(0, 10))
    assert np.mean([episode.episode_return for episode in episodes]) > 150  # of 500; chance gives 20
