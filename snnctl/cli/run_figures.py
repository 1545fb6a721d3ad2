"""``snnctl plot`` of run folders: the learning curve of any, the traces of one that learns by reward."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from snnctl.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from snnctl.report.figure import Plot
    from snnctl.report.learning_curve import Curve


def learning_curve(paths: Sequence[Path]) -> Plot:
    """Mean return over the training of one or several runs.

    Raises:
        InputError: a path is neither a run folder nor holds any, metrics are damaged, or no episode has finished.
    """
    from snnctl.report import learning_curve as picture

    runs = _run_folders(paths)
    recipes = sorted({run.resolve().parent.name for run in runs})
    curves = [curve for curve in (_curve(run, len(recipes) > 1) for run in runs) if len(curve.steps)]
    if not curves:
        raise _unfinished(str(paths[0]))
    return picture.draw(curves, " and ".join(recipes))


def _curve(run: Path, by_recipe: bool) -> Curve:
    """The curve of a run, in the group of its recipe or, where there is but one, of the name that it was given."""
    from snnctl.training import learning_curve

    recipe, given = run.resolve().parent.name, re.sub(r"-seed\d+$", "", run.name)
    group = recipe if by_recipe or re.fullmatch(r"\d{8}-\d{6}", given) else given  # not the moment of its start
    return learning_curve.curve(run, group)


def traces(paths: Sequence[Path]) -> Plot:
    """Return, TD error, weights and value of one training.

    Raises:
        InputError: not one run folder, or of a trainer that tells no TD error, weights and value.
    """
    import numpy as np

    from snnctl.report import learning_traces
    from snnctl.training import metrics
    from snnctl.training.metrics import METRICS

    run = _one_run(paths)
    where = str(run / METRICS)
    rows = [row for row in metrics.read(run) if row["mean_return"] is not None]
    if not rows:
        raise _unfinished(where)
    full = {name.rpartition("/")[2]: name for row in rows for name in row}  # a trainer's columns are <trainer>/<column>
    quantiles = [f"weight_q{percent:02}" for percent in learning_traces.PERCENT]
    needed = ["td_error_std", "td_error_mean", *quantiles, "value_mean"]
    if not set(needed) & set(full):
        remedy = (
            "this figure belongs to trainers of rewards and TD errors; without --figure the learning curve is drawn"
        )
        raise InputError(Problem(where, "holds no TD error and no value", remedy))
    if missing := [name for name in needed if full.get(name) not in rows[-1]]:
        raise InputError(Problem(where, f"holds no {missing[0]}", "it is of an earlier version: train again"))
    wanted = ["steps", "mean_return", *(full[name] for name in needed)]
    try:
        table = np.array([[row[name] for name in wanted] for row in rows], np.float64)  # (updates, columns)
        evaluated = np.array(metrics.evaluations(rows), np.float64).reshape(-1, 2)
    except (KeyError, TypeError, ValueError):
        raise InputError(Problem(where, "is not training metrics throughout", "train again")) from None
    first = len(wanted) - len(quantiles) - 1
    shown = learning_traces.Traces(
        steps=table[:, 0],
        returns=table[:, 1],
        td_error_std=table[:, 2],
        td_error_mean=table[:, 3],
        weights=table[:, first:-1],
        value=table[:, -1],
        evaluated=evaluated,
    )
    return learning_traces.draw(shown, run.resolve().parent.name, f"run {run.resolve().name}, {len(rows)} updates")


def _one_run(paths: Sequence[Path]) -> Path:
    runs = _run_folders(paths)
    if len(runs) > 1:
        remedy = f"it draws one run, e.g. {runs[0]}; without --figure all are drawn"
        raise InputError(Problem("--figure learning", f"was given {len(runs)} runs", remedy))
    return runs[0]


def _run_folders(paths: Sequence[Path]) -> list[Path]:
    """Run folders among ``paths`` and right inside them.

    Raises:
        InputError: a path is none and holds none.
    """
    from snnctl.training.metrics import METRICS

    runs: list[Path] = []
    for path in paths:
        found = [path] if (path / METRICS).is_file() else sorted(p.parent for p in path.glob(f"*/{METRICS}"))
        if not found:
            raise InputError(Problem(str(path), f"has no {METRICS}", "name a run folder or one that holds some"))
        runs += found
    return runs


def _unfinished(where: str) -> InputError:
    return InputError(Problem(where, "has no finished training episode yet", "wait a little"))
