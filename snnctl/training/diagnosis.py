"""Whether a run has learnt anything, and what its figures point at if not.

A run has learnt nothing when neither the mean return of its training episodes nor the selection score ever rose
above the first mean return by a part :data:`GAIN` of its size. A task that begins solved looks the same; so this is a
warning. The reasons are read from the newest line of ``metrics.jsonl``, each with what to change.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from snnctl.training import run_folder

FEWEST = 5  # lines: a shorter training says nothing
GAIN = 0.1  # of the size of the first mean return that counts as having learnt

_CHECKS: tuple[
    tuple[str, float, float, str, str], ...
] = (  # metric, lowest and highest value in order, meaning, remedy
    ("rstdp/weight_change", 1e-9, float("inf"), "no weight moves", "raise trainer.learning.learning_rate"),
    ("rstdp/at_limits", 0.0, 0.5, "most weights are at a limit", "lower trainer.learning.learning_rate"),
    (
        "rstdp/dopamine_offset",
        -0.25,
        0.25,
        "the critic errs in one direction everywhere",
        "raise trainer.learning.critic_learning_rate, or check value_low, value_high and value_baseline",
    ),
    ("rstdp/reward_scale", 1e-12, float("inf"), "every reward was 0", "the task gave nothing to learn from"),
    ("snn/rate_hz", 1e-9, float("inf"), "the output neurons are silent", "raise trainer.initial_weight"),
    ("snn/input_rate_hz", 1e-9, float("inf"), "the inputs are silent", "check encoder and observation bounds"),
    ("snn/dead_fraction", 0.0, 0.9, "most neurons never fire", "raise the weights or lower v_threshold"),
    ("policy/approx_kl", 0.0, 0.1, "updates move the policy far", "lower trainer.lr"),
)


def warnings(folder: Path) -> tuple[str, ...]:
    """Sentences about a run that has learnt nothing; none if it has, or if it was too short to tell."""
    lines = (folder / run_folder.METRICS).read_text(encoding="utf-8").splitlines()
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    returns = [row["mean_return"] for row in rows if row.get("mean_return") is not None]
    if len(returns) < FEWEST:
        return ()
    scores = [row["selection_return"] for row in rows if row.get("selection_return") is not None]
    first = returns[0]
    needed = GAIN * max(abs(first), 1e-9)
    if max(returns) > first + needed or (scores and max(scores) > first + needed):
        return ()
    newest = rows[-1]
    found = [
        f"{meaning} ({metric} is {newest[metric]:.3g}): {remedy}"
        for metric, low, high, meaning, remedy in _CHECKS
        if isinstance(newest.get(metric), int | float) and not low <= newest[metric] <= high
    ]
    if not found:
        found = ["no figure stands out: try more steps, more noise, or other learning rates (snnctl sweep)"]
    head = f"it is not learning: the mean return was {first:.4g} at first and never above {max(returns):.4g}"
    return (head, *found)
