"""Energy and latency of a decision on SpiNNaker 1.

    energy of a period = boards board_idle t + packets e_packet + cores active_core t      (board boundary)
    latency = (ticks + hops) tick

the toolchain's own model. Every core in use runs its timer loop all the time, so the period t counts, not
the decision's latency. A packet is one spike at one router; a spike passes the routers of the chips that
its source and its targets are on. At the chip boundary ``chips chip_idle`` replaces the boards.
"""

from __future__ import annotations

import math

import numpy as np

from snnctl.hardware.cost import Counts, DecisionCost, Rasters
from snnctl.hardware.mapping import Fit


class SpiNNaker1Cost:
    """Cost of decisions of one controller on SpiNNaker 1."""

    def __init__(self, fit: Fit) -> None:
        network = fit.agent.description.network
        self._fit = fit
        self._names = [p.name for p in network.inputs] + [layer.name for layer in fit.layers]
        self._sizes = [network.population(name).size for name in self._names[1:]]
        # Routers that a spike of each neuron passes, (n,) a population; the last population's leave to the host.
        self._routers = []
        for source, target in zip(self._names, [*self._names[1:], None], strict=True):
            reached = {c.chip for c in fit.cores if c.population == target}
            self._routers.append(
                np.concatenate(
                    [np.full(c.neurons, len(reached | {c.chip})) for c in fit.cores if c.population == source]
                )
            )
        self._constants = fit.chip.constants("energy", "time", "power")

    def decision(self, rasters: Rasters) -> DecisionCost:
        """Cost of one decision; ``rasters`` input first, each (ticks, n)."""
        chip, fit = self._fit.chip, self._fit
        ticks = rasters[0].shape[0]
        fired = [raster.sum(axis=0, dtype=np.int64) for raster in rasters]  # (n,) each
        packets = sum(int(f @ routers) for f, routers in zip(fired, self._routers, strict=True))
        synops = sum(int(f.sum()) * n for f, n in zip(fired, self._sizes, strict=False))
        active = ticks * sum(self._sizes)
        latency = {"ticks": fit.ticks * chip.value("time.tick")}
        period_s = max(fit.agent.description.task.control_dt_s, latency["ticks"])
        boards = math.ceil(fit.chips / chip.limit("chips"))
        return DecisionCost(
            evidence="modelled",
            chip=chip.name,
            ticks=fit.ticks,
            period_s=period_s,
            counts=Counts(
                sum(int(f.sum()) for f in fired), synops, active, fit.ticks * sum(self._sizes) - active, packets
            ),
            energy_j={
                "active_cores": len(fit.cores) * chip.value("power.active_core") * period_s,
                "packets": packets * chip.value("energy.packet"),
            },
            latency_s=latency,
            static_idle_w={
                "chip": (0.0, fit.chips * chip.value("power.chip_idle")),
                "board": (0.0, boards * chip.value("power.board_idle")),
                "dynamic": (0.0, 0.0),
            },
            constants=self._constants,
            notes=(
                "the sources do not separate static from idle power: all of it is shown as idle",
                "host I/O over Ethernet is not in any source that we found and is left out of the latency",
            ),
        )
