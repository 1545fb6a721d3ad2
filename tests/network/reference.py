"""A whole tick of the engine in plain Python, neuron by neuron and synapse by synapse.

It knows the description, its tensors, and the functions of models and rules; nothing of the engine's tables. The
order of every sum is the one that the engine promises:

    drive[j] = sum over projections, over delays ascending, over spiking sources i ascending, of weight[i, j]

and several rules of one projection act one after the other, each with its own traces; delays of one projection that
differ have traces of their own too, since a spike arrives at different times.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from snnctl import streams
from snnctl.coding.xoshiro import uniforms
from snnctl.network.description import NetworkDescription, Population, Projection, evaluation_order
from snnctl.network.population import drive_of, is_stochastic, receptors_of, step_of


class Neurons:
    """One population with a model."""

    def __init__(self, population: Population, tick_s: float, tensors: Mapping[str, Any], scalar: Any) -> None:
        self.name, self.size, self.scalar = population.name, population.size, scalar
        prefix = f"population.{population.name}."
        own = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
        self.bias = [scalar(x) for x in own.pop("bias")]
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
        self.state = [self._rounded(c.initial()) for c in configs]

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


class Synapses:
    """Synapses of one projection that share a delay: ``number[s]`` is the place of synapse s in the tensors."""

    def __init__(self, number: Any, source: Any, target: Any, weight: Any, scalar: Any) -> None:
        self.number, self.scalar = number, scalar
        self.source, self.target = [int(i) for i in source], [int(j) for j in target]
        self.weight = [scalar(w) for w in weight]
        self.of_source: dict[int, list[int]] = {}
        for s, i in enumerate(self.source):
            self.of_source.setdefault(i, []).append(s)

    def begin(self, signal: Any) -> None:
        pass

    def deliver(self, arriving: list[int], drive: Any) -> None:
        for i in arriving:
            for s in self.of_source.get(i, ()):
                drive[self.target[s]] += self.weight[s]

    def end(self, v: Any, spikes: list[int], teach: Any, tick: int) -> None:
        pass


class PlasticSynapses(Synapses):
    """The same with rules."""

    def __init__(self, rules: Any, tick_s: float, sizes: tuple[int, int], *given: Any) -> None:
        super().__init__(*given)
        self.rules = [Rule(r, tick_s, sizes, len(self.source), self.scalar) for r in rules]

    def begin(self, signal: Any) -> None:
        for rule in self.rules:
            rule.begin(signal)

    def deliver(self, arriving: list[int], drive: Any) -> None:
        for number, rule in enumerate(self.rules):
            for i in arriving:
                for s in self.of_source.get(i, ()):
                    j = self.target[s]
                    if number == 0:
                        drive[j] += rule.delivered(self, s)
                    rule.change("arrive", self, s)
                if rule.has("mark_pre"):
                    rule.pre[i] = rule.rounded(rule.module.mark_pre(rule.c, rule.m, rule.pre[i]))

    def end(self, v: Any, spikes: list[int], teach: Any, tick: int) -> None:
        for rule in self.rules:
            rule.end(self, v, spikes, teach, tick)


class Rule:
    """Traces and extra synaptic fields of one rule."""

    def __init__(self, rule: Any, tick_s: float, sizes: tuple[int, int], synapses: int, scalar: Any) -> None:
        self.module, self.scalar = sys.modules[type(rule).__module__], scalar
        constants = rule.constants(tick_s)
        self.period = int(getattr(constants, "period", 0))
        self.c = type(constants)(*map(scalar, constants))
        self.m = self._zeros("Shared")
        self.pre = [self._zeros("Pre") for _ in range(sizes[0])]
        self.post = [self._zeros("Post") for _ in range(sizes[1])]
        extra = len(self.module.Synapse._fields) - 1
        first = rule.initial_synapse() if hasattr(rule, "initial_synapse") else (0.0,) * extra
        self.extra = [tuple(map(scalar, first)) for _ in range(synapses)]

    def _zeros(self, name: str) -> Any:
        cls = getattr(self.module, name)
        return cls(*(self.scalar(0.0) for _ in cls._fields))

    def has(self, name: str) -> bool:
        return hasattr(self.module, name)

    def rounded(self, value: Any) -> Any:
        return type(value)(*map(self.scalar, value))

    def synapse(self, of: Synapses, s: int) -> Any:
        return self.module.Synapse(of.weight[s], *self.extra[s])

    def delivered(self, of: Synapses, s: int) -> Any:
        if not self.has("weight"):
            return of.weight[s]
        seen = self.pre[of.source[s]], self.post[of.target[s]]
        return self.module.weight(self.c, self.m, self.synapse(of, s), *seen)

    def delivered_next(self, of: Synapses, s: int) -> Any:
        """What the next tick would deliver without a signal."""
        if not self.has("weight"):
            return of.weight[s]
        module, m, pre, post = self.module, self.m, self.pre[of.source[s]], self.post[of.target[s]]
        m = self.rounded(module.modulate(self.c, m, self.scalar(0))) if self.has("modulate") else m
        pre = self.rounded(module.relax_pre(self.c, pre)) if self.has("relax_pre") else pre
        post = self.rounded(module.relax_post(self.c, post)) if self.has("relax_post") else post
        return module.weight(self.c, m, self.synapse(of, s), pre, post)

    def change(self, name: str, of: Synapses, s: int, *more: Any) -> None:
        if self.has(name):
            seen = self.pre[of.source[s]], self.post[of.target[s]]
            after = self.rounded(getattr(self.module, name)(self.c, self.m, self.synapse(of, s), *seen, *more))
            of.weight[s], self.extra[s] = after[0], tuple(after[1:])

    def begin(self, signal: Any) -> None:
        if self.has("modulate"):
            self.m = self.rounded(self.module.modulate(self.c, self.m, self.scalar(signal)))
        if self.has("relax_pre"):
            self.pre = [self.rounded(self.module.relax_pre(self.c, x)) for x in self.pre]
        if self.has("relax_post"):
            self.post = [self.rounded(self.module.relax_post(self.c, y)) for y in self.post]

    def end(self, of: Synapses, v: Any, spikes: list[int], teach: Any, tick: int) -> None:
        """``tick`` counts from 1."""
        module, scalar = self.module, self.scalar
        if self.has("observe"):
            self.post = [
                self.rounded(module.observe(self.c, self.m, y, v[j], scalar(j in spikes), scalar(teach[j])))
                for j, y in enumerate(self.post)
            ]
        for j in spikes:
            for s in range(len(of.source)):
                if of.target[s] == j:
                    self.change("fire", of, s)
            if self.has("mark_post"):
                self.post[j] = self.rounded(module.mark_post(self.c, self.m, self.post[j]))
        for j in np.flatnonzero(teach).tolist():
            for s in range(len(of.source)):
                if of.target[s] == j:
                    self.change("instruct", of, s, scalar(teach[j]))
        if self.period > 0 and tick % self.period == 0:
            for s in range(len(of.source)):
                self.change("consolidate", of, s)
        if self.has("settle"):
            self.m = self.rounded(module.settle(self.c, self.m))


class Reference:
    """A network that runs tick by tick; everything of it can be looked at."""

    def __init__(self, description: NetworkDescription, tensors: Mapping[str, Any], dtype: Any, seed: int = 0) -> None:
        self.description, self.scalar = description, np.dtype(dtype).type
        order = [n for n in evaluation_order(description) or () if description.population(n).neuron is not None]
        self.neurons = {n: Neurons(description.population(n), description.tick_s, tensors, self.scalar) for n in order}
        stochastic = [n for n in order if self.neurons[n].stochastic]
        self.random = {n: streams.kernel_state(seed, "neurons", k) for k, n in enumerate(stochastic)}
        self.groups = {p.prefix: dict(self._groups(p, tensors)) for p in description.projections}
        self.spikes: list[dict[str, list[int]]] = []  # of each tick, by population

    def _groups(self, projection: Projection, tensors: Mapping[str, Any]) -> Iterator[tuple[int, Synapses]]:
        sizes = tuple(self.description.population(n).size for n in (projection.source, projection.target))
        weight = np.asarray(tensors[f"{projection.prefix}.weight"]).ravel()
        if projection.connectivity == "dense":
            source, target = (x.ravel() for x in np.indices(sizes))
        else:
            source = np.repeat(np.arange(sizes[0]), np.diff(tensors[f"{projection.prefix}.indptr"]))
            target = np.asarray(tensors[f"{projection.prefix}.indices"])
        delays = np.asarray(tensors.get(f"{projection.prefix}.delay", np.full(weight.shape, projection.delay_ticks)))
        for delay in sorted(set(delays.ravel().tolist())) or [projection.delay_ticks]:
            own = np.flatnonzero(delays.ravel() == delay)
            given = own, source[own], target[own], weight[own], self.scalar
            if projection.plasticity:
                yield delay, PlasticSynapses(projection.plasticity, self.description.tick_s, sizes, *given)
            else:
                yield delay, Synapses(*given)

    def tick(self, inputs: Any, currents: Any = None, signals: Any = None, teach: Any = None) -> Any:
        """Rows of what the engine is given; returns the row of the raster."""
        description = self.description
        now: dict[str, list[int]] = {}
        self.spikes.append(now)
        columns = _columns(description.driven)
        for name, piece in _columns(description.inputs).items():
            now[name] = np.flatnonzero(inputs[piece]).tolist()
        plastic = [p for p in description.projections if p.plasticity]
        for p in description.projections:
            signal = 0.0 if signals is None or not p.plasticity else signals[plastic.index(p)]
            for group in self.groups[p.prefix].values():
                group.begin(signal)
        for name, neurons in self.neurons.items():
            drive = [[self.scalar(0.0)] * neurons.size for _ in neurons.receptors]
            for p in description.projections:
                if p.target == name:
                    receptor = drive[neurons.receptors.index(p.receptor or neurons.receptors[0])]
                    for delay, group in self.groups[p.prefix].items():
                        if delay < len(self.spikes):
                            group.deliver(self.spikes[-1 - delay][p.source], receptor)
            own = None if currents is None else currents[columns[name]]
            now[name] = neurons.tick(drive, own, self.random.get(name))
        for p in description.projections:
            v = self.neurons[p.target].field("v") if p.plasticity else None
            taught = np.zeros(self.neurons[p.target].size) if teach is None else teach[columns[p.target]]
            for group in self.groups[p.prefix].values():
                group.end(v, now[p.target], taught, len(self.spikes))
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
        groups = list(self.groups[projection.prefix].values())
        size = sum(len(g.source) for g in groups)
        found: dict[str, Any] = {"weight": np.zeros(size, self.scalar)}
        for group in groups:
            assert isinstance(group, PlasticSynapses)
            first = group.rules[0]
            found["weight"][group.number] = [first.delivered_next(group, s) for s in range(len(group.source))]
            for rule in group.rules:
                for f, name in enumerate(rule.module.Synapse._fields[1:]):
                    values = found.setdefault(name, np.zeros(size, self.scalar))
                    values[group.number] = [x[f] for x in rule.extra]
        return found


def _columns(populations: tuple[Population, ...]) -> dict[str, slice]:
    ends = np.cumsum([p.size for p in populations]).tolist()
    return {p.name: slice(end - p.size, end) for p, end in zip(populations, ends, strict=True)}


def _like(old: Any, value: Any) -> Any:
    """A number of the type of the field."""
    assert math.isfinite(value)
    return type(old)(value)
