"""Which neurons sit on which core, and how much of each core they use.

A node is split evenly over the fewest cores on which it fits. What fits is the family's own ``usage``, which may
depend on how the targets of a node were split, so nodes are split from the last to the first, twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.network.program import Link, Program


class Usage(NamedTuple):
    """How much of one resource of a core is used."""

    used: int
    limit: int


class Core(NamedTuple):
    """One core: neurons ``first .. first + neurons - 1`` of a node."""

    number: int
    chip: int
    node: int  # of the program
    population: str  # the node's label
    first: int
    neurons: int
    usage: dict[str, Usage]

    @property
    def slice(self) -> slice:
        """Its neurons among those of the node."""
        return slice(self.first, self.first + self.neurons)


class Part(NamedTuple):
    """Neurons of a node that would share a core."""

    node: int
    first: int
    neurons: int


Split = Mapping[int, int]  # node -> cores
Use = Callable[[Part, Split], dict[str, Usage]]


def parts(node: int, size: int, cores: int) -> list[Part]:
    """A node of ``size`` neurons on at most ``cores`` cores, evenly."""
    share = -(-size // cores)
    return [Part(node, first, min(share, size - first)) for first in range(0, size, share)]


def place(
    program: Program, nodes: tuple[int, ...], largest: int, most: int, usage: Use, cores_per_chip: int | None = None
) -> tuple[Core, ...]:
    """Cores in the order of the nodes; a node that fits nowhere still gets cores.

    Args:
        program: whose nodes are placed
        nodes: that take cores
        largest: number of neurons that a core has room for
        most: cores that there are
        usage: of a core with some neurons of a node, given how many cores each node has
        cores_per_chip: None for a single chip
    """
    sizes = {node: program.nodes[node].size for node in nodes}
    fewest = {node: -(-size // largest) for node, size in sizes.items()}
    split = dict(fewest)
    sparse = {node for link in program.links if link.kind != "dense" for node in (link.source, link.target)}
    for _ in range(2):
        for node in reversed(nodes):
            for cores in range(split[node], min(sizes[node], most) + 1):
                split[node] = cores
                shares = parts(node, sizes[node], cores)
                tried = shares if node in sparse else shares[:1]  # the first is the largest
                if all(u.used <= u.limit for part in tried for u in usage(part, split).values()):
                    break
            else:  # splitting does not help; the rules will say what is wrong
                split[node] = fewest[node]
    result: list[Core] = []
    for node in nodes:
        for part in parts(node, sizes[node], split[node]):
            number = len(result)
            chip = 0 if cores_per_chip is None else number // cores_per_chip
            label = program.nodes[node].label
            result.append(Core(number, chip, node, label, part.first, part.neurons, usage(part, split)))
    return tuple(result)


def fan(program: Program, link: Link, part: Part | None = None) -> NDArray[np.int64]:
    """Stored weights of each source neuron of a link onto a part of its target (or all of it).  # (n_source,)

    A dense row stores its zeros too.
    """
    sources, size = program.nodes[link.source].size, program.nodes[link.target].size
    if link.indptr is None or link.indices is None:
        return np.full(sources, size if part is None else part.neurons, np.int64)
    counts = np.diff(link.indptr.values).astype(np.int64)
    if part is None:
        return counts
    target = link.indices.values
    inside = (target >= part.first) & (target < part.first + part.neurons)
    return np.bincount(np.repeat(np.arange(sources), counts)[inside], minlength=sources).astype(np.int64)
