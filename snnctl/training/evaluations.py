"""The raw rows of the evaluations of a training, ``evaluations.jsonl`` in its run folder: one JSON object each.

    update, steps          when, as in metrics.jsonl
    returns, lengths       of each episode; a diverged one up to the divergence
    episode_seeds          of each episode
    diverged               seeds of the diverged episodes
    confirmation           the same four of the confirming episodes; null where none were played

The last line is the agent in ``checkpoints/last``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from snnctl.errors import InputError, Problem
from snnctl.loop.episode import Episode

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
        InputError: there is no such file, or a line is something else.
    """
    path = folder / EVALUATIONS
    rows = []
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise InputError(Problem(str(path), f"cannot be read ({error.strerror})", "name a run folder")) from None
    for number, line in enumerate(lines, 1):
        try:
            found = json.loads(line)
            float(found["steps"])
            if not len(found["returns"]) == len(found["lengths"]) == len(found["episode_seeds"]) > 0:
                raise ValueError
            sum(float(value) for value in found["returns"])
        except (ValueError, KeyError, TypeError):
            raise InputError(Problem(f"{path}:{number}", "is not a line of evaluations")) from None
        rows.append(found)
    return rows
