"""Environments side by side, each episode with a seed of its own, restorable at any step.

Episode ``e`` of environment ``k`` is reset with ``streams.integer(seed, "env", k, e)``, so an episode
depends on nothing but these three numbers and its actions. The state of all environments is therefore
small: (episode number, actions since the last reset) of each; ``restore`` reseeds and replays. That
is exact for every environment that draws its randomness from the generator that ``reset(seed)`` seeds.

A diverged episode (robots.divergence) ends as a failure: terminated, reward 0 for the step that
diverged, counted, and the observation handed out instead is the last finite one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from numpy.typing import NDArray

from snnctl import streams
from snnctl.agent.environment import EnvChoice
from snnctl.errors import DivergedError, Problem
from snnctl.loop.gate import Gate
from snnctl.robots.contract import Contract, closed
from snnctl.robots.divergence import first
from snnctl.robots.environments import opened
from snnctl.robots.post_mortem import MAX_KEPT
from snnctl.robots.trail import PostMortem

Floats = NDArray[np.float64]


class Finished(NamedTuple):
    """One finished training episode."""

    episode_return: float
    length: int
    diverged: str | None  # the reason, None for an ordinary end


class Step(NamedTuple):
    """What one step of all environments gave."""

    observations: Floats  # (envs, dims) to act on next; the first of the new episode where one ended
    rewards: Floats  # (envs,)
    terminated: NDArray[np.bool_]  # (envs,) the task ended: nothing follows
    truncated: NDArray[np.bool_]  # (envs,) time ran out: bootstrap from ``last_observations``
    last_observations: Floats  # (envs, dims) where the step itself led, before any reset
    finished: tuple[Finished, ...]  # episodes that ended in this step, in the order of environments


class Environments:
    """``count`` copies of one environment, stepped one after the other."""

    def __init__(
        self,
        env: EnvChoice,
        seed: int,
        count: int,
        before_step: Callable[[], None] = lambda: None,
        keep: Callable[[PostMortem], object] = lambda found: None,
    ) -> None:
        """Open them.

        Args:
            env: which one
            seed: of all episodes
            count: copies
            before_step: called before every step; may raise to leave it
            keep: told how the first episodes diverged
        """
        self.seed, self._before_step, self._keep = seed, before_step, keep
        self.envs: list[gymnasium.Env[Any, Any]] = []
        try:
            for _ in range(count):
                self.envs.append(opened(env))
            self._start(count)
        except BaseException:
            self.close()
            raise

    def _start(self, count: int) -> None:
        """Begin the first episode of each."""
        self._contracts = [Contract(env) for env in self.envs]
        space = self.envs[0].action_space
        self._checks = Gate(space).check if isinstance(space, gymnasium.spaces.Box) else None
        self.discrete = isinstance(space, gymnasium.spaces.Discrete)
        dims = int(np.prod(self.envs[0].observation_space.shape or (1,)))
        self.observations: Floats = np.zeros((count, dims))  # (envs, dims) what each is to act on
        self.diverged = 0  # episodes so far that ended by divergence
        self._episode = [-1] * count
        self._returns = [0.0] * count
        self._actions: list[list[Any]] = [[] for _ in range(count)]
        for index in range(count):
            self._reset(index, 0)

    def __len__(self) -> int:
        return len(self.envs)

    def step(self, actions: NDArray[Any]) -> Step:
        """Advance every environment by one step, and reset those whose episode ended.

        ``actions`` is (envs,) of indices for discrete actions, (envs, choices) of indices where an action makes
        several choices, else (envs, actions) in the environment's own units.
        """
        self._before_step()
        count = len(self.envs)
        rewards = np.zeros(count)  # (envs,)
        terminated = np.zeros(count, dtype=np.bool_)  # (envs,)
        truncated = np.zeros(count, dtype=np.bool_)  # (envs,)
        last = np.zeros_like(self.observations)  # (envs, dims)
        finished: list[Finished] = []
        for index in range(count):
            observation, reward, ended, out_of_time, reason = self._advance(index, actions[index])
            if reason is not None:
                if self.diverged < MAX_KEPT:
                    self._keep(self._contracts[index].post_mortem(reason))
                observation, reward, ended, out_of_time = self.observations[index], 0.0, True, False
                self.diverged += 1
            self._returns[index] += reward
            last[index] = observation
            rewards[index], terminated[index], truncated[index] = reward, ended, out_of_time and not ended
            if ended or out_of_time:
                finished.append(Finished(self._returns[index], len(self._actions[index]), reason))
                self._reset(index, self._episode[index] + 1)
            else:
                self.observations[index] = observation
        return Step(self.observations.copy(), rewards, terminated, truncated, last, tuple(finished))

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Arrays and JSON values from which :meth:`restore` continues every episode."""
        width = 1 if self.discrete else int(np.prod(self.envs[0].action_space.shape or (1,)))
        rows = [np.reshape(action, width) for actions in self._actions for action in actions]
        history = np.array(rows, dtype=np.float64).reshape(len(rows), width)  # (steps of all, width)
        values = {
            "episode": list(self._episode),
            "length": [len(actions) for actions in self._actions],
            "diverged": self.diverged,
        }
        return {"actions": history}, values

    def restore(self, arrays: Mapping[str, NDArray[Any]], values: Mapping[str, Any]) -> None:
        """Reset every environment to its recorded episode and replay its recorded actions."""
        start = 0
        for index, (episode, length) in enumerate(zip(values["episode"], values["length"], strict=True)):
            self._reset(index, episode)
            for row in arrays["actions"][start : start + length]:
                observation, reward, *_ = self._advance(index, row[0] if self.discrete else row)
                self.observations[index] = observation
                self._returns[index] += reward
            start += length
        self.diverged = values["diverged"]

    def close(self) -> None:
        """Close every environment."""
        for env in self.envs:
            closed(env)

    def _reset(self, index: int, episode: int) -> None:
        self._episode[index] = episode
        self._returns[index] = 0.0
        self._actions[index] = []
        observation = self._contracts[index].reset(streams.integer(self.seed, "env", index, episode))
        if not np.isfinite(observation).all():
            message = f"the first observation of episode {episode} is not finite"
            raise DivergedError(Problem("env.id", message, "mend the environment's reset"))
        self.observations[index] = observation

    def _advance(self, index: int, action: Any) -> tuple[Floats, float, bool, bool, str | None]:
        sent: Any
        if self._checks is None:
            sent = int(action) if self.discrete else np.array(action, dtype=self.envs[index].action_space.dtype)
        else:
            sent, _, refusal = self._checks(action)
            if refusal:
                self._actions[index].append(np.array(action))
                return self.observations[index], 0.0, True, False, f"the action is not finite ({first(action)})"
        self._actions[index].append(sent)
        raw, reward, ended, out_of_time, reason = self._contracts[index].step(sent)
        return raw.astype(np.float64), reward, ended, out_of_time, reason
