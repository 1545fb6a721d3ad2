"""What a critic expects, as a heat map over two observations, and beside it what the actor does there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap, ListedColormap, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from snnctl.report import figure
from snnctl.report.figure import Plot

WIDTH_IN, HEIGHT_IN = 10.0, 4.1
_TINT = 0.62  # areas in full colour would outshine the figure
_DIVERGING = LinearSegmentedColormap.from_list("action", [figure.BLUE, "#f7f8fa", figure.VERMILION])


class Axis(NamedTuple):
    """An observation along one side of the map."""

    label: str
    unit: str
    low: float
    high: float


class Choices(NamedTuple):
    """Discrete actions: an index for each point."""

    names: Sequence[str]  # of action 0, 1, ...


class Component(NamedTuple):
    """One component of a continuous action."""

    label: str
    low: float
    high: float


def draw(
    x: Axis,
    y: Axis,
    values: NDArray[np.float64],
    actions: NDArray[np.float64],
    kind: Choices | Component,
    unit: str,
    heading: str,
    below: str,
) -> Plot:
    """Draw value and action side by side.

    Args:
        x: to the right
        y: upwards
        values: (rows, columns), the first row at ``y.low``; a point stands for a cell of the grid
        actions: (rows, columns), indices or numbers
        kind: what the actions are
        unit: of the values
        heading: bold, over the figure
        below: a line under it
    """
    with figure.styled():
        canvas = Figure(figsize=(WIDTH_IN, HEIGHT_IN))
        left, right = (canvas.add_axes((at, 0.135, 0.315, 0.63)) for at in (0.075, 0.585))
        image = _heat(left, x, y, values, "viridis", None)
        left.set_title("value of the critic", fontsize=9.5, pad=6)
        _bar(canvas, left, image, f"V ({unit})")
        right.set_title("action of the actor, without noise", fontsize=9.5, pad=6)
        if isinstance(kind, Choices):
            _areas(canvas, right, x, y, actions, kind.names)
        else:
            # white where nothing is done, or half way between limits of one sign
            middle = 0.0 if kind.low < 0 < kind.high else (kind.low + kind.high) / 2
            reach = max(kind.high - middle, middle - kind.low)
            image = _heat(right, x, y, actions, _DIVERGING, Normalize(middle - reach, middle + reach))
            _bar(canvas, right, image, kind.label)
        figure.title(canvas, left, heading, below)
    return Plot(canvas, _data(x, y, values, actions, kind, unit))


def _heat(axes: Axes, x: Axis, y: Axis, values: NDArray[np.float64], colours: Any, norm: Any) -> Any:
    image = axes.imshow(values, origin="lower", extent=(x.low, x.high, y.low, y.high), aspect="auto", cmap=colours,
                        norm=norm, interpolation="nearest")  # fmt: skip
    axes.set_xlabel(_text(x))
    axes.set_ylabel(_text(y))
    for along in (axes.xaxis, axes.yaxis):
        along.set_major_locator(MaxNLocator(5))
    return image


def _areas(canvas: Figure, axes: Axes, x: Axis, y: Axis, actions: NDArray[np.float64], names: Sequence[str]) -> None:
    """One colour an action, its name beside it in a bar of steps."""
    count = len(names)
    if count <= len(figure.SERIES):
        strong = [np.array(to_rgb(colour)) for colour in figure.SERIES[:count]]
    else:
        strong = [np.array(colormaps["viridis"](k / (count - 1))[:3]) for k in range(count)]
    tinted = ListedColormap([tuple(_TINT * c + (1 - _TINT)) for c in strong])
    image = _heat(axes, x, y, actions, tinted, BoundaryNorm(np.arange(count + 1) - 0.5, count))
    bar = _bar(canvas, axes, image, "")
    bar.set_ticks(range(count), labels=names)
    bar.ax.tick_params(length=0)
    bar.minorticks_off()


def _bar(canvas: Figure, axes: Axes, image: Any, label: str) -> Any:
    box = axes.get_position()
    bar = canvas.colorbar(image, cax=canvas.add_axes((box.x1 + 0.012, box.y0, 0.014, box.height)))
    bar.outline.set_visible(False)
    bar.set_label(label)
    return bar


def _text(axis: Axis) -> str:
    return f"{axis.label} ({axis.unit})" if axis.unit else axis.label


def _data(
    x: Axis, y: Axis, values: NDArray[np.float64], actions: NDArray[np.float64], kind: Choices | Component, unit: str
) -> dict[str, Any]:
    return {
        "figure": "value",
        "x": x._asdict(),
        "y": y._asdict(),
        "values": values.tolist(),
        "unit": unit,
        "actions": actions.tolist(),
        "action": {"names": list(kind.names)} if isinstance(kind, Choices) else kind._asdict(),
    }
