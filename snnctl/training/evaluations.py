"""The raw rows of the evaluations of a training, ``evaluations.jsonl`` in its run folder: one JSON object each.

    update, steps          when, as in metrics.jsonl
    returns, lengths       of each episode; a diverged one up to the divergence
    episode_seeds          of each episode
    diverged               seeds of the diverged episodes
    confirmation           the same four of the confirming episodes; null where none were played

The last line is the agent in ``checkpoints/last``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from snnctl.errors import InputError, Problem
from snnctl.loop.episode import Episode
from snnctl.storage import parse_json, read_text
from snnctl.training.metrics import is_number

EVALUATIONS = "evaluations.jsonl"


def row(update: int, steps: int, episodes: Sequence[Episode], confirmation: Sequence[Episode]) -> dict[str, Any]:
    """The line of an evaluation."""
    confirmed = _told(confirmation) if confirmation else None
    return {"update": update, "steps": steps, **_told(episodes), "confirmation": confirmed}


def _told(episodes: Sequence[Episode]) -> dict[str, Any]:
    return {
        "returns": [e.episode_return for e in episodes],
        "lengths": [e.length for e in episodes],
        "episode_seeds": [e.seed for e in episodes],
        "diverged": [e.seed for e in episodes if e.diverged is not None],
    }


def read(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run folder, in order.

    Raises:
        InputError: the file does not exist, or a line is something else.
    """
    path = folder / EVALUATIONS
    rows = []
    for number, line in enumerate(read_text(path, "name a run folder").split("\n"), 1):
        if not line:
            continue
        found = parse_json(line, f"{path}:{number}", "a line of evaluations")
        if not (isinstance(found, dict) and is_number(found.get("steps")) and _is_of_episodes(found)):
            remedy = "remove the line, or train again"
            raise InputError(Problem(f"{path}:{number}", "is not a line of evaluations", remedy))
        rows.append(found)
    return rows


def _is_of_episodes(found: dict[str, Any]) -> bool:
    """Whether returns, lengths and seeds are numbers, as many of each."""
    columns = [found.get(key) for key in ("returns", "lengths", "episode_seeds")]
    if not all(isinstance(column, list) and column and all(map(is_number, column)) for column in columns):
        return False
    return len({len(column) for column in columns if isinstance(column, list)}) == 1
