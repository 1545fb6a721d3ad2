"""The learning curve of a run folder, from its metrics."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from snnctl.report import figure, learning_curve
from snnctl.report.learning_curve import Curve
from snnctl.storage import write_atomic
from snnctl.training import metrics
from snnctl.training.run_folder import FIGURES


def curve(folder: Path, group: str = "") -> Curve:
    """The curve of a run, which has no point before a training episode has finished.

    Raises:
        InputError: the metrics are damaged.
    """
    rows = metrics.read(folder)
    steps, returns = np.array(metrics.returns(rows), np.float64).reshape(-1, 2).T  # (updates,) each
    evaluated = np.array(metrics.evaluations(rows), np.float64).reshape(-1, 2)
    return Curve(folder.name, steps, returns, evaluated, group)


def write(folder: Path) -> Path | None:
    """Draw ``figures/learning_curve.png``; None when no training episode has finished yet.

    Raises:
        InputError, StorageError: the metrics are damaged; the picture cannot be written.
    """
    drawn = curve(folder)
    if not len(drawn.steps):
        return None
    target = folder / FIGURES / "learning_curve.png"
    plot = learning_curve.draw([drawn], folder.resolve().parent.name)
    write_atomic(target, figure.encode(plot.figure, target.suffix))
    return target
