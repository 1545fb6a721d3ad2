"""Membranes over time, with their spikes marked.

The models reset the membrane within the tick of a spike, so its peak is not in the trace: a spike is drawn as a
vertical line from the trace to ``peak``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from snnctl.report import figure
from snnctl.report.figure import Plot


def membrane(
    axes: Axes,
    times_s: ArrayLike,
    values: ArrayLike,
    spikes_s: ArrayLike = (),
    *,
    peak: float | None = None,
    colour: str = figure.BLUE,
) -> None:
    """Draw one trace onto ``axes``.

    Args:
        axes: where
        times_s: of the samples (samples,)
        values: of the membrane (samples,)
        spikes_s: times of its spikes (s)
        peak: where the lines of spikes end, in the unit of the values; a little above the trace by default
        colour: of the line
    """
    times, trace = np.asarray(times_s, np.float64), np.asarray(values, np.float64)
    own = np.asarray(spikes_s, np.float64)
    own = own[(own >= times[0]) & (own <= times[-1])] if times.size else own
    axes.plot(times, trace, color=colour, linewidth=1.1)
    if own.size:
        spread = float(np.ptp(trace)) or 1.0
        top = float(trace.max()) + 0.35 * spread if peak is None else peak
        start = np.interp(own, times, trace)
        axes.vlines(own, start, np.maximum(start, top), color=colour, linewidth=1.1)
    if times.size:
        axes.set_xlim(times[0], times[-1])
    axes.margins(y=0.08)
    axes.locator_params(axis="y", nbins=3)


def draw(
    times_s: ArrayLike,
    values: ArrayLike,
    spikes_s: Sequence[ArrayLike] = (),
    *,
    names: Sequence[str] = (),
    unit: str = "",
    threshold: float | None = None,
    peak: float | None = None,
    heading: str,
    below: str = "",
) -> Plot:
    """Draw the membranes of some neurons, one below the other.

    Args:
        times_s: of the samples (samples,)
        values: (samples, neurons), as ``Network.trace`` returns them
        spikes_s: the spike times of each neuron, as ``SpikeRecording.trains`` returns them
        names: of the neurons; their numbers by default
        unit: of the membrane; none if it is dimensionless
        threshold: drawn as a dashed line
        peak: see :func:`membrane`
        heading: bold, over the figure
        below: a line under it
    """
    rows: NDArray[np.float64] = np.asarray(values, np.float64).reshape(np.size(times_s), -1).T  # (neurons, samples)
    trains = [np.asarray(train, np.float64) for train in spikes_s] or [np.empty(0)] * len(rows)
    called = list(names) or [f"neuron {k}" for k in range(len(rows))]
    height = 1.15 + 0.95 * len(rows)
    with figure.styled():
        canvas = Figure(figsize=(7.4, height))
        places = canvas.subplots(len(rows), 1, sharex=True, squeeze=False)[:, 0]
        canvas.subplots_adjust(left=0.13, right=0.97, top=1 - 0.66 / height, bottom=0.46 / height, hspace=0.22)
        for place, row, train, name in zip(places, rows, trains, called, strict=True):
            if threshold is not None:
                place.axhline(threshold, color=figure.VERMILION, linewidth=0.8, linestyle=(0, (4, 3)))
            membrane(place, times_s, row, train, peak=peak)
            place.set_ylabel(f"{name}\n({unit})" if unit else name)
            place.tick_params(bottom=place is places[-1])
            place.spines["bottom"].set_visible(place is places[-1])
        places[-1].set_xlabel("time (s)")
        figure.title(canvas, places[0], heading, below or "membrane after each tick; vertical lines are spikes")
    neurons = [
        {"name": name, "v": row.tolist(), "spikes_s": train.tolist()}
        for name, row, train in zip(called, rows, trains, strict=True)
    ]
    times = np.asarray(times_s, np.float64).tolist()
    return Plot(canvas, {"figure": "membrane", "unit": unit, "time_s": times, "neurons": neurons})
