"""What a chip would draw: power by kind as one bar, dynamic energy of a decision by part as another.

Static power flows in a powered chip, idle power when it is ready to run, dynamic power where spikes
occur. They differ by orders of magnitude, so dynamic energy has its own axis.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from snnctl.report import figure
from snnctl.report.figure import Plot

_KINDS = {"static": "#9aa5b4", "idle": "#cfd5dd", "dynamic": figure.VERMILION}


def draw(
    power_w: Mapping[str, float], energy_j: Mapping[str, float], limit_w: float | None, heading: str, below: str
) -> Plot:
    """Draw ``power_w`` (static, idle, dynamic; W) with its budget, and ``energy_j`` by part (J a decision)."""
    with figure.styled():
        canvas = Figure(figsize=(7.4, 3.5))
        upper = canvas.add_axes((0.165, 0.52, 0.79, 0.21))
        lower = canvas.add_axes((0.165, 0.16, 0.79, 0.14))
        _bar(upper, power_w, [_KINDS[name] for name in power_w], "W", "chip power")
        if limit_w is not None:
            upper.axvline(limit_w, color=figure.INK, linewidth=1.2, linestyle=(0, (3, 2)))
            upper.set_xlim(0, max(upper.get_xlim()[1], limit_w * 1.18))
            upper.annotate(f"budget {EngFormatter('W', places=0)(limit_w)}", (limit_w, 1), xytext=(4, 2),
                           xycoords=("data", "axes fraction"), textcoords="offset points", fontsize=8.5)  # fmt: skip
        _bar(lower, energy_j, list(figure.SERIES), "J", "dynamic energy\nof a decision")
        figure.title(canvas, upper, heading, below)
    data: dict[str, Any] = {
        "figure": "energy",
        "power_w": dict(power_w),
        "energy_j": dict(energy_j),
        "limit_w": limit_w,
    }
    return Plot(canvas, data)


def _bar(axes: Axes, parts: Mapping[str, float], colours: list[str], unit: str, label: str) -> None:
    """One stacked bar with the name and value of each part in a key below it."""
    start, total = 0.0, sum(parts.values())
    handles = []
    for (name, value), colour in zip(
        parts.items(), [colours[k % len(colours)] for k in range(len(parts))], strict=True
    ):
        handles.append(axes.barh(0, value, left=start, color=colour, height=0.8, edgecolor="white", linewidth=0.6))
        handles[-1].set_label(f"{name} {_short(value, unit)}")
        start += value
    axes.annotate(_short(total, unit), (total, 0), xytext=(5, 0), textcoords="offset points", va="center",
                  fontweight="bold")  # fmt: skip
    axes.set_xlim(0, total * 1.18 or 1.0)
    axes.set_yticks([0], [label])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(EngFormatter(unit))
    axes.locator_params(axis="x", nbins=6)
    axes.legend(loc="lower left", bbox_to_anchor=(-0.01, 0.98), ncols=min(len(parts), 6), fontsize=8.5,
                handlelength=0.9, handleheight=0.9, columnspacing=1.4, borderaxespad=0.2)  # fmt: skip


def _short(value: float, unit: str) -> str:
    """Three digits with a prefix: ``29.5 mW``."""
    number, _, prefixed = EngFormatter(unit, places=2)(value).partition(" ")
    digits = number if len(number.partition(".")[0]) < 2 else f"{float(number):.{3 - len(number.partition('.')[0])}f}"
    return f"{digits} {prefixed}"
