"""How long decisions take: their distribution, median, 99th percentile and the period they must meet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.ticker import EngFormatter
from numpy.typing import NDArray

from snnctl.report import figure
from snnctl.report.figure import Plot

WIDTH_IN = 7.4


class Latency(NamedTuple):
    """A histogram of decision times and its marks, in seconds."""

    counts: NDArray[np.int64]  # (bins,)
    edges_s: NDArray[np.float64]  # (bins + 1,)
    p50_s: float
    p99_s: float
    max_s: float
    evidence: str  # "measured: wall time on this computer" or "modelled: Loihi 1"


def measured(times_s: NDArray[np.float64], evidence: str) -> Latency:
    """The histogram of measured times; the slowest 0.5 % share the last bin, so that it stays legible."""
    p50, p99, cap = np.quantile(times_s, [0.5, 0.99, 0.995])
    counts, edges = np.histogram(np.minimum(times_s, cap), bins=60)  # (60,), (61,)
    return Latency(counts.astype(np.int64), edges, float(p50), float(p99), float(times_s.max()), evidence)


def modelled(evaluation: Mapping[str, Any]) -> Latency:
    """The histogram in an evaluation's JSON (docs/evaluation.md)."""
    times, bars = evaluation["latency"], evaluation["latency"]["histogram"]
    counts, edges = np.array(bars["counts"], np.int64), np.array(bars["edges_s"], np.float64)
    p50, p99, slowest = (float(times[name]) for name in ("p50_s", "p99_s", "max_s"))
    return Latency(counts, edges, p50, p99, slowest, f"modelled: {evaluation['chip']['title']}")


def draw(
    latency: Latency, period_s: float, heading: str, limit_s: float | None = None, width_in: float = WIDTH_IN
) -> Plot:
    """Draw the distribution.

    Args:
        latency: of the decisions
        period_s: the control period that a decision has to fit in
        heading: over the figure; no heading, no room for one
        limit_s: what a budget allows
        width_in: of the figure
    """
    share = 100 * latency.counts / max(1, int(latency.counts.sum()))
    with figure.styled():
        canvas, (axes,) = figure.stacked([2.25], heading, width_in, 0.68)
        held = latency.counts > 0
        widths_s = np.diff(latency.edges_s)[held]
        axes.bar(latency.edges_s[:-1][held], share[held], widths_s, align="edge", color=figure.SKY,
                 edgecolor=figure.PAPER, linewidth=0.4)  # fmt: skip
        top = float(share.max()) * (1.32 if limit_s is None else 1.5) or 1.0
        axes.set_ylim(0, top)
        axes.set_xlim(0, max(float(latency.edges_s[-1]), latency.p99_s, limit_s or 0.0) * 1.04)
        unit = EngFormatter("s", places=1)
        marks = [
            ("median", latency.p50_s, figure.BLUE, -4),
            ("99 %", latency.p99_s, figure.VERMILION, -18),  # a line lower: the two may coincide
        ]
        if limit_s is not None:
            marks.append(("budget", limit_s, figure.INK, -32))
        for name, value, colour, down_pt in marks:
            dashes = (0, (3, 2)) if name == "budget" else "solid"
            axes.axvline(value, color=colour, linewidth=1.4, linestyle=dashes)
            # Labels go to the free side: the median's to its left, the tail's to its right, unless at the edge.
            place = value / axes.get_xlim()[1]
            left = place > 0.75 or (name == "median" and place > 0.2)
            axes.annotate(f"{name} {unit(value)}", (value, top), xytext=(-5 if left else 5, down_pt),
                          textcoords="offset points", ha="right" if left else "left", va="top", color=colour,
                          fontsize=8.5, bbox={"facecolor": figure.PAPER, "edgecolor": "none", "pad": 0.5})  # fmt: skip
        axes.xaxis.set_major_formatter(EngFormatter("s"))
        axes.set_xlabel("time of a decision")
        axes.set_ylabel("decisions (%)")
        axes.set_yticks([y for y in axes.get_yticks() if 0 <= y <= 100])
        fraction = latency.max_s / period_s
        below = (
            f"{latency.evidence} · slowest {unit(latency.max_s)}, {100 * fraction:.2g} % of the {unit(period_s)} period"
        )
        figure.title(canvas, axes, heading, below)
    data = {
        name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in latency._asdict().items()
    }
    return Plot(canvas, {"figure": "latency", "period_s": period_s, **data})
