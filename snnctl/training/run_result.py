"""What a training came to."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NamedTuple


class RunResult(NamedTuple):
    """What a training came to."""

    folder: Path
    status: Literal["finished", "interrupted"]
    stopped: str  # why training ended: "total_steps", "stop_return", or "" while it has not
    seed: int
    steps: int
    updates: int
    best: float | None  # evaluation score of the best agent
    evaluations: int  # of the training
    collapsed: int  # evaluations that fell below half of the best before them (snnctl.training.collapse)
    evaluation: dict[str, Any] | None  # eval.json of the best agent
    weights_sha256: str  # of the best agent
    wall_s: float  # training and evaluation, over all sessions of the run
    evaluation_s: float  # of it in evaluations
    final_evaluation_s: float  # of it in the final evaluation

    @property
    def evaluation_share(self) -> float:
        """Part of the time that went into evaluations, the final one included, 0 ... 1."""
        return (self.evaluation_s + self.final_evaluation_s) / self.wall_s
