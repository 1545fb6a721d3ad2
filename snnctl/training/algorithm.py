"""What every training algorithm offers to the training run: one update at a time, state in, state out."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from snnctl.agent.folder import Agent


class Report(NamedTuple):
    """What one update did; ``metrics`` goes to ``metrics.jsonl`` as it is."""

    steps: int  # environment steps so far, over all environments
    episodes: int  # episodes finished so far
    mean_return: float | None  # mean of the last 100 finished training episodes, None before the first
    metrics: dict[str, float]


class State(NamedTuple):
    """Everything that the next update depends on; restoring it continues bit for bit."""

    arrays: dict[str, NDArray[Any]]  # weights, optimiser moments, normaliser, generator states, ...
    values: dict[str, Any]  # JSON: counters, seeds, action histories that need no array


class Algorithm(Protocol):
    """One file of ``training/`` each; made by ``recipe.build(recipe, seed, workers)``."""

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
        """Everything needed to continue from this update boundary."""
        ...

    def restore(self, state: State) -> None:
        """Continue from ``state``, exactly as if never interrupted."""
        ...

    def close(self) -> None:
        """Close environments and threads."""
        ...
