"""Base of the algorithms whose agent learns as it acts: whole episodes in one environment, by local rules.

One update is ``episodes_per_update`` episodes; the learner does the learning, in every decision and at the end of each.
The loop of :func:`snnctl.loop.closed_loop.run_episode` is not shared: its rasters, timing and observers would cost half
a decision more, and training episodes are counted, replayed and followed by
:class:`~snnctl.training.episodes.Environments`. An action needs no gate here: what a learner decodes is finite and
within its limits.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl import streams
from snnctl.agent.folder import Agent
from snnctl.surrogate import parameters
from snnctl.training.algorithm import RECENT, State
from snnctl.training.blueprint import Blueprint


class Online:
    """The subclass says what an update reports and how rates fall.

    Attributes:
        learner: a :class:`~snnctl.agent.learner.Learner` or its fused form
        config: with ``total_steps``, ``total_episodes``, ``final_rate_fraction`` and ``anneal_steps``
        recent: returns of the newest episodes
    """

    learner: Any
    config: Any

    def __init__(self, blueprint: Blueprint, config: Any, seed: int, learner: Any) -> None:
        """Open the environment; ``blueprint`` is of a recipe that has no problems."""
        self.config, self.seed, self.learner = config, seed, learner
        self.environments = blueprint.environments(seed, 1)
        self.updates = self.episodes = self._steps = 0
        self.recent: deque[float] = deque(maxlen=RECENT)

    @property
    def steps(self) -> int:
        """Environment steps so far."""
        return self._steps

    @property
    def total_steps(self) -> int:
        """Environment steps after which training is complete: no more than now once all episodes are done."""
        return self._steps if self.episodes >= self.config.total_episodes else int(self.config.total_steps)

    def agent(self) -> Agent:
        """The agent as it is now (a copy)."""
        agent: Agent = self.learner.agent()
        provenance = dataclasses.replace(agent.description.provenance, steps=self._steps)
        return Agent(dataclasses.replace(agent.description, provenance=provenance), agent.tensors)

    def state(self) -> State:
        """All that the learner keeps, and counters; between episodes there are no marks."""
        env_arrays, env_values = self.environments.state()
        arrays: dict[str, NDArray[Any]] = {f"learner.{k}": v for k, v in self.learner.state().items()}
        arrays |= {f"environments.{name}": array for name, array in env_arrays.items()}
        arrays["recent"] = np.array(self.recent, np.float64)
        values = {"updates": self.updates, "episodes": self.episodes, "steps": self._steps, "environments": env_values}
        return State(arrays, values)

    def restore(self, state: State) -> None:
        """Continue from ``state``, exactly as if never interrupted."""
        self.learner.restore(parameters.below(state.arrays, "learner."))
        self.recent = deque((float(r) for r in state.arrays["recent"]), maxlen=RECENT)
        self.updates, self.episodes = state.values["updates"], state.values["episodes"]
        self._steps = state.values["steps"]
        self.environments.restore({"actions": state.arrays["environments.actions"]}, state.values["environments"])
        self._anneal()

    def close(self) -> None:
        """Close the environment."""
        self.environments.close()

    def _anneal(self) -> None:
        """Let the learner learn with the rates of now."""
        raise NotImplementedError

    @property
    def _passed(self) -> float:
        """The part of the annealing that is over."""
        return min(1.0, self._steps / int(self.config.anneal_steps))

    @property
    def _fraction(self) -> float:
        """Of the rates, after the steps so far."""
        return float(self.config.final_rate_fraction**self._passed)

    def _begin(self) -> None:
        """Begin an episode."""
        self._anneal()
        self.learner.reset(streams.integer(self.seed, "encoder", self.episodes))

    def _step(self, action: Any) -> tuple[float, bool]:
        """Do the action and learn from what came of it: the reward, and whether the episode has ended."""
        step = self.environments.step(np.array([action]))
        self._steps += 1
        reward, finished = float(step.rewards[0]), bool(step.finished)
        if finished and step.finished[0].diverged is not None:
            self.learner.abandon()  # a reward of 0 would be the best there is where rewards are costs
        else:
            ends = bool(step.terminated[0]), bool(step.truncated[0])
            self.learner.feedback(reward, step.last_observations[0], *ends)
        if finished:
            self.recent.append(step.finished[0].episode_return)
            self.episodes += 1
        return reward, finished
