"""What goes on in a training by reward-modulated STDP: return, TD error, weights and value over environment steps.

All numbers are those of ``metrics.jsonl``, one point an update: the mean return of the last 100 episodes; deviation
and mean of the TD error delta; quantiles of the actor's weights; the mean of the critic's value over all
decisions. Delta and value are in parts of the largest reward seen, per step (:mod:`snnctl.agent.actor_critic`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator
from numpy.typing import NDArray

from snnctl.report import figure
from snnctl.report.figure import Plot

PERCENT = (5, 25, 50, 75, 95)  # of the quantiles of the weights
WIDTH_IN = 7.4
_LEFT_IN, _RIGHT_IN, _TOP_IN, _BOTTOM_IN = 0.8, 0.85, 0.98, 0.5
_PANEL_IN, _GAP_IN = 1.12, 0.42


class Traces(NamedTuple):
    """One training; a row an update."""

    steps: NDArray[np.float64]  # (updates,) ascending
    returns: NDArray[np.float64]  # (updates,)
    td_error_std: NDArray[np.float64]  # (updates,)
    td_error_mean: NDArray[np.float64]  # (updates,)
    weights: NDArray[np.float64]  # (updates, 5) quantiles 5, 25, 50, 75, 95 %
    value: NDArray[np.float64]  # (updates,)
    evaluated: NDArray[np.float64]  # (evaluations, 2): steps and return, without exploration


def draw(traces: Traces, heading: str, below: str = "") -> Plot:
    """Draw the four panels over one axis of environment steps."""
    height = _TOP_IN + 4 * _PANEL_IN + 3 * _GAP_IN + _BOTTOM_IN
    steps = traces.steps
    with figure.styled():
        canvas = Figure(figsize=(WIDTH_IN, height))
        returns, td_error, weights, value = _stack(canvas, height)
        _caption(returns, "return", "mean of the last 100 training episodes")
        returns.plot(steps, traces.returns, color=figure.BLUE)
        if len(traces.evaluated):
            _caption(returns, "return", "mean of the last 100 episodes; dots: evaluations, without exploration")
            returns.plot(*traces.evaluated.T, "o", color=figure.VERMILION, markersize=4.5, markeredgecolor="white",
                         markeredgewidth=0.7, zorder=3, clip_on=False)  # fmt: skip
        _caption(td_error, "TD error", "delta of all decisions of an update, in largest rewards per step")
        td_error.plot(steps, traces.td_error_std, color=figure.PURPLE)
        td_error.plot(steps, traces.td_error_mean, color=figure.ORANGE)
        _ends(td_error, steps[-1], [("deviation", traces.td_error_std[-1], figure.PURPLE),
                                    ("mean", traces.td_error_mean[-1], figure.ORANGE)])  # fmt: skip
        _caption(weights, "weights of the actor", "median, and the middle 50 % and 90 % of all synapses")
        q = traces.weights.T  # (5, updates)
        weights.fill_between(steps, q[0], q[4], color=figure.GREEN, alpha=0.16, linewidth=0)
        weights.fill_between(steps, q[1], q[3], color=figure.GREEN, alpha=0.30, linewidth=0)
        weights.plot(steps, q[2], color=figure.GREEN)
        _caption(value, "value", "of the critic, mean over all decisions of an update, in largest rewards per step")
        value.plot(steps, traces.value, color=figure.BLUE)
        for panel in (returns, td_error, weights, value):
            _finish(panel, float(steps[-1]))
        value.tick_params(labelbottom=True)
        value.set_xlabel("environment steps")
        figure.title(canvas, returns, heading, below)
    return Plot(canvas, _data(traces))


def _stack(canvas: Figure, height: float) -> list[Axes]:
    places: list[Axes] = []
    top = height - _TOP_IN
    for _ in range(4):
        box = (
            _LEFT_IN / WIDTH_IN,
            (top - _PANEL_IN) / height,
            1 - (_LEFT_IN + _RIGHT_IN) / WIDTH_IN,
            _PANEL_IN / height,
        )
        places.append(canvas.add_axes(box, sharex=places[0] if places else None))
        top -= _PANEL_IN + _GAP_IN
    return places


def _caption(axes: Axes, name: str, what: str) -> None:
    """A name above a panel, and softly what exactly is in it."""
    for old in list(axes.texts):
        old.remove()
    left = axes.annotate(name, (0, 1), xycoords="axes fraction", xytext=(0, 5), textcoords="offset points",
                         fontsize=9, fontweight="bold", va="bottom")  # fmt: skip
    axes.annotate(what, (1, 0), xycoords=left, xytext=(7, 0), textcoords="offset points", fontsize=8.5,
                  color=figure.SOFT, va="bottom")  # fmt: skip


def _ends(axes: Axes, x: float, lines: list[tuple[str, float, str]]) -> None:
    """Names beside the ends of two lines, the upper one's a little higher, so that they never meet."""
    for (name, y, colour), up in zip(sorted(lines, key=lambda line: -line[1]), (4, -4), strict=True):
        axes.annotate(name, (x, y), xytext=(6, up), textcoords="offset points", va="center", color=colour,
                      fontsize=8.5, annotation_clip=False)  # fmt: skip


def _finish(axes: Axes, last: float) -> None:
    axes.grid(axis="y")
    axes.margins(y=0.08)
    axes.set_xlim(0, last)
    low, high = axes.get_ylim()
    if low < 0 < high:
        axes.axhline(0, color="#b4bac4", linewidth=0.8, zorder=0.5)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.tick_params(labelbottom=False)


def _data(traces: Traces) -> dict[str, Any]:
    return {"figure": "learning", **{name: values.tolist() for name, values in traces._asdict().items()}}
