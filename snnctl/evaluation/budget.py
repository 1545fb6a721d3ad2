"""Budgets: how much power, time and energy a robot can give its controller, with a source per number.

A budget limits up to three things, each compared at one stated boundary:

    power_w    mean power                      <= limit
    latency_s  99th percentile of a decision   <= limit   (the same at every boundary)
    energy_j   mean energy of a control step   <= limit

Boundaries: ``chip`` counts the whole chip (static + idle + dynamic), ``board`` adds the rest of the
board, ``dynamic`` counts only what the spikes cost. ``chip`` is the default, because a robot's
battery also feeds an idle chip.
"""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Gt

from snnctl import config, library
from snnctl.config import Joules, Seconds, Watts, schema
from snnctl.errors import ConfigError, Problem
from snnctl.hardware.cost import Boundary

Status = Literal["published", "derived", "assumed", "given"]  # given: stated by the user, on the command line


@schema
class PowerLimit:
    """Mean power that the controller may draw."""

    limit_w: Annotated[Watts, Gt(0)]
    status: Status
    source: str


@schema
class LatencyLimit:
    """99th percentile of the time from observation to action."""

    limit_s: Annotated[Seconds, Gt(0)]
    status: Status
    source: str


@schema
class EnergyLimit:
    """Mean energy of one control step."""

    limit_j: Annotated[Joules, Gt(0)]
    status: Status
    source: str


@schema
class Budget:
    """One file of ``configs/budgets``: what a robot allows."""

    schema: Literal[1] = 1
    name: str
    robot: str
    description: str = ""
    boundary: Boundary = "chip"
    power: PowerLimit | None = None
    latency: LatencyLimit | None = None
    energy: EnergyLimit | None = None


def load(name: str) -> Budget:
    """The budget of this name (``configs/budgets/<name>.toml``) or path.

    Raises:
        NotFoundError: nothing has this name.
        ConfigError: every mistake in the file.
    """
    entry = library.find("budget", name)
    budget = config.load(Budget, entry.path)
    if budget.power is None and budget.latency is None and budget.energy is None:
        raise ConfigError(Problem(str(entry.path), "limits nothing", "give it [power], [latency] or [energy]"))
    return budget


def combine(
    named: Budget | None,
    power_w: float | None = None,
    latency_s: float | None = None,
    energy_j: float | None = None,
    boundary: str | None = None,
) -> Budget:
    """A budget from single limits, which replace those of ``named`` if there is one.

    Raises:
        ConfigError: one problem for every limit that is not positive and finite, and for the boundary.
    """
    given = {"power": ("limit_w", power_w), "latency": ("limit_s", latency_s), "energy": ("limit_j", energy_j)}
    data: dict[str, object] = {"name": "given", "robot": "limits given by the user"}
    if named is not None:
        data = config.to_data(named)
    for part, (key, value) in given.items():
        if value is not None:
            data[part] = {key: value, "status": "given", "source": "stated by the user"}
    if boundary is not None:
        data["boundary"] = boundary
    try:
        return config.validate(Budget, data, "budget")
    except ConfigError as error:
        raise ConfigError(*(_plain(problem) for problem in error.problems)) from None


def _plain(problem: Problem) -> Problem:
    where = problem.where.removeprefix("budget:")
    name = where.split(".")[0]
    if name in {"power", "latency", "energy"}:
        example = {"power": "100mW", "latency": "5ms", "energy": "20uJ"}[name]
        return Problem(f"--{name}", "must be greater than zero and finite", f"write e.g. --{name} {example}")
    return Problem(f"--{name}", problem.message, problem.remedy)
