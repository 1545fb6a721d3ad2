"""A reset decision, each stage over all its ticks: what the emulators' fast way shares.

It equals the emulators' way, which runs all stages at once within their windows (:mod:`snnctl.hardware.schedule`):
a stage sees, in its own tick k, the spikes of its sources of tick ``k - delay``.

    for each stage, in the order in which they depend on each other:
        for each tick: arrived = the sum of the rows of the sources that spiked
        step its neurons, all ticks                                                 (the family's own arithmetic)

Weights are words of 8 or 16 bits, their sums of 16: a family takes this way where its bounds say that they fit.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.agent.decision import padded_size, strip_width
from snnctl.hardware.family import Spikes
from snnctl.hardware.rasters import SideBySide
from snnctl.hardware.stages import Integers
from snnctl.network.program import Program, topological
from snnctl.network.vector import LANES, add_rows, list_spikes

MOST_CELLS = 1 << 25  # of all matrices together
_FIRST_LINK, _END_LINK, _COLUMN, _SIZE, _WIDTH = range(5)  # columns of the table of layers
_SOURCE, _SOURCES, _DELAY, _WORD = range(4)  # columns of the table of links


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


class Staged:
    """Reset decisions of a program, stage by stage, by the kernel of a family.

    The kernel returns what :func:`enter` does, and is called with

        given      spikes of the inputs (ticks, n_in)
        spikes     of all nodes, inputs first, side by side (ticks, neurons), to be written
        layers     (layers, 5), in the order in which they run; :func:`arrived` and :func:`place` read it
        links      (links, 4), for :func:`arrived`
        words      of the weights, for :func:`arrived`
        constants  (constants, neurons of all stages) of int32
    """

    def __init__(
        self,
        program: Program,
        stack: Sequence[Layer],
        rows: Sequence[NDArray[Any]],
        constants: NDArray[np.int32],
        kernel: Callable[..., bool],
    ) -> None:
        """Lay it out.

        Args:
            program: the network
            stack: its layers
            rows: of each layer, what arrives with a spike of each source (sources, a multiple of n)
            constants: (constants, neurons of all stages)
            kernel: runs the decision
        """
        sizes = [node.size for node in program.nodes]
        ends = np.concatenate(([0], np.cumsum(sizes))).tolist()
        self._columns = [slice(*pair) for pair in itertools.pairwise(ends)]  # of each node
        self._shape = program.ticks, ends[-1]
        table: list[list[int]] = []
        links: list[list[int]] = []
        words: list[NDArray[Any]] = [np.zeros(0, rows[0].dtype)]
        word = 0
        for layer, made in zip(stack, rows, strict=True):
            node, begin, first = len(program.inputs) + layer.number, 0, len(links)
            padded = np.pad(made, ((0, 0), (0, padded_size(made.shape[1]) - made.shape[1])))
            for source, delay in layer.sources:
                end = begin + sizes[source]
                links.append([ends[source], sizes[source], delay, word])
                words.append(_strips(padded[begin:end]))
                word, begin = word + words[-1].size, end
            table.append([first, len(links), ends[node], sizes[node], padded.shape[1]])
        self._arguments = (
            np.array(table, np.int64).reshape(-1, 5),
            np.array(links, np.int64).reshape(-1, 4),
            np.concatenate(words),
            np.ascontiguousarray(constants),
        )
        self._kernel = kernel

    def run(self, given: Spikes) -> SideBySide | None:
        """Spikes of all nodes for those of the inputs (ticks, n_in); None where these are not all 0 or 1."""
        spikes = np.empty(self._shape, np.uint8)  # (ticks, neurons)
        return SideBySide(spikes, self._columns) if self._kernel(given, spikes, *self._arguments) else None


@njit(cache=True, nogil=True, error_model="numpy")
def enter(given: Any, spikes: Any) -> bool:
    """The spikes of the inputs (ticks, n_in) are the first columns of those of all nodes; whether all are 0 or 1."""
    seen = np.uint8(0)
    for k in range(given.shape[0]):
        for j in range(given.shape[1]):
            spikes[k, j] = given[k, j]
            seen |= given[k, j]
    return bool(seen <= 1)


@njit(cache=True, nogil=True, error_model="numpy")
def place(layers: Any, layer: Any) -> Any:
    """First column of a layer's spikes, and its neurons."""
    return layers[layer, _COLUMN], layers[layer, _SIZE]


@njit(cache=True, nogil=True, error_model="numpy")
def room(layers: Any, spikes: Any) -> Any:
    """How many events and how many sums :func:`arrived` needs room for."""
    widest = 0
    for layer in range(layers.shape[0]):
        widest = max(widest, layers[layer, _WIDTH])
    return spikes.shape[1] + LANES, spikes.shape[0] * widest


@njit(cache=True, nogil=True, error_model="numpy")
def arrived(layers: Any, layer: Any, links: Any, words: Any, spikes: Any, events: Any, drive: Any) -> Any:
    """Sums of the rows of the sources that spiked, for all ticks of a layer: the beginning of ``drive``.

    Returns:
        the width of the rows, padding included: ``drive`` is (ticks, width)
    """
    width = layers[layer, _WIDTH]
    for k in range(spikes.shape[0]):
        drive[k * width : (k + 1) * width] = 0
        for link in range(layers[layer, _FIRST_LINK], layers[layer, _END_LINK]):
            if k >= links[link, _DELAY]:
                first, sources = links[link, _SOURCE], links[link, _SOURCES]
                count = list_all(spikes[k - links[link, _DELAY], first : first + sources], events)
                word, done = links[link, _WORD], 0
                while done < width:
                    strip = strip_width(width - done)
                    add_rows(words, word, strip, events, 0, count, drive, k * width + done, True)
                    word += strip * sources
                    done += strip
    return width


@njit(cache=True, nogil=True, error_model="numpy")
def list_all(row: Any, events: Any) -> Any:
    """Write the positions of the ones of ``row`` (n,) to ``events``, which has room for n + 16; return how many."""
    whole = row.size - row.size % LANES
    count = list_spikes(row, 0, whole, events, 0)
    for j in range(whole, row.size):
        events[count] = j
        count += int(row[j])
    return count


def _strips(rows: NDArray[Any]) -> NDArray[Any]:
    """Rows (sources, width) cut into strips as the decision kernel's, each source-major, laid end to end."""
    ends = [0]
    while ends[-1] < rows.shape[1]:
        ends.append(ends[-1] + strip_width(rows.shape[1] - ends[-1]))
    return np.concatenate([rows[:, begin:end].ravel() for begin, end in itertools.pairwise(ends)])
