"""The plasticity of one tick, whatever the rules: their functions, :mod:`snnctl.network.rules`, where spikes are.

Each rule is compiled on its own, and a network calls it by address (:mod:`snnctl.network.rule_calls`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from numba import njit

from snnctl.network.kernel_cache import separated
from snnctl.network.population import constants_from, scatter
from snnctl.network.prefetch import LINE_BYTES, prefetch
from snnctl.network.rows import copy_row, row_at, write_row
from snnctl.network.rules import (
    HOOKS,
    call_arrive,
    call_consolidate,
    call_fire,
    call_instruct,
    call_mark_post,
    call_mark_pre,
    call_modulate,
    call_observe,
    call_relax_post,
    call_relax_pre,
    call_rests,
    call_settle,
    call_weight,
    made,
    part,
    pieces,
    synapse_views,
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
    membrane: int  # first membrane, or other observed field, of the target in the values; 0 where the rule reads none
    slot: int  # of the target in the counts of spikes
    ring: int  # first column of the target in the ring of spikes
    pointer: int  # first row pointer, -1 for dense
    target: int  # first target index
    column: int  # first column pointer, -1 for dense or if no function needs it
    entry: int  # first synapse in the order of targets; their sources follow
    delivers: int  # whether this rule's pass delivers the weights
    hooks: int  # bits: which functions the rule has, in the order of HOOKS
    period: int  # ticks between two consolidations


BLOCK = 256  # synapses of one source that are worked on together


def work_size(examples: Sequence[Any], n_post: int) -> int:
    """Length of the scratch memory of the kernels: weights and rows of a block, rows of all."""
    return BLOCK + (BLOCK + n_post) * max((len(part(type(e), "Post")._fields) for e in examples), default=0)


def _bit(name: str) -> int:
    return 1 << HOOKS.index(name)


_MODULATE, _RELAX_PRE, _RELAX_POST = _bit("modulate"), _bit("relax_pre"), _bit("relax_post")
_ARRIVE, _MARK_PRE, _OBSERVE, _FIRE = _bit("arrive"), _bit("mark_pre"), _bit("observe"), _bit("fire")
_MARK_POST, _INSTRUCT, _CONSOLIDATE, _SETTLE = _bit("mark_post"), _bit("instruct"), _bit("consolidate"), _bit("settle")
_RESTS = _bit("rests")


@separated
@njit(cache=True, nogil=True, error_model="numpy")
def begin_rule(rule: Any, row: Any, pool: Any, traces: Any, signal: Any) -> int:
    """Before delivery: ``modulate``, ``relax_pre``, ``relax_post``."""
    c = constants_from(rule, pool, row.constant)
    if row.hooks & _MODULATE:
        shared = pieces(rule, "Shared", traces, row.shared, 1)
        scatter(call_modulate(c, made(rule, "Shared", shared, 0), signal), shared, 0)
    if row.hooks & _RELAX_PRE:
        pre = pieces(rule, "Pre", traces, row.pre, row.n_pre)
        for i in range(row.n_pre):
            scatter(call_relax_pre(c, made(rule, "Pre", pre, i)), pre, i)
    if row.hooks & _RELAX_POST:
        post = pieces(rule, "Post", traces, row.post, row.n_post)
        for j in range(row.n_post):
            scatter(call_relax_post(c, made(rule, "Post", post, j)), post, j)
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


@njit(cache=True, nogil=True, error_model="numpy")
def _passed(row: Any, pointers: Any, fired: Any) -> Any:
    """How many synapses the spikes of these sources pass."""
    passed = 0
    for i in fired:
        passed += pointers[row.pointer + i + 1] - pointers[row.pointer + i]
    return passed


@separated
@njit(cache=True, nogil=True, error_model="numpy")
def arrive_rule(
    rule: Any,
    row: Any,
    pool: Any,
    traces: Any,
    synapses: Any,
    pointers: Any,
    targets: Any,
    fired: Any,
    drive: Any,
    work: Any,
) -> int:
    """``weight``, ``arrive`` and ``mark_pre`` with the spikes that arrive; returns how many synapses they pass.

    Where they pass more synapses than there are targets, the traces of the targets are laid out as rows once, and the
    rows of a block of synapses are copied side by side: the rule is then vector code. ``drive`` gets the weights in
    the same order, one spike after the other.
    """
    c = constants_from(rule, pool, row.constant)
    m = made(rule, "Shared", pieces(rule, "Shared", traces, row.shared, 1), 0)
    pre = pieces(rule, "Pre", traces, row.pre, row.n_pre)
    post = pieces(rule, "Post", traces, row.post, row.n_post)
    delivers, learns, marks = row.delivers != 0, row.hooks & _ARRIVE != 0, row.hooks & _MARK_PRE != 0
    many = delivers and learns and row.pointer >= 0 and _passed(row, pointers, fired) > row.n_post
    weights, near, rows = work[:BLOCK], work[BLOCK : (1 + len(post)) * BLOCK], work[(1 + len(post)) * BLOCK :]
    if many:
        for j in range(row.n_post):
            write_row(made(rule, "Post", post, j), rows, j)
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
                    drive[j] += call_weight(c, m, before, trace, seen)
                    scatter(call_arrive(c, m, before, trace, seen), synapse, j)
            elif delivers:
                for j in range(row.n_post):
                    drive[j] += call_weight(c, m, made(rule, "Synapse", synapse, j), trace, made(rule, "Post", post, j))
            elif learns:
                for j in range(row.n_post):
                    before, seen = made(rule, "Synapse", synapse, j), made(rule, "Post", post, j)
                    scatter(call_arrive(c, m, before, trace, seen), synapse, j)
        else:
            begin = pointers[row.pointer + i]
            count = pointers[row.pointer + i + 1] - begin
            events += count
            synapse = synapse_views(rule, synapses, row.weight, row.extra, row.synapses, begin, count)
            own = targets[row.target + begin : row.target + begin + count]
            if n + 1 < fired.size:
                _call_for(rule, row, synapses, pointers, targets, fired[n + 1])
            if delivers and learns and many:
                for first in range(0, count, BLOCK):
                    size = min(BLOCK, count - first)
                    to = own[first : first + size]
                    block = synapse_views(rule, synapses, row.weight, row.extra, row.synapses, begin + first, size)
                    for s in range(size):
                        copy_row(post, rows, to[s], near, s)
                    for s in range(size):
                        before, seen = made(rule, "Synapse", block, s), row_at(rule, "Post", near, s)
                        weights[s] = call_weight(c, m, before, trace, seen)
                        scatter(call_arrive(c, m, before, trace, seen), block, s)
                    for s in range(size):
                        drive[to[s]] += weights[s]
            elif delivers and learns:
                for s in range(count):
                    j = own[s]
                    before, seen = made(rule, "Synapse", synapse, s), made(rule, "Post", post, j)
                    drive[j] += call_weight(c, m, before, trace, seen)
                    scatter(call_arrive(c, m, before, trace, seen), synapse, s)
            elif delivers:
                for s in range(count):
                    j = own[s]
                    drive[j] += call_weight(c, m, made(rule, "Synapse", synapse, s), trace, made(rule, "Post", post, j))
            elif learns:
                for s in range(count):
                    before, seen = made(rule, "Synapse", synapse, s), made(rule, "Post", post, own[s])
                    scatter(call_arrive(c, m, before, trace, seen), synapse, s)
        if marks:
            scatter(call_mark_pre(c, m, trace), pre, i)
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
                scatter(call_fire(c, m, before, trace, seen), synapse, s)
            else:
                scatter(call_instruct(c, m, before, trace, seen, teach), synapse, s)
        return
    for e in range(columns[row.column + j], columns[row.column + j + 1]):
        s, i = entries[row.entry + e], entries[row.entry + row.synapses + e]
        before, trace = made(rule, "Synapse", synapse, s), made(rule, "Pre", pre, i)
        if teach == 0:
            scatter(call_fire(c, m, before, trace, seen), synapse, s)
        else:
            scatter(call_instruct(c, m, before, trace, seen, teach), synapse, s)


@separated
@njit(cache=True, nogil=True, error_model="numpy")
def end_rule(
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
    work: Any,
) -> int:
    """After the neurons: ``observe``, ``fire`` and ``mark_post``, ``instruct``, ``consolidate``, ``settle``."""
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
            scatter(call_observe(c, m, made(rule, "Post", post, j), v, scalar(spikes), taught), post, j)
    if row.hooks & (_FIRE | _MARK_POST):
        for j in fired:
            seen = made(rule, "Post", post, j)
            if row.hooks & _FIRE:
                _at_column(rule, row, c, m, pre, seen, synapse, columns, entries, j, scalar(0))
            scatter(call_mark_post(c, m, seen), post, j)
    if teaches and row.hooks & _INSTRUCT:
        for j in range(row.n_post):
            taught = teach[row.teach + j]
            if taught != 0:
                seen = made(rule, "Post", post, j)
                _at_column(rule, row, c, m, pre, seen, synapse, columns, entries, j, taught)
    if row.hooks & _CONSOLIDATE and (tick + 1) % row.period == 0:
        near, rows = work[BLOCK : (1 + len(post)) * BLOCK], work[(1 + len(post)) * BLOCK :]
        if row.pointer >= 0:
            for j in range(row.n_post):
                write_row(made(rule, "Post", post, j), rows, j)
        for i in range(row.n_pre):
            trace = made(rule, "Pre", pre, i)
            if row.hooks & _RESTS and call_rests(c, trace) != 0:
                continue
            if row.pointer < 0:
                begin = i * row.n_post
                own = synapse_views(rule, synapses, row.weight, row.extra, row.synapses, begin, row.n_post)
                for j in range(row.n_post):
                    seen = made(rule, "Post", post, j)
                    scatter(call_consolidate(c, m, made(rule, "Synapse", own, j), trace, seen), own, j)
            else:
                last = pointers[row.pointer + i + 1]
                for begin in range(pointers[row.pointer + i], last, BLOCK):
                    size = min(BLOCK, last - begin)
                    own = synapse_views(rule, synapses, row.weight, row.extra, row.synapses, begin, size)
                    to = targets[row.target + begin : row.target + begin + size]
                    for s in range(size):
                        copy_row(post, rows, to[s], near, s)
                    for s in range(size):
                        before, seen = made(rule, "Synapse", own, s), row_at(rule, "Post", near, s)
                        scatter(call_consolidate(c, m, before, trace, seen), own, s)
    if row.hooks & _SETTLE:
        scatter(call_settle(c, m), shared, 0)
    return 0


@separated
@njit(cache=True, nogil=True, error_model="numpy")
def read_weights(
    rule: Any, row: Any, pool: Any, traces: Any, synapses: Any, pointers: Any, targets: Any, weights: Any
) -> None:
    """Weights of a rule that keeps them in another form, as the next tick would deliver them.  # (synapses,)

    ``rule`` is an instance of its constants.
    """
    c = constants_from(rule, pool, row.constant)
    m = call_modulate(c, made(rule, "Shared", pieces(rule, "Shared", traces, row.shared, 1), 0), traces.dtype.type(0))
    pre = pieces(rule, "Pre", traces, row.pre, row.n_pre)
    post = pieces(rule, "Post", traces, row.post, row.n_post)
    synapse = synapse_views(rule, synapses, row.weight, row.extra, row.synapses, 0, row.synapses)
    for i in range(row.n_pre):
        trace = call_relax_pre(c, made(rule, "Pre", pre, i))
        first, last = i * row.n_post, (i + 1) * row.n_post
        if row.pointer >= 0:
            first, last = pointers[row.pointer + i], pointers[row.pointer + i + 1]
        for s in range(first, last):
            j = s - first if row.pointer < 0 else targets[row.target + s]
            weights[s] = call_weight(
                c, m, made(rule, "Synapse", synapse, s), trace, call_relax_post(c, made(rule, "Post", post, j))
            )
