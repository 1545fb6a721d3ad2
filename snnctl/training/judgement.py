"""What the evaluations of a training have come to so far: when the next one is due, and how many collapsed."""

from __future__ import annotations

import math
from typing import NamedTuple

from snnctl.training.collapse import collapsed
from snnctl.training.recipe import Evaluation


class Judgement(NamedTuple):
    """Of all evaluations so far; as JSON in the checkpoint."""

    evaluations: int = 0
    collapsed: int = 0  # of them (snnctl.training.collapse)
    steps: int = 0  # of the training at the last one
    played: int = 0  # environment steps in all of them, confirmations included
    first: float | None = None  # score of the first one that had a score
    best: float | None = None  # highest score

    def due(self, steps: int, evaluation: Evaluation) -> bool:
        """Whether a training of ``steps`` is to be evaluated: another multiple is reached, and enough was trained."""
        reached = steps // evaluation.every_steps > self.steps // evaluation.every_steps
        return reached and self.played <= evaluation.steps_limit * steps

    def fell(self, score: float) -> bool:
        """Whether an evaluation of this score is a collapse."""
        if self.first is None or self.best is None:
            return False
        return collapsed(score if math.isfinite(score) else None, self.first, self.best)

    def add(self, steps: int, score: float, played: int) -> Judgement:
        """With an evaluation after ``steps`` of training, which took ``played`` steps itself."""
        first, best = self.first, self.best
        if math.isfinite(score):
            first = score if first is None else first
            best = score if best is None else max(best, score)
        return Judgement(
            self.evaluations + 1, self.collapsed + self.fell(score), steps, self.played + played, first, best
        )
