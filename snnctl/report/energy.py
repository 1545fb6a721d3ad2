"""What a chip would draw: its power by kind at each boundary, and the dynamic energy of a decision by part.

Static power flows in a powered chip, idle power when it is ready to run, dynamic power where spikes
occur. They differ by orders of magnitude, so dynamic energy has its own axis. All figures take the JSON of an
evaluation (docs/evaluation.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory

from snnctl.report import figure
from snnctl.report.figure import Plot
from snnctl.report.units import part, si, tick

WIDTH_IN = 7.4
_ROW_IN = 0.36
_LABEL_ROWS = 0.6  # that the name of a budget takes
_LEFT_IN, _RIGHT_IN = 1.75, 0.3
_KINDS = {"static": figure.STATIC, "idle": figure.IDLE, "dynamic": figure.DYNAMIC}

Data = Mapping[str, Any]


def draw(evaluation: Data, heading: str, below: str) -> Plot:
    """Draw power with its budget above dynamic energy."""
    powers, parts = _powers(evaluation), _parts(evaluation)
    heights = [_power_in(evaluation, powers), _ROW_IN * len(parts)]
    with figure.styled():
        canvas, (upper, lower) = figure.stacked(heights, heading, WIDTH_IN, _LEFT_IN, _RIGHT_IN, gap_in=0.95)
        _draw_power(upper, powers, _limit_w(evaluation))
        _draw_energy(lower, parts)
        figure.title(canvas, upper, heading, below)
    return Plot(canvas, {"figure": "energy", "power_w": powers, "energy_j": parts, "limit_w": _limit_w(evaluation)})


def power(evaluation: Data, width_in: float) -> Plot:
    """Draw power with its budget, without a heading."""
    powers, limit_w = _powers(evaluation), _limit_w(evaluation)
    with figure.styled():
        canvas, (axes,) = figure.stacked([_power_in(evaluation, powers)], "", width_in, 1.0, _RIGHT_IN, bottom_in=0.6)
        _draw_power(axes, powers, limit_w)
    return Plot(canvas, {"figure": "power", "power_w": powers, "limit_w": limit_w})


def parts(evaluation: Data, width_in: float) -> Plot:
    """Draw the dynamic energy of a decision by part, without a heading."""
    energy_j = _parts(evaluation)
    with figure.styled():
        canvas, (axes,) = figure.stacked([_ROW_IN * len(energy_j)], "", width_in, _LEFT_IN, _RIGHT_IN)
        _draw_energy(axes, energy_j)
    return Plot(canvas, {"figure": "energy parts", "energy_j": energy_j})


def _powers(evaluation: Data) -> dict[str, dict[str, float]]:
    """Power by kind (W) of what the network adds, of the chip, and of the board where the budget counts that."""
    power, boundary = evaluation["power"], evaluation["budget"]["boundary"]
    dynamic = {"dynamic": float(power["dynamic_w"])}
    found = {"dynamic": dynamic}
    for name, prefix in (("chip", ""), ("board", "board_"))[: 2 if boundary == "board" else 1]:
        found[f"whole {name}"] = {kind: float(power[f"{prefix}{kind}_w"]) for kind in ("static", "idle")} | dynamic
    return found


def _parts(evaluation: Data) -> dict[str, float]:
    """Dynamic energy of a mean decision (J), the largest part first."""
    found = {part(name): float(value) for name, value in evaluation["energy"]["dynamic_by_part_j"].items() if value > 0}
    return dict(sorted(found.items(), key=lambda item: -item[1])) or {"nothing": 0.0}


def _limit_w(evaluation: Data) -> float | None:
    asked = evaluation["budget"].get("power")
    return None if asked is None else float(asked["limit_w"])


def _power_in(evaluation: Data, powers: Mapping[str, Mapping[str, float]]) -> float:
    return _ROW_IN * (len(powers) + (0 if _limit_w(evaluation) is None else _LABEL_ROWS))


def _draw_power(axes: Axes, powers: Mapping[str, Mapping[str, float]], limit_w: float | None) -> None:
    """One stacked bar a boundary; the key below has the kinds of the last bar, the widest boundary."""
    last = len(powers) - 1
    for row, kinds in enumerate(powers.values()):
        start = 0.0
        for kind, value in kinds.items():
            label = f"{kind} {si(value, 'W')}" if row == last else None
            axes.barh(row, value, left=start, color=_KINDS[kind], height=0.72, edgecolor=figure.PAPER,
                      linewidth=0.6, label=label)  # fmt: skip
            start += value
        _total(axes, row, start, "W")
    top = max(sum(kinds.values()) for kinds in powers.values())
    _dress(axes, list(powers), top, "W")
    if limit_w is not None:
        axes.set_xlim(0, 1.22 * max(top, limit_w) or 1.0)
        axes.axvline(limit_w, color=figure.INK, linewidth=1.2, linestyle=(0, (3, 2)))
        axes.set_ylim(last + 0.5, -0.5 - _LABEL_ROWS)
        left = limit_w > 0.6 * axes.get_xlim()[1]
        axes.annotate(f"budget {si(limit_w, 'W')}", (limit_w, -0.5 - _LABEL_ROWS / 2), xytext=(-4 if left else 4, 0),
                      textcoords="offset points", va="center", ha="right" if left else "left",
                      fontsize=8.5)  # fmt: skip
    beside = blended_transform_factory(axes.figure.transFigure, axes.transAxes)
    axes.legend(loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=beside, ncols=3, fontsize=8.5,
                handlelength=0.9, handleheight=0.9, columnspacing=1.4, borderpad=0, borderaxespad=2.6)  # fmt: skip


def _draw_energy(axes: Axes, energy_j: Mapping[str, float]) -> None:
    for row, value in enumerate(energy_j.values()):
        axes.barh(row, value, color=figure.DYNAMIC, height=0.72)
        _total(axes, row, value, "J")
    _dress(axes, list(energy_j), max(energy_j.values()), "J")
    axes.set_xlabel(f"dynamic energy of a decision, in all {si(sum(energy_j.values()), 'J')}")


def _total(axes: Axes, row: int, value: float, unit: str) -> None:
    axes.annotate(si(value, unit), (value, row), xytext=(5, 0), textcoords="offset points", va="center",
                  bbox={"facecolor": figure.PAPER, "edgecolor": "none", "pad": 1.0})  # fmt: skip


def _dress(axes: Axes, names: list[str], top: float, unit: str) -> None:
    """Rows with names from top to bottom over an axis from 0 with room for the label of the largest."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(0, 1.22 * top or 1.0)
    axes.tick_params(axis="y", length=0, labelcolor=figure.INK)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(lambda value, _: tick(value, unit))
    axes.locator_params(axis="x", nbins=5)
    axes.grid(axis="x")
