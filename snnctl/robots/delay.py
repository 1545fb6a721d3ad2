"""Delay and jitter: what a controller observes and does is late, by control steps.

An episode draws, uniformly from the ranges of ``env.delay`` and ``env.jitter``, a delay d and a jitter j for its
observations, and both for its actions. Then, with e[k] drawn uniformly from 0 ... j for each single one,

    the observation after step k arrives at step k + d + e[k], and the newest that has arrived is what is observed
    the action decided in step k arrives at step k + d + e[k], and the newest that has arrived is what is done

so one that is overtaken is lost, as on a network. An episode begins with the observation of its reset; until the first
action has arrived the robot does the action nearest to zero, or choice 0. Reward and end of an episode are not late:
they are the judge's, not the robot's.

All draws are of the stream "delay" of the episode's seed: the same seed and actions make the same episode again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from snnctl import streams
from snnctl.agent.environment import EnvChoice, Lag, ends


def delayed(env: gymnasium.Env[Any, Any], choice: EnvChoice) -> gymnasium.Env[Any, Any]:
    """The environment, whose spaces are flat, as late as the choice says; itself where nothing is late."""
    return env if choice.delay.is_none and choice.jitter.is_none else Delay(env, choice.delay, choice.jitter)


class Delay(gymnasium.Wrapper[Any, Any, Any, Any]):
    """An environment with flat spaces whose observations and actions are late."""

    def __init__(self, env: gymnasium.Env[Any, Any], delay: Lag, jitter: Lag) -> None:
        super().__init__(env)
        self._ranges = [ends(steps) for lag in (delay, jitter) for steps in (lag.observation, lag.action)]
        self._random: np.random.Generator | None = None
        self._idle = _idle(env.action_space)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode and draw its delays."""
        observation, info = self.env.reset(seed=seed, options=options)
        if seed is not None:
            self._random = streams.generator(seed, "delay")
        elif self._random is None:
            self._random = np.random.default_rng()
        random = self._random
        d_o, d_a, j_o, j_a = (int(random.integers(low, high + 1)) for low, high in self._ranges)
        self._observations = _Line(np.array(observation), lambda: d_o + int(random.integers(j_o + 1)))
        self._actions = _Line(self._idle, lambda: d_a + int(random.integers(j_a + 1)))
        self._now = 0
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Do what has arrived, and tell what has arrived."""
        self._actions.send(action, self._now)
        observation, reward, terminated, truncated, info = self.env.step(self._actions.receive(self._now))
        self._now += 1
        self._observations.send(np.array(observation), self._now)
        return self._observations.receive(self._now), reward, terminated, truncated, info


class _Line:
    """What was sent is under way for a while; what is received is the newest that has arrived."""

    def __init__(self, first: Any, lateness: Callable[[], int]) -> None:
        self._newest, self._lateness = first, lateness
        self._under_way: list[tuple[int, Any]] = []  # (arrival, what) in the order of sending

    def send(self, what: Any, now: int) -> None:
        self._under_way.append((now + self._lateness(), what))

    def receive(self, now: int) -> Any:
        for place in range(len(self._under_way) - 1, -1, -1):
            arrival, what = self._under_way[place]
            if arrival <= now:
                self._newest = what
                del self._under_way[: place + 1]
                break
        return self._newest


def _idle(space: spaces.Space[Any]) -> Any:
    """The action nearest to zero, or choice 0."""
    if isinstance(space, spaces.Discrete):
        return 0
    if isinstance(space, spaces.Box):
        return np.clip(np.zeros(space.shape), space.low, space.high).astype(space.dtype)
    return np.zeros(space.shape, space.dtype)
