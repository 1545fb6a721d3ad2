"""Environments side by side in which a policy with a critic plays a fixed number of steps at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.training.algorithm import EPISODE_METRICS, RECENT, Metric, State
from snnctl.training.blueprint import Blueprint
from snnctl.training.episodes import Step
from snnctl.training.exploration import Choices, Normal

Floats = NDArray[np.float64]

Act = Callable[[Floats, NDArray[np.uint64]], Floats]  # observations (envs, dims), keys (envs,) -> z (envs, actions)
Value = Callable[[Floats], Floats]  # observations (envs, dims) -> (envs,)

METRICS: dict[str, Metric] = {  # of Rollouts.metrics
    "rollout/ep_len_mean": Metric("steps of an episode, over those that mean_return is over"),
    **EPISODE_METRICS,
}


class Experience(NamedTuple):
    """What a rollout gave."""

    observations: Floats  # (steps, envs, dims) as the environment gives them
    keys: NDArray[np.uint64]  # (steps, envs) random streams of the encoder
    actions: Floats  # (steps, envs, width) as the distribution drew them
    rewards: Floats  # (steps, envs)
    values: Floats  # (steps, envs) of the observations acted on
    next_values: Floats  # (steps, envs) of where the step led; 0 where the task ended
    ended: NDArray[np.bool_]  # (steps, envs)


class Rollouts:
    """Environments, the distribution that actions are drawn from, and the newest episodes."""

    def __init__(self, blueprint: Blueprint, seed: int, count: int) -> None:
        self._limits = blueprint.limits
        task = blueprint.task
        discrete = task.action_kind == "discrete"
        self.distribution: Choices | Normal = Choices(task.choices) if discrete else Normal(task.action_size)
        self.episodes = 0  # finished so far
        self.recent: deque[tuple[float, int]] = deque(maxlen=RECENT)  # (return, length)
        self.environments = blueprint.environments(seed, count)

    def play(self, steps: int, log_std: Floats, random: np.random.Generator, act: Act, value: Value) -> Experience:
        """Take ``steps`` steps in each environment with actions drawn around what ``act`` says."""
        shape = steps, len(self.environments)
        observations = np.zeros((*shape, self.environments.observations.shape[1]))
        keys = random.integers(0, 2**64, size=shape, dtype=np.uint64)
        actions = np.zeros((*shape, self.distribution.width))
        rewards, values, next_values = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        ended = np.zeros(shape, dtype=np.bool_)
        expected = value(self.environments.observations)
        for t in range(steps):
            observations[t], values[t] = self.environments.observations, expected
            actions[t] = self.distribution.sample(act(observations[t], keys[t]), log_std, random)
            step = self.step(self.distribution.action(actions[t]))
            rewards[t] = step.rewards
            ended[t] = step.terminated | step.truncated
            expected = value(step.observations)
            next_values[t] = expected
            if step.truncated.any():
                next_values[t] = np.where(step.truncated, value(step.last_observations), next_values[t])
            next_values[t][step.terminated] = 0.0
        return Experience(observations, keys, actions, rewards, values, next_values, ended)

    def step(self, actions: Floats) -> Step:
        """One step of every environment with these actions (envs, width); notes the episodes that finish."""
        step = self.environments.step(self.to_environment(actions))
        self.episodes += len(step.finished)
        self.recent.extend((f.episode_return, f.length) for f in step.finished)
        return step

    def to_environment(self, actions: Floats) -> NDArray[Any]:
        """Indices, or normalised actions clipped and scaled to the limits."""
        if self._limits is None:
            chosen = actions.astype(np.int64)
            return chosen[:, 0] if self.environments.discrete else chosen
        low, high = self._limits
        return low + (np.clip(actions, -1.0, 1.0) + 1.0) / 2.0 * (high - low)

    @property
    def mean_return(self) -> float | None:
        """Of the newest episodes; None before the first has finished."""
        return float(np.array(self.recent)[:, 0].mean()) if self.recent else None

    def metrics(self) -> dict[str, float]:
        """Of the newest episodes, as :data:`METRICS` says."""
        found = {"rollout/diverged": float(self.environments.diverged)}
        if self.recent:
            returns, lengths = np.array(self.recent).T
            found["rollout/ep_rew_mean"] = float(returns.mean())
            found["rollout/ep_rew_std"] = float(returns.std())
            found["rollout/ep_len_mean"] = float(lengths.mean())
        return found

    def state(self) -> State:
        """The environments' episodes and the newest returns."""
        arrays, values = self.environments.state()
        arrays["recent"] = np.array(self.recent, dtype=np.float64).reshape(-1, 2)
        return State(arrays, {"episodes": self.episodes, "environments": values})

    def restore(self, state: State) -> None:
        """Continue from :meth:`state`."""
        self.recent = deque(((float(r), int(n)) for r, n in state.arrays["recent"]), maxlen=RECENT)
        self.episodes = state.values["episodes"]
        self.environments.restore(state.arrays, state.values["environments"])

    def close(self) -> None:
        """Close the environments."""
        self.environments.close()
