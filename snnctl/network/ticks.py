"""The loop over ticks as one compiled function, and the arrays that it reads and writes.

It follows the order of a tick of :mod:`snnctl.network.description`, with plasticity as in
:mod:`snnctl.network.rules`. Populations are evaluated in the topological order of the delay-0 projections. The
spikes of past ticks are kept as lists in a ring; a group of synapses of delay d delivers the list of d ticks ago.
Only the synapses of spiking neurons are read, and a target adds them in the order of its projections in the
description, within each by delay, within each in ascending source order:

    drive[j] = sum over projections, over delays ascending, over spiking sources i ascending, of weight[i, j]

so that every kernel which keeps this order gives the same bits. No fastmath.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.network.borrowed import borrowed
from snnctl.network.layout import GEOMETRY
from snnctl.network.population import advance
from snnctl.network.prefetch import LINE_BYTES, prefetch
from snnctl.network.rule_calls import arrive, begin, end, row_of


class State(NamedTuple):
    """Everything that the next tick depends on. Saved, restored and continued it gives the same bits."""

    tick: NDArray[np.int64]  # ticks so far (1,)
    counts: NDArray[np.int32]  # spikes of each node in the last ticks (1 + longest delay, nodes)
    ring: NDArray[np.int32]  # and which neurons spiked, ascending (1 + longest delay, n)
    values: NDArray[Any]  # states of all driven neurons, population by population, field-major
    random: NDArray[np.uint64]  # generator of each stochastic population (stochastic, 4)
    synapses: NDArray[Any]  # plastic synapses, group by group, field-major
    traces: NDArray[Any]  # traces of the rules


class Tables(NamedTuple):
    """What does not change in a run, in the order in which :func:`run` takes it, and its scratch memory."""

    populations: NDArray[np.int64]  # a PopulationRow for each driven population
    groups: NDArray[np.int64]  # a GroupRow for each group of synapses
    rules: NDArray[np.int64]  # a RuleRow for each rule of a group
    inputs: NDArray[np.int64]  # an InputRow for each population without a model
    constants: NDArray[Any]  # of models and rules
    weights: NDArray[Any]  # of static synapses
    bias: NDArray[Any]
    pointers: NDArray[np.int64]  # first synapse of each source of a sparse group
    targets: NDArray[np.uint32]  # of sparse synapses
    columns: NDArray[np.int64]  # the same by targets, for rules that act at postsynaptic spikes
    entries: NDArray[np.uint32]
    work: NDArray[Any]  # drive, current and zeros of the population, and scratch of the rules at work (4, largest)
    spikes: NDArray[np.uint8]  # of the population at work


class Fired(NamedTuple):
    """Spikes of a run, sparse."""

    neurons: NDArray[np.int32]  # columns of the raster, tick by tick
    ends: NDArray[np.int64]  # how many spikes until the end of each tick (ticks,)


@njit(cache=True, nogil=True, error_model="numpy")
def _listed(spikes: Any, size: int, neurons: Any) -> int:
    """Write the indices of the spikes into ``neurons``; returns how many."""
    count = 0
    words = spikes[: size // 8 * 8].view(np.uint64)
    for first in range(0, words.size, 8):
        last = min(first + 8, words.size)
        some = np.uint64(0)
        for w in range(first, last):
            some |= words[w]
        if some != 0:  # most are without a spike
            for w in range(first, last):
                if words[w] != 0:
                    for j in range(8 * w, 8 * w + 8):
                        if spikes[j]:
                            neurons[count] = j
                            count += 1
    for j in range(size // 8 * 8, size):
        if spikes[j]:
            neurons[count] = j
            count += 1
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def _deliver_dense(weights: Any, fired: Any, drive: Any) -> Any:
    size = drive.size
    for i in fired:
        row = weights[i * size : (i + 1) * size]
        for j in range(size):
            drive[j] += row[j]
    return fired.size * size


@njit(cache=True, nogil=True, error_model="numpy")
def _deliver_sparse(weights: Any, pointers: Any, targets: Any, fired: Any, drive: Any) -> int:
    events = 0
    for i in fired:
        first, last = pointers[i], pointers[i + 1]
        own, to = weights[first:last], targets[first:last]
        for s in range(own.size):
            drive[to[s]] += own[s]
        events += own.size
    return events


@njit(cache=True, nogil=True, error_model="numpy")
def _deliver_convolution(weights: Any, geometry: Any, fired: Any, drive: Any) -> int:
    """Every place that the kernel reaches from each spike; equal to the unrolled weights, added in the same order."""
    channels, height, width, filters, rows, columns = geometry[:6]
    kernel_y, kernel_x, stride_y, stride_x, pad_y, pad_x = geometry[6:12]
    events = 0
    for i in fired:
        c, place = i // (height * width), i % (height * width)
        y, x = place // width + pad_y, place % width + pad_x
        for dy in range(y % stride_y, min(kernel_y, y + 1), stride_y):
            row = (y - dy) // stride_y
            if row >= rows:
                continue
            for dx in range(x % stride_x, min(kernel_x, x + 1), stride_x):
                column = (x - dx) // stride_x
                if column >= columns:
                    continue
                for f in range(filters):
                    element = ((f * channels + c) * kernel_y + dy) * kernel_x + dx
                    drive[(f * rows + row) * columns + column] += weights[element]
                events += filters
    return events


@njit(cache=True, nogil=True, error_model="numpy")
def _call_for(weights: Any, pointers: Any, targets: Any, fired: Any) -> None:
    """Prefetch the static synapses of ``fired``, which deliver in the next tick."""
    line = LINE_BYTES // max(weights.itemsize, targets.itemsize)
    for i in fired:
        for s in range(pointers[i], pointers[i + 1], line):
            prefetch(weights, s)
            prefetch(targets, s)


@njit(cache=True, nogil=True, error_model="numpy")
def run(
    models: Any,
    rules: Any,
    population_rows: Any,
    group_rows: Any,
    rule_rows: Any,
    input_rows: Any,
    pool: Any,
    weights: Any,
    bias: Any,
    pointers: Any,
    targets: Any,
    columns: Any,
    entries: Any,
    work: Any,
    spikes: Any,
    tick: Any,
    counts: Any,
    ring: Any,
    values: Any,
    random: Any,
    synapses: Any,
    traces: Any,
    inputs: Any,
    currents: Any,
    signals: Any,
    teach: Any,
    probes: Any,
    samples: Any,
    neurons: Any,
    ends: Any,
) -> int:
    """Advance by ``ends.size`` ticks in place; return how many synapses spikes passed."""
    models, rules = borrowed(models), borrowed(rules)
    pool, weights, bias = borrowed(pool), borrowed(weights), borrowed(bias)
    population_rows, group_rows = borrowed(population_rows), borrowed(group_rows)
    rule_rows, input_rows = borrowed(rule_rows), borrowed(input_rows)
    pointers, targets, columns, entries = borrowed(pointers), borrowed(targets), borrowed(columns), borrowed(entries)
    work, spikes, counts, ring = borrowed(work), borrowed(spikes), borrowed(counts), borrowed(ring)
    values, random, synapses, traces = borrowed(values), borrowed(random), borrowed(synapses), borrowed(traces)
    inputs, currents, signals, teach = borrowed(inputs), borrowed(currents), borrowed(signals), borrowed(teach)
    samples, neurons = borrowed(samples), borrowed(neurons)
    events, written, depth = 0, 0, ring.shape[0]
    silence = work[0, :0]
    for t in range(ends.size):
        k = tick[0]
        now = k % depth
        for r in range(input_rows.shape[0]):
            at, slot, size, column = input_rows[r]
            counts[now, slot] = _listed(inputs[t, column : column + size], size, ring[now, at : at + size])
        for r in range(rule_rows.shape[0]):
            rule = row_of(rule_rows, r)
            begin(rules, rule.kind, rule, pool, traces, signals[t, rule.signal] if signals.shape[0] else work[2, 0])
        for p in range(population_rows.shape[0]):
            kind, size, at, slot, first, biases, value, constant, is_shared, receptors, generator, group, group_end = (
                population_rows[p]
            )
            total = work[0, : receptors * size]  # zero, see advance
            for g in range(group, group_end):
                source, source_slot, delay, offset, weight, pointer, target, rule_begin, rule_end = group_rows[g]
                past = (k - delay) % depth
                fired = ring[past, source : source + counts[past, source_slot]]
                if fired.size == 0:
                    continue
                drive = total[offset : offset + size]
                if rule_begin < rule_end:
                    for r in range(rule_begin, rule_end):
                        rule = row_of(rule_rows, r)
                        passed = arrive(
                            rules, rule.kind, rule, pool, traces, synapses, pointers, targets, fired, drive, work[3]
                        )
                        events += passed * rule.delivers
                elif pointer == -1:
                    events += _deliver_dense(weights[weight:], fired, drive)
                elif pointer < 0:
                    geometry = pointers[GEOMETRY - pointer :]
                    events += _deliver_convolution(weights[weight:], geometry, fired, drive)
                else:
                    events += _deliver_sparse(weights[weight:], pointers[pointer:], targets[target:], fired, drive)
            current = bias[first : first + biases]
            if currents.shape[0]:
                current = work[1, :size]
                for j in range(size):
                    current[j] = bias[first + j] + currents[t, first + j]
            own = spikes[:size]
            advance(models, kind, pool, constant, is_shared != 0, values, value, total, current, random[generator], own)
            count = _listed(own, size, ring[now, at : at + size])
            counts[now, slot] = count
            for n in range(count):
                neurons[written + n] = first + ring[now, at + n]
            written += count
        for r in range(rule_rows.shape[0]):
            rule = row_of(rule_rows, r)
            fired = ring[now, rule.ring : rule.ring + counts[now, rule.slot]]
            taught = teach[t] if teach.shape[0] else silence
            end(
                rules,
                rule.kind,
                rule,
                pool,
                traces,
                synapses,
                pointers,
                targets,
                columns,
                entries,
                values,
                fired,
                taught,
                k,
                work[3],
            )
        for g in range(group_rows.shape[0]):
            source, source_slot, delay, _, weight, pointer, target, rule_begin, rule_end = group_rows[g]
            if delay > 0 and pointer >= 0 and rule_begin == rule_end:
                due = (k + 1 - delay) % depth
                fired = ring[due, source : source + counts[due, source_slot]]
                _call_for(weights[weight:], pointers[pointer:], targets[target:], fired)
        for n in range(probes.size):
            samples[t, n] = values[probes[n]]
        ends[t] = written
        tick[0] = k + 1
    return events
