from __future__ import annotations

import numpy as np
import pytest

from snnctl import streams
from snnctl.agent.environment import EnvChoice
from snnctl.training.episodes import Environments
from tests.training import small_tasks  # noqa: F401

CHOICE, REACH = "snnctl-test/Choice-v0", "snnctl-test/Reach-v0"


def drive(environments: Environments, steps: int, seed: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    seen = []
    for _ in range(steps):
        n = len(environments)
        actions = random.integers(0, 2, n) if environments.discrete else random.uniform(-2, 2, (n, 1))
        step = environments.step(actions)
        seen.append(np.column_stack([step.observations, step.last_observations, step.rewards, step.truncated]))
    return seen


@pytest.mark.parametrize("env_id", [CHOICE, REACH, "CartPole-v1", "InvertedPendulum-v5"])
def test_restore_continues_every_episode_bit_for_bit(env_id: str) -> None:
    one = Environments(EnvChoice(id=env_id), 3, 3)
    drive(one, 33, 0)
    arrays, values = one.state()
    expected = drive(one, 30, 1)
    other = Environments(EnvChoice(id=env_id), 3, 3)
    drive(other, 7, 2)
    other.restore(arrays, values)
    np.testing.assert_array_equal(np.array(drive(other, 30, 1)), np.array(expected))
    one.close()
    other.close()


def test_each_episode_starts_from_the_seed_of_its_environment_and_number() -> None:
    environments = Environments(EnvChoice(id=CHOICE), 11, 2)
    drive(environments, 40, 0)  # two whole episodes of 20 steps
    for index in range(2):
        env = environments.envs[index]
        fresh, _ = env.reset(seed=streams.integer(11, "env", index, 2))
        np.testing.assert_array_equal(environments.observations[index], fresh)


def test_time_limits_are_truncations_and_ends_are_terminations() -> None:
    environments = Environments(EnvChoice(id=CHOICE, kwargs={"ends": True}), 0, 1)
    ended = [environments.step(np.zeros(1, int)) for _ in range(5)][-1]
    assert (ended.terminated[0], ended.truncated[0]) == (True, False)
    assert ended.finished[0].length == 5
    environments = Environments(EnvChoice(id=CHOICE), 0, 1)
    cut = [environments.step(np.zeros(1, int)) for _ in range(20)][-1]
    assert (cut.terminated[0], cut.truncated[0]) == (False, True)
    assert not np.array_equal(cut.last_observations, cut.observations)


def test_a_diverged_episode_ends_as_a_failure_and_its_nan_goes_nowhere() -> None:
    environments = Environments(EnvChoice(id=CHOICE, kwargs={"diverge_at": 3}), 0, 2)
    steps = [environments.step(np.zeros(2, int)) for _ in range(3)]
    last = steps[-1]
    assert last.terminated.all()
    assert not last.truncated.any()
    assert (last.rewards == 0).all()
    assert all("not finite" in str(f.diverged) for f in last.finished)
    assert environments.diverged == 2
    for array in (last.observations, last.last_observations, environments.observations):
        assert np.isfinite(array).all()
