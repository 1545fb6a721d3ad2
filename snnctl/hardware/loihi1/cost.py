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

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from snnctl.hardware.chip import Chip
from snnctl.hardware.cost import Counts, DecisionCost
from snnctl.hardware.family import Fit, Rasters
from snnctl.hardware.rasters import joined
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
    seconds: float  # of the messages of one spike of the kind that reaches furthest


class _Node(NamedTuple):
    """A row of the table of nodes."""

    column: int  # first neuron
    size: int
    level: int  # chip tick in which it begins
    largest: int  # neurons of its largest core; 0 of an input


class _WireRow(NamedTuple):
    """A row of the table of wires."""

    source: int
    target: int
    kinds: int
    first_kind: int  # in the tables of kinds, which are those of all wires one after the other
    first_neuron: int  # in the table that says which kind a neuron is
    cores: int  # different ones of the target
    first_work: int  # in the table of work


_NOTES = (
    "the synaptic operation is a published minimum: dynamic energy is a lower bound",
    "at the board boundary static power is contained in idle (Nahuku 8, eight chips)",
    "host I/O is what PopSAN measured on Nahuku 8, not a property of the chip",
)


class Loihi1Cost:
    """Cost of decisions of one program on Loihi 1."""

    def __init__(self, fit: Fit) -> None:
        found = schedule(fit.program)
        assert found is not None  # what fits has one
        self._fit, self._chip, self._schedule = fit, fit.chip, found
        self._cores = {node: [c for c in fit.cores if c.node == node] for node in range(len(fit.program.nodes))}
        self._joules = {name: quantity.value for name, quantity in fit.chip.energy.items()}
        self._seconds = {name: quantity.value for name, quantity in fit.chip.time.items()}
        self._tables = self._laid_out([self._wire(link) for link in fit.program.links])
        neurons, ticks = sum(stage.size for stage in fit.program.stages), fit.program.ticks
        active, inactive = ticks * neurons, (found.ticks - ticks) * neurons
        self._updates = active, inactive
        self._updates_j = (
            active * self._joules["neuron_update_active"] + inactive * self._joules["neuron_update_inactive"]
        )
        self._barriers_s = found.ticks * barrier_s(fit.chip, -(-len(fit.cores) // fit.chip.limit("cores_per_tile")))
        self._host_io_s, self._ticks = self._seconds["host_io_per_decision"], found.ticks
        chip_w = fit.chip.value("power.chip_static"), fit.chip.value("power.chip_idle")
        board_w = 0.0, fit.chip.value("power.board_idle")
        self._fixed = chip_w, board_w, fit.chip.constants("energy", "time", "power"), _NOTES

    def _laid_out(self, wires: Sequence[Wire]) -> tuple[Any, ...]:
        """What :func:`_count` takes after the raster."""
        program, levels, seconds = self._fit.program, self._schedule.levels, self._seconds
        sizes = [node.size for node in program.nodes]
        nodes = [
            _Node(sum(sizes[:k]), size, levels[k], max((c.neurons for c in self._cores[k]), default=0))
            for k, size in enumerate(sizes)
        ]
        rows: list[_WireRow] = []
        kinds = neurons = work = 0
        for wire in wires:
            of_kind, cores = wire.work.shape
            rows.append(_WireRow(wire.link.source, wire.link.target, of_kind, kinds, neurons, cores, work))
            kinds, neurons, work = kinds + of_kind, neurons + wire.kind.size, work + wire.work.size
        empty = np.zeros(0, np.int64)
        return (
            np.array(nodes, np.int64),
            np.array(rows, np.int64).reshape(-1, len(_WireRow._fields)),
            np.concatenate([empty, *(wire.kind for wire in wires)]).astype(np.int64),
            np.stack([np.concatenate([empty, *(getattr(w, of) for w in wires)]) for of in ("weights", "cores")]),
            np.concatenate([np.zeros(0), *(wire.joules for wire in wires)]),
            np.concatenate([empty, *(wire.work.ravel() for wire in wires)]),
            np.array([wire.seconds for wire in wires], np.float64),
            np.array([seconds[f"neuron_update_{k}"] for k in ("active", "inactive")] + [seconds["synaptic_op"]]),
            self._schedule.ticks,
        )

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
            seconds=float((seconds * reached).sum(axis=1).max()),
        )

    def decision(self, rasters: Rasters, control_dt_s: float) -> DecisionCost:
        """Cost of one decision; ``rasters`` inputs first, each (ticks, n)."""
        spikes, synops, messages, routing_j, ticks_s = _count(joined(rasters), *self._tables)
        energy = {
            "synaptic_ops": synops * self._joules["synaptic_op"],
            "neuron_updates": self._updates_j,
            "spikes": routing_j,
        }
        latency = {"ticks": ticks_s, "barriers": self._barriers_s, "host_io": self._host_io_s}
        period_s = max(control_dt_s, ticks_s + self._barriers_s + self._host_io_s)
        counts = Counts(spikes, synops, *self._updates, messages)
        return DecisionCost("modelled", self._chip.name, self._ticks, period_s, counts, energy, latency, *self._fixed)


@njit(cache=True, nogil=True, error_model="numpy")
def _count(
    raster: Any, nodes: Any, wires: Any, kind: Any, of_kind: Any, joules: Any, work: Any, wire_s: Any, seconds: Any,
    chip_ticks: Any,
) -> Any:  # fmt: skip
    """Spikes, synaptic operations, messages, their energy (J), and the time of all ticks without barriers (s).

    Args:
        raster: spikes of all nodes side by side (ticks, neurons)
        nodes: rows of :class:`_Node`
        wires: rows of :class:`_WireRow`
        kind: of the source neurons of each wire
        of_kind: (2, kinds) stored weights and cores that a spike reaches
        joules: (kinds,) of its messages
        work: of each wire (kinds, cores) stored weights on each core
        wire_s: (wires,) of the messages of one spike of the kind that reaches furthest
        seconds: of an update in the window, of one outside, of a synaptic operation
        chip_ticks: of a decision
    """
    each = np.empty((nodes.shape[0], raster.shape[0]), np.int64)  # (nodes, ticks) spikes
    fired = np.empty((joules.size, raster.shape[0]), np.int64)  # (kinds, ticks) spikes of each kind
    spikes = synops = messages = 0
    for node in range(nodes.shape[0]):
        column, size = nodes[node, 0], nodes[node, 1]
        for t in range(each.shape[1]):
            each[node, t] = _sum(raster[t, column : column + size])
            spikes += each[node, t]
    routing_j = 0.0
    for wire in range(wires.shape[0]):
        source, _, kinds, first, first_neuron, _, _ = wires[wire]
        of_wire = fired[first : first + kinds]
        if kinds == 1:
            of_wire[0] = each[source]
        else:
            own = kind[first_neuron : first_neuron + nodes[source, 1]]
            of_wire[:] = 0
            for t in range(each.shape[1]):
                for i in range(own.size):
                    of_wire[own[i], t] += raster[t, nodes[source, 0] + i]
        for k in range(kinds):
            total = of_wire[k].sum()
            synops += total * of_kind[0, first + k]
            messages += total * of_kind[1, first + k]
            routing_j += total * joules[first + k]
    return spikes, synops, messages, routing_j, _ticks_s(nodes, wires, work, wire_s, seconds, each, fired, chip_ticks)


@njit(cache=True, nogil=True, error_model="numpy")
def _ticks_s(nodes: Any, wires: Any, work: Any, wire_s: Any, seconds: Any, each: Any, fired: Any, end: Any) -> float:
    """Sum of the times of the slowest core in each chip tick; arguments as in :func:`_count`."""
    ticks = each.shape[1]
    busy, slowest = np.empty(end), np.zeros(end)  # (chip ticks,)
    for node in range(nodes.shape[0]):
        _, _, level, largest = nodes[node]
        if largest == 0:  # an input, which no core of the chip holds
            continue
        busy[:] = largest * seconds[1]
        busy[level : level + ticks] = largest * seconds[0]
        for wire in range(wires.shape[0]):
            source, target, kinds, first_kind, _, cores, first_work = wires[wire]
            if target == node:
                for t in range(ticks):
                    most = 0
                    for core in range(cores):
                        done = 0
                        for k in range(kinds):
                            done += fired[first_kind + k, t] * work[first_work + k * cores + core]
                        most = max(most, done)
                    busy[min(nodes[source, 2] + 1 + t, end - 1)] += most * seconds[2]
            if source == node:
                for t in range(ticks):
                    busy[level + t] += each[node, t] * wire_s[wire]
        for t in range(end):
            slowest[t] = max(slowest[t], busy[t])
    total = 0.0
    for t in range(end):
        total += slowest[t]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _sum(row: Any) -> Any:
    total = np.uint32(0)
    for i in range(row.size):
        total = np.uint32(total + row[i])
    return np.int64(total)
