"""Energy and latency of a decision on SpiNNaker 1.

    energy of a period = boards board_idle t + packets e_packet + cores active_core t      (board boundary)
    latency = (ticks of the decision on the chip) tick

the toolchain's own model. Every core in use runs its timer loop all the time, so the period t counts, not
the decision's latency. A packet is one spike at one router; a spike passes the routers of the chips that
its source and its targets are on. At the chip boundary ``chips chip_idle`` replaces the boards.
"""

from __future__ import annotations

import math

import numpy as np

from snnctl.hardware.cost import Counts, DecisionCost
from snnctl.hardware.family import Fit, Rasters
from snnctl.hardware.stages import Integers
from snnctl.hardware.traffic import Traffic, fans, synaptic_events

_NOTES = (
    "the sources do not separate static from idle power: all of it is shown as idle",
    "host I/O over Ethernet is not in any source that we found and is left out of the latency",
)


class SpiNNaker1Cost:
    """Cost of decisions of one program on SpiNNaker 1."""

    def __init__(self, fit: Fit) -> None:
        self._fit, self._ticks = fit, fit.loaded().ticks
        routers = [self._passed(node) for node in range(len(fit.program.nodes))]  # (n,) each
        self._traffic = Traffic(synaptic_events(fit.program), routers)
        neurons = sum(stage.size for stage in fit.program.stages)
        self._updates = fit.program.ticks * neurons, (self._ticks - fit.program.ticks) * neurons  # active, inactive
        self._active_w = len(fit.cores) * fit.chip.value("power.active_core")
        self._packet_j, self._latency_s = fit.chip.value("energy.packet"), self._ticks * fit.chip.value("time.tick")
        boards = math.ceil(fit.chips / fit.chip.limit("chips"))
        chip_w = 0.0, fit.chips * fit.chip.value("power.chip_idle")
        board_w = 0.0, boards * fit.chip.value("power.board_idle")
        self._name, self._fixed = (
            fit.chip.name,
            (chip_w, board_w, fit.chip.constants("energy", "time", "power"), _NOTES),
        )

    def _passed(self, node: int) -> Integers:
        """Routers that a spike of each neuron passes; without targets it leaves to the host.  # (n,)"""
        fit = self._fit
        passed = np.zeros((fit.program.nodes[node].size, fit.chips), bool)
        for core in fit.cores:
            if core.node == node:
                passed[core.slice, core.chip] = True
        for link in fit.program.links:
            if link.source == node:
                targets = [core for core in fit.cores if core.node == link.target]
                for core, reached in zip(targets, fans(fit.program, link, targets).T > 0, strict=True):
                    passed[reached, core.chip] = True
        return passed.sum(axis=1)  # type: ignore[no-any-return]

    def decision(self, rasters: Rasters, control_dt_s: float) -> DecisionCost:
        """Cost of one decision; ``rasters`` inputs first, each (ticks, n)."""
        spikes, events, packets = self._traffic.count(rasters)
        period_s = max(control_dt_s, self._latency_s)
        energy = {"active_cores": self._active_w * period_s, "packets": packets * self._packet_j}
        counts = Counts(spikes, events, *self._updates, packets)
        latency = {"ticks": self._latency_s}
        return DecisionCost("modelled", self._name, self._ticks, period_s, counts, energy, latency, *self._fixed)
