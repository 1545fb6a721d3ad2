"""Spikes beside the robot: states, action and every population's spikes over one time axis.

A spike of tick ``j`` (of ``ticks``) in the decision at ``t`` is drawn at ``t + j / ticks * dt``: the
decision is spread over its control step, so that order is visible. What the network's clock really
took is in the latency figure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from numpy.typing import NDArray

from snnctl.report import figure
from snnctl.report.figure import Plot

WIDTH_IN = 9.2
_LEFT_IN, _RIGHT_IN = 1.05, 0.8
_SCALE_IN = 0.5  # for the numbers beside signals
_RASTERIZED = 12_000  # more spikes than these become pixels in SVG and PDF
_SIGNAL_IN, _GAP_IN, _FRAME_IN = 0.62, 0.15, 1.15


class Signal(NamedTuple):
    """A quantity over time."""

    label: str
    unit: str
    time_s: NDArray[np.float64]  # (n,)
    values: NDArray[np.float64]  # (n,) or (n, lines)
    steps: bool = False  # held between samples, as an action is
    colour: str = ""  # by default that of states, or of actions where it is held


class Band(NamedTuple):
    """The spikes of a population."""

    name: str
    neurons: int
    time_s: NDArray[np.float64]  # (spikes,)
    neuron: NDArray[np.int64]  # (spikes,)


class Frame(NamedTuple):
    """A picture of the robot."""

    time_s: float
    picture: NDArray[np.uint8]  # (height, width, 3)


def draw(
    signals: Sequence[Signal],
    bands: Sequence[Band],
    span_s: tuple[float, float],
    heading: str,
    below: str,
    frames: Sequence[Frame] = (),
    width_in: float = WIDTH_IN,
) -> Plot:
    """Draw frames (if any), signals and bands from top to bottom over ``span_s``; no heading, no room for one."""
    heights = [_FRAME_IN] if frames else []
    heights += [_SIGNAL_IN] * len(signals) + [_band_in(band.neurons) for band in bands]
    left_in = _LEFT_IN + (_SCALE_IN if signals else 0.0)
    with figure.styled():
        canvas, axes = figure.stacked(heights, heading, width_in, left_in, _RIGHT_IN, _GAP_IN)
        figure.title(canvas, axes[0], heading, below)
        rest = axes
        if frames:
            _frames(canvas, axes[0], frames, span_s)
            rest = axes[1:]
        for signal, place in zip(signals, rest, strict=False):
            colour = signal.colour or (figure.VERMILION if signal.steps else figure.BLUE)
            _signal(place, signal, span_s, colour)
        for number, (band, place) in enumerate(zip(bands, rest[len(signals) :], strict=True)):
            _band(place, band, span_s, _band_colour(number, len(bands)))
        for place in rest[:-1]:
            place.tick_params(labelbottom=False, bottom=False)
            place.spines["bottom"].set_visible(False)
        rest[-1].set_xlabel("time (s)")
        rest[-1].spines["bottom"].set_visible(True)
        rest[-1].tick_params(bottom=True, labelbottom=True)
    return Plot(canvas, _data(signals, bands, span_s))


def _signal(axes: Axes, signal: Signal, span_s: tuple[float, float], colour: str) -> None:
    seen = (signal.time_s >= span_s[0]) & (signal.time_s <= span_s[1])
    t, v = signal.time_s[seen], signal.values[seen]
    lines = v.reshape(len(v), math.prod(v.shape[1:])).T  # (lines, n); an episode may have no step
    for line, shade in zip(lines, (colour, figure.ORANGE, *figure.SERIES), strict=False):
        axes.plot(t, line, color=shade, drawstyle="steps-post" if signal.steps else "default")
    if v.size and v.min() < 0 < v.max():
        axes.axhline(0, color=figure.FAINT, linewidth=0.8, zorder=0)
    axes.set_xlim(*span_s)
    axes.margins(y=0.12)
    if v.size and (v == np.rint(v)).all() and np.ptp(v) <= 3:  # choices
        axes.set_yticks(np.unique(v))
    else:
        axes.locator_params(axis="y", nbins=3)
    unit = f"({signal.unit})" if signal.unit else ""
    _name(axes, signal.label, unit)


def _band(axes: Axes, band: Band, span_s: tuple[float, float], colour: str) -> None:
    seen = (band.time_s >= span_s[0]) & (band.time_s <= span_s[1])
    t, neuron = band.time_s[seen], band.neuron[seen]
    axes.set_facecolor(figure.PANEL)
    # A dot is as large as its row and its tick leave room for.
    row_pt = 72 * _band_in(band.neurons) / band.neurons
    apart_s = float(np.diff(np.unique(t)).min()) if len(np.unique(t)) > 1 else span_s[1] - span_s[0]
    tick_pt = 72 * _width_in(axes) * apart_s / (span_s[1] - span_s[0])
    size = float(np.clip(1.3 * min(row_pt, tick_pt), 1.0, 3.4))
    axes.add_patch(_dots(t, neuron, 1e-7 * (span_s[1] - span_s[0]), size, colour))
    axes.set_xlim(*span_s)
    axes.set_ylim(band.neurons - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    _name(axes, band.name, f"{band.neurons} neurons")
    length = span_s[1] - span_s[0]
    rate = len(t) / (band.neurons * length) if length > 0 else 0.0
    axes.annotate(f"{rate:.1f} Hz", (1, 0.5), xycoords="axes fraction", xytext=(6, 0), textcoords="offset points",
                  va="center", fontsize=8.5, color=colour)  # fmt: skip


def _dots(t: NDArray[np.float64], neuron: NDArray[np.int64], length_s: float, size_pt: float, colour: str) -> PathPatch:
    """Every spike as a stroke that is all round ends: one path, a sixth of the SVG of as many markers."""
    ends = np.repeat(np.column_stack([t, neuron]).astype(np.float64), 2, axis=0)  # (2 spikes, 2)
    ends[1::2, 0] += length_s
    path = Path(ends, np.tile(np.array([Path.MOVETO, Path.LINETO], np.uint8), len(t)))
    path.should_simplify = False
    many = len(t) > _RASTERIZED
    return PathPatch(path, fill=False, edgecolor=colour, linewidth=size_pt, capstyle="round", rasterized=many)


def _frames(canvas: Figure, strip: Axes, frames: Sequence[Frame], span_s: tuple[float, float]) -> None:
    """Pictures side by side over the whole width, cropped to equal tiles, each with its time."""
    box = strip.get_position()
    strip.set_axis_off()
    gap = 0.008
    width = (box.width - gap * (len(frames) - 1)) / len(frames)
    inches = canvas.get_size_inches()
    shape = (width * inches[0]) / (box.height * inches[1])  # width / height of a tile
    for number, frame in enumerate(frames):
        place = canvas.add_axes((box.x0 + number * (width + gap), box.y0, width, box.height))
        place.imshow(_crop(frame.picture, shape), aspect="auto", interpolation="lanczos")
        place.set_xticks([])
        place.set_yticks([])
        for spine in place.spines.values():
            spine.set_visible(False)
        label = f"{frame.time_s:.2f} s"
        place.text(0.05, 0.06, label, transform=place.transAxes, fontsize=8, color="white", va="bottom",
                   bbox={"facecolor": figure.INK, "alpha": 0.55, "edgecolor": "none", "pad": 2.0})  # fmt: skip


def _crop(picture: NDArray[np.uint8], shape: float) -> NDArray[np.uint8]:
    """The middle of the picture with the proportion ``shape`` = width / height."""
    height, width = picture.shape[:2]
    w, h = min(width, round(height * shape)), min(height, round(width / shape))
    y, x = (height - h) // 2, (width - w) // 2
    return picture[y : y + h, x : x + w]


def _name(axes: Axes, name: str, below: str) -> None:
    """Name at the left edge of the figure, right-aligned, a soft second line under it."""
    away_pt = 10 + 72 * (_left_in(axes) - _LEFT_IN)
    for text, up_pt, size, colour in ((name, 5.5 if below else 0, 9, figure.INK), (below, -6.0, 8, figure.SOFT)):
        axes.annotate(text, (0, 0.5), xycoords="axes fraction", xytext=(-away_pt, up_pt), textcoords="offset points",
                      ha="right", va="center", fontsize=size, color=colour)  # fmt: skip


def _left_in(axes: Axes) -> float:
    return float(axes.get_position().x0) * float(axes.figure.get_size_inches()[0])  # type: ignore[union-attr]


def _width_in(axes: Axes) -> float:
    return float(axes.get_position().width) * float(axes.figure.get_size_inches()[0])  # type: ignore[union-attr]


def _band_in(neurons: int) -> float:
    return float(np.clip(0.125 * np.sqrt(neurons), 0.42, 1.5))


def _band_colour(number: int, count: int) -> str:
    """Inputs grey, outputs in the colour of actions, what lies between in its own colours."""
    if number == 0:
        return figure.SOFT
    return figure.VERMILION if number == count - 1 else (figure.GREEN, figure.PURPLE, figure.ORANGE)[(number - 1) % 3]


def _data(signals: Sequence[Signal], bands: Sequence[Band], span_s: tuple[float, float]) -> dict[str, Any]:
    return {
        "figure": "raster",
        "span_s": list(span_s),
        "signals": [
            {"label": s.label, "unit": s.unit, "time_s": s.time_s.tolist(), "values": s.values.tolist()}
            for s in signals
        ],
        "spikes": [
            {"population": b.name, "neurons": b.neurons, "time_s": b.time_s.tolist(), "neuron": b.neuron.tolist()}
            for b in bands
        ],
    }
