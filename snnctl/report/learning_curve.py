"""Learning curves: mean return of the last 100 training episodes over environment steps.

One run: its curve. Several: each seed as a thin line, their mean, and the 95 % interval of that mean,

    mean(s) +- t(0.975, n - 1) * std(s) / sqrt(n)        std with divisor n - 1

over the n seeds, all interpolated to common steps, as far as every seed has come.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator
from numpy.typing import NDArray
from scipy import stats

from snnctl.report import figure
from snnctl.report.figure import Plot

POINTS = 200


class Curve(NamedTuple):
    """One training run."""

    name: str
    steps: NDArray[np.float64]  # (updates,) ascending
    returns: NDArray[np.float64]  # (updates,)
    selected: NDArray[np.float64]  # (selections, 2): steps and return of selection episodes


class Band(NamedTuple):
    """Mean over seeds and its interval."""

    steps: NDArray[np.float64]  # (POINTS,)
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def over_seeds(curves: Sequence[Curve]) -> Band:
    """Mean and interval of at least two curves, on the steps that all of them cover."""
    first, last = max(c.steps[0] for c in curves), min(c.steps[-1] for c in curves)
    steps = np.linspace(first, last, POINTS)  # (POINTS,)
    rows = np.array([np.interp(steps, c.steps, c.returns) for c in curves])  # (curves, POINTS)
    mean = rows.mean(axis=0)
    n = len(curves)
    half = stats.t.ppf(0.975, n - 1) * rows.std(axis=0, ddof=1) / np.sqrt(n)
    return Band(steps, mean, mean - half, mean + half)


def draw(curves: Sequence[Curve], heading: str) -> Plot:
    """Draw one or several runs of a recipe."""
    several = len(curves) > 1
    data: dict[str, Any] = {"figure": "learning_curve", "runs": [_data(curve) for curve in curves]}
    with figure.styled():
        canvas = Figure(figsize=(7.4, 4.3))
        axes = canvas.add_axes((0.105, 0.125, 0.80, 0.70))
        axes.grid(axis="y")
        if several:
            band = over_seeds(curves)
            data["over_seeds"] = {name: values.tolist() for name, values in band._asdict().items()}
            for curve in curves:
                axes.plot(curve.steps, curve.returns, color=figure.BLUE, linewidth=0.7, alpha=0.35)
            axes.fill_between(band.steps, band.low, band.high, color=figure.BLUE, alpha=0.16, linewidth=0)
            axes.plot(band.steps, band.mean, color=figure.BLUE, linewidth=2.2)
            tip = (band.steps[-1], band.mean[-1], f"mean of {len(curves)}")
            below = f"training return, mean of the last 100 episodes; {len(curves)} seeds, 95 % interval of their mean"
        else:
            (curve,) = curves
            axes.plot(curve.steps, curve.returns, color=figure.BLUE, linewidth=2.0)
            tip = (curve.steps[-1], curve.returns[-1], "training")
            below = "training return, mean of the last 100 episodes"
            if len(curve.selected):
                axes.plot(*curve.selected.T, "o", color=figure.VERMILION, markersize=4.5, markeredgecolor="white",
                          markeredgewidth=0.7, zorder=3)  # fmt: skip
                below += "; dots: selection episodes, without exploration"
        axes.annotate(f"{tip[2]}\n{tip[1]:.4g}", tip[:2], xytext=(6, 0), textcoords="offset points", va="center",
                      color=figure.BLUE, fontsize=8.5, annotation_clip=False)  # fmt: skip
        axes.margins(y=0.08)
        axes.set_xlim(0, max(float(c.steps[-1]) for c in curves))
        axes.set_xlabel("environment steps")
        axes.set_ylabel("return")
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_major_locator(MaxNLocator(6))
        figure.title(canvas, axes, heading, below)
    return Plot(canvas, data)


def _data(curve: Curve) -> dict[str, Any]:
    return {"name": curve.name, "steps": curve.steps.tolist(), "returns": curve.returns.tolist(),
            "selected": curve.selected.tolist()}  # fmt: skip
