"""Spikes of the populations of a network over time, and their rates below.

    rate[b] = spikes in bin b / (n bin_s)

A dot is a spike; every population has its own block of rows and its own colour, the first at the top.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from snnctl.network.recording import SpikeRecording
from snnctl.report import figure
from snnctl.report.figure import Plot

_BIN_S = 5e-3
_RASTERIZED = 4000  # more dots than these become pixels in SVG and PDF


class Rows(NamedTuple):
    """A population as it is drawn."""

    name: str
    size: int
    spikes: SpikeRecording


def raster(axes: Axes, populations: Sequence[Rows], span_s: tuple[float, float]) -> None:
    """Draw the spikes of populations, one below the other, onto ``axes``."""
    first, total = 0, sum(p.size for p in populations)
    height_pt = axes.get_position().height * axes.figure.get_size_inches()[1] * 72  # type: ignore[union-attr]
    dot = float(np.clip(1.4 * height_pt / total, 0.9, 3.4))
    for population, colour in zip(populations, _colours(populations), strict=True):
        times_s, neurons = _within(population.spikes, span_s)
        many = len(times_s) > _RASTERIZED
        axes.scatter(times_s, first + neurons, s=dot**2, c=colour, marker="o", linewidths=0, rasterized=many)
        middle = first + 0.5 * (population.size - 1)
        text = f"{population.name}\n{population.size}"
        beside = axes.get_yaxis_transform()
        axes.text(-0.012, middle, text, color=colour, fontsize=9, transform=beside, ha="right", va="center")
        if first:
            axes.axhline(first - 0.5, color=figure.FAINT, linewidth=0.8)
        first += population.size
    axes.set_xlim(*span_s)
    axes.set_ylim(total - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def rates(
    axes: Axes, populations: Sequence[Rows], span_s: tuple[float, float], bin_s: float = _BIN_S
) -> list[NDArray[np.float64]]:
    """Draw the rate of each population in bins of ``bin_s`` onto ``axes``; returns them (bins,) in Hz."""
    edges = span_s[0] + bin_s * np.arange(max(1, round((span_s[1] - span_s[0]) / bin_s)) + 1)
    found = []
    for population, colour in zip(populations, _colours(populations), strict=True):
        counts, _ = np.histogram(population.spikes.times_s, edges)
        found.append(counts / (population.size * bin_s))  # (bins,)
        axes.stairs(found[-1], edges, color=colour, linewidth=1.1)
    axes.set_xlim(*span_s)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("rate (Hz)")
    axes.locator_params(axis="y", nbins=3)
    return found


def draw(
    populations: Sequence[Rows], span_s: tuple[float, float], heading: str, below: str = "", bin_s: float = _BIN_S
) -> Plot:
    """Draw raster and rates as a figure.

    Args:
        populations: from top to bottom
        span_s: which time is shown (s)
        heading: bold, over the figure
        below: a line under it; by default a description of the figure
        bin_s: width of a bin of the rates (s)
    """
    with figure.styled():
        canvas = Figure(figsize=(7.4, 4.8))
        above = canvas.add_axes((0.13, 0.36, 0.84, 0.49))
        under = canvas.add_axes((0.13, 0.10, 0.84, 0.20))
        raster(above, populations, span_s)
        above.tick_params(labelbottom=False, bottom=False)
        above.spines["bottom"].set_visible(False)
        found = rates(under, populations, span_s, bin_s)
        under.set_xlabel("time (s)")
        figure.title(canvas, above, heading, below or f"spikes, and rates in bins of {1e3 * bin_s:g} ms")
    shown = [(p, *_within(p.spikes, span_s), r) for p, r in zip(populations, found, strict=True)]
    rows: list[dict[str, Any]] = [
        {"name": p.name, "size": p.size, "time_s": t.tolist(), "neuron": n.tolist(), "rate_hz": r.tolist()}
        for p, t, n, r in shown
    ]
    return Plot(canvas, {"figure": "network_raster", "span_s": list(span_s), "bin_s": bin_s, "populations": rows})


def _within(spikes: SpikeRecording, span_s: tuple[float, float]) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    seen = (spikes.times_s >= span_s[0]) & (spikes.times_s <= span_s[1])
    return spikes.times_s[seen], spikes.neurons[seen]


def _colours(populations: Sequence[Rows]) -> list[str]:
    return [figure.SERIES[k % len(figure.SERIES)] for k in range(len(populations))]
