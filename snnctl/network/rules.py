"""What a plasticity rule is: its state, its functions, and when each of them is called.

A rule is one file of :mod:`snnctl.plasticity`, or any importable module, with a configuration whose
``constants(tick_s)`` gives a NamedTuple of numbers, four NamedTuples of state

- ``Synapse``: per synapse, the first field is ``weight``
- ``Pre``: per presynaptic neuron, as its spikes arrive (after the delay)
- ``Post``: per postsynaptic neuron
- ``Shared``: once for the projection (dopamine)

and some of the functions below: plain Python on scalars, which is compiled when a network runs
(:mod:`snnctl.network.learning`). In one tick, in this order:

    at the start        m    = modulate(c, m, signal)                 signal: what the caller gives in this tick
                        pre  = relax_pre(c, pre)                      every presynaptic neuron
                        post = relax_post(c, post)                    every postsynaptic neuron
    delivery, for each arriving spike i in ascending order
        its synapses    w    = weight(c, m, syn, pre, post)           the delivered weight; syn.weight without it
                        syn  = arrive(c, m, syn, pre, post)
        then            pre  = mark_pre(c, m, pre)
    neurons integrate, threshold, reset
    at the end          post = observe(c, m, post, v, spike, teach)   every postsynaptic neuron
        each spike j    syn  = fire(c, m, syn, pre, post)             its synapses
        then            post = mark_post(c, m, post)
        teach != 0      syn  = instruct(c, m, syn, pre, post, teach)  its synapses
        every c.period  syn  = consolidate(c, m, syn, pre, post)      all synapses; none of an i that rests(c, pre)
        last            m    = settle(c, m)

**Coincident spikes: pre before post.** A pair in one tick has lag 0: ``fire`` reads a ``pre`` that holds the
spike that has just arrived, ``arrive`` a ``post`` without the spike of this tick. (Brian2 has the same order.)

``v`` of ``observe`` is the membrane of the target after the tick. An ``observe`` whose argument there is called
``expected`` is given that field of the target's state: the probability of a spike in this tick, which neurons with
escape noise have.

A function that a rule lacks costs nothing. The cost of ``arrive``, ``fire`` and ``instruct`` is that of the
synapses of the neurons that spike; only ``consolidate`` visits all, or those of the sources that do not rest.
"""

from __future__ import annotations

import inspect
import math
import sys
from typing import Any

from numba.extending import overload, register_jitable

from snnctl.models import HOOK_ARGUMENTS, cached
from snnctl.network.population import unrolled, views

HOOKS = tuple(HOOK_ARGUMENTS)


@cached
def hook(constants_class: type, name: str) -> Any:
    """The function of the rule of this class of constants, or None."""
    return getattr(sys.modules[constants_class.__module__], name, None)


@cached
def functions(constants_class: type) -> dict[str, Any]:
    """The functions of the rule by name, known to the compiler all together: they may call one another."""
    own = {name: hook(constants_class, name) for name in HOOKS}
    return {name: register_jitable(function) for name, function in own.items() if function is not None}


def is_signalled(constants_class: type) -> bool:
    """Whether the rule reads the signal: in a ``modulate`` that does not call it ``_signal``."""
    return _reads(hook(constants_class, "modulate"), -1)


def is_taught(constants_class: type) -> bool:
    """Whether the rule reads a teaching signal: in ``instruct``, or in ``observe`` unless it is called ``_teach``."""
    return hook(constants_class, "instruct") is not None or _reads(hook(constants_class, "observe"), -1)


def is_modulated(constants_class: type) -> bool:
    """Whether one number for the whole network is news to the rule: it reads the signal, or a learning signal.

    A rule whose ``teach`` is the learning signal of a neuron, not the spikes that it should have had, says so by
    ``TEACH = "learning signal"`` in its module.
    """
    return is_signalled(constants_class) or takes_learning_signal(constants_class)


def takes_learning_signal(constants_class: type) -> bool:
    """Whether what the rule is taught is a learning signal, the derivative of an error, as that of e-prop is."""
    return getattr(sys.modules[constants_class.__module__], "TEACH", "") == "learning signal"


def observed(constants_class: type) -> str:
    """The field of its target's state that the rule reads: ``v``, ``expected``, or empty for none."""
    observe = hook(constants_class, "observe")
    if not _reads(observe, 3):
        return ""
    return "expected" if _arguments(observe)[3] == "expected" else "v"


def _reads(function: Any, argument: int) -> bool:
    """Whether there is such a function, and the name of its argument does not begin with an underscore."""
    return function is not None and not _arguments(function)[argument].startswith("_")


def _arguments(function: Any) -> tuple[str, ...]:
    return tuple(inspect.signature(getattr(function, "py_func", function)).parameters)


def part(constants_class: type, name: str) -> Any:
    """``Synapse``, ``Pre``, ``Post`` or ``Shared`` of the rule of this class of constants."""
    return getattr(sys.modules[constants_class.__module__], name)


def weight_limits(rule: Any) -> tuple[float, float]:
    """Between which numbers the configuration of a rule keeps its weights: ``weight_min`` and ``weight_max``."""
    low, high = getattr(rule, "weight_min", None), getattr(rule, "weight_max", None)
    return (-math.inf if low is None else low), (math.inf if high is None else high)


def hook_bits(constants_class: type) -> int:
    """Which of :data:`HOOKS` the rule has, a bit each."""
    return sum(1 << k for k, name in enumerate(HOOKS) if hook(constants_class, name) is not None)


def _caller(name: str, otherwise: str) -> Any:
    """Calls ``name`` of the rule that the first argument, its constants, belongs to; ``otherwise`` if it has none."""
    arguments = ", ".join(HOOK_ARGUMENTS[name])
    namespace: dict[str, Any] = {"hook": hook}
    body = (
        f"def {name}({arguments}):\n"
        f"    own = hook(type(c), '{name}')\n"
        f"    return {otherwise} if own is None else own({arguments})\n"
    )
    exec(body, namespace)
    call = namespace[name]

    def resolve(c: Any, *_: Any) -> Any:
        own = functions(c.instance_class).get(name)
        if own is None:
            return unrolled(arguments, otherwise)
        return unrolled(arguments, f"own({arguments})", own=own)

    named = f"def typed({arguments}):\n    return resolve({arguments})\n"
    scope: dict[str, Any] = {"resolve": resolve}
    exec(named, scope)
    overload(call, strict=False)(scope["typed"])
    return call


call_modulate = _caller("modulate", "m")
call_relax_pre = _caller("relax_pre", "pre")
call_relax_post = _caller("relax_post", "post")
call_weight = _caller("weight", "syn.weight")
call_arrive = _caller("arrive", "syn")
call_mark_pre = _caller("mark_pre", "pre")
call_observe = _caller("observe", "post")
call_fire = _caller("fire", "syn")
call_mark_post = _caller("mark_post", "post")
call_instruct = _caller("instruct", "syn")
call_consolidate = _caller("consolidate", "syn")
call_settle = _caller("settle", "m")
call_rests = _caller("rests", "0")


def made(rule: Any, name: Any, fields: Any, j: Any) -> Any:
    """Element ``j`` of the ``fields`` of the rule's ``Synapse``, ``Pre``, ``Post`` or ``Shared``."""
    return part(type(rule), name)(*(field[j] for field in fields))


@overload(made, strict=False, prefer_literal=True)
def _made(rule: Any, name: Any, fields: Any, j: Any) -> Any:
    parts = ", ".join(f"fields[{f}][j]" for f in range(len(fields)))
    return unrolled("rule, name, fields, j", f"made({parts})", made=part(rule.instance_class, name.literal_value))


def pieces(rule: Any, name: Any, values: Any, first: Any, size: Any) -> Any:
    """The fields of ``Pre``, ``Post`` or ``Shared`` of ``size`` elements, field-major in ``values``."""
    return views(part(type(rule), name)._fields, values, first, size)


@overload(pieces, strict=False, prefer_literal=True)
def _pieces(rule: Any, name: Any, values: Any, first: Any, size: Any) -> Any:
    count = (0,) * len(part(rule.instance_class, name.literal_value)._fields)

    def implementation(rule: Any, name: Any, values: Any, first: Any, size: Any) -> Any:
        return views(count, values, first, size)

    return implementation


def synapse_views(rule: Any, values: Any, weight: Any, extra: Any, stride: Any, first: Any, size: Any) -> Any:
    """The fields of ``size`` synapses from ``first``: the weight, then the rule's own, ``stride`` apart."""
    count = len(part(type(rule), "Synapse")._fields) - 1
    others = (values[extra + stride * f + first : extra + stride * f + first + size] for f in range(count))
    return (values[weight + first : weight + first + size], *others)


@overload(synapse_views, strict=False)
def _synapse_views(rule: Any, values: Any, weight: Any, extra: Any, stride: Any, first: Any, size: Any) -> Any:
    count = len(part(rule.instance_class, "Synapse")._fields) - 1
    starts = ["weight + first", *(f"extra + stride * {f} + first" for f in range(count))]
    pieces = ", ".join(f"values[{start} : {start} + size]" for start in starts)
    return unrolled("rule, values, weight, extra, stride, first, size", f"({pieces},)")
