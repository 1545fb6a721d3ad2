"""Energy, power and latency of decisions on TrueNorth.

    power = static + events / period e_event         latency = ticks tick

An event is a bit of a crossbar that an active axon reaches, those of splitters included. ``static`` and ``e_event`` are
the line through two measured points of a whole chip at 0.8 V; a third, 71 mW, it predicts with -0.5 %. The published
26 pJ are *all* power of a chip divided by its events: nothing may be added to them.
"""

from __future__ import annotations

from snnctl.hardware.chip import Chip
from snnctl.hardware.cost import Counts, DecisionCost
from snnctl.hardware.family import Fit, Rasters
from snnctl.hardware.traffic import Traffic
from snnctl.hardware.truenorth.compiler import TrueNorthImage


def power_w(chip: Chip, events_per_s: float) -> float:
    """Power of a chip with so many synaptic events."""
    return chip.value("power.chip_static") + events_per_s * chip.value("energy.synaptic_event")


class TrueNorthCost:
    """Cost of decisions of one program on TrueNorth."""

    def __init__(self, fit: Fit) -> None:
        image = fit.loaded()
        assert isinstance(image, TrueNorthImage)
        self._fit, self._ticks, self._traffic = fit, image.ticks, Traffic(image.events())
        self._neurons = sum(stage.size for stage in fit.program.stages)
        self._constants = fit.chip.constants("energy", "time", "power")

    def decision(self, rasters: Rasters, control_dt_s: float) -> DecisionCost:
        """Cost of one decision; ``rasters`` inputs first, each (ticks, n)."""
        chip = self._fit.chip
        spikes, events = self._traffic.count(rasters)
        latency = {"ticks": self._ticks * chip.value("time.tick")}
        active = len(rasters[0]) * self._neurons
        static = (chip.value("power.chip_static"), 0.0)
        return DecisionCost(
            evidence="modelled",
            chip=chip.name,
            ticks=self._ticks,
            period_s=max(control_dt_s, latency["ticks"]),
            counts=Counts(spikes, events, active, self._ticks * self._neurons - active, spikes),
            energy_j={"synaptic_ops": events * chip.value("energy.synaptic_event")},
            latency_s=latency,
            chip_w=static,
            board_w=static,
            constants=self._constants,
            notes=(
                "static power is that of the whole chip of 4096 cores at 0.8 V; no board is priced",
                "host I/O and clearing of membranes are not in any source that we found and are left out",
            ),
        )
