"""Learning curves: mean return of the last 100 training episodes over environment steps.

One run: its curve. Several: each seed as a thin line, their mean, and the 95 % interval of that mean,

    mean(s) +- t(0.975, n - 1) * std(s) / sqrt(n)        std with divisor n - 1

over the n seeds, all interpolated to common steps, as far as every seed has come. Runs of several groups, such as
recipes or settings that are compared, each have a colour, a mean and an interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
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
    evaluated: NDArray[np.float64]  # (evaluations, 2): steps and return, without exploration
    group: str = ""  # runs that differ only in their seed


class Interval(NamedTuple):
    """Mean over seeds and its interval."""

    steps: NDArray[np.float64]  # (POINTS,)
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def over_seeds(curves: Sequence[Curve]) -> Interval:
    """Mean and interval of at least two curves, on the steps that all of them cover."""
    first, last = max(c.steps[0] for c in curves), min(c.steps[-1] for c in curves)
    steps = np.linspace(first, last, POINTS)  # (POINTS,)
    rows = np.array([np.interp(steps, c.steps, c.returns) for c in curves])  # (curves, POINTS)
    mean = rows.mean(axis=0)
    n = len(curves)
    half = stats.t.ppf(0.975, n - 1) * rows.std(axis=0, ddof=1) / np.sqrt(n)
    return Interval(steps, mean, mean - half, mean + half)


def draw(curves: Sequence[Curve], heading: str) -> Plot:
    """Draw one or several runs, each group of them in its colour."""
    groups = {name: [c for c in curves if c.group == name] for name in dict.fromkeys(c.group for c in curves)}
    data: dict[str, Any] = {"figure": "learning_curve", "runs": [_data(curve) for curve in curves]}
    with figure.styled():
        canvas = Figure(figsize=(7.4, 4.3))
        axes = canvas.add_axes((0.105, 0.125, 0.80 if len(groups) == 1 else 0.70, 0.70))
        axes.grid(axis="y")
        tips: list[tuple[float, str, str]] = []  # last return, text, colour
        for number, (name, own) in enumerate(groups.items()):
            colour = figure.SERIES[number % len(figure.SERIES)]
            if len(own) == 1:
                (curve,) = own
                axes.plot(curve.steps, curve.returns, color=colour, linewidth=2.0)
                tips.append((curve.returns[-1], name if len(groups) > 1 else "training", colour))
                continue
            band = over_seeds(own)
            data.setdefault("over_seeds", {})[name] = {key: values.tolist() for key, values in band._asdict().items()}
            for curve in own:
                axes.plot(curve.steps, curve.returns, color=colour, linewidth=0.7, alpha=0.35)
            axes.fill_between(band.steps, band.low, band.high, color=colour, alpha=0.16, linewidth=0)
            axes.plot(band.steps, band.mean, color=colour, linewidth=2.2)
            tips.append((band.mean[-1], name if len(groups) > 1 else f"mean of {len(own)}", colour))
        below = "training return, mean of the last 100 episodes"
        seeds = sorted({len(own) for own in groups.values()})
        if seeds[-1] > 1:
            below += f"; {' or '.join(map(str, seeds))} seeds, 95 % interval of their mean"
        elif len(groups) == 1 and len(curves[0].evaluated):
            axes.plot(*curves[0].evaluated.T, "o", color=figure.VERMILION, markersize=4.5, markeredgecolor="white",
                      markeredgewidth=0.7, zorder=3)  # fmt: skip
            below += "; dots: evaluations, without exploration"
        axes.margins(y=0.08)
        axes.set_xlim(0, max(float(c.steps[-1]) for c in curves))
        _name(axes, tips)
        axes.set_xlabel("environment steps")
        axes.set_ylabel("return")
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_major_locator(MaxNLocator(6))
        figure.title(canvas, axes, heading, below)
    return Plot(canvas, data)


def _name(axes: Axes, tips: Sequence[tuple[float, str, str]]) -> None:
    """What each curve is and where it ends, to the right of the axes and none over another."""
    low, high = axes.get_ylim()
    places: list[float] = []  # from the top down, in parts of the axes
    for value, text, colour in sorted(tips, reverse=True):
        place = (value - low) / (high - low)
        places.append(min(place, places[-1] - 0.12) if places else place)
        axes.text(1.012, places[-1], f"{text}\n{value:.4g}", transform=axes.transAxes, va="center", color=colour,
                  fontsize=8.5)  # fmt: skip


def _data(curve: Curve) -> dict[str, Any]:
    return {"name": curve.name, "steps": curve.steps.tolist(), "returns": curve.returns.tolist(),
            "evaluated": curve.evaluated.tolist(), "group": curve.group}  # fmt: skip
