"""A whole tick in plain Python, neuron by neuron and synapse by synapse: what every float machine must equal.

It knows the description, its tensors, and the functions of models and rules; nothing of the engine's tables. The
order of every sum is the one that the engine promises:

    drive[j] = sum over projections, over delays ascending, over spiking sources i ascending, of weight[i, j]

What rules do is :mod:`snnctl.network.interpreted`, a plain loop too. Delays of one projection that differ have traces
of their own, since a spike arrives at different times. A test of one rule on given spikes runs that loop without
neurons: :func:`plastic` and :func:`replay`.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from snnctl import streams
from snnctl.coding.xoshiro import uniforms
from snnctl.network.connection import Convolution
from snnctl.network.description import NetworkDescription, Population, Projection
from snnctl.network.interpreted import PlasticSynapses
from snnctl.network.population import drive_of, is_stochastic, receptors_of, step_of


class Neurons:
    """One population with a model."""

    def __init__(self, population: Population, tick_s: float, tensors: Mapping[str, Any], scalar: Any) -> None:
        self.name, self.size, self.scalar = population.name, population.size, scalar
        prefix = f"population.{population.name}."
        own = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        self.bias = [scalar(x) for x in own.pop("bias")]
        first = {k.removeprefix("initial."): own.pop(k) for k in [k for k in own if k.startswith("initial.")]}
        configs = [
            dataclasses.replace(
                population.neuron, **{k: _like(getattr(population.neuron, k), v[j]) for k, v in own.items()}
            )
            for j in range(self.size)
        ]
        constants = [c.constants(tick_s) for c in configs]
        self.cls = type(constants[0])
        self.constants = [self.cls(*map(scalar, c)) for c in constants]
        self.step, self.drive, self.receptors = step_of(self.cls), drive_of(self.cls), receptors_of(self.cls)
        self.stochastic = is_stochastic(self.cls)
        rest = [c.initial() for c in configs]
        self.state = [self._rounded(s._replace(**{k: v[j] for k, v in first.items()})) for j, s in enumerate(rest)]
        self.threshold = [scalar(getattr(c, "v_threshold", math.nan)) for c in configs]

    def _rounded(self, state: Any) -> Any:
        return type(state)(*map(self.scalar, state))

    def tick(self, drive: Any, currents: Any, random: Any) -> list[int]:
        """``drive`` by receptor; returns the indices of the neurons that spike."""
        spikes = []
        numbers = np.zeros(self.size, self.scalar)
        if self.stochastic:
            uniforms(random, numbers)
        for j in range(self.size):
            current = self.bias[j] if currents is None else self.bias[j] + self.scalar(currents[j])
            arrived = drive[0][j] if self.drive is None else self.drive(*(d[j] for d in drive))
            noise = (numbers[j],) if self.stochastic else ()
            after, spike = self.step(self.constants[j], self.state[j], arrived, current, *noise)
            self.state[j] = self._rounded(after)
            if spike:
                spikes.append(j)
        return spikes

    def field(self, name: str) -> Any:
        return np.array([getattr(s, name) for s in self.state], self.scalar)

    def carry(self, before: Neurons, fired: list[int], fraction: Any) -> None:
        """Start from what a decision left of the membranes, in which each neuron fired so often."""
        for j, state in enumerate(self.state):
            left = before.state[j].v - state.v
            residual = max(left, -self.threshold[j] * self.scalar(fired[j]))
            half = self.threshold[j] / self.scalar(2)
            start = state.v + min(max(self.scalar(fraction) * residual, -half), half)
            self.state[j] = state._replace(v=self.scalar(start))


class Synapses:
    """Synapses of one projection that share a delay and do not learn."""

    def __init__(self, source: Any, target: Any, weight: Any, scalar: Any) -> None:
        self.target, self.weight = [int(j) for j in target], [scalar(w) for w in weight]
        self.of_source: dict[int, list[int]] = {}
        for s, i in enumerate(source):
            self.of_source.setdefault(int(i), []).append(s)

    def deliver(self, arriving: list[int], drive: Any) -> None:
        for i in arriving:
            for s in self.of_source.get(i, ()):
                drive[self.target[s]] += self.weight[s]


class Group(NamedTuple):
    """Synapses of one projection that share a delay; ``place`` of each in the tensors."""

    delay: int
    place: Any
    synapses: Any


class Reference:
    """A network that runs tick by tick; everything of it can be looked at."""

    def __init__(self, description: NetworkDescription, tensors: Mapping[str, Any], dtype: Any, seed: int = 0) -> None:
        self.description, self.scalar = description, np.dtype(dtype).type
        order = [n for n in evaluation_order(description) if description.population(n).neuron is not None]
        self.neurons = {n: Neurons(description.population(n), description.tick_s, tensors, self.scalar) for n in order}
        stochastic = [n for n in order if self.neurons[n].stochastic]
        self.random = {n: streams.kernel_state(seed, "neurons", k) for k, n in enumerate(stochastic)}
        self.groups = {p.prefix: list(self._groups(p, tensors)) for p in description.projections}
        self.spikes: list[dict[str, list[int]]] = []  # of each tick, by population

    def _groups(self, projection: Projection, tensors: Mapping[str, Any]) -> Iterator[Group]:
        ends = [self.description.population(n) for n in (projection.source, projection.target)]
        sizes = ends[0].size, ends[1].size
        weight = np.asarray(tensors[f"{projection.prefix}.weight"]).ravel()
        if isinstance(projection.connectivity, Convolution):
            source, target, weight = _convolved(projection.connectivity, weight)
        elif projection.connectivity == "dense":
            source, target = (x.ravel() for x in np.indices(sizes))
        else:
            source = np.repeat(np.arange(sizes[0]), np.diff(tensors[f"{projection.prefix}.indptr"]))
            target = np.asarray(tensors[f"{projection.prefix}.indices"])
        delays = np.asarray(tensors.get(f"{projection.prefix}.delay", np.full(weight.shape, projection.delay_ticks)))
        for delay in sorted(set(delays.ravel().tolist())) or [projection.delay_ticks]:
            own = np.flatnonzero(delays.ravel() == delay)
            given = source[own], target[own], weight[own], self.scalar
            if projection.plasticity:
                rules, tick_s = projection.plasticity, self.description.tick_s
                yield Group(delay, own, PlasticSynapses(rules, tick_s, sizes, *given))
            else:
                yield Group(delay, own, Synapses(*given))

    def tick(self, inputs: Any, currents: Any = None, signals: Any = None, teach: Any = None) -> Any:
        """Rows of what the engine is given; returns the row of the raster."""
        description = self.description
        now: dict[str, list[int]] = {}
        self.spikes.append(now)
        columns = _columns(description.driven)
        for name, piece in _columns(description.inputs).items():
            now[name] = np.flatnonzero(inputs[piece]).tolist()
        plastic = [p for p in description.projections if p.plasticity]
        for k, p in enumerate(plastic):
            for group in self.groups[p.prefix]:
                group.synapses.begin(0.0 if signals is None else signals[k])
        for name, neurons in self.neurons.items():
            drive = [[self.scalar(0.0)] * neurons.size for _ in neurons.receptors]
            for p in description.projections:
                if p.target == name:
                    receptor = drive[neurons.receptors.index(p.receptor or neurons.receptors[0])]
                    for delay, _, synapses in self.groups[p.prefix]:
                        if delay < len(self.spikes):
                            synapses.deliver(self.spikes[-1 - delay][p.source], receptor)
            own = None if currents is None else currents[columns[name]]
            now[name] = neurons.tick(drive, own, self.random.get(name))
        for p in plastic:
            neurons, taught = self.neurons[p.target], None if teach is None else teach[columns[p.target]]
            v = {name: neurons.field(name) for name in type(neurons.state[0])._fields}
            for group in self.groups[p.prefix]:
                group.synapses.end(v, now[p.target], taught)
        row = np.zeros(sum(p.size for p in description.driven), np.uint8)
        for name, piece in columns.items():
            row[piece][now[name]] = 1
        return row

    def run(self, inputs: Any, **given: Any) -> Any:
        """(ticks, n_driven); arguments as the engine's."""
        with np.errstate(all="ignore"):
            rows = [
                self.tick(inputs[t], **{k: v[t] for k, v in given.items() if v is not None}) for t in range(len(inputs))
            ]
        return np.array(rows, np.uint8).reshape(len(inputs), -1)

    def synapses(self, projection: Projection) -> dict[str, Any]:
        """Weight and other fields, flat, in the order of the tensors. What would be delivered counts as the weight."""
        groups = self.groups[projection.prefix]
        size = sum(len(g.place) for g in groups)
        found: dict[str, Any] = {"weight": np.zeros(size, self.scalar)}
        for _, place, synapses in groups:
            found["weight"][place] = delivered_next(synapses)
            for rule in synapses.rules:
                for f, name in enumerate(rule.fields[1:]):
                    found.setdefault(name, np.zeros(size, self.scalar))[place] = [x[f] for x in rule.extra]
        return found


def delivered_next(synapses: PlasticSynapses) -> list[Any]:
    """What each synapse would deliver in the next tick without a signal: what an engine shows as its weight."""
    before = [(rule.shared, rule.pre, rule.post) for rule in synapses.rules]
    synapses.begin(0.0)
    found = [synapses.rules[0].delivered(s) for s in range(len(synapses.source))]
    for rule, traces in zip(synapses.rules, before, strict=True):
        rule.shared, rule.pre, rule.post = traces
    return found


class Recording(NamedTuple):
    weights: Any  # (samples, n_pre, n_post) at the START of ticks 0, every, 2 every, ...
    final: PlasticSynapses  # after the last tick


def plastic(rules: Any, tick_s: float, weight: Any, exists: Any = None, scalar: Any = float) -> PlasticSynapses:
    """One projection of ``rules`` (one or a tuple); ``weight`` and the mask ``exists`` are (n_pre, n_post)."""
    weight = np.asarray(weight, float)
    source, target = np.nonzero(np.ones(weight.shape, bool) if exists is None else exists)
    rules = rules if isinstance(rules, tuple) else (rules,)
    return PlasticSynapses(rules, tick_s, weight.shape, source, target, weight[source, target].tolist(), scalar)


def replay(
    rules: Any, tick_s: float, weight: Any, pre: Any, post: Any, *, signal: Any = None, every: int = 1
) -> Recording:
    """Prescribed spikes on both sides.

    Args:
        rules: a rule or a tuple of them
        tick_s: tick [s]
        weight: (n_pre, n_post) at the start
        pre: (ticks, n_pre) spikes in the tick in which they ARRIVE
        post: (ticks, n_post) spikes in the tick in which they are emitted
        signal: (ticks,) of the projection; 0 by default
        every: ticks between two samples of the weights
    """
    loop, membranes, weights = plastic(rules, tick_s, weight), np.zeros(np.shape(post)[1]), []
    for k in range(len(post)):
        if k % every == 0:
            weights.append(loop.field("weight"))
        loop.begin(0.0 if signal is None else signal[k])
        loop.deliver(np.flatnonzero(pre[k]).tolist())
        loop.end(membranes, np.flatnonzero(post[k]).tolist())
    return Recording(np.array(weights), loop)


def decisions(description: NetworkDescription, tensors: Mapping[str, Any], dtype: Any, inputs: Any) -> Any:
    """Rasters of all nodes, inputs first, of several decisions ``inputs`` (decisions, ticks, n_in), without plasticity.

    Each raster is (decisions, ticks, n).
    """
    populations = (*description.inputs, *description.driven)
    rasters = [np.zeros((*inputs.shape[:2], p.size), np.uint8) for p in populations]
    network = Reference(description, tensors, dtype)
    for number, given in enumerate(inputs):
        if number and description.decision != "streaming":
            before, network = network, Reference(description, tensors, dtype)
            if description.decision == "carry":
                for name, neurons in network.neurons.items():
                    own = rasters[[p.name for p in populations].index(name)][number - 1]
                    neurons.carry(before.neurons[name], own.sum(axis=0).tolist(), description.carry)
        fired = network.run(given)
        for raster, piece in zip(rasters, np.split(np.hstack([given, fired]), _ends(populations), axis=1), strict=True):
            raster[number] = piece
    return rasters


def _ends(populations: tuple[Population, ...]) -> Any:
    return np.cumsum([p.size for p in populations])[:-1]


def evaluation_order(description: NetworkDescription) -> list[str]:
    """Names such that every projection without delay leads to a later one."""
    order: list[str] = []
    while len(order) < len(description.populations):
        for p in description.populations:
            before = {q.source for q in description.projections if q.target == p.name and q.delay_ticks == 0}
            if p.name not in order and before <= set(order):
                order.append(p.name)
    return order


def _convolved(shape: Convolution, weight: Any) -> tuple[Any, Any, Any]:
    """Source, target and weight of every synapse of a convolution, place by place as its equation has it."""
    (channels, height, width), (filters, rows, columns) = shape.shape, shape.output_shape
    kernel = weight.reshape(shape.weight_shape)
    found = [
        ((c * height + y) * width + x, (f * rows + row) * columns + column, kernel[f, c, dy, dx])
        for c, f in itertools.product(range(channels), range(filters))
        for row, column in itertools.product(range(rows), range(columns))
        for dy, dx in itertools.product(range(shape.kernel[0]), range(shape.kernel[1]))
        if 0 <= (y := row * shape.stride[0] - shape.padding[0] + dy) < height
        if 0 <= (x := column * shape.stride[1] - shape.padding[1] + dx) < width
    ]
    source, target, element = (np.array(part) for part in zip(*sorted(found, key=lambda s: s[:2]), strict=True))
    return source, target, element


def _columns(populations: tuple[Population, ...]) -> dict[str, slice]:
    ends = np.cumsum([p.size for p in populations]).tolist()
    return {p.name: slice(end - p.size, end) for p, end in zip(populations, ends, strict=True)}


def _like(old: Any, value: Any) -> Any:
    """A number of the type of the field."""
    assert math.isfinite(value)
    return type(old)(value)
