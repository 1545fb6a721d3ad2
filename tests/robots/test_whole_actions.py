"""Whole actions: what a controller decides is rounded, then clipped, then cast, whoever sends it to the environment."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from snnctl.agent.environment import EnvChoice
from snnctl.loop.gate import Gate
from snnctl.robots import environments, wrappers
from snnctl.robots.changes import changed, parse
from snnctl.training.episodes import Environments

CASES = [  # type, low, high, decided, done, beyond the limits
    (np.int64, -3, 3, 2.6, 3, False),
    (np.int64, -3, 3, -2.6, -3, False),
    (np.int64, -3, 3, 0.7, 1, False),
    (np.int64, -3, 3, -0.7, -1, False),
    (np.int64, -3, 3, 3.4, 3, False),
    (np.int64, -3, 3, 3.6, 3, True),
    (np.int8, -128, 127, 300.0, 127, True),
    (np.int8, -128, 127, -1e300, -128, True),
    (np.uint8, 0, 255, 256.0, 255, True),
    (np.uint8, 0, 255, -1.0, 0, True),
    (np.uint8, 0, 200, 254.9, 200, True),
    (np.int64, -(2**63), 2**63 - 1, 1e19, 2**63 - 1, True),
    (np.int64, -(2**63), 2**63 - 1, -1e19, -(2**63), True),
    (np.uint64, 0, 2**64 - 1, 2.0**64, 2**64 - 1, False),
]


class Whole(gymnasium.Env[Any, Any]):
    """Notes each action that it is sent."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}
    observation_space = spaces.Box(0, 200, (1,), np.uint8)

    def __init__(self, low: Any = -3, high: Any = 3, dtype: str = "int64") -> None:
        self.action_space = spaces.Box(np.array([low], dtype), np.array([high], dtype), dtype=getattr(np, dtype))
        self.sent: list[Any] = []

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        return np.array([100], np.uint8), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert action in self.action_space, repr(action)
        self.sent.append(action)
        return np.array([100], np.uint8), 1.0, False, False, {}


gymnasium.register("snnctl-test/Whole-v0", entry_point=Whole, max_episode_steps=5)
WHOLE = "snnctl-test/Whole-v0"


@pytest.mark.parametrize(("dtype", "low", "high", "decided", "done", "beyond"), CASES)
def test_the_gate_rounds_then_clips_then_casts(dtype, low, high, decided, done, beyond):
    gate = Gate(spaces.Box(np.array([low], dtype), np.array([high], dtype), dtype=dtype))
    passage = gate.check(np.array([decided]))
    assert passage.action.dtype == dtype and passage.action.tolist() == [done]
    assert passage.limited is beyond and passage.refusal is None


@pytest.mark.parametrize("decided", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_has_no_whole_value(decided):
    assert "action[0]" in Gate(spaces.Box(-3, 3, (1,), np.int64)).check(np.array([decided])).refusal
    training = Environments(EnvChoice(id=WHOLE), 0, 1)
    step = training.step(np.array([[decided]]))
    assert training.envs[0].unwrapped.sent == [] and step.terminated[0]
    assert "the action is not finite" in step.finished[0].diverged


@pytest.mark.parametrize(("dtype", "low", "high", "decided", "done", "beyond"), CASES)
def test_training_sends_what_the_gate_would(dtype, low, high, decided, done, beyond):
    kwargs = {"low": low, "high": high, "dtype": np.dtype(dtype).name}
    training = Environments(EnvChoice(id=WHOLE, kwargs=kwargs), 0, 1)
    training.step(np.array([[decided]]))
    (sent,) = training.envs[0].unwrapped.sent
    assert sent.dtype == dtype and sent.tolist() == [done]


@pytest.mark.parametrize(
    ("change", "done"), [("action*=0.4", 1), ("action*=-100", -3), ("action+=0.6", 3), ("action[0]=1.5", 2)]
)
def test_a_changed_motor_does_the_nearest_whole_number(change, done):
    env = changed(environments.make(WHOLE), parse([change]))
    env.reset(seed=0)
    env.step(np.array([2]))
    assert env.unwrapped.sent[0].tolist() == [done]


def test_a_changed_sensor_of_whole_numbers_does_not_wrap():
    env = changed(environments.make(WHOLE), parse(["observation*=-2.5"]))
    assert env.reset(seed=0)[0].tolist() == [-250.0]


@pytest.mark.parametrize(("decided", "done"), [(-1.0, -3), (-0.5, -2), (-0.1, 0), (0.3, 1), (0.9, 3), (1.0, 3)])
def test_whole_actions_can_be_rescaled(decided, done):
    choice = EnvChoice(id=WHOLE, wrappers=(wrappers.RescaleAction(),))
    training = Environments(choice, 0, 1)
    training.step(np.array([[decided]]))
    assert training.envs[0].unwrapped.sent[0].tolist() == [done]


@pytest.mark.parametrize(("choice", "done"), [(0, -2), (1, 0), (2, 2)])
def test_whole_actions_can_be_divided(choice, done):
    env = environments.opened(EnvChoice(id=WHOLE, wrappers=(wrappers.DiscretizeAction(bins=3),)))
    env.reset(seed=0)
    env.step(choice)
    assert env.unwrapped.sent[0].tolist() == [done]


def test_whole_observations_are_rescaled_to_real_ones():
    env = environments.opened(EnvChoice(id=WHOLE, wrappers=(wrappers.RescaleObservation(low=-0.5, high=0.5),)))
    assert env.reset(seed=0)[0].tolist() == [0.0]
    assert (env.observation_space.low[0], env.observation_space.high[0]) == (-0.5, 0.5)


@pytest.mark.parametrize(("low", "high", "bounds"), [(-1.5, 2.7, (-1, 2)), (0.2, 1e30, (1, 3))])
def test_limits_of_whole_actions_are_whole_and_within(low, high, bounds):
    env = environments.opened(EnvChoice(id=WHOLE, wrappers=(wrappers.LimitAction(low=low, high=high),)))
    assert (env.action_space.low[0], env.action_space.high[0]) == bounds
