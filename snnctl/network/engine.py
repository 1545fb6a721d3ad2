"""The float engine: any network of populations and projections, tick by tick.

It follows the order of a tick of :mod:`snnctl.network.description`, with plasticity as in
:mod:`snnctl.network.rules`. Populations are evaluated in the topological order of the delay-0 projections. The
spikes of past ticks are kept as lists in a ring; a group of synapses of delay d delivers the list of d ticks ago.
Only the synapses of spiking neurons are read, and a target adds them in the order of its projections in the
description, within each by delay, within each in ascending source order:

    drive[j] = sum over projections, over delays ascending, over spiking sources i ascending, of weight[i, j]

so that every kernel which keeps this order gives the same bits. No fastmath.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl import streams
from snnctl.errors import NetworkError, Problem
from snnctl.network.borrowed import borrowed
from snnctl.network.columns import Columns, Signals, are_finite
from snnctl.network.description import NetworkDescription, Projection, problems
from snnctl.network.layout import GroupRow, InputRow, Layout, PopulationRow, starts
from snnctl.network.learning import (
    RuleRow,
    arrive,
    begin,
    end,
    read_weights,
    row_of,
    rule_kernels,
)
from snnctl.network.population import advance, population_kernels
from snnctl.network.prefetch import LINE_BYTES, prefetch
from snnctl.network.rules import hook, is_signalled, is_taught, part
from snnctl.network.trial import explained

Spikes = NDArray[np.uint8]


class State(NamedTuple):
    """Everything that the next tick depends on. Saved, restored and continued it gives the same bits."""

    tick: NDArray[np.int64]  # ticks so far (1,)
    counts: NDArray[np.int32]  # spikes of each population in the last ticks (1 + longest delay, populations)
    ring: NDArray[np.int32]  # and which neurons spiked, ascending (1 + longest delay, n)
    values: NDArray[Any]  # states of all driven neurons, population by population, field-major
    random: NDArray[np.uint64]  # generator of each stochastic population (stochastic, 4)
    synapses: NDArray[Any]  # plastic synapses, group by group, field-major
    traces: NDArray[Any]  # traces of the rules


class Tables(NamedTuple):
    """What does not change in a run, in the order in which :func:`_run` takes it, and its scratch memory."""

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
    work: NDArray[Any]  # drive, current and zeros of the population at work (3, largest)
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
def _call_for(weights: Any, pointers: Any, targets: Any, fired: Any) -> None:
    """Prefetch the static synapses of ``fired``, which deliver in the next tick."""
    line = LINE_BYTES // max(weights.itemsize, targets.itemsize)
    for i in fired:
        for s in range(pointers[i], pointers[i + 1], line):
            prefetch(weights, s)
            prefetch(targets, s)


@njit(cache=True, nogil=True, error_model="numpy")
def _run(
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
                        passed = arrive(rules, rule.kind, rule, pool, traces, synapses, pointers, targets, fired, drive)
                        events += passed * rule.delivers
                elif pointer < 0:
                    events += _deliver_dense(weights[weight:], fired, drive)
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


class Engine:
    """Runs one network. The description and the tensors are fixed; the state goes in and comes out.

    ``synaptic_events`` is the number of synapses that the spikes of the last tick or run passed.

    Args:
        description: the network
        tensors: as named in :mod:`snnctl.network.description`
        dtype: float type of weights and states

    Raises:
        NetworkError: the description or a tensor is unsound; each problem names population or projection.
    """

    def __init__(
        self, description: NetworkDescription, tensors: Mapping[str, NDArray[Any]], dtype: Any = np.float32
    ) -> None:
        found = problems(description, "network")
        if found:
            raise NetworkError(*found)
        self.description = description
        self.synaptic_events = 0
        driven = description.driven
        self.columns = starts(p.size for p in driven)  # first raster column of each driven population, then n_driven
        self.input_columns = starts(p.size for p in description.inputs)
        sizes = {p.name: p.size for p in description.populations}
        given, own = ({p.name: p.size for p in some} for some in (description.inputs, driven))
        self.inputs = Columns("spikes", given, sizes, np.uint8)
        self.currents = Columns("currents", own, sizes, dtype)
        self.teach = Columns("teach", own, sizes, dtype)
        layout = Layout(description, tensors, dtype)
        self.layout = layout
        rules = [(layout.projections[row.signal], type(layout.rule_examples[row.kind])) for row in layout.rules]
        self.teach.takers = {projection.target for projection, cls in rules if is_taught(cls)}
        listeners = {projection.prefix for projection, cls in rules if is_signalled(cls)}
        self.signals = Signals([p.prefix for p in layout.projections], listeners, dtype)
        self.dtype = layout.dtype
        self.tables = Tables(
            _table(layout.rows, PopulationRow),
            _table(layout.groups, GroupRow),
            _table(layout.rules, RuleRow),
            _table(layout.inputs, InputRow),
            layout.constants.array(),
            layout.weights.array(),
            layout.bias.array(),
            layout.pointers.array(),
            layout.targets.array(),
            layout.columns.array(),
            layout.entries.array(),
            np.zeros((3, max(r.size * r.receptors for r in layout.rows)), dtype),  # drive, current, zeros
            np.zeros(max(r.size for r in layout.rows), np.uint8),
        )
        self._none = np.zeros((0, self.currents.width), dtype)
        self._no_signals = np.zeros((0, len(layout.projections)), dtype)
        self._no_probes = np.zeros(0, np.int64)
        self._shapes = [array.shape for array in self.initial_state()]
        self._checked: State | None = None

    @functools.cached_property
    def kernels(self) -> tuple[Any, Any]:
        """The kernels of the models and of the rules, as :func:`_run` takes them.

        Raises:
            NetworkError: a user's model does not compile.
        """
        models, rules = self.layout.model_examples, self.layout.rule_examples
        try:
            return population_kernels(models, self.dtype), rule_kernels(rules, self.dtype)
        except Exception as error:  # of a user's model that does not compile
            raise explained(error, (*models, *rules)) from None

    def __getstate__(self) -> dict[str, Any]:
        """All but the kernels: their addresses mean nothing in another process."""
        return {name: value for name, value in vars(self).items() if name != "kernels"}

    def initial_state(self, seed: int = 0) -> State:
        """The state before the first tick: no spikes under way, neurons at rest, traces 0."""
        layout = self.layout
        depth = 1 + layout.longest_delay
        random = [streams.kernel_state(seed, "neurons", k) for k in range(max(1, layout.stochastic))]
        return State(
            np.zeros(1, np.int64),
            np.zeros((depth, len(self.description.populations)), np.int32),
            np.zeros((depth, layout.width), np.int32),
            layout.initial.array(),
            np.array(random, np.uint64),
            layout.synapses.array(),
            layout.traces.array(),
        )

    def tick(self, state: State, inputs: Spikes, **given: Any) -> tuple[State, Spikes]:
        """One tick.

        Args:
            state: stays as it is
            inputs: spikes of the input populations, in the order of the description (n_in,)
            given: currents, signals and teach as in :meth:`advance`, without the axis of ticks

        Returns:
            The new state, and the spikes of the driven populations (n_driven,).
        """
        rows = {name: None if value is None else np.asarray(value)[None] for name, value in given.items()}
        after, raster = self.run(state, inputs[None], **rows)
        return after, raster[0]

    def run(self, state: State, inputs: Spikes, **given: Any) -> tuple[State, Spikes]:
        """As many ticks as ``inputs`` (ticks, n_in) has; the raster is (ticks, n_driven)."""
        after = State._make(array.copy() for array in state)
        fired, _ = self.advance(after, inputs, **given)
        return after, self.raster(fired)

    def raster(self, fired: Fired) -> Spikes:
        """The dense form of the spikes of a run (ticks, n_driven)."""
        raster = np.zeros((fired.ends.size, int(self.columns[-1])), np.uint8)
        raster[np.repeat(np.arange(fired.ends.size), np.diff(fired.ends, prepend=0)), fired.neurons] = 1
        return raster

    def advance(
        self,
        state: State,
        inputs: Spikes,
        *,
        currents: NDArray[Any] | None = None,
        signals: NDArray[Any] | None = None,
        teach: NDArray[Any] | None = None,
        probes: NDArray[np.int64] | None = None,
    ) -> tuple[Fired, NDArray[Any]]:
        """As many ticks as ``inputs`` has rows, in place.

        Args:
            state: overwritten
            inputs: spikes of the input populations, in the order of the description (ticks, n_in)
            currents: injected into the driven neurons beside their bias, in the unit of each model (ticks, n_driven)
            signals: one number for each plastic projection, in the order of the description (ticks, plastic)
            teach: one number for each driven neuron, for the rules of its synapses (ticks, n_driven)
            probes: indices in ``state.values`` to sample after each tick (see :meth:`field`)

        Returns:
            The spikes of the driven populations, and the samples (ticks, probes).
        """
        ticks = inputs.shape[0]
        if inputs.ndim != 2 or inputs.shape[1] != self.inputs.width or inputs.dtype != np.uint8:
            inputs = self._spikes(inputs)
        if state is not self._checked:  # arrays keep their shapes
            if [a.shape for a in state] != self._shapes:
                self.check_state(state)
            self._checked = state
        if probes is None:
            probes = self._no_probes
        elif probes.size and not 0 <= probes.min() <= probes.max() < state.values.size:
            raise NetworkError(Problem("probes", f"must lie between 0 and {state.values.size - 1}"))
        samples = np.empty((ticks, probes.size), self.dtype)
        neurons = np.empty(ticks * self.currents.width, np.int32)
        ends = np.empty(ticks, np.int64)
        given = (
            np.ascontiguousarray(inputs),
            self._none if currents is None else self._given(currents, self.currents, ticks),
            self._no_signals if signals is None else self._signalled(signals, ticks),
            self._none if teach is None else self._given(teach, self.teach, ticks),
        )
        self.synaptic_events = _run(*self.kernels, *self.tables, *state, *given, probes, samples, neurons, ends)
        return Fired(neurons[: ends[-1] if ticks else 0].copy(), ends), samples

    def synapse_bytes(self, state: State) -> int:
        """Memory that the synapses take: weights, targets, and the state of the rules."""
        t = self.tables
        return sum(table.nbytes for table in (t.weights, t.pointers, t.targets, t.columns, t.entries, state.synapses))

    def field(self, population: str, field: str) -> int:
        """Index in ``State.values`` of a field of the population's first neuron (KeyError if it has none)."""
        return self.layout.field(population, field)

    def weights(self, state: State, projection: Projection) -> NDArray[Any]:
        """The weights of a plastic projection now, in the order and shape of its tensor."""
        return self.synapses(state, projection)["weight"]

    def synapses(self, state: State, projection: Projection) -> dict[str, NDArray[Any]]:
        """Weight and other synaptic fields of a plastic projection, flat, in the order of its tensor."""
        groups = [g for g in self.layout.plastic if g.projection is projection]
        size = sum(g.synapses for g in groups)
        found: dict[str, NDArray[Any]] = {}
        for group in groups:
            for number in group.rules:
                row = self.layout.rules[number]
                example = self.layout.rule_examples[row.kind]
                for f, name in enumerate(part(type(example), "Synapse")._fields):
                    first = row.weight if f == 0 else row.extra + (f - 1) * row.synapses
                    values = found.setdefault(name, np.zeros(size, self.dtype))
                    values[group.group.order] = state.synapses[first : first + row.synapses]
                if hook(type(example), "weight") is not None:
                    weights = np.empty(row.synapses, self.dtype)
                    read_weights(
                        example,
                        row,
                        self.tables.constants,
                        state.traces,
                        state.synapses,
                        self.tables.pointers,
                        self.tables.targets,
                        weights,
                    )
                    found["weight"][group.group.order] = weights
        if projection.connectivity == "dense":
            shape = (self.description.population(projection.source).size, -1)
            found = {name: values.reshape(shape) for name, values in found.items()}
        return found

    def check_state(self, state: State) -> None:
        """Refuse a state that this engine cannot continue from: it would read and write outside of its arrays.

        Raises:
            NetworkError: a shape is another network's, or spikes under way name neurons that do not exist.
        """
        arrays: tuple[NDArray[Any], ...] = tuple(state)
        for name, array, shape in zip(State._fields, arrays, self._shapes, strict=True):
            if array.shape != shape:
                message = f"has the shape {array.shape}, this network has {shape}"
                raise NetworkError(Problem(f"state.{name}", message, "take a state of this network"))
        sizes = np.array([p.size for p in self.description.populations])
        columns = np.repeat(sizes, sizes)  # size of the population that each column of the ring belongs to
        if (state.counts < 0).any() or (state.counts > sizes).any() or state.tick[0] < 0:
            raise NetworkError(Problem("state.counts", "has more spikes than neurons", "the state is damaged"))
        if (state.ring < 0).any() or (state.ring >= columns).any():
            raise NetworkError(Problem("state.ring", "names neurons that do not exist", "the state is damaged"))

    def _spikes(self, inputs: NDArray[Any]) -> Spikes:
        """Inputs that are no uint8 of the right shape."""
        if inputs.ndim != 2 or inputs.shape[1] != self.inputs.width:
            message = f"have the shape {inputs.shape}, expected (ticks, {self.inputs.width})"
            raise NetworkError(Problem("inputs", message, "one column for each neuron of the input populations"))
        if not ((inputs == 0) | (inputs == 1)).all():
            raise NetworkError(Problem("inputs", "have values that are neither 0 nor 1", "encode numbers first"))
        return inputs.astype(np.uint8)

    def _given(self, array: NDArray[Any], columns: Columns, ticks: int) -> NDArray[Any]:
        if array.shape != (ticks, columns.width):
            message = f"has the shape {array.shape}, expected {(ticks, columns.width)}"
            raise NetworkError(Problem(columns.what, message))
        array = np.ascontiguousarray(array, self.dtype)
        if not are_finite(array):
            bad = np.argwhere(~np.isfinite(array))
            name, neuron = columns.where(int(bad[0, 1]))
            message = f"has {len(bad)} values that are not finite, the first ({array[tuple(bad[0])]})"
            where = f"for neuron {neuron} at tick {bad[0, 0]} of {ticks}"
            raise NetworkError(Problem(f"{columns.what}.{name}", f"{message} {where}", "give finite numbers"))
        return array

    def _signalled(self, array: NDArray[Any], ticks: int) -> NDArray[Any]:
        if array.shape != (ticks, len(self.layout.projections)):
            expected = (ticks, len(self.layout.projections))
            raise NetworkError(Problem("signals", f"has the shape {array.shape}, expected {expected}"))
        array = np.ascontiguousarray(array, self.dtype)
        if not are_finite(array):
            tick, column = np.argwhere(~np.isfinite(array))[0]
            message = f"is {array[tick, column]} at tick {tick} of {ticks}"
            where = f"signal.{self.layout.projections[column].prefix}"
            raise NetworkError(Problem(where, message, "give finite numbers"))
        return array


def _table(rows: list[Any], kind: Any) -> NDArray[np.int64]:
    return np.array(rows, np.int64).reshape(-1, len(kind._fields))
