"""f-I curves: the rate of a neuron under a constant current.

    rate(I) = spikes in duration_s after settle_s / duration_s

Every current drives a neuron of its own, side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from snnctl.errors import InputError, Problem
from snnctl.network import simulate
from snnctl.report import figure
from snnctl.report.figure import Plot

TICKS = (1e-3, 1e-4, 2.5e-5, 1e-5)  # s, tried in turn until the model takes one
_TRIED = np.geomspace(1e-3, 1e6, 181)  # currents among which the smallest that makes a neuron spike is looked for


class Curve(NamedTuple):
    """The f-I curve of a neuron."""

    name: str
    currents: NDArray[np.float64]  # (n,) in the unit of the model
    rates_hz: NDArray[np.float64]  # (n,)


def f_i_curve(
    neuron: Any,
    currents: ArrayLike,
    tick_s: float = 1e-4,
    duration_s: float = 1.0,
    settle_s: float = 0.2,
    name: str = "",
    seed: int = 0,
) -> Curve:
    """Measure the rate of a neuron at each current.

    Args:
        neuron: configuration of a model (:mod:`snnctl.neurons`)
        currents: in the unit of the model (n,)
        tick_s: duration of a tick (s)
        duration_s: how long spikes are counted (s)
        settle_s: how long before (s)
        name: of the curve; the model's by default
        seed: of a stochastic model

    Raises:
        NetworkError: the model refuses the tick.
    """
    levels = np.asarray(currents, np.float64)
    settle, total = round(settle_s / tick_s), round((settle_s + duration_s) / tick_s)
    spikes = simulate(neuron, tick_s, np.broadcast_to(levels, (total, levels.size)), record=(), seed=seed).spikes
    rates = spikes[settle:].sum(axis=0) / ((total - settle) * tick_s)
    return Curve(name or str(getattr(neuron, "model", type(neuron).__name__)), levels, rates)


def tick_of(neuron: Any) -> float:
    """The longest of :data:`TICKS` that the model takes.

    Raises:
        InputError: it takes none.
    """
    last = ""
    for tick_s in TICKS:
        try:
            neuron.constants(tick_s)
        except ValueError as error:
            last = str(error)
        else:
            return tick_s
    raise InputError(Problem(type(neuron).__name__, last))


def currents_of(neuron: Any, tick_s: float, count: int = 61) -> NDArray[np.float64]:
    """Currents from 0 to three times the smallest that makes the neuron spike within a second.  # (count,)

    Raises:
        InputError: none up to 1e6 does.
    """
    rates = f_i_curve(neuron, _TRIED, tick_s).rates_hz
    if not (rates > 0).any():
        raise InputError(Problem(type(neuron).__name__, "does not spike at any current up to 1e6", "give currents"))
    return np.linspace(0, 3 * float(_TRIED[(rates > 0).argmax()]), count)


def f_i(axes: Axes, curve: Curve, colour: str = figure.BLUE) -> None:
    """Draw one curve onto ``axes``."""
    axes.plot(curve.currents, curve.rates_hz, color=colour, marker="o", markersize=2.4)
    axes.set_ylim(bottom=0)
    axes.margins(x=0.02)


def draw(curves: Sequence[Curve], units: Sequence[str] = (), heading: str = "f-I curves", below: str = "") -> Plot:
    """Draw curves side by side: their currents have different units.

    Args:
        curves: of :func:`f_i_curve`
        units: of the currents; "the model's unit" by default
        heading: bold, over the figure
        below: a line under it
    """
    columns = min(len(curves), 4)
    lines = -(-len(curves) // columns)
    width, height = max(3.9, 2.35 * columns), 0.95 + 2.0 * lines
    with figure.styled():
        canvas = Figure(figsize=(width, height))
        places = canvas.subplots(lines, columns, squeeze=False).ravel()
        canvas.subplots_adjust(
            left=0.62 / width,
            right=1 - 0.15 / width,
            top=1 - 0.92 / height,
            bottom=0.5 / height,
            wspace=0.3,
            hspace=0.62,
        )
        for k, (place, curve) in enumerate(zip(places, curves, strict=False)):
            f_i(place, curve, figure.SERIES[k % len(figure.SERIES)])
            place.set_title(curve.name, fontsize=9.5, pad=5)
            place.set_xlabel(f"current ({units[k] if k < len(units) else 'its unit'})")
        for place in places[len(curves) :]:
            place.set_axis_off()
        places[0].set_ylabel("rate (Hz)")
        figure.title(canvas, places[0], heading, below or "rate under a constant current")
    rows = [{"name": c.name, "current": c.currents.tolist(), "rate_hz": c.rates_hz.tolist()} for c in curves]
    return Plot(canvas, {"figure": "f_i_curve", "curves": rows})
