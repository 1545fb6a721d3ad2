"""Whether a run has learnt anything, and what its figures point at if not.

A run has learnt when the mean return, averaged over a fifth of the run, once rose above where it began by a part
:data:`GAIN` of its size and by more than chance, :data:`ERRORS` standard errors of the two means; or an
evaluation by twice that above the first value. It began at the first value, which may be that of a single episode, or
at the mean over a fifth of the run that begins in its first fifth, whichever is the first to be exceeded. A task that
begins solved looks as if nothing had been learnt; so this is a warning. The reasons are read from ``metrics.jsonl``,
each with what to change, by what the trainer says of its metrics (:class:`~snnctl.training.algorithm.Metric`): some
from the newest line, those that make learning impossible from all lines, and these are told of every run. So are
collapsed evaluations (:mod:`snnctl.training.collapse`).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from pathlib import Path

from snnctl import config
from snnctl.training import metrics, run_folder
from snnctl.training.algorithm import EPISODE_METRICS, RECENT, RUN_METRICS, Metric
from snnctl.training.collapse import GAIN
from snnctl.training.metrics import Row
from snnctl.training.recipe import Recipe

FEWEST = 5  # lines: a shorter training says nothing
ERRORS = 3.0  # standard errors
SHOWN = 5  # collapsed evaluations whose steps are told


def of_run(folder: Path) -> tuple[str, ...]:
    """:func:`warnings` of a run folder, by the metrics of the trainer of its recipe."""
    return warnings(folder, config.load(Recipe, folder / run_folder.RECIPE).trainer.METRICS)


def warnings(folder: Path, known: Mapping[str, Metric]) -> tuple[str, ...]:
    """Sentences about a run that has learnt nothing or forgotten it again; none if it is well or too short to tell.

    Args:
        folder: of the run
        known: metrics of its trainer
    """
    rows = metrics.read(folder)
    return (*_nothing_learnt(rows, known), *_collapses(rows))


def _collapses(rows: list[Row]) -> tuple[str, ...]:
    """Of the evaluations that fell far below the best before them."""
    evaluated = [row for row in rows if row.get("evaluation/collapsed") is not None]
    fallen = [row for row in evaluated if row["evaluation/collapsed"]]
    if not fallen:
        return ()
    metric = RUN_METRICS["evaluation/collapsed"]
    last = ", that of the last agent among them" if fallen[-1] is evaluated[-1] else ""
    head = f"{len(fallen)} of {len(evaluated)} {metric.finding}{last} (evaluation/collapsed is 1 at "
    steps = ", ".join(f"{row['steps']:,}" for row in fallen[-SHOWN:])
    return (f"{head}{'... ' if len(fallen) > SHOWN else ''}{steps} steps): {metric.remedy}",)


def _nothing_learnt(rows: list[Row], known: Mapping[str, Metric]) -> tuple[str, ...]:
    returns = [value for _, value in metrics.returns(rows)]
    if len(returns) < FEWEST:
        return ()
    scores = [value for _, value in metrics.evaluations(rows)]
    largest = _largest(rows)
    impossible = _found({name: m for name, m in known.items() if m.over == "all lines"}, largest)
    if broken := _found(EPISODE_METRICS, largest):  # such episodes teach nothing: whatever else is amiss follows
        impossible = broken
    seen = [row for row in rows if row["mean_return"] is not None]
    first, window = returns[0], max(1, len(returns) // 5)
    needed = _needed(first, seen[0], seen)
    means = [statistics.fmean(returns[k : k + window]) for k in range(len(returns) - window + 1)]
    if max(means) > first + needed or (scores and max(scores) > first + 2 * needed):
        return impossible
    for k in range(window + 1):  # the first line may be a single lucky episode, or too noisy to tell anything from it
        if max(means[k + window :], default=-math.inf) > means[k] + _needed(means[k], seen[k + window - 1], seen):
            return impossible
    found = [*impossible, *_found({name: m for name, m in known.items() if m.over == "newest"}, rows[-1])]
    if not found:
        found = ["no figure stands out: try more steps, more noise, or other learning rates (snnctl sweep)"]
    head = f"it is not learning: the mean return was {first:.4g} at first and never above {max(returns):.4g}"
    return (head, *found)


def _needed(value: float, row: Row, seen: list[Row]) -> float:
    """By how much a mean return has to exceed ``value``, which ``row`` is the last line of."""
    return max(GAIN * max(abs(value), 1e-9), ERRORS * _error(row, seen))


def _error(row: Row, seen: list[Row]) -> float:
    """Standard error of the difference between the mean return of ``row`` and one over :data:`RECENT` episodes."""
    episodes = min(RECENT, max(1, row.get("episodes", RECENT)))
    enough = [row for row in seen if row.get("episodes", 0) >= RECENT]  # the deviation of ten returns says little
    deviation: float = (enough[0] if enough else seen[-1]).get("rollout/ep_rew_std", 0.0)
    return deviation * math.sqrt(1 / episodes + 1 / RECENT)


def _largest(rows: list[Row]) -> Row:
    """The largest number of each metric."""
    names = {name for row in rows for name in row}
    numbers = {name: [row[name] for row in rows if isinstance(row.get(name), int | float)] for name in names}
    return {name: max(values) for name, values in numbers.items() if values}


def _found(known: Mapping[str, Metric], row: Row) -> tuple[str, ...]:
    return tuple(
        f"{metric.finding} ({name} is {row[name]:.3g}): {metric.remedy}"
        for name, metric in known.items()
        if isinstance(row.get(name), int | float) and not metric.low <= row[name] <= metric.high
    )
