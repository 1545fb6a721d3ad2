"""How long decisions take: their distribution, median, 99th percentile and the period they must meet."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from numpy.typing import NDArray

from snnctl.report import figure
from snnctl.report.figure import Plot


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


def draw(latency: Latency, period_s: float, heading: str) -> Plot:
    """Draw the distribution; ``period_s`` is the control period that a decision has to fit in."""
    share = 100 * latency.counts / max(1, int(latency.counts.sum()))
    with figure.styled():
        canvas = Figure(figsize=(7.4, 3.6))
        axes = canvas.add_axes((0.09, 0.15, 0.86, 0.62))
        axes.bar(latency.edges_s[:-1], share, np.diff(latency.edges_s), align="edge", color=figure.SKY,
                 edgecolor="white", linewidth=0.4)  # fmt: skip
        top = float(share.max()) * 1.32 or 1.0
        axes.set_ylim(0, top)
        axes.set_xlim(0, max(float(latency.edges_s[-1]), latency.p99_s) * 1.04)
        unit = EngFormatter("s", places=1)
        for name, value, colour, down_pt in (
            ("median", latency.p50_s, figure.BLUE, -4),
            ("99 %", latency.p99_s, figure.VERMILION, -18),  # a line lower: the two may coincide
        ):
            axes.axvline(value, color=colour, linewidth=1.4)
            # Labels go to the free side: the median's to its left, the tail's to its right, unless at the edge.
            place = value / axes.get_xlim()[1]
            left = place > 0.75 or (name == "median" and place > 0.2)
            axes.annotate(f"{name} {unit(value)}", (value, top), xytext=(-5 if left else 5, down_pt),
                          textcoords="offset points", ha="right" if left else "left", va="top", color=colour,
                          fontsize=8.5)  # fmt: skip
        axes.xaxis.set_major_formatter(EngFormatter("s"))
        axes.set_xlabel("time of a decision")
        axes.set_ylabel("decisions (%)")
        fraction = latency.max_s / period_s
        below = (
            f"{latency.evidence} · slowest {unit(latency.max_s)}, {100 * fraction:.2g} % of the {unit(period_s)} period"
        )
        figure.title(canvas, axes, heading, below)
    data = {
        name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in latency._asdict().items()
    }
    return Plot(canvas, {"figure": "latency", "period_s": period_s, **data})
