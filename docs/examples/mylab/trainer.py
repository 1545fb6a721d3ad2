"""A trainer from outside the package: the (1+1) evolution strategy with the one-fifth rule. No gradient, no critic.

    child = parent + sigma N(0, I)                         all trained tensors of the agent as one vector
    both play the same episodes; the child becomes the parent if its mean return is not lower
    sigma := sigma e^(1/3) after a success, sigma e^(-1/12) after a failure: steady where one child in five succeeds

Source: Beyer & Schwefel, Natural Computing 1:3 (2002); the one-fifth rule is Rechenberg's (1973).
"""

from __future__ import annotations

import math
from collections import deque
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Gt
from numpy.typing import NDArray

from snnctl import streams
from snnctl.agent import controllers
from snnctl.agent.folder import Agent
from snnctl.config import schema
from snnctl.errors import Problem
from snnctl.loop.closed_loop import run_episode
from snnctl.robots import environments
from snnctl.surrogate import parameters
from snnctl.surrogate.derivatives import Rectangular
from snnctl.training import actor
from snnctl.training.algorithm import EPISODE_METRICS, RECENT, Metric, Report, State, Trainer
from snnctl.training.blueprint import Blueprint
from snnctl.training.running_statistics import nothing_seen


@schema
class EvolutionStrategy(Trainer):
    """Configuration: the table ``[trainer]`` of a recipe."""

    METRICS: ClassVar[dict[str, Metric]] = {
        "es/sigma": Metric(
            "standard deviation of a step",
            low=1e-4,
            finding="steps are too small to change what the agent does",
            remedy="raise trainer.sigma or trainer.episodes",
        ),
        "es/accepted": Metric("1 if the child became the parent, else 0"),
        **EPISODE_METRICS,
    }

    total_steps: Annotated[int, Gt(0)] = 100_000  # environment steps
    episodes: Annotated[int, Gt(0)] = 5  # that parent and child play in an update, each
    sigma: Annotated[float, Gt(0)] = 0.3  # of the first step
    init_gain: Annotated[float, Ge(0)] = 2.0  # synaptic weights start as N(0, gain^2 / n_in)

    def problems(self, blueprint: Blueprint) -> list[Problem]:
        """What the package's policies cannot take: they know which tensors are to be trained, and how they start."""
        return actor.problems(blueprint.description, Rectangular(), blueprint.name)

    def build(self, blueprint: Blueprint, seed: int, workers: int) -> Strategy:
        """The parent before its first child, in one thread."""
        return Strategy(blueprint, self, seed)


class Strategy:
    """A :class:`snnctl.training.algorithm.Algorithm`."""

    def __init__(self, blueprint: Blueprint, config: EvolutionStrategy, seed: int) -> None:
        self.blueprint, self.config, self.seed = blueprint, config, seed
        self.policy = actor.policy(blueprint.description, Rectangular())
        self.parent, tensors = parameters.allocate(self.policy.shapes, np.float32)
        self.policy.initialise(tensors, streams.generator(seed, "weights"), config.init_gain, 0.5)
        self.sigma = config.sigma
        self.steps = self.updates = self.episodes = self.diverged = 0
        self.recent: deque[float] = deque(maxlen=RECENT)  # returns of the newest episodes
        self.env = environments.make(blueprint.recipe.env.id, **blueprint.recipe.env.kwargs)

    @property
    def total_steps(self) -> int:
        """Environment steps after which training is complete."""
        return self.config.total_steps

    def update(self) -> Report:
        """One child."""
        random = streams.generator(self.seed, "exploration", self.updates)
        child = self.parent + np.float32(self.sigma) * random.standard_normal(self.parent.size, np.float32)
        self.policy.constrain(parameters.views(child, self.policy.shapes), 4.0)
        accepted = self._mean_return(child) >= self._mean_return(self.parent)
        if accepted:
            self.parent = child
        self.sigma *= math.exp(1 / 3 if accepted else -1 / 12)
        self.updates += 1
        mean_return = float(np.mean(self.recent)) if self.recent else None
        metrics = {
            "es/sigma": self.sigma,
            "es/accepted": float(accepted),
            "rollout/diverged": float(self.diverged),
            "rollout/ep_rew_mean": float(np.mean(self.recent or [0.0])),
            "rollout/ep_rew_std": float(np.std(self.recent or [0.0])),
        }
        return Report(self.steps, self.episodes, mean_return, metrics)

    def agent(self) -> Agent:
        """The parent (a copy)."""
        return self._agent(self.parent.copy())

    def state(self) -> State:
        """The parent, the size of its next step, and counters; random numbers are named by (seed, update)."""
        counters = {name: getattr(self, name) for name in ("steps", "updates", "episodes", "diverged", "sigma")}
        return State({"parent": self.parent.copy(), "recent": np.array(self.recent, np.float64)}, counters)

    def restore(self, state: State) -> None:
        """Continue from ``state``."""
        self.parent = state.arrays["parent"].copy()
        self.recent = deque(state.arrays["recent"].tolist(), maxlen=RECENT)
        for name, value in state.values.items():
            setattr(self, name, value)

    def close(self) -> None:
        """Close the environment."""
        self.env.close()

    def _mean_return(self, flat: NDArray[Any]) -> float:
        """Of the episodes of this update; a diverged one is worse than everything."""
        runs, returns = controllers.make(self._agent(flat)), []
        for number in range(self.config.episodes):
            episode = run_episode(runs, self.env, streams.integer(self.seed, "env", self.updates, number))
            self.steps += max(1, episode.length)
            self.episodes += 1
            self.diverged += episode.diverged is not None
            returns.append(-math.inf if episode.diverged else episode.episode_return)
            if episode.diverged is None:
                self.recent.append(episode.episode_return)
        return float(np.mean(returns))

    def _agent(self, flat: NDArray[Any]) -> Agent:
        unseen = nothing_seen(self.blueprint.task.observation_size)  # mean 0, deviation 1: it does not normalise
        return self.blueprint.agent(self.seed, self.steps, parameters.views(flat, self.policy.shapes), unseen)
