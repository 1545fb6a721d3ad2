"""The rule of docs/examples/mylab/surprise.py: a recipe names it, and it learns CartPole in closed loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnctl import config, slots
from snnctl.agent import controllers, folder, learner
from snnctl.errors import ConfigError
from snnctl.loop import closed_loop
from snnctl.training.blueprint import build, opened
from snnctl.training.modulated import Modulated
from snnctl.training.recipe import Recipe
from tests.interpreted import INTERPRETED

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setenv("SNNCTL_TRUST", "")
    slots.trust("mylab")


def made(seed: int, *overrides: str) -> Modulated:
    recipe = config.load(Recipe, EXAMPLES / "mylab" / "cartpole.toml", overrides)
    algorithm = build(opened(recipe), seed)
    assert isinstance(algorithm, Modulated)
    return algorithm


def test_a_file_may_not_name_it_untold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNNCTL_TRUST", "")
    with pytest.raises(ConfigError, match=r"names Python code outside snnctl.*add --trust mylab"):
        made(0)


@pytest.mark.needs_compiler
@pytest.mark.usefixtures("trusted")
def test_it_learns_to_balance_in_closed_loop_and_goes_on_when_it_is_saved(tmp_path: Path) -> None:
    algorithm = made(0, "trainer.total_steps=12_000")
    untrained = controllers.make(algorithm.agent())
    while algorithm.steps < algorithm.total_steps:
        report = algorithm.update()
    trained = algorithm.agent()
    algorithm.close()
    assert report.metrics["modulated/weight_change"] > 0
    returns: list[Any] = []
    for controller in (untrained, controllers.make(trained)):
        episodes = closed_loop.run_episodes(controller, "CartPole-v1", closed_loop.episode_seeds(0, 10))
        returns.append(np.mean([episode.episode_return for episode in episodes]))
    assert returns[0] < 50 and returns[1] > 150  # of 500
    folder.save(trained, tmp_path / "agent")
    again = learner.make(folder.load(tmp_path / "agent"), 1)
    closed_loop.run_episodes(again, "CartPole-v1", [7], max_steps=30)


@pytest.mark.usefixtures("trusted")
def test_a_training_resumes_to_the_same_bits() -> None:
    short = ("trainer.episodes_per_update=1", "trainer.total_steps=" + ("20" if INTERPRETED else "400"))
    whole, first = made(3, *short), made(3, *short)
    first.update()
    second = made(3, *short)
    second.restore(first.state())
    second.update()
    for _ in range(2):
        whole.update()
    assert folder.digest(second.agent().tensors) == folder.digest(whole.agent().tensors)
    assert (whole._weights() != made(3, *short)._weights()).any()
    for algorithm in (whole, first, second):
        algorithm.close()


@pytest.mark.usefixtures("trusted")
def test_everything_that_keeps_it_from_training_is_told_at_once() -> None:
    overrides = ("trainer.observation_low=[1.0]", 'decoder={kind="winner_take_all"}', "trainer.initial={nobody=[0,1]}")
    with pytest.raises(ConfigError) as caught:
        made(0, *overrides)
    text = "\n".join(map(str, caught.value.problems))
    assert "trainer.observation_low: has 1 entries" in text or "populations: must end with" in text
