"""What the settings of a sweep came to: the score of each trial against each key that was varied, one panel a key.

A dot is a trial (the mean over its seeds), a thin line reaches from its worst to its best seed, the best trial is
vermilion. Trials that failed are crosses on the floor. Numbers that span a factor of 20 stand on a logarithmic axis;
values that are not numbers stand side by side.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from snnctl.report import figure
from snnctl.report.figure import Plot

_COLUMNS = 3
_LOG_SPAN = 20.0
_LABEL_CHARS = 18


class Point(NamedTuple):
    """One trial."""

    trial: int
    values: Mapping[str, Any]
    score: float | None  # None: it failed
    means: tuple[float, ...]  # of its seeds


def draw(points: Sequence[Point], keys: Sequence[str], heading: str, seeds: int) -> Plot:
    """Draw the scores of at least one trial."""
    columns = min(_COLUMNS, len(keys))
    rows = math.ceil(len(keys) / columns)
    width, height = max(5.2, 3.2 * columns), 2.6 * rows + 1.1
    scored = [p for p in points if p.score is not None]
    best = max(scored, key=lambda p: (p.score or 0.0, -p.trial)) if scored else None
    with figure.styled():
        canvas = Figure(figsize=(width, height))
        left, top = 0.75 / width, 1 - 0.72 / height
        grid = canvas.add_gridspec(
            rows, columns, left=left, right=1 - 0.2 / width, top=top, bottom=0.55 / height, wspace=0.1, hspace=0.45
        )
        first: Axes | None = None
        for number, key in enumerate(keys):
            axes = canvas.add_subplot(grid[number // columns, number % columns], sharey=first)
            _panel(axes, points, best, key)
            if number % columns:
                axes.tick_params(labelleft=False)
            else:
                axes.set_ylabel("return")
            first = first or axes
        assert first is not None
        below = f"mean evaluation return over {seeds} seed{'s' if seeds > 1 else ''}, worst to best"
        if best is not None:
            below += f"; best: trial {best.trial}, {best.score:.4g}"
        figure.title(canvas, first, heading, below)
    data = [{**p._asdict(), "values": dict(p.values), "means": [*p.means]} for p in points]
    return Plot(canvas, {"figure": "scores", "keys": [*keys], "trials": data})


def _panel(axes: Axes, points: Sequence[Point], best: Point | None, key: str) -> None:
    values = [p.values[key] for p in points]
    places: list[float]
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        places = [float(v) for v in values]
        if min(places) > 0 and max(places) >= _LOG_SPAN * min(places):
            axes.set_xscale("log")
    else:
        texts = [v if isinstance(v, str) else json.dumps(v) for v in values]
        names = sorted(set(texts))
        places = [float(names.index(text)) for text in texts]
        axes.set_xticks(range(len(names)), [name[:_LABEL_CHARS] for name in names])
        axes.set_xlim(-0.5, len(names) - 0.5)
    axes.grid(axis="y")
    axes.margins(x=0.08, y=0.1)
    for place, point in zip(places, points, strict=True):
        if point.score is None:
            axes.plot(place, 0.02, "x", color=figure.SOFT, markersize=5, transform=axes.get_xaxis_transform())
            continue
        colour = figure.VERMILION if point is best else figure.BLUE
        axes.plot([place, place], [min(point.means), max(point.means)], color=colour, linewidth=0.9, alpha=0.5)
        axes.plot(place, point.score, "o", color=colour, markersize=5.5, markeredgecolor="white",
                  markeredgewidth=0.7, zorder=3)  # fmt: skip
    axes.set_xlabel(key)
