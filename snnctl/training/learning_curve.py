"""The learning curve of a run folder, from its ``metrics.jsonl``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from snnctl.report import figure, learning_curve
from snnctl.training.run_folder import FIGURES, METRICS


def write(folder: Path) -> Path | None:
    """Draw ``figures/learning_curve.png``; None when no training episode has finished yet.

    Raises:
        SnnctlError: the picture cannot be written.
    """
    rows = [json.loads(line) for line in (folder / METRICS).read_text(encoding="utf-8").splitlines()]
    seen = [(row["steps"], row["mean_return"]) for row in rows if row["mean_return"] is not None]
    chosen = [(r["steps"], r["selection_return"]) for r in rows if r.get("selection_return") is not None]
    if not seen:
        return None
    steps, returns = np.array(seen, np.float64).T
    curve = learning_curve.Curve(folder.name, steps, returns, np.array(chosen, np.float64).reshape(-1, 2))
    target = folder / FIGURES / "learning_curve.png"
    target.parent.mkdir(exist_ok=True)
    figure.save(learning_curve.draw([curve], folder.resolve().parent.name), target)
    return target
