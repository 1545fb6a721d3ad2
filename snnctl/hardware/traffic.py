"""What the spikes of a decision set off: weights that they reach, cores that they go to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

from snnctl.hardware.family import Rasters
from snnctl.hardware.placement import Core, Part, fan
from snnctl.hardware.rasters import joined
from snnctl.hardware.stages import Integers
from snnctl.network.program import Link, Program


class Traffic:
    """Adds up what the spikes of a decision set off."""

    def __init__(self, *tables: Sequence[Integers]) -> None:
        """``tables``: for each thing that is counted, how much of it one spike of each neuron sets off, (n,) a node."""
        self._tables = np.array([np.concatenate(table) for table in tables], np.uint32)  # (things, neurons)

    def count(self, rasters: Rasters) -> list[int]:
        """The spikes of all nodes (ticks, n), how many they are; then how much of each thing they set off."""
        totals = np.zeros(len(self._tables) + 1, np.int64)
        _add_up(joined(rasters), self._tables, totals)
        return totals.tolist()


@njit(cache=True, nogil=True, error_model="numpy")
def _add_up(raster: Any, tables: Any, totals: Any) -> None:
    """Spikes of a raster (ticks, n), and the sums of the columns of ``tables`` (things, n) that they are on,
    added to ``totals`` (1 + things,).
    """
    counts = np.zeros(raster.shape[1], np.uint32)
    for t in range(raster.shape[0]):
        for i in range(counts.size):
            counts[i] += raster[t, i]
    for i in range(counts.size):
        totals[0] += counts[i]
    for thing in range(tables.shape[0]):
        table = tables[thing]
        for i in range(counts.size):
            totals[thing + 1] += np.int64(counts[i]) * np.int64(table[i])


def synaptic_events(program: Program) -> list[Integers]:
    """Stored weights that a spike of each neuron is multiplied with: zeros of dense rows count.  # (n,) a node"""
    found = [np.zeros(node.size, np.int64) for node in program.nodes]
    for link in program.links:
        found[link.source] += fan(program, link)
    return found


class SynapticEvents:
    """Stored weights that a decision's spikes are multiplied with."""

    def __init__(self, program: Program) -> None:
        self._traffic = Traffic(synaptic_events(program))

    def count(self, rasters: Rasters) -> int:
        """Weights reached, for the spikes of all nodes, (ticks, n) each."""
        return self._traffic.count(rasters)[1]


def fans(program: Program, link: Link, cores: Sequence[Core]) -> Integers:
    """Stored weights of each source neuron of a link on each core of its target.  # (n_source, cores)"""
    return np.stack([fan(program, link, Part(c.node, c.first, c.neurons)) for c in cores], axis=1)
