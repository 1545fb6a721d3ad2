"""An environment that never ends: episodes are cut where nobody states a limit, and that is told."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from snnctl.agent.environment import EnvChoice
from snnctl.agent.float_controller import FloatController
from snnctl.cli import main
from snnctl.errors import Notice
from snnctl.loop.closed_loop import run_episodes
from snnctl.robots import check, environments, wrappers
from snnctl.training.episodes import Environments
from tests import factories


class Endless(gymnasium.Env[Any, Any]):
    """Nothing ever ends."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}
    observation_space = spaces.Box(-1, 1, (2,), np.float32)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return np.zeros(2, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return np.zeros(2, np.float32), 1.0, False, False, {}


ID = "snnctl-test/Endless-v0"
gymnasium.register(ID, entry_point=Endless)
OWN = (wrappers.TimeLimit(steps=40),)


@pytest.fixture(autouse=True)
def thirty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "DEFAULT_MAX_STEPS", 30)


def test_episodes_are_cut_and_it_is_told_how_to_choose():
    controller = FloatController(factories.agent(ID, hidden=(4,), ticks=2))
    with pytest.warns(Notice, match=r"Endless-v0 states no limit of steps; its episodes are cut after 30 .*time_limit"):
        (episode,) = run_episodes(controller, ID, [0])
    assert (episode.length, episode.truncated, episode.terminated) == (30, True, False)


@pytest.mark.parametrize(("chosen", "steps"), [((), 30), (OWN, 40)])
def test_training_is_cut_as_evaluations_are(chosen, steps):
    training = Environments(EnvChoice(id=ID, wrappers=chosen), 0, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error" if chosen else "ignore", Notice)
        taken = [training.step(np.zeros(1, int)) for _ in range(steps)]
    assert not any(step.finished for step in taken[:-1])
    assert taken[-1].finished[0].length == steps and taken[-1].truncated[0]


@pytest.mark.parametrize(
    ("env_id", "chosen", "limit"),
    [(ID, (), (30, False)), (ID, OWN, (40, True)), ("CartPole-v1", (), (500, True)), ("balancer", (), (1000, True))],
)
def test_a_stated_limit_stays_and_is_told_by_check(env_id, chosen, limit):
    choice = EnvChoice(id=env_id, wrappers=chosen)
    env = environments.opened(choice)
    assert environments.max_steps(env) == limit
    env.close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Notice)
        told = check.examined(choice)[0]["limit"]
    assert told == f"{limit[0]:,} steps" if limit[1] else "states no limit of steps" in told


def test_the_command_line_prints_it_as_a_note(monkeypatch, capsys):
    monkeypatch.setattr(main, "parser", lambda verbs: lambda *_, **__: warnings.warn("it is cut", Notice, stacklevel=1))
    assert main.call(["list"]) == 0 and capsys.readouterr().err == "note: it is cut\n"
