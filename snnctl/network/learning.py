"""Runs plasticity rules inside the tick, whatever the rule.

A rule is one file of :mod:`snnctl.plasticity`, or any importable module, with a configuration whose
``constants(tick_s)`` gives a NamedTuple of numbers, four NamedTuples of state

- ``Synapse``: per synapse, the first field is ``weight``
- ``Pre``: per presynaptic neuron, as its spikes arrive (after the delay)
- ``Post``: per postsynaptic neuron
- ``Shared``: once for the projection (dopamine)

and some of the functions below: plain Python on scalars, which is compiled here. In one tick, in this order:

    at the start        m    = modulate(c, m, signal)                 signal: what the caller gives in this tick
                        pre  = relax_pre(c, pre)                      every presynaptic neuron
                        post = relax_post(c, post)                    every postsynaptic neuron
    delivery, for each arriving spike i in ascending order
        its synapses    w    = weight(c, m, syn, pre, post)           what is delivered; syn.weight without it
                        syn  = arrive(c, m, syn, pre, post)
        then            pre  = mark_pre(c, m, pre)
    neurons integrate, threshold, reset
    at the end          post = observe(c, m, post, v, spike, teach)   every postsynaptic neuron
        each spike j    syn  = fire(c, m, syn, pre, post)             its synapses
        then            post = mark_post(c, m, post)
        teach != 0      syn  = instruct(c, m, syn, pre, post, teach)  its synapses
        every c.period  syn  = consolidate(c, m, syn, pre, post)      all synapses
        last            m    = settle(c, m)

**Coincident spikes: pre before post.** A pair in one tick has lag 0: ``fire`` reads a ``pre`` that holds the
spike that has just arrived, ``arrive`` a ``post`` without the spike of this tick. (Brian2 has the same order.)

A function that a rule lacks costs nothing. The cost of ``arrive``, ``fire`` and ``instruct`` is that of the
synapses of the neurons that spike; only ``consolidate`` visits all.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import from_dtype, njit, types
from numba.extending import overload, register_jitable

from snnctl.models import cached
from snnctl.network.kernel_cache import separated
from snnctl.network.model_kernel import address, caller
from snnctl.network.population import constants_from, scatter, unrolled, views
from snnctl.network.prefetch import LINE_BYTES, prefetch

HOOKS = (
    "modulate",
    "relax_pre",
    "relax_post",
    "weight",
    "arrive",
    "mark_pre",
    "observe",
    "fire",
    "mark_post",
    "instruct",
    "consolidate",
    "settle",
)


class RuleRow(NamedTuple):
    """Columns of the table of rules: one row for each rule of each group of plastic synapses."""

    kind: int  # index of the rule's class of constants
    constant: int  # first element in the pool of constants
    synapses: int  # number of synapses
    weight: int  # first weight in the plastic state
    extra: int  # first of the rule's other synaptic fields, field-major
    pre: int  # first presynaptic trace, field-major
    n_pre: int
    post: int  # first postsynaptic trace, field-major
    n_post: int
    shared: int  # first of the numbers shared by the projection
    signal: int  # column in the signals
    teach: int  # first column of the target in the raster
    membrane: int  # first membrane of the target in the values, -1 if it has none
    slot: int  # of the target in the counts of spikes
    ring: int  # first column of the target in the ring of spikes
    pointer: int  # first row pointer, -1 for dense
    target: int  # first target index
    column: int  # first column pointer, -1 for dense or if no function needs it
    entry: int  # first synapse in the order of targets; their sources follow
    delivers: int  # whether this rule's pass delivers the weights
    hooks: int  # bits: which functions the rule has, in the order of HOOKS
    period: int  # ticks between two consolidations


@cached
def hook(constants_class: type, name: str) -> Any:
    """The function of the rule of this class of constants, or None."""
    return getattr(sys.modules[constants_class.__module__], name, None)


def is_taught(constants_class: type) -> bool:
    """Whether the rule reads what is taught: in ``instruct``, or in an ``observe`` that does not call it ``_teach``."""
    observe = hook(constants_class, "observe")
    if observe is None or hook(constants_class, "instruct") is not None:
        return hook(constants_class, "instruct") is not None
    *_, taught = inspect.signature(getattr(observe, "py_func", observe)).parameters
    return not taught.startswith("_")


def part(constants_class: type, name: str) -> Any:
    """``Synapse``, ``Pre``, ``Post`` or ``Shared`` of the rule of this class of constants."""
    return getattr(sys.modules[constants_class.__module__], name)


def hook_bits(constants_class: type) -> int:
    """Which of :data:`HOOKS` the rule has, a bit each."""
    return sum(1 << k for k, name in enumerate(HOOKS) if hook(constants_class, name) is not None)


def _bit(name: str) -> int:
    return 1 << HOOKS.index(name)


_MODULATE, _RELAX_PRE, _RELAX_POST = _bit("modulate"), _bit("relax_pre"), _bit("relax_post")
_ARRIVE, _MARK_PRE, _OBSERVE, _FIRE = _bit("arrive"), _bit("mark_pre"), _bit("observe"), _bit("fire")
_MARK_POST, _INSTRUCT, _CONSOLIDATE, _SETTLE = _bit("mark_post"), _bit("instruct"), _bit("consolidate"), _bit("settle")


def _caller(name: str, arguments: str, otherwise: str) -> Any:
    """``name`` of the rule that ``c`` belongs to; ``otherwise`` if it has none."""
    namespace: dict[str, Any] = {"hook": hook}
    body = (
        f"def {name}({arguments}):\n"
        f"    own = hook(type(c), '{name}')\n"
        f"    return {otherwise} if own is None else own({arguments})\n"
    )
    exec(body, namespace)
    call = namespace[name]

    def resolve(c: Any, *_: Any) -> Any:
        own = hook(c.instance_class, name)
        if own is None:
            return unrolled(arguments, otherwise)
        return unrolled(arguments, f"own({arguments})", own=register_jitable(own))

    named = f"def typed({arguments}):\n    return resolve({arguments})\n"
    scope: dict[str, Any] = {"resolve": resolve}
    exec(named, scope)
    overload(call, strict=False)(scope["typed"])
    return call


_modulate = _caller("modulate", "c, m, signal", "m")
_relax_pre = _caller("relax_pre", "c, pre", "pre")
_relax_post = _caller("relax_post", "c, post", "post")
_weight = _caller("weight", "c, m, syn, pre, post", "syn.weight")
_arrive = _caller("arrive", "c, m, syn, pre, post", "syn")
_mark_pre = _caller("mark_pre", "c, m, pre", "pre")
_observe = _caller("observe", "c, m, post, v, spike, teach", "post")
_fire = _caller("fire", "c, m, syn, pre, post", "syn")
_mark_post = _caller("mark_post", "c, m, post", "post")
_instruct = _caller("instruct", "c, m, syn, pre, post, teach", "syn")
_consolidate = _caller("consolidate", "c, m, syn, pre, post", "syn")
_settle = _caller("settle", "c, m", "m")


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


@separated
@njit(cache=True, nogil=True, error_model="numpy")
def _begin_one(rule: Any, row: Any, pool: Any, traces: Any, signal: Any) -> int:
    c = constants_from(rule, pool, row.constant)
    if row.hooks & _MODULATE:
        shared = pieces(rule, "Shared", traces, row.shared, 1)
        scatter(_modulate(c, made(rule, "Shared", shared, 0), signal), shared, 0)
    if row.hooks & _RELAX_PRE:
        pre = pieces(rule, "Pre", traces, row.pre, row.n_pre)
        for i in range(row.n_pre):
            scatter(_relax_pre(c, made(rule, "Pre", pre, i)), pre, i)
    if row.hooks & _RELAX_POST:
        post = pieces(rule, "Post", traces, row.post, row.n_post)
        for j in range(row.n_post):
            scatter(_relax_post(c, made(rule, "Post", post, j)), post, j)
    return 0


@separated
@njit(cache=True, nogil=True, error_model="numpy")
def _call_for(rule: Any, row: Any, synapses: Any, pointers: Any, targets: Any, i: Any) -> None:
    """Prefetch the synapses of source ``i``."""
    begin = pointers[row.pointer + i]
    count = pointers[row.pointer + i + 1] - begin
    fields = synapse_views(rule, synapses, row.weight, row.extra, row.synapses, begin, count)
    own = targets[row.target + begin : row.target + begin + count]
    line = LINE_BYTES // own.itemsize
    for s in range(0, count, line):
        prefetch(own, s)
    line = LINE_BYTES // synapses.itemsize
    for field in fields:
        for s in range(0, count, line):
            prefetch(field, s)


@separated
@njit(cache=True, nogil=True, error_model="numpy")
def _arrive_one(
    rule: Any,
    row: Any,
    pool: Any,
    traces: Any,
    synapses: Any,
    pointers: Any,
    targets: Any,
    fired: Any,
    drive: Any,
) -> int:
    c = constants_from(rule, pool, row.constant)
    m = made(rule, "Shared", pieces(rule, "Shared", traces, row.shared, 1), 0)
    pre = pieces(rule, "Pre", traces, row.pre, row.n_pre)
    post = pieces(rule, "Post", traces, row.post, row.n_post)
    delivers, learns, marks = row.delivers != 0, row.hooks & _ARRIVE != 0, row.hooks & _MARK_PRE != 0
    events = 0
    for n in range(fired.size):
        i = fired[n]
        trace = made(rule, "Pre", pre, i)
        if row.pointer < 0:
            events += row.n_post
            synapse = synapse_views(rule, synapses, row.weight, row.extra, row.synapses, i * row.n_post, row.n_post)
            if delivers and learns:  # one pass: the rows stream from memory
                for j in range(row.n_post):
                    before, seen = made(rule, "Synapse", synapse, j), made(rule, "Post", post, j)
                    drive[j] += _weight(c, m, before, trace, seen)
                    scatter(_arrive(c, m, before, trace, seen), synapse, j)
            elif delivers:
                for j in range(row.n_post):
                    drive[j] += _weight(c, m, made(rule, "Synapse", synapse, j), trace, made(rule, "Post", post, j))
            elif learns:
                for j in range(row.n_post):
                    changed = _arrive(c, m, made(rule, "Synapse", synapse, j), trace, made(rule, "Post", post, j))
                    scatter(changed, synapse, j)
        else:
            begin = pointers[row.pointer + i]
            count = pointers[row.pointer + i + 1] - begin
            events += count
            synapse = synapse_views(rule, synapses, row.weight, row.extra, row.synapses, begin, count)
            own = targets[row.target + begin : row.target + begin + count]
            if n + 1 < fired.size:
                _call_for(rule, row, synapses, pointers, targets, fired[n + 1])
            if delivers and learns:
                for s in range(count):
                    j = own[s]
                    before, seen = made(rule, "Synapse", synapse, s), made(rule, "Post", post, j)
                    drive[j] += _weight(c, m, before, trace, seen)
                    scatter(_arrive(c, m, before, trace, seen), synapse, s)
            elif delivers:
                for s in range(count):
                    j = own[s]
                    drive[j] += _weight(c, m, made(rule, "Synapse", synapse, s), trace, made(rule, "Post", post, j))
            elif learns:
                for s in range(count):
                    changed = _arrive(c, m, made(rule, "Synapse", synapse, s), trace, made(rule, "Post", post, own[s]))
                    scatter(changed, synapse, s)
        if marks:
            scatter(_mark_pre(c, m, trace), pre, i)
    return events


@separated
@njit(cache=True, nogil=True, error_model="numpy")
def _at_column(
    rule: Any,
    row: Any,
    c: Any,
    m: Any,
    pre: Any,
    seen: Any,
    synapse: Any,
    columns: Any,
    entries: Any,
    j: Any,
    teach: Any,
) -> None:
    """``fire`` (teach 0) or ``instruct`` at all synapses of target ``j``."""
    if row.column < 0:
        for i in range(row.n_pre):
            s = i * row.n_post + j
            before, trace = made(rule, "Synapse", synapse, s), made(rule, "Pre", pre, i)
            if teach == 0:
                scatter(_fire(c, m, before, trace, seen), synapse, s)
            else:
                scatter(_instruct(c, m, before, trace, seen, teach), synapse, s)
        return
    for e in range(columns[row.column + j], columns[row.column + j + 1]):
        s, i = entries[row.entry + e], entries[row.entry + row.synapses + e]
        before, trace = made(rule, "Synapse", synapse, s), made(rule, "Pre", pre, i)
        if teach == 0:
            scatter(_fire(c, m, before, trace, seen), synapse, s)
        else:
            scatter(_instruct(c, m, before, trace, seen, teach), synapse, s)


@separated
@njit(cache=True, nogil=True, error_model="numpy")
def _end_one(
    rule: Any,
    row: Any,
    pool: Any,
    traces: Any,
    synapses: Any,
    pointers: Any,
    targets: Any,
    columns: Any,
    entries: Any,
    values: Any,
    fired: Any,
    teach: Any,
    tick: Any,
) -> int:
    scalar = traces.dtype.type
    c = constants_from(rule, pool, row.constant)
    shared = pieces(rule, "Shared", traces, row.shared, 1)
    m = made(rule, "Shared", shared, 0)
    pre = pieces(rule, "Pre", traces, row.pre, row.n_pre)
    post = pieces(rule, "Post", traces, row.post, row.n_post)
    synapse = synapse_views(rule, synapses, row.weight, row.extra, row.synapses, 0, row.synapses)
    teaches = teach.size > 0
    if row.hooks & _OBSERVE:
        k = 0
        for j in range(row.n_post):
            spikes = k < fired.size and fired[k] == j
            k += spikes
            v = values[row.membrane + j]
            taught = teach[row.teach + j] if teaches else scalar(0)
            scatter(_observe(c, m, made(rule, "Post", post, j), v, scalar(spikes), taught), post, j)
    if row.hooks & (_FIRE | _MARK_POST):
        for j in fired:
            seen = made(rule, "Post", post, j)
            if row.hooks & _FIRE:
                _at_column(rule, row, c, m, pre, seen, synapse, columns, entries, j, scalar(0))
            scatter(_mark_post(c, m, seen), post, j)
    if teaches and row.hooks & _INSTRUCT:
        for j in range(row.n_post):
            taught = teach[row.teach + j]
            if taught != 0:
                seen = made(rule, "Post", post, j)
                _at_column(rule, row, c, m, pre, seen, synapse, columns, entries, j, taught)
    if row.hooks & _CONSOLIDATE and (tick + 1) % row.period == 0:
        for i in range(row.n_pre):
            trace = made(rule, "Pre", pre, i)
            if row.pointer < 0:
                begin = i * row.n_post
                own = synapse_views(rule, synapses, row.weight, row.extra, row.synapses, begin, row.n_post)
                for j in range(row.n_post):
                    seen = made(rule, "Post", post, j)
                    scatter(_consolidate(c, m, made(rule, "Synapse", own, j), trace, seen), own, j)
            else:
                for s in range(pointers[row.pointer + i], pointers[row.pointer + i + 1]):
                    seen = made(rule, "Post", post, targets[row.target + s])
                    scatter(_consolidate(c, m, made(rule, "Synapse", synapse, s), trace, seen), synapse, s)
    if row.hooks & _SETTLE:
        scatter(_settle(c, m), shared, 0)
    return 0


def row_of(rows: Any, r: Any) -> Any:
    """Row ``r`` of the table of rules."""
    return RuleRow(*(int(x) for x in rows[r]))


@overload(row_of, strict=False)
def _row_of(rows: Any, r: Any) -> Any:
    parts = ", ".join(f"rows[r, {f}]" for f in range(len(RuleRow._fields)))
    return unrolled("rows, r", f"made({parts})", made=RuleRow)


_row_type: Any = types.NamedUniTuple  # numba's own stubs are not typed


class RuleTypes(NamedTuple):
    """Types of what the kernels of a rule take, for a float type."""

    row: Any
    floats: Any
    places: Any
    neurons: Any
    indices: Any
    number: Any

    @classmethod
    def of(cls, number: Any) -> RuleTypes:
        """Those of networks of this float type."""
        row = _row_type(types.int64, len(RuleRow._fields), RuleRow)
        vectors = (types.Array(kind, 1, "C") for kind in (number, types.int64, types.int32, types.uint32))
        floats, places, neurons, indices = vectors
        return cls(row, floats, places, neurons, indices, number)


def _begin_arguments(number: Any) -> tuple[Any, ...]:
    t = RuleTypes.of(number)
    return t.row, t.floats, t.floats, t.number


def _arrive_arguments(number: Any) -> tuple[Any, ...]:
    t = RuleTypes.of(number)
    return t.row, t.floats, t.floats, t.floats, t.places, t.indices, t.neurons, t.floats


def _end_arguments(number: Any) -> tuple[Any, ...]:
    t = RuleTypes.of(number)
    tables = (t.floats, t.floats, t.floats, t.places, t.indices, t.places, t.indices)
    return t.row, *tables, t.floats, t.neurons, t.floats, types.int64


_KERNELS = ((_begin_one, _begin_arguments), (_arrive_one, _arrive_arguments), (_end_one, _end_arguments))
_call_begin: Any = caller(_begin_arguments, types.int64, 4)
_call_arrive: Any = caller(_arrive_arguments, types.int64, 8)
_call_end: Any = caller(_end_arguments, types.int64, 12)


def rule_kernels(examples: Sequence[Any], dtype: Any) -> Any:
    """What :func:`begin`, :func:`arrive` and :func:`end` take: addresses, or without a compiler the examples.

    Args:
        examples: one instance of the constants of every rule
        dtype: float type of the network
    """
    if not hasattr(_begin_one, "compile"):
        return tuple(examples)
    number = from_dtype(np.dtype(dtype))
    found = [[address(kernel, type(e), arguments(number)) for kernel, arguments in _KERNELS] for e in examples]
    return np.array(found, np.int64).reshape(-1, len(_KERNELS))


def begin(rules: Any, kind: Any, row: Any, pool: Any, traces: Any, signal: Any) -> None:
    """What a rule does at the start of a tick."""
    _begin_one(rules[kind], row, pool, traces, signal)


@overload(begin, strict=False)
def _begin(rules: Any, kind: Any, row: Any, pool: Any, traces: Any, signal: Any) -> Any:
    arguments = "row, pool, traces, signal"
    return unrolled(f"rules, kind, {arguments}", f"call(rules[kind, 0], {arguments})", call=_call_begin)


def arrive(
    rules: Any,
    kind: Any,
    row: Any,
    pool: Any,
    traces: Any,
    synapses: Any,
    pointers: Any,
    targets: Any,
    fired: Any,
    drive: Any,
) -> int:
    """What a rule does with the spikes ``fired`` that arrive; returns how many synapses they pass."""
    passed: int = _arrive_one(rules[kind], row, pool, traces, synapses, pointers, targets, fired, drive)
    return passed


@overload(arrive, strict=False)
def _typed_arrive(
    rules: Any,
    kind: Any,
    row: Any,
    pool: Any,
    traces: Any,
    synapses: Any,
    pointers: Any,
    targets: Any,
    fired: Any,
    drive: Any,
) -> Any:
    arguments = "row, pool, traces, synapses, pointers, targets, fired, drive"
    return unrolled(f"rules, kind, {arguments}", f"call(rules[kind, 1], {arguments})", call=_call_arrive)


def end(
    rules: Any,
    kind: Any,
    row: Any,
    pool: Any,
    traces: Any,
    synapses: Any,
    pointers: Any,
    targets: Any,
    columns: Any,
    entries: Any,
    values: Any,
    fired: Any,
    teach: Any,
    tick: Any,
) -> None:
    """What a rule does after the neurons; ``fired`` are the targets that spike in this tick."""
    _end_one(rules[kind], row, pool, traces, synapses, pointers, targets, columns, entries, values, fired, teach, tick)


@overload(end, strict=False)
def _end(
    rules: Any,
    kind: Any,
    row: Any,
    pool: Any,
    traces: Any,
    synapses: Any,
    pointers: Any,
    targets: Any,
    columns: Any,
    entries: Any,
    values: Any,
    fired: Any,
    teach: Any,
    tick: Any,
) -> Any:
    arguments = "row, pool, traces, synapses, pointers, targets, columns, entries, values, fired, teach, tick"
    return unrolled(f"rules, kind, {arguments}", f"call(rules[kind, 2], {arguments})", call=_call_end)


@separated
@njit(cache=True, nogil=True, error_model="numpy")
def read_weights(
    rule: Any, row: Any, pool: Any, traces: Any, synapses: Any, pointers: Any, targets: Any, weights: Any
) -> None:
    """Weights of a rule that keeps them in another form, as the next tick would deliver them.  # (synapses,)

    ``rule`` is an instance of its constants.
    """
    c = constants_from(rule, pool, row.constant)
    m = _modulate(c, made(rule, "Shared", pieces(rule, "Shared", traces, row.shared, 1), 0), traces.dtype.type(0))
    pre = pieces(rule, "Pre", traces, row.pre, row.n_pre)
    post = pieces(rule, "Post", traces, row.post, row.n_post)
    synapse = synapse_views(rule, synapses, row.weight, row.extra, row.synapses, 0, row.synapses)
    for i in range(row.n_pre):
        trace = _relax_pre(c, made(rule, "Pre", pre, i))
        first, last = i * row.n_post, (i + 1) * row.n_post
        if row.pointer >= 0:
            first, last = pointers[row.pointer + i], pointers[row.pointer + i + 1]
        for s in range(first, last):
            j = s - first if row.pointer < 0 else targets[row.target + s]
            weights[s] = _weight(
                c, m, made(rule, "Synapse", synapse, s), trace, _relax_post(c, made(rule, "Post", post, j))
            )
