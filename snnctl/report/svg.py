"""Figures of a report as inline SVG: no fonts, scripts or files, colours from the page's style sheet.

Every function returns one ``<svg>`` element. The classes ``ink``, ``soft``, ``grid``, ``limit`` and
``s0`` ... ``s5`` take their colours from :mod:`snnctl.report.html`, so that a figure follows the
reader's light or dark scheme and prints in ink on white.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

WIDTH, WIDE = 600, 1120
_LEFT, _RIGHT = 142, 26

Format = Callable[[float], str]


class Bar(NamedTuple):
    """One stacked bar: a label and its (part, value, series) segments from left to right."""

    label: str
    parts: Sequence[tuple[str, float, int]]


class Band(NamedTuple):
    """One population of a raster."""

    name: str
    neurons: int
    times: NDArray[np.float64]  # (spikes,) in the unit of the axis
    indices: NDArray[np.int64]  # (spikes,)


def stacked_bars(bars: Sequence[Bar], limit: float | None, show: Format, title: str) -> str:
    """Horizontal stacked bars from zero, the total at the end, a budget as a dashed line."""
    totals = [sum(value for _, value, _ in bar.parts) for bar in bars]
    top = max([*totals, limit or 0.0]) * 1.16 or 1.0
    axis = _Axis(0.0, top, _LEFT, WIDTH - _RIGHT)
    height = 40 + 44 * len(bars) + 30
    out = _grid(axis, 22, height - 34, show)
    for row, (bar, total) in enumerate(zip(bars, totals, strict=True)):
        y, start = 34 + 44 * row, 0.0
        out.append(_text(_LEFT - 10, y + 17, bar.label, "ink end"))
        for name, value, series in bar.parts:
            x, w = axis(start), axis(start + value) - axis(start)
            tip = escape(f"{name}: {show(value)}")
            out.append(
                f'<rect class="s{series}" x="{x:.1f}" y="{y}" width="{max(w, 0.0):.2f}" height="26" rx="2">'
                f"<title>{tip}</title></rect>"
            )
            start += value
        if limit is None or abs(axis(total) - axis(limit)) > 4 or total <= limit:
            out.append(_text(axis(total) + 7, y + 17, show(total), "ink"))
        else:
            out.append(_text(axis(limit) + 7, y + 17, show(total), "ink"))
    if limit is not None:
        out.append(_limit(axis(limit), 18, height - 34, f"budget {show(limit)}"))
    return _svg(height, out, title)


def histogram(
    counts: NDArray[np.int64],
    edges: NDArray[np.float64],
    limit: float | None,
    marks: dict[str, float],
    show: Format,
    title: str,
) -> str:
    """``counts`` (bins,) between ``edges`` (bins + 1,), with marked quantiles and a budget line, from zero on."""
    axis = _Axis(0.0, max(float(edges[-1]), limit or 0.0) * 1.1 or 1.0, _LEFT, WIDTH - _RIGHT)
    height, floor, ceiling = 220, 172, 40
    out = _grid(axis, ceiling - 14, floor, show)
    tallest = max(int(counts.max()), 1)
    out.append(_text(_LEFT - 10, ceiling + 4, f"{tallest:,}", "soft end"))
    out.append(_text(_LEFT - 10, floor, "0", "soft end"))
    out.append(_text(_LEFT - 10, (ceiling + floor) / 2, "decisions", "soft end"))
    for count, low, high in zip(counts, edges[:-1], edges[1:], strict=True):
        if count:
            x, width = axis(float(low)), axis(float(high)) - axis(float(low)) - 0.6
            y = floor - max((floor - ceiling) * count / tallest, 1.0)
            out.append(
                f'<rect class="s2" x="{x:.1f}" y="{y:.1f}" width="{width:.2f}" '
                f'height="{floor - y:.1f}"><title>{int(count)}</title></rect>'
            )
    for name, value in marks.items():
        x = axis(value)
        out.append(f'<path class="mark" d="M{x:.1f} {floor} v8"/>')
        out.append(_text(x, floor + 38, f"{name} {show(value)}", "soft mid"))
    if limit is not None:
        out.append(_limit(axis(limit), ceiling - 22, floor, f"budget {show(limit)}"))
    return _svg(height, out, title)


def raster(bands: Sequence[Band], span: float, x_label: str, title: str) -> str:
    """Spikes as dots: one band per population, inputs at the top, outputs at the bottom."""
    heights = [max(34.0, min(120.0, 1.5 * band.neurons)) for band in bands]
    height = int(sum(heights) + 10 * len(bands) + 56)
    axis = _Axis(0.0, span, _LEFT, WIDE - _RIGHT)
    out: list[str] = []
    y = 14.0
    for number, (band, tall) in enumerate(zip(bands, heights, strict=True)):
        out.append(
            f'<rect class="panel" x="{_LEFT}" y="{y:.1f}" width="{WIDE - _LEFT - _RIGHT}" height="{tall:.1f}" rx="3"/>'
        )
        out.append(_text(_LEFT - 10, y + tall / 2 - 2, band.name, "ink end"))
        out.append(_text(_LEFT - 10, y + tall / 2 + 13, f"{band.neurons} neurons", "soft end"))
        step = tall / (band.neurons + 1)
        points = {
            (round(axis(float(t)), 1), round(y + step * (int(n) + 1), 1))
            for t, n in zip(band.times, band.indices, strict=True)
        }
        strokes = "".join(f"M{px:g} {py:g}h0" for px, py in sorted(points))
        out.append(f'<path class="dots c{number % 6}" d="{strokes}"/>')
        y += tall + 10
    for tick in _ticks(0.0, span):
        out.append(_text(axis(tick), y + 10, f"{tick:g}", "soft mid"))
    out.append(_text((_LEFT + WIDE - _RIGHT) / 2, y + 30, x_label, "soft mid"))
    return _svg(height, out, title, WIDE)


def paired_returns(first: Sequence[float], second: Sequence[float], names: tuple[str, str], title: str) -> str:
    """Return of every episode for two controllers with the same seeds, joined by a line."""
    values = np.array([*first, *second], np.float64)
    low, high = float(values.min()), float(values.max())
    margin = 0.12 * (high - low) or max(abs(high) * 0.1, 1.0)
    height, floor, ceiling = 230, 182, 34
    across = _Axis(-0.7, len(first) - 0.3, _LEFT, WIDTH - _RIGHT)
    up = _Axis(low - margin, high + margin, floor, ceiling)
    out = []
    for tick in _ticks(low - margin, high + margin):
        out.append(f'<path class="grid" d="M{_LEFT} {up(tick):.1f}H{WIDTH - _RIGHT}"/>')
        out.append(_text(_LEFT - 10, up(tick) + 4, f"{tick:g}", "soft end"))
    for number, (a, b) in enumerate(zip(first, second, strict=True)):
        x = across(number)
        out.append(f'<path class="mark" d="M{x:.1f} {up(a):.1f}V{up(b):.1f}"/>')
        out.append(f'<circle class="ring" cx="{x:.1f}" cy="{up(a):.1f}" r="4.6"><title>{a:g}</title></circle>')
        out.append(f'<circle class="s2" cx="{x:.1f}" cy="{up(b):.1f}" r="2.7"><title>{b:g}</title></circle>')
    out.append(f'<circle class="ring" cx="{_LEFT + 6}" cy="14" r="4.6"/>')
    out.append(_text(_LEFT + 17, 18, names[0], "ink"))
    x = _LEFT + 40 + 7 * len(names[0])
    out.append(f'<circle class="s2" cx="{x}" cy="14" r="2.7"/>')
    out.append(_text(x + 10, 18, names[1], "ink"))
    out.append(_text((_LEFT + WIDTH - _RIGHT) / 2, floor + 26, f"episode, 1 to {len(first)}", "soft mid"))
    out.append(_text(_LEFT - 10, ceiling - 12, "return", "soft end"))
    return _svg(height - 14, out, title)


class _Axis:
    """A linear map from values to pixels."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low or 1.0) * (self.end - self.start)


def _ticks(low: float, high: float) -> list[float]:
    step = 10 ** math.floor(math.log10((high - low) / 4 or 1.0))
    for factor in (1, 2, 5, 10):
        if (high - low) / (step * factor) <= 6:
            step *= factor
            break
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 12) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def _grid(axis: _Axis, top: float, floor: float, show: Format) -> list[str]:
    out = []
    for tick in _ticks(axis.low, axis.high):
        out.append(f'<path class="grid" d="M{axis(tick):.1f} {top}V{floor}"/>')
        out.append(_text(axis(tick), floor + 18, show(tick), "soft mid"))
    return out


def _limit(x: float, top: float, floor: float, label: str) -> str:
    side, dx = ("end", -6) if x > WIDTH - 160 else ("", 6)
    return f'<path class="limit" d="M{x:.1f} {top - 6}V{floor}"/>' + _text(x + dx, top + 2, label, f"over {side}")


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _svg(height: int, parts: Sequence[str], title: str, width: int = WIDTH) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title, quote=True)}">'
        + "".join(parts)
        + "</svg>"
    )
