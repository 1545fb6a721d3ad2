"""Whether a run has learnt anything, and what its figures point at if not.

A run has learnt when the mean return, averaged over a fifth of the run, once rose above its first value by a part
:data:`GAIN` of its size and by more than chance, :data:`ERRORS` standard errors of the two means; or the selection
score by twice that. A task that begins solved looks as if nothing had been learnt; so this is a warning. The reasons
are read from ``metrics.jsonl``, each with what to change: some from its newest line, those that make learning
impossible from all lines, and these are told of every run.
"""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path
from typing import Any

from snnctl.training import run_folder

FEWEST = 5  # lines: a shorter training says nothing
GAIN = 0.1  # of the size of the first mean return that counts as having learnt
ERRORS = 3.0  # standard errors
_EPISODES = 100  # that a mean return is over, at most

_Checks = tuple[tuple[str, float, float, str, str], ...]  # metric, lowest and highest value in order, meaning, remedy

_OF_ALL_LINES: _Checks = (  # their largest value must be in order
    ("rstdp/weight_change", 1e-9, float("inf"), "no weight moves", "raise trainer.learning.learning_rate"),
    (
        "rollout/diverged",
        0.0,
        0.0,
        "episodes ended because a number was not finite",
        "look at the rewards and observations of the environment",
    ),
)
_OF_THE_NEWEST: _Checks = (
    (
        "rstdp/input_variety",
        3.0,
        float("inf"),
        "the same inputs fire whatever is observed",
        "give trainer.observation_low and observation_high what the observations really span",
    ),
    (
        "rstdp/reward_share",
        1e-4,
        float("inf"),
        "rewards are tiny beside the largest one seen",
        "clip the rewards of the environment",
    ),
    (
        "rstdp/dopamine_std",
        1e-6,
        float("inf"),
        "there is no dopamine any more",
        "one reward may be far larger than all others (rstdp/reward_scale): clip the rewards of the environment",
    ),
    ("rstdp/at_limits", 0.0, 0.5, "most weights are at a limit", "lower trainer.learning.learning_rate"),
    (
        "rstdp/dopamine_offset",
        -0.25,
        0.25,
        "the critic errs in one direction everywhere",
        "raise trainer.learning.critic_learning_rate, or check value_low, value_high and value_baseline",
    ),
    ("rstdp/reward_scale", 1e-12, float("inf"), "every reward was 0", "the task gave nothing to learn from"),
    ("snn/rate_hz", 2.0, float("inf"), "the output neurons are nearly silent", "raise trainer.initial_weight"),
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
    impossible = _found(_OF_ALL_LINES, _largest(rows))
    if len(impossible) > 1:  # episodes that diverge teach nothing: that no weight moves follows from it
        impossible = impossible[1:]
    first, window = returns[0], max(1, len(returns) // 5)
    needed = max(GAIN * max(abs(first), 1e-9), ERRORS * _error(rows))
    best = max(statistics.fmean(returns[k : k + window]) for k in range(len(returns) - window + 1))
    if best > first + needed or (scores and max(scores) > first + 2 * needed):
        return impossible
    found = [*impossible, *_found(_OF_THE_NEWEST, rows[-1])]
    if not found:
        found = ["no figure stands out: try more steps, more noise, or other learning rates (snnctl sweep)"]
    head = f"it is not learning: the mean return was {first:.4g} at first and never above {max(returns):.4g}"
    return (head, *found)


def _error(rows: list[dict[str, Any]]) -> float:
    """Standard error of the difference between the first mean return and one over :data:`_EPISODES` episodes."""
    seen = [row for row in rows if row.get("mean_return") is not None]
    episodes = min(_EPISODES, max(1, seen[0].get("episodes", _EPISODES)))
    enough = [row for row in seen if row.get("episodes", 0) >= _EPISODES]  # the deviation of ten returns says little
    deviation: float = (enough[0] if enough else seen[-1]).get("rollout/ep_rew_std", 0.0)
    return deviation * math.sqrt(1 / episodes + 1 / _EPISODES)


def _largest(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The largest number of each metric."""
    names = {name for row in rows for name in row}
    numbers = {name: [row[name] for row in rows if isinstance(row.get(name), int | float)] for name in names}
    return {name: max(values) for name, values in numbers.items() if values}


def _found(checks: _Checks, row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(
        f"{meaning} ({metric} is {row[metric]:.3g}): {remedy}"
        for metric, low, high, meaning, remedy in checks
        if isinstance(row.get(metric), int | float) and not low <= row[metric] <= high
    )
