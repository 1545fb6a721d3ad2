from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from snnctl.errors import DivergedError, SpaceError
from snnctl.loop import closed_loop, statistics
from snnctl.loop.episode import Episode, Step


class Notes:
    """An observer that keeps everything."""

    def __init__(self, disturb: Any = None) -> None:
        self.steps: list[Step] = []
        self.finished: list[Episode] = []
        self._disturb = disturb

    def start(self, controller: Any, env: Any, seed: int, observation: Any) -> None:
        self.env = env

    def step(self, step: Step) -> None:
        self.steps.append(step)
        if self._disturb is not None:
            self._disturb(self.env.unwrapped, step.number)

    def finish(self, episode: Episode) -> None:
        self.finished.append(episode)


def test_an_episode_to_its_end(pendulum: Any) -> None:
    controller, notes = pendulum(), Notes()
    (episode,) = closed_loop.run_episodes(controller, "InvertedPendulum-v5", [5], observer=notes)
    assert episode.diverged is None
    assert (episode.truncated, episode.terminated, episode.length) == (True, False, 1000)
    assert episode.episode_return == sum(s.reward for s in notes.steps) == 1000
    assert episode.control_dt_s == 0.04
    assert episode.sim_s == pytest.approx(40.0)
    assert len(episode.decision_s) == 1000
    assert (episode.decision_s > 0).all()
    assert episode.wall_s >= episode.decision_s.sum()
    assert controller.resets == [0, 5]  # the warm-up, then one reset for the episode
    assert episode.synaptic_events == 7000
    assert notes.finished == [episode]


def test_spike_counts_are_those_of_the_rasters(cartpole: Any) -> None:
    controller = cartpole()
    (episode,) = closed_loop.run_episodes(controller, "CartPole-v1", [1])
    for name in ("input", "hidden1", "output"):
        total = sum(int(r[name].sum()) for r in controller.rasters)
        assert episode.spikes[name] == total > 0
        assert episode.neuron_ticks[name] == episode.neurons[name] * 5 * len(controller.rasters)
    rate = statistics.rates([episode])["hidden1"]
    assert rate.per_tick == pytest.approx(0.1, abs=0.01)
    assert rate.hz == pytest.approx(rate.per_tick * 5 / 0.02)  # 5 ticks every 20 ms


def test_same_seed_same_episode_bit_for_bit(pendulum: Any) -> None:
    def play() -> tuple[Episode, bytes]:
        notes = Notes()
        (episode,) = closed_loop.run_episodes(
            pendulum(lambda o, k: np.sin(o[:1] + k)), "InvertedPendulum-v5", [9], None, notes
        )
        return episode, b"".join(s.next_observation.tobytes() + s.action.tobytes() for s in notes.steps)  # type: ignore[union-attr]

    (one, first), (two, second) = play(), play()
    assert first == second
    assert (one.episode_return, one.spikes, one.length) == (two.episode_return, two.spikes, two.length)


def test_an_episode_does_not_depend_on_those_before_it(cartpole: Any) -> None:
    alone = closed_loop.run_episodes(cartpole(), "CartPole-v1", [3])[0]
    after = closed_loop.run_episodes(cartpole(), "CartPole-v1", [1, 2, 3])[2]
    assert (alone.episode_return, alone.spikes) == (after.episode_return, after.spikes)


def test_seeds_of_a_longer_evaluation_begin_with_those_of_a_shorter() -> None:
    assert closed_loop.episode_seeds(4, 20)[:5] == closed_loop.episode_seeds(4, 5)
    assert len(set(closed_loop.episode_seeds(4, 20))) == 20


def test_a_nan_action_never_reaches_the_simulator(pendulum: Any) -> None:
    # MuJoCo would zero the controls, carry on and pay +1 (measured on InvertedPendulum-v5).
    controller = pendulum(lambda o, k: np.array([np.nan if k == 3 else 0.0]))
    episodes = closed_loop.run_episodes(controller, "InvertedPendulum-v5", [0])
    assert episodes[0].diverged == "action[0] is nan at step 3 (0.120 s)"
    assert (episodes[0].length, episodes[0].terminated, episodes[0].truncated) == (3, False, False)
    assert statistics.summarise(episodes).mean is None


def test_a_nan_state_ends_the_episode_where_the_simulator_would_reset_itself(pendulum: Any) -> None:
    def break_it(env: Any, step: int) -> None:
        if step == 4:
            env.data.qvel[0] = np.nan

    notes = Notes(break_it)
    (episode,) = closed_loop.run_episodes(pendulum(), "InvertedPendulum-v5", [0], observer=notes)
    assert episode.diverged is not None
    assert "at step 5" in episode.diverged
    assert np.isfinite(notes.steps[-1].next_observation).all()  # it looks healthy from outside
    assert notes.steps[-1].reward == 1  # and pays
    assert episode.episode_return == 5  # but counts for nothing


def test_a_simulation_that_silently_restarts_is_found(pendulum: Any) -> None:
    import mujoco

    def restart(env: Any, step: int) -> None:
        if step == 7:
            mujoco.mj_resetData(env.model, env.data)

    (episode,) = closed_loop.run_episodes(pendulum(), "InvertedPendulum-v5", [0], observer=Notes(restart))
    assert episode.diverged is not None
    assert episode.length == 8


def test_one_diverged_of_three_is_a_failure_not_a_reward(pendulum: Any) -> None:
    controller = pendulum()
    stand, seeds = controller._policy, (0, 1, 2)
    controller._policy = lambda o, k: np.array([np.nan]) if controller.resets[-1] == 1 and k == 900 else stand(o, k)
    episodes = closed_loop.run_episodes(controller, "InvertedPendulum-v5", seeds)
    summary = statistics.summarise(episodes)
    assert [e.episode_return for e in episodes] == [1000, 900, 1000]
    assert (summary.diverged, summary.minimum) == (1, 0.0)
    assert summary.mean == pytest.approx(2000 / 3)


class Drifting(gym.Env[Any, Any]):
    """One observation, one action; the reward or the observation turns NaN when told to."""

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(self, observations: list[float], rewards: list[float]) -> None:
        self.observation_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float64)
        self.action_space = gym.spaces.Box(-2.0, 2.0, (1,), np.float32)
        self._observations, self._rewards = observations, rewards

    def reset(self, **_: Any) -> Any:
        self._k, self.actions = 0, []
        return np.array([self._observations[0]]), {}

    def step(self, action: Any) -> Any:
        self.actions.append(action)
        self._k += 1
        done = self._k == len(self._rewards)
        return np.array([self._observations[self._k]]), self._rewards[self._k - 1], done, False, {}


def test_nan_rewards_and_observations(pendulum: Any) -> None:
    still = pendulum(lambda o, k: np.zeros(1))
    episode = closed_loop.run_episode(still, Drifting([0.0] * 4, [1.0, np.nan, 1.0]), 0)
    assert episode.diverged is not None
    assert "reward" in episode.diverged
    assert episode.episode_return == 1.0
    episode = closed_loop.run_episode(still, Drifting([0.0, np.inf, 0.0, 0.0], [1.0] * 3), 0)
    assert episode.diverged is not None
    assert "observation" in episode.diverged
    assert episode.length == 0
    episode = closed_loop.run_episode(still, Drifting([np.nan] * 4, [1.0] * 3), 0)
    assert episode.diverged == "the first observation is not finite"
    assert len(episode.decision_s) == 0


def test_observations_outside_declared_bounds_are_counted(pendulum: Any) -> None:
    still = pendulum(lambda o, k: np.zeros(1))
    assert closed_loop.run_episode(still, Drifting([0.0, 1.5, -1.0, -7.0], [1.0] * 3), 0).outlying_observations == 2


def test_actions_are_clipped_to_the_limits_and_counted(pendulum: Any) -> None:
    env = Drifting([0.0] * 4, [1.0] * 3)
    wild = pendulum(lambda o, k: np.array([[1e9, -1e300, 0.5][k]]))
    episode = closed_loop.run_episode(wild, env, 0)
    assert [float(a[0]) for a in env.actions] == [2.0, -2.0, 0.5]
    assert all(a.dtype == np.float32 for a in env.actions)
    assert episode.limited_actions == 2


def test_a_controller_that_diverges_itself(pendulum: Any) -> None:
    def burst(_: Any, k: int) -> Any:
        if k == 2:
            raise DivergedError("a membrane is not finite")
        return np.zeros(1)

    episode = closed_loop.run_episode(pendulum(burst), Drifting([0.0] * 5, [1.0] * 4), 0)
    assert episode.diverged == "a membrane is not finite at step 2 (0.080 s)"


@pytest.mark.parametrize("action", [np.zeros(2), np.array([]), np.array(0.0)])
def test_an_action_of_the_wrong_shape_is_refused(pendulum: Any, action: Any) -> None:
    episode = closed_loop.run_episode(pendulum(lambda o, k: action), Drifting([0.0] * 5, [1.0] * 4), 0)
    assert episode.diverged is not None
    assert "the robot takes (1,)" in episode.diverged


@pytest.mark.parametrize("action", [-1, 2, 0.5])
def test_an_index_outside_the_choices_is_refused(cartpole: Any, action: Any) -> None:
    episode = closed_loop.run_episode(cartpole(lambda o, k: action), gym.make("CartPole-v1"), 0)
    assert episode.diverged is not None
    assert "is not one of 0 ... 1" in episode.diverged


def test_max_steps_cuts(pendulum: Any) -> None:
    (episode,) = closed_loop.run_episodes(pendulum(), "InvertedPendulum-v5", [0], max_steps=12)
    assert (episode.length, episode.truncated, episode.terminated) == (12, True, False)


def test_an_agent_of_another_task_is_refused_with_all_reasons(cartpole: Any) -> None:
    with pytest.raises(SpaceError) as caught:
        closed_loop.run_episodes(cartpole(), "InvertedPendulum-v5", [0])
    assert len(caught.value.problems) == 2  # number and kind of actions
    assert "CartPole-v1" in str(caught.value)


def test_progress_is_told_of_every_episode(cartpole: Any) -> None:
    told: list[tuple[int, int, float]] = []
    episodes = closed_loop.run_episodes(
        cartpole(), "CartPole-v1", [1, 2], progress=lambda done, total, e: told.append((done, total, e.episode_return))
    )
    assert told == [(1, 2, episodes[0].episode_return), (2, 2, episodes[1].episode_return)]
