"""Energy and latency of a decision on Loihi 1.

    energy = synops e_synop + updates_active e_active + updates_inactive e_inactive + messages (route)
    route  = e_within_tile + |dx| e_east_west + |dy| e_north_south, for each core that a spike goes to
    tick   = max over cores (compartments t_update + synops t_synop + messages sent t_route) + barrier(tiles)
    latency = sum of ticks + host_io_per_decision

Every compartment is updated in every tick: active inside its layer's window, inactive outside. A
synaptic operation is one stored weight that a spike is multiplied with, zeros included, because rows are
dense. Input spikes enter on the tile of the core that they go to. Static, idle and board power as in
the chip file; ``synaptic_op`` is a published *minimum*, so the energy is a lower bound.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snnctl.hardware.chip import Chip
from snnctl.hardware.cost import Counts, DecisionCost, Rasters
from snnctl.hardware.mapping import Core, Fit


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


class Loihi1Cost:
    """Cost of decisions of one controller on Loihi 1."""

    def __init__(self, fit: Fit) -> None:
        network = fit.agent.description.network
        self._fit = fit
        self._names = [p.name for p in network.inputs] + [layer.name for layer in fit.layers]
        self._cores = {name: [c for c in fit.cores if c.population == name] for name in self._names}
        self._sizes = [network.population(name).size for name in self._names[1:]]
        tiles = -(-len(fit.cores) // fit.chip.limit("cores_per_tile"))
        self._barrier_s = barrier_s(fit.chip, tiles)
        # Joules and seconds of one spike of each population, summed over the cores that it goes to;
        # the mean over source cores for energy, the worst source core for time.
        self._route = [self._routes(a, b) for a, b in zip(self._names, self._names[1:], strict=False)]
        self._constants = fit.chip.constants("energy", "time", "power")

    def _routes(self, source: str, target: str) -> tuple[float, float]:
        targets = self._cores[target]
        senders: list[Core] = self._cores[source]
        if not senders:  # injected on the target's own tile
            paths = [[route(self._fit.chip, t.number, t.number) for t in targets]]
            weights = [1.0]
        else:
            paths = [[route(self._fit.chip, s.number, t.number) for t in targets] for s in senders]
            weights = [s.neurons / sum(c.neurons for c in senders) for s in senders]
        energy = sum(w * sum(e for e, _ in row) for w, row in zip(weights, paths, strict=True))
        return energy, max(sum(s for _, s in row) for row in paths)

    def decision(self, rasters: Rasters) -> DecisionCost:
        """Cost of one decision; ``rasters`` input first, each (ticks, n)."""
        chip, fit = self._fit.chip, self._fit
        ticks = rasters[0].shape[0]
        fired = [raster.sum(axis=1, dtype=np.int64) for raster in rasters]  # (ticks,) each
        totals = [int(f.sum()) for f in fired]
        synops = sum(t * n for t, n in zip(totals, self._sizes, strict=False))
        active = ticks * sum(self._sizes)
        inactive = fit.ticks * sum(self._sizes) - active
        messages = sum(t * len(self._cores[name]) for t, name in zip(totals, self._names[1:], strict=False))
        tick_s = self._tick_s(fired, ticks)
        energy = {
            "synaptic_ops": synops * chip.value("energy.synaptic_op"),
            "neuron_updates": active * chip.value("energy.neuron_update_active")
            + inactive * chip.value("energy.neuron_update_inactive"),
            "spikes": sum(t * e for t, (e, _) in zip(totals, self._route, strict=False)),
        }
        latency = {
            "ticks": float(tick_s.sum()),
            "barriers": fit.ticks * self._barrier_s,
            "host_io": chip.value("time.host_io_per_decision"),
        }
        static, idle = chip.value("power.chip_static"), chip.value("power.chip_idle")
        return DecisionCost(
            evidence="modelled",
            chip=chip.name,
            ticks=fit.ticks,
            period_s=max(fit.agent.description.task.control_dt_s, sum(latency.values())),
            counts=Counts(sum(totals), synops, active, inactive, messages),
            energy_j=energy,
            latency_s=latency,
            static_idle_w={
                "chip": (static, idle),
                "board": (0.0, chip.value("power.board_idle")),
                "dynamic": (0.0, 0.0),
            },
            constants=self._constants,
            notes=(
                "the synaptic operation is a published minimum: dynamic energy is a lower bound",
                "at the board boundary static power is contained in idle (Nahuku 8, eight chips)",
                "host I/O is what PopSAN measured on Nahuku 8, not a property of the chip",
            ),
        )

    def _tick_s(self, fired: list[NDArray[np.int64]], ticks: int) -> NDArray[np.float64]:
        """Time of the slowest core in each chip tick, without the barrier.  # (ticks + hops,)"""
        chip = self._fit.chip
        slowest = np.zeros(self._fit.ticks)  # (ticks + hops,)
        for layer, name in enumerate(self._names[1:], start=1):
            largest = max(core.neurons for core in self._cores[name])
            busy = np.full(self._fit.ticks, largest * chip.value("time.neuron_update_inactive"))
            window = slice(layer, layer + ticks)
            busy[window] = largest * chip.value("time.neuron_update_active")
            busy[window] += fired[layer - 1] * largest * chip.value("time.synaptic_op")
            if layer < len(fired) - 1:  # all spikes of the layer, as if one core had sent them
                busy[window] += fired[layer] * self._route[layer][1]
            slowest = np.maximum(slowest, busy)
        return slowest
