"""Several seeds of one recipe side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from snnctl.agent.folder import Agent
from snnctl.training.interrupt import Interrupt
from snnctl.training.pool import Job, Outcome, train_all
from snnctl.training.recipe import Recipe
from snnctl.training.run import Moment

Progress = Callable[[dict[int, Moment]], None]  # seed -> its latest moment


def train_seeds(
    recipe: Recipe,
    seeds: Sequence[int],
    out: Path,
    *,
    name: str = "",
    command: str = "",
    start: Agent | None = None,
    at_once: int | None = None,
    progress: Progress | None = None,
    interrupt: Interrupt | None = None,
) -> list[Outcome]:
    """Train every seed; the outcomes are in the order of ``seeds``. Seeds not begun when interrupted are left out."""

    def follow(moments: dict[int, Moment]) -> None:
        if progress is not None:
            progress({seeds[number]: moment for number, moment in moments.items()})

    jobs = [Job(recipe, seed, out, name, command, start=start) for seed in seeds]
    outcomes = train_all(jobs, at_once, follow, interrupt=interrupt)
    return [outcomes[number] for number in sorted(outcomes)]
