"""The metrics of a training, ``metrics.jsonl`` in its run folder: one JSON object an update.

Every line has ``steps`` (environment steps so far) and ``mean_return`` (of the last training episodes; null until one
has finished). ``evaluation/return`` is there where an evaluation was due; the other keys are the algorithm's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from snnctl.errors import InputError, Problem
from snnctl.storage import parse_json, read_text

METRICS = "metrics.jsonl"
MAX_NUMBER = 1e300  # whole numbers can be larger than any float

Row = dict[str, Any]


def read(folder: Path) -> list[Row]:
    """The lines of a run folder, in order; steps are numbers, returns are numbers or None.

    Raises:
        InputError: a line is something else.
    """
    path = folder / METRICS
    rows = []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line:
            continue
        row = parse_json(line, f"{path}:{number}", "a line of training metrics")
        if not (
            isinstance(row, dict)
            and is_number(row.get("steps"))
            and "mean_return" in row
            and all(_is_told(row, key) for key in row)
        ):
            remedy = "remove the line, or train again"
            raise InputError(Problem(f"{path}:{number}", "is not a line of training metrics", remedy))
        rows.append(row)
    return rows


def is_number(value: Any) -> bool:
    """Whether JSON gave a finite number; nan and inf are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_NUMBER


def _is_told(row: Row, key: str) -> bool:
    """Every column is a number, or null where there was none."""
    return row[key] is None or is_number(row[key])


def returns(rows: list[Row]) -> list[tuple[float, float]]:
    """Steps and mean return of the updates with a finished episode."""
    return [(row["steps"], row["mean_return"]) for row in rows if row["mean_return"] is not None]


def evaluations(rows: list[Row]) -> list[tuple[float, float]]:
    """Steps and return of the evaluations."""
    return [(row["steps"], row["evaluation/return"]) for row in rows if row.get("evaluation/return") is not None]
