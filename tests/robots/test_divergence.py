"""The three cases in which MuJoCo hides a divergence behind finite observations and full rewards."""

import gymnasium
import numpy as np
import pytest

from snnctl.robots import environments
from snnctl.robots.contract import number
from snnctl.robots.divergence import Watch


@pytest.fixture
def pendulum(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    env = environments.make("InvertedPendulum-v5")
    env.reset(seed=0)
    yield env
    env.close()
    assert list(tmp_path.iterdir()) == []  # no MUJOCO_LOG.TXT


def test_nothing_is_reported_while_all_is_well(pendulum):
    watch = Watch(pendulum)
    watch.start()
    for step in range(30):
        observation, reward, terminated, _, _ = pendulum.step(np.array([0.01]))
        assert watch.reason(observation, reward) is None, step
        if terminated:
            pendulum.reset(seed=1)
            watch.start()


def test_a_nan_action_is_hidden_by_mujoco_and_seen_by_the_watch(pendulum):
    watch = Watch(pendulum)
    watch.start()
    action = np.array([np.nan])
    observation, reward, terminated, _, _ = pendulum.step(action)
    assert np.isfinite(observation).all() and reward == 1 and not terminated  # the simulator hides it
    assert "mjWARN_BADCTRL" in watch.reason(observation, reward)  # without being shown the action


def test_a_nan_state_resets_the_simulation_silently_and_is_seen(pendulum):
    watch = Watch(pendulum)
    watch.start()
    for _ in range(5):
        assert watch.reason(*pendulum.step(np.array([0.1]))[:2]) is None
    before = pendulum.unwrapped.data.time
    pendulum.unwrapped.data.qvel[0] = np.nan
    observation, reward, terminated, _, _ = pendulum.step(np.array([0.1]))
    assert np.isfinite(observation).all() and reward == 1 and not terminated
    assert pendulum.unwrapped.data.time < before
    assert "mjWARN_BADQVEL" in watch.reason(observation, reward)


def test_time_running_backwards_is_seen_when_the_counter_repeats_itself(pendulum):
    """The counters start again at each silent reset, so a second one can show the same numbers."""
    watch = Watch(pendulum)
    pendulum.unwrapped.data.qvel[0] = np.nan
    pendulum.step(np.array([0.1]))
    watch.start()  # counter is 1 already
    for _ in range(3):
        pendulum.step(np.array([0.0]))
    assert watch.reason(np.zeros(4), 1.0) is None
    pendulum.unwrapped.data.qvel[0] = np.nan
    observation, reward, *_ = pendulum.step(np.array([0.1]))
    assert "reset itself" in watch.reason(observation, reward)


def test_a_state_that_is_not_finite_is_seen_before_the_next_step(pendulum):
    watch = Watch(pendulum)
    watch.start()
    pendulum.unwrapped.data.qpos[0] = np.inf
    assert "state is not finite" in watch.reason(np.zeros(4), 1.0)


@pytest.mark.parametrize(
    ("observation", "reward", "words"),
    [([0.0, np.nan], 1.0, "component 1 is nan"), ([0.0, 0.0], np.inf, "reward"), ([np.inf, 0.0], 0.0, "component 0")],
)
def test_environments_without_mujoco_are_watched_from_outside(observation, reward, words):
    env = gymnasium.make("CartPole-v1")
    watch = Watch(env)
    watch.start()
    assert watch.reason(np.zeros(4), 1.0) is None
    assert words in watch.reason(np.array(observation), reward)


@pytest.mark.parametrize(
    ("reward", "says"), [(1e307, "beyond"), (10**400, "not a finite"), (np.array([np.nan]), "not a finite")]
)
def test_a_reward_that_cannot_be_summed_diverges(pendulum, reward, says):
    watch = Watch(pendulum)
    observation, _ = pendulum.reset(seed=0)
    watch.start()
    observation = pendulum.step(np.array([0.0]))[0]
    assert says in str(watch.reason(observation, number(reward)))


@pytest.mark.parametrize("dtype", [">f4", ">f8", "f2", "g", "i1", "?", "u8"])
def test_observations_of_every_type_are_looked_at(dtype):
    watch = Watch(gymnasium.make("CartPole-v1"))
    assert watch.reason(np.zeros(4, dtype), 1.0) is None
    if np.dtype(dtype).kind == "f":
        assert "not finite" in watch.reason(np.array([0, np.nan, 0, 0], dtype), 1.0)
