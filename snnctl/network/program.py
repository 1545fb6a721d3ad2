"""A network in the form that every machine takes: engine, fused decision, trainer, chip compilers and exports.

    lower(description, tensors) -> Program

A program has no names to look up and nothing left to check: arrays are those of the tensors themselves (views, never
copies), each with the name of its tensor, so that a trainer writes into them and lowers once. Nodes are numbered, the
inputs first, then the stages, in the order of the description; a link points from node to node. Time constants stay
seconds: every machine derives its decays. Labels are for messages; nobody branches on them.

What a machine cannot run it says by ``refuses(program)``, from the structure alone (:mod:`snnctl.network.capability`).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.errors import NetworkError
from snnctl.network import tensors as tensor_table
from snnctl.network.connection import Connection, Convolution, kind
from snnctl.network.description import NetworkDescription, problems

Signal = Literal["spikes", "analog"]  # what enters at an input; analog: numbers that the links turn into currents
Reading = Literal["spikes", "membranes"]  # what leaves at a read-out


class Tensor(NamedTuple):
    """An array and the name of the tensor that it is."""

    name: str
    values: NDArray[Any]


class Input(NamedTuple):
    """Neurons whose spikes, or analog values, come from outside."""

    label: str
    size: int
    signal: Signal


class Stage(NamedTuple):
    """Neurons of one model."""

    label: str
    size: int
    neuron: Any  # configuration of the model
    bias: Tensor  # (n,)
    parameters: dict[str, Tensor]  # parameters that differ from neuron to neuron (n,)
    initial: dict[str, Tensor]  # fields of the state before the first tick (n,); the model's own otherwise


class Link(NamedTuple):
    """Synapses from one node to another."""

    label: str
    source: int  # node
    target: int  # node
    receptor: str  # of the target's model; its first if empty
    connection: Connection
    weight: Tensor  # (n_source, n_target), (synapses,) or the shape of the convolution
    indptr: Tensor | None  # (n_source + 1,) of a sparse link
    indices: Tensor | None  # (synapses,)
    delay: int  # ticks of all synapses, unless ``delays`` gives each its own
    delays: Tensor | None  # in the shape of the weights
    rules: tuple[Any, ...]

    @property
    def kind(self) -> str:
        """``dense``, ``sparse`` or ``convolution``."""
        return kind(self.connection)

    @property
    def own_delays(self) -> NDArray[np.int64]:
        """The different delays of its synapses, ascending."""
        if self.delays is None or not self.delays.values.size:
            return np.array([self.delay])
        return np.unique(self.delays.values).astype(np.int64)

    def synapses(self) -> Synapses:
        """Every synapse, ascending in source, then as the tensor has them; zeros of a dense link included."""
        if isinstance(self.connection, Convolution):
            source, target, element = self.connection.pairs()
            return Synapses(source, target, self.weight.values.ravel()[element], np.full(source.size, self.delay))
        weight = self.weight.values.ravel()
        if self.indptr is not None and self.indices is not None:
            source = np.repeat(np.arange(self.indptr.values.size - 1), np.diff(self.indptr.values))
            target = self.indices.values.astype(np.int64)
        else:
            source, target = np.divmod(np.arange(weight.size), self.weight.values.shape[1])
        delay = np.full(weight.size, self.delay) if self.delays is None else self.delays.values.ravel()
        return Synapses(source.astype(np.int64), target, weight, delay.astype(np.int64))


class Synapses(NamedTuple):
    """The synapses of a link, one entry each."""

    source: NDArray[np.int64]
    target: NDArray[np.int64]
    weight: NDArray[Any]
    delay: NDArray[np.int64]  # ticks


class Readout(NamedTuple):
    """What leaves the network."""

    stage: int  # index in ``stages``
    reads: Reading


@dataclass(frozen=True, eq=False)
class Program:
    """A lowered network."""

    inputs: tuple[Input, ...]
    stages: tuple[Stage, ...]
    links: tuple[Link, ...]
    readouts: tuple[Readout, ...]
    decision: Literal["reset", "streaming", "carry"]
    carry: float  # fraction of a membrane's residual that the next decision starts with
    ticks: int
    tick_s: float

    @property
    def nodes(self) -> tuple[Input | Stage, ...]:
        """Inputs, then stages; links name them by their place here."""
        return (*self.inputs, *self.stages)

    @functools.cached_property
    def order(self) -> tuple[int, ...]:
        """Nodes of the stages in the order in which a tick evaluates them: topological in the links of delay 0."""
        instant = [(link.source, link.target) for link in self.links if link.own_delays[:1] == 0]
        order = topological(len(self.nodes), instant)
        assert order is not None  # a cycle without delay is refused before
        return tuple(node for node in order if node >= len(self.inputs))

    @property
    def is_acyclic(self) -> bool:
        """Whether no spike ever comes back to where it was made, delays or not."""
        return topological(len(self.nodes), [(link.source, link.target) for link in self.links]) is not None

    @functools.cached_property
    def chain(self) -> tuple[int, ...] | None:
        """All nodes from the input to the read-out if every one feeds only the next; else None."""
        n = len(self.nodes)
        if len(self.inputs) != 1 or len(self.links) != n - 1 or len(self.readouts) != 1:
            return None
        follows = {link.source: link.target for link in self.links}
        order = [0]
        while order[-1] in follows and len(order) <= n:
            order.append(follows[order[-1]])
        whole = len(order) == n and order[-1] == len(self.inputs) + self.readouts[0].stage
        return tuple(order) if whole else None

    def into(self, node: int) -> tuple[Link, ...]:
        """The links that end at a node, in the order in which their spikes are added."""
        return tuple(link for link in self.links if link.target == node)


def topological(nodes: int, edges: Sequence[tuple[int, int]]) -> tuple[int, ...] | None:
    """Nodes in topological order, of those that could come next the one that became free first; None for a cycle."""
    waiting = [0] * nodes
    for _, target in edges:
        waiting[target] += 1
    ready = [node for node in range(nodes) if waiting[node] == 0]
    order: list[int] = []
    while ready:
        node = ready.pop(0)
        order.append(node)
        for source, target in edges:
            if source == node:
                waiting[target] -= 1
                if waiting[target] == 0:
                    ready.append(target)
    return tuple(order) if len(order) == nodes else None


def lower(
    description: NetworkDescription,
    tensors: Mapping[str, NDArray[Any]],
    *,
    signal: Signal = "spikes",
    reads: Reading = "spikes",
    where: str = "network",
) -> Program:
    """The program of a network.

    Args:
        description: the network
        tensors: as :meth:`NetworkDescription.tensor_shapes` names them; others are left alone
        signal: what its inputs take
        reads: what its output, the last population, gives
        where: name of the description in errors

    Raises:
        NetworkError: the description or a tensor is unsound; each problem names population or projection.
    """
    if found := problems(description, where):
        raise NetworkError(*found)
    if found := tensor_table.problems(description, tensors):
        raise NetworkError(*found)
    inputs, driven = description.inputs, description.driven
    number = {p.name: k for k, p in enumerate((*inputs, *driven))}

    def tensor(name: str) -> Tensor | None:
        return Tensor(name, tensors[name]) if name in tensors else None

    def required(name: str) -> Tensor:
        return Tensor(name, tensors[name])

    stages = []
    for p in driven:
        own = {name: tensor(p.parameter_name(name)) for name in p.parameter_fields}
        first = {name: tensor(p.initial_name(name)) for name in p.state_fields}
        stages.append(
            Stage(
                p.name,
                p.size,
                p.neuron,
                required(p.bias_name),
                {name: t for name, t in own.items() if t is not None},
                {name: t for name, t in first.items() if t is not None},
            )
        )
    links = tuple(
        Link(
            label=p.prefix,
            source=number[p.source],
            target=number[p.target],
            receptor=p.receptor,
            connection=p.connectivity,
            weight=required(p.weight_name),
            indptr=tensor(p.indptr_name) if p.connectivity == "sparse" else None,
            indices=tensor(p.indices_name) if p.connectivity == "sparse" else None,
            delay=p.delay_ticks,
            delays=tensor(p.delay_name),
            rules=p.plasticity,
        )
        for p in description.projections
    )
    return Program(
        inputs=tuple(Input(p.name, p.size, signal) for p in inputs),
        stages=tuple(stages),
        links=links,
        readouts=(Readout(len(stages) - 1, reads),),
        decision=description.decision,
        carry=description.carry,
        ticks=description.ticks,
        tick_s=description.tick_s,
    )


def structure(
    description: NetworkDescription, *, signal: Signal = "spikes", reads: Reading = "spikes", where: str = "network"
) -> Program:
    """The program of a network whose tensors do not exist yet: all zeros, to ask machines what they refuse.

    Raises:
        NetworkError: the description is unsound.
    """
    if found := problems(description, where):
        raise NetworkError(*found)
    zeros = {
        name: np.zeros([n or 0 for n in spec.shape], np.int32 if spec.integer else np.float32)
        for name, spec in description.tensor_shapes().items()
        if spec.required
    }
    return lower(description, zeros, signal=signal, reads=reads, where=where)
