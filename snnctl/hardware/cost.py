"""What a decision costs on a chip: energy, power and latency from the spikes that really occurred.

Every figure is **modelled**: event counts of the emulated decision times constants of the chip file.

    power(boundary) = static + idle + dynamic energy of a decision / period
    period = the control step, or the latency if that is longer

*static* is what the powered chip draws before anything runs, *idle* what it draws on top when it is ready
to run, *dynamic* what the decision adds. Boundaries: ``chip`` (the chips in use), ``board`` (the board
they sit on), ``dynamic`` (neither static nor idle).
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from snnctl.hardware.chip import Constant
from snnctl.hardware.mapping import Fit

Boundary = Literal["chip", "board", "dynamic"]
BOUNDARIES: tuple[Boundary, ...] = ("chip", "board", "dynamic")
Rasters = list[NDArray[np.uint8]]  # input first, (ticks, n) each, every layer in its own ticks


class Power(NamedTuple):
    """Power in watts at one boundary."""

    static_w: float
    idle_w: float
    dynamic_w: float

    @property
    def total_w(self) -> float:
        """What a budget is compared with."""
        return self.static_w + self.idle_w + self.dynamic_w


class Counts(NamedTuple):
    """Events of one decision."""

    spikes: int  # of all populations, input included
    synaptic_ops: int
    updates_active: int
    updates_inactive: int
    messages: int  # spikes times the cores (Loihi) or routers (SpiNNaker) that they reach


class DecisionCost(NamedTuple):
    """Cost of one decision."""

    evidence: Literal["modelled"]
    chip: str
    ticks: int
    period_s: float  # from one decision to the next
    counts: Counts
    energy_j: dict[str, float]  # dynamic energy in one period, by part
    latency_s: dict[str, float]  # by part
    static_idle_w: dict[Boundary, tuple[float, float]]
    constants: tuple[Constant, ...]
    notes: tuple[str, ...]

    @property
    def dynamic_energy_j(self) -> float:
        """All parts."""
        return sum(self.energy_j.values())

    @property
    def total_latency_s(self) -> float:
        """All parts, host I/O included."""
        return sum(self.latency_s.values())

    @property
    def static_power_w(self) -> float:
        """At the chip boundary."""
        return self.static_idle_w["chip"][0]

    @property
    def idle_power_w(self) -> float:
        """At the chip boundary, on top of static."""
        return self.static_idle_w["chip"][1]

    @property
    def dynamic_power_w(self) -> float:
        """Dynamic energy over the period."""
        return self.dynamic_energy_j / self.period_s

    def power(self, boundary: Boundary = "chip") -> Power:
        """Static, idle and dynamic power at a boundary."""
        return Power(*self.static_idle_w[boundary], self.dynamic_power_w)

    def energy(self, boundary: Boundary = "chip") -> float:
        """Energy of one period at a boundary, in joules."""
        return self.power(boundary).total_w * self.period_s


class CostModel(Protocol):
    """Cost of decisions of one fitted controller."""

    def decision(self, rasters: Rasters) -> DecisionCost:
        """The cost of the decision in which the populations fired like this."""
        ...


def model(fit: Fit) -> CostModel:
    """The cost model of the chip's family."""
    from snnctl.hardware.loihi1_cost import Loihi1Cost
    from snnctl.hardware.spinnaker1_cost import SpiNNaker1Cost

    return Loihi1Cost(fit) if fit.chip.family == "loihi1" else SpiNNaker1Cost(fit)
