"""What a trainer is, and what it offers to the training run: one update at a time, state in, state out.

A trainer is a dataclass (:func:`snnctl.config.schema`) derived from :class:`Trainer`: the configuration that a recipe
writes down in its table ``trainer``. It builds what it configures; nobody else asks which trainer it is.

    trainer.problems(blueprint) -> list[Problem]                   everything that keeps it from training the recipe
    trainer.build(blueprint, seed, workers) -> Algorithm           ready for its first update; only after no problems
    trainer.METRICS                                                what its columns of metrics.jsonl mean

From ``METRICS`` come the table in ``docs/training.md`` and the diagnosis of a run that does not learn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol

from numpy.typing import NDArray

from snnctl import slots
from snnctl.agent.folder import Agent
from snnctl.allocation import Need
from snnctl.errors import Problem

if TYPE_CHECKING:
    from snnctl.training.blueprint import Blueprint

RECENT = 100  # finished training episodes that a mean return is over, at most


class Report(NamedTuple):
    """What one update did; ``metrics`` goes to ``metrics.jsonl`` as it is."""

    steps: int  # environment steps so far, over all environments
    episodes: int  # episodes finished so far
    mean_return: float | None  # mean of the last 100 finished training episodes, None before the first
    metrics: dict[str, float]


class Rows(NamedTuple):
    """Rows that are only ever added to, as experience is: kept in a file that grows, not in checkpoints."""

    total: int  # rows added so far
    ring: NDArray[Any]  # (kept, width) row n is ring[n % kept]; the array itself, which the next update writes to


class State(NamedTuple):
    """Everything that the next update depends on; restoring it continues bit for bit."""

    arrays: dict[str, NDArray[Any]]  # weights, optimiser moments, normaliser, generator states, ...
    values: dict[str, Any]  # JSON: counters, seeds, action histories that need no array
    rows: Mapping[str, Rows] = MappingProxyType({})


class Algorithm(Protocol):
    """A training under way."""

    @property
    def steps(self) -> int:
        """Environment steps so far."""
        ...

    @property
    def total_steps(self) -> int:
        """Environment steps after which training is complete."""
        ...

    def update(self) -> Report:
        """Advance by one update. Raises DivergedError when a weight or loss is not finite."""
        ...

    def agent(self) -> Agent:
        """The agent as it is now (a copy)."""
        ...

    def state(self) -> State:
        """Everything needed to continue from this update boundary.

        Names, types and shapes are those of the state before the first update, by which a checkpoint is checked before
        it is restored; an array that has no rows then may have any number of them later.
        """
        ...

    def restore(self, state: State) -> None:
        """Continue from ``state``, exactly as if never interrupted."""
        ...

    def close(self) -> None:
        """Close environments and threads."""
        ...


class Metric(NamedTuple):
    """A column of ``metrics.jsonl``: what it means, and what it says where it is not healthy."""

    meaning: str
    low: float = -math.inf  # healthy from here
    high: float = math.inf  # to here
    finding: str = ""  # what it means that it is outside
    remedy: str = ""
    over: Literal["newest", "all lines"] = "newest"  # all lines: the largest of them must be healthy, or nothing learns


RUN_METRICS: dict[str, Metric] = {  # of every training, from the run
    "update": Metric("updates so far"),
    "steps": Metric("environment steps so far, over all environments"),
    "episodes": Metric("training episodes finished so far"),
    "mean_return": Metric(f"over the last {RECENT} finished training episodes, exploration included; null before one"),
    "evaluation/return": Metric("mean return of the evaluation, without exploration, in the updates that have one"),
    "evaluation/episodes": Metric("episodes that it is over"),
    "evaluation/collapsed": Metric(
        "1 if it fell below half of the best before it, counted from the first one where returns are negative, else 0",
        high=0.0,
        finding="evaluations fell below half of the best before them",
        remedy="lower the learning rates, or let them fall to the end of the training",
    ),
}
EPISODE_METRICS: dict[str, Metric] = {  # of trainers that play in blueprint.environments
    "rollout/ep_rew_mean": Metric("the same as mean_return"),
    "rollout/ep_rew_std": Metric("standard deviation of the returns that mean_return is over"),
    "rollout/diverged": Metric(
        "episodes so far that left the finite numbers; they count as failures",
        0.0,
        0.0,
        "episodes ended because a number was not finite",
        "look at the rewards and observations of the environment",
        "all lines",
    ),
}


class Trainer:
    """Base of the configurations of trainers."""

    METRICS: ClassVar[dict[str, Metric]] = {}  # of the reports of its algorithm, besides RUN_METRICS
    ENDS: ClassVar[tuple[str, ...]] = ("total_steps",)  # its keys that say how long it trains: a run may be prolonged

    STARTS: ClassVar[bool] = (
        False  # whether it begins with blueprint.begin(tensors), so that training may start from an agent
    )
    CHIPS: ClassVar[bool] = False  # whether it trains blueprint.policy(...), so that the agent may be made for a chip

    def problems(self, blueprint: Blueprint) -> list[Problem]:
        """Why it cannot train this recipe, besides ``blueprint.problems``; ``where`` begins with the recipe's name."""
        return []

    def needs(self, blueprint: Blueprint) -> list[Need]:
        """What its algorithm allocates beyond the agent itself, by keys of the recipe."""
        return []

    def rehearsal(self) -> Trainer:
        """The trainer whose first update does all that any update of this one does, in as few steps as it takes."""
        return self

    def build(self, blueprint: Blueprint, seed: int, workers: int) -> Algorithm:
        """The algorithm before its first update; the result does not depend on ``workers``, the number of threads."""
        raise NotImplementedError(f"{type(self).__name__} must define build(self, blueprint, seed, workers)")


def defects(part: Any) -> list[str]:
    """Everything that keeps a class from being a trainer."""
    if found := slots.schema_defects(part):
        return found
    if not issubclass(part, Trainer):
        return [f"it is not derived from {Trainer.__module__}.{Trainer.__qualname__}"]
    if part.build is Trainer.build:
        found.append("it does not define build()")
    if not all(isinstance(metric, Metric) for metric in part.METRICS.values()):
        found.append("its METRICS are not of the type snnctl.training.algorithm.Metric")
    return found
