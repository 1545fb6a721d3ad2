"""Plays the episodes that agents of a training are judged by, in environments that the training does not touch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym

from snnctl.agent.batch import Batch, make_batch
from snnctl.agent.folder import Agent
from snnctl.loop.episode import Episode
from snnctl.loop.side_by_side import Going, run_side_by_side
from snnctl.robots.contract import closed

Play = Callable[[Agent, Sequence[int], Going], tuple[Episode, ...] | None]  # (agent, seeds, whether to go on)


class Evaluator:
    """Copies of the environment, opened when they are first needed."""

    def __init__(self, env: gym.Env[Any, Any], copy: Callable[[], gym.Env[Any, Any]], most: int) -> None:
        """Hold the first copy.

        Args:
            env: the first copy, which is closed with the others
            copy: opens another one
            most: copies side by side; the episodes do not depend on it
        """
        self._envs, self._copy, self._most = [env], copy, most
        self._agent: Agent | None = None
        self._batches: dict[int, Batch] = {}  # of the agent, by rows
        self.seconds = 0.0  # spent on episodes so far

    def play(self, agent: Agent, seeds: Sequence[int], going: Going) -> tuple[Episode, ...] | None:
        """Play greedily, an episode a seed; None if told to stop."""
        begin = time.monotonic()
        try:
            count = min(self._most, len(seeds))
            while len(self._envs) < count:
                self._envs.append(self._copy())
            if agent is not self._agent:
                self._agent, self._batches = agent, {}
            if count not in self._batches:
                self._batches[count] = make_batch(agent, count)
            return run_side_by_side(self._batches[count], self._envs[:count], seeds, going)
        finally:
            self.seconds += time.monotonic() - begin

    def close(self) -> None:
        """Close the copies."""
        for env in self._envs:
            closed(env)
