"""Energy and latency of a decision on Loihi 1.

    energy = synops e_synop + updates_active e_active + updates_inactive e_inactive + messages (route)
    route  = e_within_tile + |dx| e_east_west + |dy| e_north_south, for each core that a spike goes to
    tick   = max over stages (compartments t_update + synops t_synop + messages sent t_route) + barrier(tiles)
    latency = sum of ticks + host_io_per_decision

Every compartment is updated in every tick: active inside its stage's window, inactive outside. A
synaptic operation is one stored weight that a spike is multiplied with, zeros included where rows are dense; it
happens in the tick after the spike, whatever the delay (those of the last tick count in that). The core of a stage
that has most to do sets its time, as if it had sent all messages of the stage. Input spikes enter on the tile of the
core that they go to. Static, idle and board power as in
the chip file; ``synaptic_op`` is a published *minimum*, so the energy is a lower bound.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.hardware.chip import Chip
from snnctl.hardware.cost import Counts, DecisionCost
from snnctl.hardware.family import Fit, Rasters, Spikes
from snnctl.hardware.schedule import schedule
from snnctl.hardware.stages import Floats, Integers
from snnctl.hardware.traffic import fans
from snnctl.network.program import Link


def route(chip: Chip, source: int, target: int) -> tuple[float, float]:
    """(joules, seconds) of one spike message between two cores, on the tile mesh, x before y."""
    per_tile, columns = chip.limit("cores_per_tile"), chip.limit("mesh_columns")
    (y0, x0), (y1, x1) = divmod(source // per_tile, columns), divmod(target // per_tile, columns)
    dx, dy = abs(x0 - x1), abs(y0 - y1)
    energy, seconds = (
        chip.value(f"{kind}.spike_within_tile")
        + dx * chip.value(f"{kind}.hop_east_west")
        + dy * chip.value(f"{kind}.hop_north_south")
        for kind in ("energy", "time")
    )
    return energy, seconds


def barrier_s(chip: Chip, tiles: int) -> float:
    """Barrier synchronisation, linear between the two published ends."""
    low, high = chip.value("time.barrier_one_tile"), chip.value("time.barrier_32_tiles")
    return low + (high - low) * (min(tiles, 32) - 1) / 31


class Wire(NamedTuple):
    """What the spikes of a link's source set off. Neurons are of one *kind* whose spikes set off the same."""

    link: Link
    kind: Integers  # (n_source,) of each neuron
    weights: Integers  # (kinds,) stored weights that a spike reaches
    cores: Integers  # (kinds,) that it goes to
    joules: Floats  # (kinds,) of the messages to them
    work: Integers  # (kinds, different cores of the target) stored weights that it reaches on each
    most: int  # largest of these
    seconds: float  # of the messages of one spike of the kind that reaches furthest

    def fired(self, raster: Spikes, each_tick: Integers) -> Integers:
        """Spikes of each kind in each tick, whose sums are ``each_tick`` (ticks,).  # (ticks, kinds)"""
        if len(self.joules) == 1:
            return each_tick[:, None]
        counts = np.zeros((len(raster), len(self.joules)), np.int64)
        tick, neuron = np.nonzero(raster)
        np.add.at(counts, (tick, self.kind[neuron]), 1)
        return counts

    def busiest(self, fired: Integers) -> Integers:
        """Synaptic operations of the core that has most of them, in each tick.  # (ticks,)"""
        if len(self.joules) == 1:
            return fired[:, 0] * self.most
        return (fired @ self.work).max(axis=1)  # type: ignore[no-any-return]


class Loihi1Cost:
    """Cost of decisions of one program on Loihi 1."""

    def __init__(self, fit: Fit) -> None:
        found = schedule(fit.program)
        assert found is not None  # what fits has one
        self._fit, self._chip, self._schedule = fit, fit.chip, found
        self._neurons = sum(stage.size for stage in fit.program.stages)
        self._cores = {node: [c for c in fit.cores if c.node == node] for node in range(len(fit.program.nodes))}
        self._largest = {node: max(c.neurons for c in cores) for node, cores in self._cores.items() if cores}
        self._wires = [self._wire(link) for link in fit.program.links]
        self._barrier_s = barrier_s(fit.chip, -(-len(fit.cores) // fit.chip.limit("cores_per_tile")))
        self._constants = fit.chip.constants("energy", "time", "power")
        self._joules = {name: quantity.value for name, quantity in fit.chip.energy.items()}
        self._seconds = {name: quantity.value for name, quantity in fit.chip.time.items()}

    def _wire(self, link: Link) -> Wire:
        targets = self._cores[link.target]
        each = fans(self._fit.program, link, targets)  # (n_source, cores)
        reached = each > 0
        joules, seconds = np.zeros(reached.shape), np.zeros(reached.shape)
        for column, target in enumerate(targets):
            for sender in self._cores[link.source] or [target._replace(first=0, neurons=len(each))]:  # on its own tile
                path = route(self._chip, sender.number, target.number)
                joules[sender.slice, column], seconds[sender.slice, column] = path
        energy = (joules * reached).sum(axis=1)  # (n_source,)
        _, first, kind = np.unique(
            np.concatenate([each, energy[:, None]], axis=1), axis=0, return_index=True, return_inverse=True
        )
        work = np.unique(each[first], axis=1)
        return Wire(
            link=link,
            kind=kind.reshape(-1),
            weights=each[first].sum(axis=1),
            cores=reached[first].sum(axis=1),
            joules=energy[first],
            work=work,
            most=int(work.max()),
            seconds=float((seconds * reached).sum(axis=1).max()),
        )

    def decision(self, rasters: Rasters, control_dt_s: float) -> DecisionCost:
        """Cost of one decision; ``rasters`` inputs first, each (ticks, n)."""
        chip, chip_ticks = self._chip, self._schedule.ticks
        each = [raster.sum(axis=1, dtype=np.int64) for raster in rasters]  # (ticks,) of each node
        fired = [w.fired(rasters[w.link.source], each[w.link.source]) for w in self._wires]  # (ticks, kinds)
        synops, messages, routing_j = 0, 0, 0.0
        for wire, counts in zip(self._wires, fired, strict=True):
            total = counts.sum(axis=0)  # (kinds,)
            synops += int(total @ wire.weights)
            messages += int(total @ wire.cores)
            routing_j += float(total @ wire.joules)
        active = len(rasters[0]) * self._neurons
        inactive = chip_ticks * self._neurons - active
        energy = {
            "synaptic_ops": synops * self._joules["synaptic_op"],
            "neuron_updates": active * self._joules["neuron_update_active"]
            + inactive * self._joules["neuron_update_inactive"],
            "spikes": routing_j,
        }
        latency = {
            "ticks": float(self._tick_s(each, fired).sum()),
            "barriers": chip_ticks * self._barrier_s,
            "host_io": self._seconds["host_io_per_decision"],
        }
        return DecisionCost(
            evidence="modelled",
            chip=chip.name,
            ticks=chip_ticks,
            period_s=max(control_dt_s, sum(latency.values())),
            counts=Counts(sum(int(counts.sum()) for counts in each), synops, active, inactive, messages),
            energy_j=energy,
            latency_s=latency,
            chip_w=(chip.value("power.chip_static"), chip.value("power.chip_idle")),
            board_w=(0.0, chip.value("power.board_idle")),
            constants=self._constants,
            notes=(
                "the synaptic operation is a published minimum: dynamic energy is a lower bound",
                "at the board boundary static power is contained in idle (Nahuku 8, eight chips)",
                "host I/O is what PopSAN measured on Nahuku 8, not a property of the chip",
            ),
        )

    def _tick_s(self, each: list[Integers], fired: list[Integers]) -> NDArray[np.float64]:
        """Time of the slowest core in each chip tick, without the barrier.  # (chip ticks,)"""
        levels, end, ticks = self._schedule.levels, self._schedule.ticks, len(each[0])
        slowest = np.zeros(end)  # (chip ticks,)
        for node in range(len(self._fit.program.inputs), len(levels)):
            largest = self._largest[node]
            busy = np.full(end, largest * self._seconds["neuron_update_inactive"])
            window = slice(levels[node], levels[node] + ticks)
            busy[window] = largest * self._seconds["neuron_update_active"]
            for wire, counts in zip(self._wires, fired, strict=True):
                if wire.link.target == node:
                    seconds = wire.busiest(counts) * self._seconds["synaptic_op"]  # (ticks,)
                    first = levels[wire.link.source] + 1
                    busy[first : first + ticks] += seconds[: end - first]
                    if first + ticks > end:
                        busy[-1] += seconds[end - first :].sum()
            for wire in self._wires:
                if wire.link.source == node:
                    busy[window] += each[node] * wire.seconds
            slowest = np.maximum(slowest, busy)
        return slowest
