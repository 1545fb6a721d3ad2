"""Stage by stage: a fast way to run an acyclic reset decision, each stage over all its ticks with a dense matrix.

It equals the emulators' way, which runs all stages at once within their windows (:mod:`snnctl.hardware.schedule`):
a stage sees, in its own tick k, the spikes of its sources of tick ``k - delay``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.hardware.family import Rasters, Spikes
from snnctl.hardware.stages import Integers
from snnctl.network.program import Program, topological

MOST_CELLS = 1 << 25  # of all matrices together

Run = Callable[[int, NDArray[np.int32], Spikes], tuple[Spikes, int]]  # number of the stage, weights, what arrives


class Layer(NamedTuple):
    """A stage and what arrives at it."""

    number: int  # of the stage
    sources: tuple[tuple[int, int], ...]  # node and delay of each link
    weights: NDArray[np.int32]  # (neurons of all sources, n)


def layers(program: Program, weights: Sequence[Integers]) -> tuple[Layer, ...] | None:
    """The layers in the order in which they run.

    Args:
        program: the network
        weights: of each stage, as the chip holds them, (synapses,) of all links into it

    Returns:
        None where they do not describe the program: it keeps its state, has a cycle, several delays in a link, two
        synapses between the same neurons, or is too large for dense matrices.
    """
    first = len(program.inputs)
    order = topological(len(program.nodes), [(link.source, link.target) for link in program.links])
    cells = sum(program.nodes[link.source].size * program.nodes[link.target].size for link in program.links)
    several = any(link.own_delays.size > 1 for link in program.links)
    if program.decision != "reset" or order is None or several or cells > MOST_CELLS:
        return None
    found = []
    for node in (node for node in order if node >= first):
        incoming, size = program.into(node), program.nodes[node].size
        blocks, end = [np.zeros((0, size), np.int32)], 0
        for link in incoming:
            synapses = link.synapses()
            begin, end = end, end + synapses.weight.size
            block = np.zeros((program.nodes[link.source].size, size), np.int32)
            cell = synapses.source * size + synapses.target
            if link.kind != "dense" and np.unique(cell).size < cell.size:
                return None
            block.ravel()[cell] = weights[node - first][begin:end]
            blocks.append(block)
        sources = tuple((link.source, int(link.own_delays[0])) for link in incoming)
        found.append(Layer(node - first, sources, np.ascontiguousarray(np.concatenate(blocks))))
    return tuple(found)


def run(program: Program, stack: Sequence[Layer], inputs: Rasters, advance: Run) -> tuple[Rasters, int]:
    """Spikes of all nodes in a decision, and the sum of what ``advance`` counts."""
    rasters: dict[int, Spikes] = dict(enumerate(inputs))
    overflows = 0
    for layer in stack:
        spikes, counted = advance(layer.number, layer.weights, _arriving(layer, rasters, program.ticks))
        rasters[len(program.inputs) + layer.number] = spikes
        overflows += counted
    return [rasters[node] for node in range(len(program.nodes))], overflows


def _arriving(layer: Layer, rasters: dict[int, Spikes], ticks: int) -> Spikes:
    """What the sources sent, delayed, side by side.  # (ticks, neurons of all sources)"""
    shifted = [_delayed(rasters[node], delay) for node, delay in layer.sources]
    if len(shifted) == 1:
        return shifted[0]
    return np.ascontiguousarray(np.concatenate([np.zeros((ticks, 0), np.uint8), *shifted], axis=1))


def _delayed(raster: Spikes, delay: int) -> Spikes:
    if delay == 0:
        return raster
    late = np.zeros_like(raster)
    late[delay:] = raster[: max(0, len(raster) - delay)]
    return late
