"""A tick of one plastic projection as plain Python, hook by hook and synapse by synapse.

The order is the one of :mod:`snnctl.network.rules`. Several rules of a projection act one after the other, each with
traces of its own, on the weight that they share; the first of them says which weight is delivered.

Compiled networks are compared with this loop, when a user's rule is checked and in the tests. It therefore shares
nothing with them: it calls the functions of the rules' modules, and has no tables and no compiler. The caller gives
spikes and membranes of both sides.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.models import HOOK_ARGUMENTS


class PlasticSynapses:
    """The synapses of one projection that share a delay; a tick is :meth:`begin`, :meth:`deliver`, :meth:`end`."""

    def __init__(
        self,
        rules: Iterable[Any],
        tick_s: float,
        shape: tuple[int, int],
        source: Iterable[int],
        target: Iterable[int],
        weight: Iterable[Any],
        scalar: Any = float,
    ) -> None:
        """``source``, ``target`` and ``weight`` have an element for each synapse, sources ascending.

        Args:
            rules: configurations, in the order in which they act
            tick_s: duration of a tick (s)
            shape: numbers of presynaptic and postsynaptic neurons
            source: presynaptic neuron of each synapse
            target: postsynaptic neuron of each synapse
            weight: first weights
            scalar: type of all numbers: float, or a float type of numpy
        """
        self.shape, self.scalar, self.ticks = shape, scalar, 0
        self.source, self.target = [int(i) for i in source], [int(j) for j in target]
        self.weight = [scalar(w) for w in weight]
        self.of_source: list[list[int]] = [[] for _ in range(shape[0])]
        self.of_target: list[list[int]] = [[] for _ in range(shape[1])]
        for s, (i, j) in enumerate(zip(self.source, self.target, strict=True)):
            self.of_source[i].append(s)
            self.of_target[j].append(s)
        self.rules = [Rule(rule, tick_s, self) for rule in rules]

    def begin(self, signal: Any = 0.0) -> None:
        """The start of a tick, before delivery."""
        for rule in self.rules:
            rule.begin(signal)

    def deliver(self, arriving: Sequence[int], drive: Any = None) -> None:
        """Spikes of these sources, ascending, arrive; what they deliver is added to ``drive`` of each target."""
        for number, rule in enumerate(self.rules):
            rule.arrive(arriving, drive if number == 0 else None)

    def end(self, v: Any, fired: Sequence[int], teach: Any = None) -> None:
        """The end of a tick, after the neurons.

        Args:
            v: membrane of each target, after its reset, or what else of it the rules observe; of several by name
            fired: the targets that spike, ascending
            teach: a number for each target; 0 by default
        """
        self.ticks += 1
        for rule in self.rules:
            rule.end(v, fired, [0.0] * self.shape[1] if teach is None else teach)

    def field(self, name: str, rule: int = 0) -> NDArray[Any]:
        """A field of the synapses, as :meth:`matrix`; all but the weight are those of rule number ``rule``."""
        place = self.rules[rule].fields.index(name)
        return self.matrix(self.weight if place == 0 else [x[place - 1] for x in self.rules[rule].extra])

    def matrix(self, values: Any) -> NDArray[Any]:
        """One value for each synapse as (presynaptic, postsynaptic), 0 where there is none."""
        found = np.zeros(self.shape, self.scalar)
        found[self.source, self.target] = values
        return found


class Rule:
    """Traces of one rule, and what it keeps of each synapse beside the weight."""

    def __init__(self, rule: Any, tick_s: float, synapses: PlasticSynapses) -> None:
        """``synapses`` are those that it acts on."""
        self.synapses, scalar = synapses, synapses.scalar
        module = sys.modules[type(rule).__module__]
        self.hooks = {name: getattr(module, name, None) for name in HOOK_ARGUMENTS}
        observe = self.hooks["observe"]
        arguments = () if observe is None else tuple(inspect.signature(observe).parameters)
        self.observes = "expected" if "expected" in arguments else "v"
        constants = rule.constants(tick_s)
        self.c: Any = self.rounded(constants)
        self.period = max(1, int(getattr(constants, "period", 1)))
        self._synapse = module.Synapse
        self.fields = module.Synapse._fields
        self.shared = self._zeros(module.Shared)
        self.pre = [self._zeros(module.Pre)] * synapses.shape[0]
        self.post = [self._zeros(module.Post)] * synapses.shape[1]
        others = (0.0,) * (len(self.fields) - 1)
        first = rule.initial_synapse() if hasattr(rule, "initial_synapse") else others
        self.extra = [tuple(map(scalar, first))] * len(synapses.source)

    def rounded(self, value: Any) -> Any:
        """A NamedTuple in the type of numbers of the synapses."""
        return type(value)(*map(self.synapses.scalar, value))

    def _zeros(self, cls: Any) -> Any:
        return self.rounded(cls(*(0.0,) * len(cls._fields)))

    def seen(self, s: int) -> Any:
        """What a function of synapse ``s`` is given: c, m, syn, pre, post."""
        own = self.synapses
        synapse = self._synapse(own.weight[s], *self.extra[s])
        return self.c, self.shared, synapse, self.pre[own.source[s]], self.post[own.target[s]]

    def delivered(self, s: int) -> Any:
        """What a spike that arrives now delivers by synapse ``s``."""
        weight = self.hooks["weight"]
        return self.synapses.weight[s] if weight is None else weight(*self.seen(s))

    def _call(self, name: str, otherwise: Any, *arguments: Any) -> Any:
        own = self.hooks[name]
        return otherwise if own is None else self.rounded(own(self.c, *arguments))

    def _change(self, name: str, synapses: Iterable[int], *more: Any) -> None:
        change = self.hooks[name]
        if change is None:
            return
        for s in synapses:
            weight, *others = self.rounded(change(*self.seen(s), *more))
            self.synapses.weight[s], self.extra[s] = weight, tuple(others)

    def begin(self, signal: Any) -> None:
        """Modulate, relax_pre, relax_post."""
        self.shared = self._call("modulate", self.shared, self.shared, self.synapses.scalar(signal))
        self.pre = [self._call("relax_pre", x, x) for x in self.pre]
        self.post = [self._call("relax_post", y, y) for y in self.post]

    def arrive(self, arriving: Sequence[int], drive: Any) -> None:
        """Weight, arrive, mark_pre; without ``drive`` nothing is delivered."""
        for i in arriving:
            own = self.synapses.of_source[i]
            if drive is not None:
                for s in own:
                    drive[self.synapses.target[s]] += self.delivered(s)
            self._change("arrive", own)
            self.pre[i] = self._call("mark_pre", self.pre[i], self.shared, self.pre[i])

    def end(self, v: Any, fired: Sequence[int], teach: Any) -> None:
        """Observe, fire, mark_post, instruct, consolidate, settle."""
        own, scalar, spikes = self.synapses, self.synapses.scalar, set(fired)
        v = v[self.observes] if isinstance(v, Mapping) else v
        self.post = [
            self._call("observe", y, self.shared, y, scalar(v[j]), scalar(j in spikes), scalar(teach[j]))
            for j, y in enumerate(self.post)
        ]
        for j in fired:
            self._change("fire", own.of_target[j])
            self.post[j] = self._call("mark_post", self.post[j], self.shared, self.post[j])
        for j in np.flatnonzero(teach).tolist():
            self._change("instruct", own.of_target[j], scalar(teach[j]))
        if own.ticks % self.period == 0:
            rests = self.hooks["rests"] or (lambda c, pre: 0)
            self._change("consolidate", (s for s, i in enumerate(own.source) if not rests(self.c, self.pre[i])))
        self.shared = self._call("settle", self.shared, self.shared)
