"""The order of a tick in plain Python: one plastic projection, every hook called synapse by synapse.

This is what an engine's plasticity must equal bit for bit. Weights are dense, ``(n_pre, n_post)``; synapses that do
not exist are masked by ``exists``. Rules of one projection act in the order of their tuple, at every synapse one after
the other; each has its own traces, all share the weight, and the first that has a hook `weight` says what is delivered.
Spikes and membranes of the postsynaptic neurons come from the caller: as arrays (:func:`run`), or tick by tick
(:class:`Clocked`, with `begin`, `deliver`, `end`) around a neuron model.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import numpy as np


class Recording(NamedTuple):
    weights: Any  # (samples, n_pre, n_post) at the START of ticks 0, every, 2 every, ...
    drive: Any  # (ticks, n_post) summed delivered weights
    final: Clocked  # weights, traces and tick count after the last tick


class Clocked:
    """State of one projection with the rules ``rules``, float64."""

    def __init__(self, rules: Any, tick_s: float, weight: Any, exists: Any = None) -> None:
        self.rules = tuple(rules) if isinstance(rules, tuple | list) else (rules,)
        self.weight = np.array(weight, np.float64)  # (n_pre, n_post)
        n_pre, n_post = self.weight.shape
        exists = np.ones((n_pre, n_post), bool) if exists is None else np.asarray(exists, bool)
        self.exists = exists
        self.targets = [np.flatnonzero(exists[i]).tolist() for i in range(n_pre)]
        self.sources = [np.flatnonzero(exists[:, j]).tolist() for j in range(n_post)]
        self.modules = [sys.modules[type(rule).__module__] for rule in self.rules]
        self.constants = [rule.constants(tick_s) for rule in self.rules]
        self.hooks = [{name: getattr(module, name, None) for name in HOOKS} for module in self.modules]
        self.pre = [[zeros(module.Pre)] * n_pre for module in self.modules]
        self.post = [[zeros(module.Post)] * n_post for module in self.modules]
        self.shared = [zeros(module.Shared) for module in self.modules]
        # Per rule the fields of a synapse other than its weight, as a tuple in a nested list [i][j].
        self.synapse: list[Any] = []
        for rule, module in zip(self.rules, self.modules, strict=True):
            own = (0.0,) * (len(module.Synapse._fields) - 1)
            first = rule.initial_synapse() if hasattr(rule, "initial_synapse") else own
            self.synapse.append([[tuple(float(x) for x in first)] * n_post for _ in range(n_pre)])
        self.ticks = 0

    def field(self, name: str, rule: int = 0) -> Any:
        """(n_pre, n_post) of one field of the synapses, other than the weight."""
        index = self.modules[rule].Synapse._fields.index(name) - 1
        return np.array([[s[index] for s in row] for row in self.synapse[rule]])

    # ------------------------------------------------------------------ the three parts of a tick

    def begin(self, signal: float = 0.0) -> None:
        """Start of the tick, before delivery: modulate, relax_pre, relax_post."""
        for r, (c, hooks) in enumerate(zip(self.constants, self.hooks, strict=True)):
            if hooks["modulate"]:
                self.shared[r] = hooks["modulate"](c, self.shared[r], signal)
            if hooks["relax_pre"]:
                self.pre[r] = [hooks["relax_pre"](c, pre) for pre in self.pre[r]]
            if hooks["relax_post"]:
                self.post[r] = [hooks["relax_post"](c, post) for post in self.post[r]]

    def deliver(self, arriving: Any) -> Any:
        """Delivery of the spikes ``arriving`` (n_pre,): weight, arrive, mark_pre. Returns the drive (n_post,)."""
        drive = np.zeros(self.weight.shape[1])
        for i in np.flatnonzero(arriving).tolist():
            for j in self.targets[i]:
                drive[j] += self._delivered(i, j)
                for r in range(len(self.rules)):
                    self._change("arrive", r, i, j)
            for r, (c, hooks) in enumerate(zip(self.constants, self.hooks, strict=True)):
                if hooks["mark_pre"]:
                    self.pre[r][i] = hooks["mark_pre"](c, self.shared[r], self.pre[r][i])
        return drive

    def end(self, v: Any, spike: Any, teach: Any = None) -> None:
        """End of the tick: observe, fire, mark_post, instruct, consolidate, settle; arguments are (n_post,)."""
        n_pre, n_post = self.weight.shape
        teach = np.zeros(n_post) if teach is None else teach
        rules = list(enumerate(zip(self.constants, self.hooks, strict=True)))
        for r, (c, hooks) in rules:
            if hooks["observe"]:
                self.post[r] = [
                    hooks["observe"](c, self.shared[r], post, float(v[j]), int(spike[j]), float(teach[j]))
                    for j, post in enumerate(self.post[r])
                ]
        for j in np.flatnonzero(spike).tolist():
            for i in self.sources[j]:
                for r, _ in rules:
                    self._change("fire", r, i, j)
            for r, (c, hooks) in rules:
                if hooks["mark_post"]:
                    self.post[r][j] = hooks["mark_post"](c, self.shared[r], self.post[r][j])
        for j in np.flatnonzero(teach).tolist():
            for i in self.sources[j]:
                for r, _ in rules:
                    self._change("instruct", r, i, j, float(teach[j]))
        self.ticks += 1
        due = [r for r, (c, _) in rules if getattr(c, "period", 0) > 0 and self.ticks % int(c.period) == 0]
        for i in range(n_pre if due else 0):
            for j in self.targets[i]:
                for r in due:
                    self._change("consolidate", r, i, j)
        for r, (c, hooks) in rules:
            if hooks["settle"]:
                self.shared[r] = hooks["settle"](c, self.shared[r])

    # ------------------------------------------------------------------ one synapse

    def _delivered(self, i: int, j: int) -> float:
        for r, hooks in enumerate(self.hooks):
            if hooks["weight"]:
                parts = self.constants[r], self.shared[r], self._synapse(r, i, j), self.pre[r][i], self.post[r][j]
                return float(hooks["weight"](*parts))
        return float(self.weight[i, j])

    def _synapse(self, r: int, i: int, j: int) -> Any:
        return self.modules[r].Synapse(float(self.weight[i, j]), *self.synapse[r][i][j])

    def _change(self, name: str, r: int, i: int, j: int, *more: float) -> None:
        hook = self.hooks[r][name]
        if hook:
            after = hook(
                self.constants[r], self.shared[r], self._synapse(r, i, j), self.pre[r][i], self.post[r][j], *more
            )
            self.weight[i, j] = after[0]
            self.synapse[r][i][j] = tuple(after[1:])


HOOKS = (
    "modulate", "relax_pre", "relax_post",
    "weight", "arrive", "mark_pre",
    "observe", "fire", "mark_post", "instruct", "consolidate", "settle",
)  # fmt: skip


def zeros(cls: Any) -> Any:
    return cls(*(0.0,) * len(cls._fields))


def run(
    rules: Any,
    tick_s: float,
    weight: Any,
    pre: Any,
    post: Any,
    *,
    exists: Any = None,
    signal: Any = None,
    teach: Any = None,
    v: Any = None,
    every: int = 1,
) -> Recording:
    """Prescribed spikes on both sides.

    Args:
        rules: a rule or a tuple of them
        tick_s: tick [s]
        weight: (n_pre, n_post) at the start
        pre: (ticks, n_pre) spikes in the tick in which they ARRIVE
        post: (ticks, n_post) spikes in the tick in which they are emitted
        exists: (n_pre, n_post) mask; all by default
        signal: (ticks,) of the projection; 0 by default
        teach: (ticks, n_post); 0 by default
        v: (ticks, n_post) membranes after each tick; 0 by default
        every: ticks between two samples of the weights
    """
    ticks, n_post = np.shape(post)
    clocked = Clocked(rules, tick_s, weight, exists)
    weights, drive = [], np.zeros((ticks, n_post))
    for k in range(ticks):
        if k % every == 0:
            weights.append(clocked.weight.copy())
        clocked.begin(0.0 if signal is None else float(signal[k]))
        drive[k] = clocked.deliver(pre[k])
        clocked.end(
            np.zeros(n_post) if v is None else v[k], post[k], None if teach is None else np.asarray(teach[k], float)
        )
    return Recording(np.array(weights), drive, clocked)
