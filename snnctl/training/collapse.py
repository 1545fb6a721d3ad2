"""Collapsed evaluations: those that fall below half of what the run had reached before.

    floor = min(0, first evaluation)
    collapsed:  return < floor + (best so far - floor) / 2,   where best so far > floor + GAIN |floor|

Where the first return is positive, as in tasks that pay for every step survived, this is half of the best. Negative
returns have no half: there it is half of the way that the run had come, and a way shorter than :data:`GAIN` of the
first return cannot serve. A run that has gained nothing cannot collapse. An evaluation whose every episode diverged has
no return and counts as collapsed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

GAIN = 0.1  # of the size of the first return that counts as having learnt


def collapsed(value: float | None, first: float, best: float) -> bool:
    """Whether an evaluation of ``value`` (None: every episode diverged) fell below half.

    Args:
        value: mean return of the evaluation
        first: of the first evaluation of the run that had a return
        best: the highest before this one
    """
    floor = min(0.0, first)
    if not best > floor + GAIN * abs(floor):
        return False
    return value is None or not value >= floor + (best - floor) / 2


def collapses(values: Sequence[float | None]) -> list[bool]:
    """:func:`collapsed` of each evaluation of a run, in order."""
    found: list[bool] = []
    known: list[float] = []
    for value in values:
        found.append(bool(known) and collapsed(value, known[0], max(known)))
        if value is not None and math.isfinite(value):
            known.append(value)
    return found


def collapse_share(steps: Sequence[float], values: Sequence[float | None], after: float = 0.0) -> float:
    """Share of collapsed evaluations among those after the part ``after`` (0 ... 1) of the last step; 0 of none.

    Args:
        steps: of each evaluation, ascending
        values: mean return of each; None where every episode diverged
        after: which part of the training is not looked at
    """
    chosen = [bad for step, bad in zip(steps, collapses(values), strict=True) if step > after * steps[-1]]
    return sum(chosen) / len(chosen) if chosen else 0.0
