"""Weights of a projection over time: how they are distributed, and some of them.

The shade at a time and a weight is the part of all synapses in that bin; the histogram on the right is of the last
sample.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from snnctl.report import figure
from snnctl.report.figure import Plot

BINS = 50
_SHADES = LinearSegmentedColormap.from_list("weights", [figure.PAPER, "#b9d7ea", figure.BLUE, "#00324f"])


def distribution(
    axes: Axes, times_s: ArrayLike, weights: ArrayLike, limits: tuple[float, float] | None = None
) -> NDArray[np.float64]:
    """Draw the distribution of weights (samples, synapses) over time onto ``axes``; returns it (samples, BINS)."""
    times, values = np.asarray(times_s, np.float64), np.asarray(weights, np.float64).reshape(np.size(times_s), -1)
    low, high = _limits(values) if limits is None else limits
    edges = np.linspace(low, high, BINS + 1)
    parts = np.array([np.histogram(row, edges)[0] / row.size for row in values])  # (samples, BINS)
    steps = np.concatenate([[2 * times[0] - times[1]], times]) if len(times) > 1 else np.array([0.0, times[0]])
    axes.pcolormesh(steps, edges, parts.T, cmap=_SHADES, norm=PowerNorm(0.45, vmin=0), rasterized=True)
    axes.set_xlim(steps[0], steps[-1])
    axes.set_ylim(low, high)
    return parts


def selected(axes: Axes, times_s: ArrayLike, weights: ArrayLike, synapses: Sequence[int]) -> None:
    """Draw the weights (samples, synapses) of some synapses as lines onto ``axes``."""
    values = np.asarray(weights, np.float64).reshape(np.size(times_s), -1)
    colours = (figure.VERMILION, figure.ORANGE, figure.GREEN, figure.PURPLE)
    for k, synapse in enumerate(synapses):
        axes.plot(
            times_s, values[:, synapse], color=colours[k % len(colours)], linewidth=1.2, label=f"synapse {synapse}"
        )


def draw(
    times_s: ArrayLike,
    weights: ArrayLike,
    synapses: Sequence[int] = (),
    *,
    limits: tuple[float, float] | None = None,
    unit: str = "",
    heading: str,
    below: str = "",
) -> Plot:
    """Draw distribution, selected synapses and the last histogram as a figure.

    Args:
        times_s: of the samples (samples,)
        weights: (samples, synapses), as ``Network.trace`` returns them of a projection
        synapses: numbers of those that get a line
        limits: lowest and highest weight of the axis; by default those that occur
        unit: of the weights
        heading: bold, over the figure
        below: a line under it
    """
    values = np.asarray(weights, np.float64).reshape(np.size(times_s), -1)  # (samples, synapses)
    shown = _limits(values) if limits is None else limits
    with figure.styled():
        canvas = Figure(figsize=(7.4, 3.9))
        axes = canvas.add_axes((0.10, 0.125, 0.70, 0.70))
        side = canvas.add_axes((0.845, 0.125, 0.13, 0.70), sharey=axes)
        parts = distribution(axes, times_s, values, shown)
        selected(axes, times_s, values, synapses)
        axes.set_xlabel("time (s)")
        axes.set_ylabel(f"weight ({unit})" if unit else "weight")
        if synapses:
            axes.legend(loc="upper left", fontsize=8, ncols=min(4, len(synapses)))
        side.stairs(
            100 * parts[-1], np.linspace(*shown, BINS + 1), orientation="horizontal", fill=True, color=figure.BLUE
        )
        side.set_xlabel("at the end (%)")
        side.tick_params(labelleft=False, left=False)
        side.spines["left"].set_visible(False)
        told = below or f"{values.shape[1]} synapses; the darker, the more of them have that weight"
        figure.title(canvas, axes, heading, told)
    data = {
        "figure": "weights",
        "unit": unit,
        "time_s": np.asarray(times_s, np.float64).tolist(),
        "edges": np.linspace(*shown, BINS + 1).tolist(),
        "part": parts.tolist(),
        "selected": {str(k): values[:, k].tolist() for k in synapses},
    }
    return Plot(canvas, data)


def _limits(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = 0.04 * (high - low) or 0.5
    return low - margin, high + margin
