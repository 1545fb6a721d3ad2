"""Return of every episode for two controllers with the same seeds, joined by a line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from snnctl.report import figure
from snnctl.report.figure import Plot


def draw(
    first: Sequence[float | None], second: Sequence[float | None], names: tuple[str, str], width_in: float
) -> Plot:
    """Draw the returns of ``first`` as rings, those of ``second`` as dots in them; None is not drawn. No heading."""
    rows = np.array([first, second], np.float64)  # (2, episodes), nan where a return is missing
    episodes, known = np.arange(1, len(first) + 1), rows[np.isfinite(rows)]
    with figure.styled():
        canvas, (axes,) = figure.stacked([2.25], "", width_in, 0.68)
        axes.grid(axis="y")
        axes.vlines(episodes, *rows, color=figure.SOFT, linewidth=1.0)
        axes.plot(episodes, rows[0], "o", color=figure.BLUE, markerfacecolor="none", markersize=6.5, label=names[0])
        axes.plot(episodes, rows[1], "o", color=figure.VERMILION, markersize=3.5, label=names[1])
        axes.set_xlim(0.3, len(first) + 0.7)
        low, high = (known.min(), known.max()) if known.size else (0.0, 0.0)
        margin = 0.12 * (high - low) or 0.1 * abs(high) or 1.0
        axes.set_ylim(low - margin, high + 2.2 * margin)  # the names stand above
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.locator_params(axis="y", nbins=5)
        axes.set_xlabel("episode")
        axes.set_ylabel("return")
        axes.legend(loc="upper left", ncols=2, fontsize=8.5, handletextpad=0.1, columnspacing=1.2, borderaxespad=0)
    data = {"figure": "returns", names[0]: list(first), names[1]: list(second)}
    return Plot(canvas, data)
