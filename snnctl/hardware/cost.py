"""What a decision costs on a chip: energy, power and latency from the spikes that really occurred.

Every figure is **modelled**: event counts of the emulated decision times constants of the chip file.

    power(boundary) = static + idle + dynamic energy of a decision / period
    period = the control step, or the latency if that is longer

*static* is what the powered chip draws before anything runs, *idle* what it draws on top when it is ready
to run, *dynamic* what the decision adds. Boundaries: ``chip`` (the chips in use), ``board`` (the board
they sit on), ``dynamic`` (neither static nor idle).

A chip whose energies nobody sourced is *not priced*: its energies and powers are NaN, None in the JSON of an
evaluation; no limit of power or energy can hold on it, and it is not ranked by them.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

from snnctl.hardware.chip import Constant
from snnctl.hardware.family import Rasters

Boundary = Literal["chip", "board", "dynamic"]


class Power(NamedTuple):
    """Mean power, apart, in watts."""

    chip_w: tuple[float, float]  # static, idle
    board_w: tuple[float, float]  # static, idle, of the board with the chip
    dynamic_w: float

    def parts(self, boundary: Boundary) -> tuple[tuple[str, float], ...]:
        """What is counted at a boundary; the total is exactly the sum of these."""
        if boundary == "dynamic":
            return (("dynamic", self.dynamic_w),)
        static, idle = self.chip_w if boundary == "chip" else self.board_w
        return (("static", static), ("idle", idle), ("dynamic", self.dynamic_w))

    def at(self, boundary: Boundary) -> float:
        """Total at a boundary: what a budget is compared with."""
        return sum(value for _, value in self.parts(boundary))


class Counts(NamedTuple):
    """Events of one decision."""

    spikes: int  # of all populations, input included
    synaptic_ops: int  # stored weights that a spike reached
    updates_active: int
    updates_inactive: int
    messages: int  # spikes times what they go to, as the family counts it: cores, or routers


class DecisionCost(NamedTuple):
    """Cost of one decision."""

    evidence: Literal["modelled"]
    chip: str
    ticks: int
    period_s: float  # from one decision to the next
    counts: Counts
    energy_j: dict[str, float]  # dynamic energy in one period, by part; NaN where it is not priced
    latency_s: dict[str, float]  # by part, host I/O included
    chip_w: tuple[float, float]  # static, idle
    board_w: tuple[float, float]  # static, idle
    constants: tuple[Constant, ...]
    notes: tuple[str, ...]

    def power(self) -> Power:
        """Mean power over the period."""
        return Power(self.chip_w, self.board_w, sum(self.energy_j.values()) / self.period_s)


class CostModel(Protocol):
    """Cost of decisions of one program on one chip."""

    def decision(self, rasters: Rasters, control_dt_s: float) -> DecisionCost:
        """The cost of one decision.

        Args:
            rasters: spikes of the program's nodes, inputs first, (ticks, n) each in its own ticks
            control_dt_s: from one decision to the next, if the chip is quick enough
        """
        ...
