"""The float engine: runs any program, tick by tick (:mod:`snnctl.network.ticks`)."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl import streams
from snnctl.errors import NetworkError, Problem
from snnctl.network.capability import Capability
from snnctl.network.columns import Columns, Signals, are_finite
from snnctl.network.connectivity import starts
from snnctl.network.layout import GroupRow, InputRow, Layout, PopulationRow
from snnctl.network.learning import RuleRow, read_weights, work_size
from snnctl.network.population import population_kernels
from snnctl.network.program import Program, Tensor
from snnctl.network.rule_calls import rule_kernels
from snnctl.network.rules import hook, is_signalled, is_taught, part
from snnctl.network.ticks import Fired, State, Tables, run
from snnctl.network.trial import explained

__all__ = ["CAPABILITY", "Engine", "Fired", "Spikes", "State", "Tables", "refuses"]

Spikes = NDArray[np.uint8]

CAPABILITY = Capability("the float engine")  # takes the whole language; analog input arrives as currents
refuses = CAPABILITY.refuses


class Engine:
    """Runs one program. The program is fixed; the state goes in and comes out.

    ``synaptic_events`` is the number of synapses that the spikes of the last tick or run passed.

    Args:
        program: the network
        dtype: float type of weights and states

    Raises:
        NetworkError: a number is refused by its model or rule; each problem names population or projection.
    """

    def __init__(self, program: Program, dtype: Any = np.float32) -> None:
        self.program = program
        self.synaptic_events = 0
        stages = program.stages
        self.columns = starts(s.size for s in stages)  # first raster column of each stage, then n_driven
        sizes = {node.label: node.size for node in program.nodes}
        given, own = {p.label: p.size for p in program.inputs}, {s.label: s.size for s in stages}
        self.inputs = Columns("spikes", given, sizes, np.uint8)
        self.currents = Columns("currents", own, sizes, dtype)
        self.teach = Columns("teach", own, sizes, dtype)
        layout = Layout(program, dtype)
        self.layout = layout
        rules = [(layout.learning[row.signal], type(layout.rule_examples[row.kind])) for row in layout.rules]
        self.teach.takers = {program.nodes[link.target].label for link, cls in rules if is_taught(cls)}
        listeners = {link.label for link, cls in rules if is_signalled(cls)}
        self.signals = Signals([link.label for link in layout.learning], listeners, dtype)
        self.dtype = layout.dtype
        self.tables = Tables(
            _table(layout.rows, PopulationRow),
            _table(layout.groups, GroupRow),
            _table(layout.rules, RuleRow),
            _table(layout.inputs, InputRow),
            layout.constants.taken(),
            layout.weights.taken(),
            layout.bias.taken(),
            layout.pointers.taken(),
            layout.targets.taken(),
            layout.columns.taken(),
            layout.entries.taken(),
            np.zeros(
                (
                    4,
                    max(
                        work_size(layout.rule_examples, max((r.n_post for r in layout.rules), default=0)),
                        *(r.size * r.receptors for r in layout.rows),
                    ),
                ),
                dtype,
            ),
            np.zeros(max(r.size for r in layout.rows), np.uint8),
        )
        self._none = np.zeros((0, self.currents.width), dtype)
        self._no_signals = np.zeros((0, len(layout.learning)), dtype)
        self._no_probes = np.zeros(0, np.int64)
        depth = 1 + layout.longest_delay
        self._shapes = [(1,), (depth, len(program.nodes)), (depth, layout.width), (layout.initial.size,)]
        self._shapes += [(max(1, layout.stochastic), 4), (layout.synapses.size,), (layout.traces.size,)]
        self._checked: State | None = None
        self._membranes = [self._membrane(k) for k in range(len(stages))] if program.decision == "carry" else []

    @functools.cached_property
    def kernels(self) -> tuple[Any, Any]:
        """The kernels of the models and of the rules, as :func:`snnctl.network.ticks.run` takes them.

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
        """The state before the first tick: no spikes under way, neurons at rest, traces 0.

        Raises:
            NetworkError: the first weights of plastic links were let go (see :meth:`settle`).
        """
        layout = self.layout
        if layout.synapses.is_empty:
            remedy = "take Network.state() before it runs, or build the network again"
            raise NetworkError(Problem("state", "cannot begin again: first weights became the learnt ones", remedy))
        _, counts, ring, *_ = self._shapes
        random = [streams.kernel_state(seed, "neurons", k) for k in range(max(1, layout.stochastic))]
        return State(
            np.zeros(1, np.int64),
            np.zeros(counts, np.int32),
            np.zeros(ring, np.int32),
            layout.initial.array(),
            np.array(random, np.uint64),
            layout.synapses.array(),
            layout.traces.array(),
        )

    def settle(self) -> dict[str, NDArray[Any]]:
        """Hold every synapse once: let go of the arrays of the program that the tables or a state have too.

        Arrays of static links become views of the tables, where these have them in the same order and type. First
        weights of plastic links are given up: only a state has weights then, and :meth:`initial_state` is refused.

        Returns:
            The array of each tensor that is another now, by name; those of plastic weights are empty.
        """
        moved = self.layout.settled(self.tables)

        def now(tensor: Tensor | None) -> Any:
            return None if tensor is None else Tensor(tensor.name, moved.get(tensor.name, tensor.values))

        links = tuple(
            link._replace(weight=now(link.weight), indptr=now(link.indptr), indices=now(link.indices))
            for link in self.program.links
        )
        self.program = self.layout.program = dataclasses.replace(self.program, links=links)
        return moved

    def begin(self, state: State, fired: Fired | None = None) -> None:
        """Begin another decision, in place: what the kind of decision clears is cleared.

        Weights, traces, generators and the number of ticks stay.

        Args:
            state: as the decision before left it
            fired: what spiked in the decision before; None before the first one of an episode
        """
        if self.program.decision == "streaming":
            return
        left = [state.values[where].copy() for where, *_ in self._membranes]
        state.values[:] = self._first_values
        state.counts[:] = 0
        if fired is None:
            return
        counts = np.bincount(fired.neurons, minlength=self.currents.width)
        for before, (where, columns, threshold) in zip(left, self._membranes, strict=True):
            start, half = self._first_values[where], threshold / 2
            residual = np.maximum(before - start, -threshold * counts[columns].astype(self.dtype))
            state.values[where] = start + np.clip(self.dtype.type(self.program.carry) * residual, -half, half)

    @functools.cached_property
    def _first_values(self) -> NDArray[Any]:
        return self.layout.initial.array()

    def _membrane(self, number: int) -> tuple[slice, slice, NDArray[Any]]:
        """Where the membranes of a stage are in the state, its columns of the raster, and its thresholds (n,)."""
        stage = self.program.stages[number]
        own = stage.parameters.get("v_threshold")
        threshold = getattr(stage.neuron, "v_threshold", None) if own is None else own.values
        try:
            first = self.field(stage.label, "v")
        except KeyError:
            threshold = None
        if threshold is None:
            message = "has no membrane v with a v_threshold, of which a decision could carry a residual"
            raise NetworkError(Problem(f"population.{stage.label}.neuron", message, "use decision = 'reset'"))
        columns = slice(int(self.columns[number]), int(self.columns[number + 1]))
        return slice(first, first + stage.size), columns, np.broadcast_to(threshold, stage.size).astype(self.dtype)

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
        self.synaptic_events = run(*self.kernels, *self.tables, *state, *given, probes, samples, neurons, ends)
        return Fired(neurons[: ends[-1] if ticks else 0].copy(), ends), samples

    def synapse_bytes(self, state: State) -> int:
        """Memory that the synapses take: weights, targets, and the state of the rules."""
        t = self.tables
        return sum(table.nbytes for table in (t.weights, t.pointers, t.targets, t.columns, t.entries, state.synapses))

    def field(self, population: str, field: str) -> int:
        """Index in ``State.values`` of a field of the population's first neuron (KeyError if it has none)."""
        return self.layout.field(population, field)

    def weights(self, state: State, label: str) -> NDArray[Any]:
        """The weights of a plastic link now, in the order and shape of its tensor."""
        return self.synapses(state, label)["weight"]

    def synapses(self, state: State, label: str) -> dict[str, NDArray[Any]]:
        """Weight and other synaptic fields of a plastic link, flat, in the order of its tensor."""
        groups = [g for g in self.layout.plastic if g.link == label]
        link = next(link for link in self.program.links if link.label == label)
        size = sum(g.synapses for g in groups)
        found: dict[str, NDArray[Any]] = {}
        for group in groups:
            for number in group.rules:
                row = self.layout.rules[number]
                example = self.layout.rule_examples[row.kind]
                for f, name in enumerate(part(type(example), "Synapse")._fields):
                    first = row.weight if f == 0 else row.extra + (f - 1) * row.synapses
                    values = found.setdefault(name, np.zeros(size, self.dtype))
                    values[group.order] = state.synapses[first : first + row.synapses]
                if hook(type(example), "weight") is not None:
                    found["weight"][group.order] = self.weights_now(state, row)
        if link.kind == "dense":
            shape = (self.program.nodes[link.source].size, -1)
            found = {name: values.reshape(shape) for name, values in found.items()}
        return found

    def weights_now(self, state: State, row: RuleRow) -> NDArray[Any]:
        """The weights of a group of synapses (synapses,), whatever form the rule of this row keeps them in."""
        example, t = self.layout.rule_examples[row.kind], self.tables
        found: NDArray[Any] = state.synapses[row.weight : row.weight + row.synapses].copy()
        if hook(type(example), "weight") is not None:
            read_weights(example, row, t.constants, state.traces, state.synapses, t.pointers, t.targets, found)
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
        sizes = np.array([node.size for node in self.program.nodes])
        columns = np.repeat(sizes, sizes)  # size of the node that each column of the ring belongs to
        if (state.counts < 0).any() or (state.counts > sizes).any() or state.tick[0] < 0:
            raise NetworkError(Problem("state.counts", "has more spikes than neurons", "the state is damaged"))
        if (state.ring < 0).any() or (state.ring >= columns).any():
            raise NetworkError(Problem("state.ring", "names neurons that do not exist", "the state is damaged"))

    def _spikes(self, inputs: NDArray[Any]) -> Spikes:
        """Inputs as uint8, or why they cannot be."""
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
        if array.shape != (ticks, len(self.layout.learning)):
            expected = (ticks, len(self.layout.learning))
            raise NetworkError(Problem("signals", f"has the shape {array.shape}, expected {expected}"))
        array = np.ascontiguousarray(array, self.dtype)
        if not are_finite(array):
            tick, column = np.argwhere(~np.isfinite(array))[0]
            message = f"is {array[tick, column]} at tick {tick} of {ticks}"
            where = f"signal.{self.layout.learning[column].label}"
            raise NetworkError(Problem(where, message, "give finite numbers"))
        return array


def _table(rows: list[Any], kind: Any) -> NDArray[np.int64]:
    return np.array(rows, np.int64).reshape(-1, len(kind._fields))
