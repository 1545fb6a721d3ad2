"""Delay and jitter: when what was sent arrives, drawn from the episode's seed, the same in training and evaluation."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from snnctl import config
from snnctl.agent.environment import EnvChoice, Lag
from snnctl.errors import ConfigError
from snnctl.robots import environments
from snnctl.robots.delay import Delay, delayed
from snnctl.training.episodes import Environments


class Clock(gymnasium.Env[Any, Any]):
    """Observes the number of steps done, and remembers the actions that it was given."""

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012
    observation_space = spaces.Box(0, 1e6, (1,), np.float64)
    action_space = spaces.Box(1, 1e6, (1,), np.float64)

    def __init__(self) -> None:
        self.state = np.zeros(1)  # the same array again and again, as some environments do

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.done: list[float] = []
        self.state[:] = 0
        return self.state, {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.done.append(float(action[0]))
        self.state += 1
        return self.state, 0.0, False, False, {}


gymnasium.register("snnctl-test/Clock-v0", entry_point=Clock)


def played(delay: Lag, jitter: Lag, seed: int = 0, steps: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """What was observed after steps 1, 2, ..., and what was done, when step k sends the action 100 + k."""
    clock = Clock()
    env = Delay(clock, delay, jitter)
    assert env.reset(seed=seed)[0] == 0
    seen = [float(env.step(np.array([100.0 + k]))[0][0]) for k in range(steps)]
    return np.array(seen), np.array(clock.done)


def test_a_fixed_delay_shifts_by_its_steps() -> None:
    seen, done = played(Lag(observation=2, action=3), Lag())
    np.testing.assert_array_equal(seen, np.maximum(np.arange(1, 61) - 2, 0))
    np.testing.assert_array_equal(done, np.where(np.arange(60) < 3, 1, 100 + np.arange(60) - 3))  # nearest to 0 is 1


def test_jitter_adds_up_to_its_steps_and_what_is_overtaken_is_lost() -> None:
    seen, done = played(Lag(observation=1, action=2), Lag(observation=3, action=2), steps=2000)
    age = np.arange(1, 2001) - seen
    assert set(age[10:]) == {1, 2, 3, 4}
    assert (np.diff(seen) >= 0).all() and (np.diff(seen) > 1).any()
    late = np.arange(2000) - (done - 100)
    assert set(late[10:]) == {2, 3, 4} and (np.diff(done[10:]) >= 0).all()
    # age 1 only where the newest was not late: a quarter of the steps
    assert np.mean(age == 1) == pytest.approx(0.25, abs=0.03)


def test_ranges_are_drawn_once_an_episode_from_its_seed() -> None:
    lag = Lag(observation=(0, 4), action=(1, 3))
    drawn = [played(lag, Lag(), seed) for seed in range(40)]
    ages = [set(np.arange(11, 61) - seen[10:]) for seen, _ in drawn]
    assert all(len(age) == 1 for age in ages)
    assert set.union(*ages) == {0, 1, 2, 3, 4}
    again = [played(lag, Lag(), seed) for seed in range(40)]
    np.testing.assert_array_equal([np.stack(d) for d in drawn], [np.stack(d) for d in again])


def test_the_randomness_of_the_environment_itself_is_not_touched() -> None:
    plain, late = environments.make("CartPole-v1"), Delay(environments.make("CartPole-v1"), Lag(observation=1), Lag())
    np.testing.assert_array_equal(plain.reset(seed=3)[0], late.reset(seed=3)[0])
    assert delayed(plain, EnvChoice(id="CartPole-v1")) is plain


@pytest.mark.parametrize("env_id", ["snnctl-test/Clock-v0", "InvertedPendulum-v5", "CartPole-v1"])
def test_training_restores_episodes_under_way_bit_for_bit(env_id: str) -> None:
    env = EnvChoice(id=env_id, delay=Lag(observation=(0, 3), action=(0, 2)), jitter=Lag(observation=(0, 2), action=1))

    def drive(environments: Environments, steps: int, seed: int) -> np.ndarray:
        random = np.random.default_rng(seed)
        low, high = (0, 2) if environments.discrete else (1.0, 2.0)
        rows = []
        for _ in range(steps):
            actions = random.integers(low, high, 2) if environments.discrete else random.uniform(low, high, (2, 1))
            step = environments.step(actions)
            rows.append(np.column_stack([step.observations, step.rewards]))
        return np.array(rows)

    one = Environments(env, 3, 2)
    drive(one, 33, 0)
    arrays, values = one.state()
    expected = drive(one, 30, 1)
    other = Environments(env, 3, 2)
    drive(other, 7, 2)
    other.restore(arrays, values)
    np.testing.assert_array_equal(drive(other, 30, 1), expected)
    one.close()
    other.close()


def test_how_it_is_written() -> None:
    made = config.validate(EnvChoice, {"id": "x", "delay": {"observation": [0, 2]}, "jitter": {"action": 1}}, "r")
    assert made.delay == Lag(observation=(0, 2)) and made.jitter == Lag(action=1)
    assert config.validate(EnvChoice, config.to_data(made), "again") == made
    wrong = {"lower one first": {"observation": [3, 1]}, "greater than": {"action": -1}, "1000": {"action": 5000}}
    for words, bad in wrong.items():
        with pytest.raises(ConfigError, match=words):
            config.validate(EnvChoice, {"id": "x", "delay": bad}, "r")
