"""The metrics of a training, ``metrics.jsonl`` in its run folder: one JSON object an update.

Every line has ``steps`` (environment steps so far) and ``mean_return`` (of the last training episodes; null until one
has finished). ``evaluation/return`` is there where an evaluation was due; the other keys are the algorithm's.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from snnctl.errors import InputError, Problem

METRICS = "metrics.jsonl"

Row = dict[str, Any]


def read(folder: Path) -> list[Row]:
    """The lines of a run folder, in order; steps are numbers, returns are numbers or None.

    Raises:
        InputError: a line is something else.
    """
    path = folder / METRICS
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        try:
            row = json.loads(line)
            for value in (row["steps"], row["mean_return"] or 0, row.get("evaluation/return") or 0):
                float(value)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InputError(Problem(f"{path}:{number}", "is not a line of training metrics")) from None
        rows.append(row)
    return rows


def returns(rows: list[Row]) -> list[tuple[float, float]]:
    """Steps and mean return of the updates with a finished episode."""
    return [(row["steps"], row["mean_return"]) for row in rows if row["mean_return"] is not None]


def evaluations(rows: list[Row]) -> list[tuple[float, float]]:
    """Steps and return of the evaluations."""
    return [(row["steps"], row["evaluation/return"]) for row in rows if row.get("evaluation/return") is not None]
