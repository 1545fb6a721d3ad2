"""The float engine: any network of populations and projections, tick by tick.

It follows the order of a tick of :mod:`snnctl.network.description`. Populations are evaluated in the
topological order of the delay-0 projections. A projection of delay d delivers the spikes of d ticks ago from
a ring of past spikes. Only the rows of spiking sources are read, and a target adds them in the order of
its projections in the description and, within each, in ascending source order:

    drive[j] = sum over projections, over spiking sources k ascending, of weight[k, j]

so that every kernel which keeps this order gives the same bits. No fastmath.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.errors import NetworkError, Problem
from snnctl.network.description import NetworkDescription, evaluation_order, problems
from snnctl.network.population import advance, state_of

Spikes = NDArray[np.uint8]


class State(NamedTuple):
    """Everything that the next tick depends on. Saved, restored and continued it gives the same bits."""

    tick: NDArray[np.int64]  # ticks so far (1,)
    history: Spikes  # spikes of all populations in the last ticks (1 + longest delay, n)
    values: NDArray[Any]  # states of all driven neurons, population by population, field-major


class _PopulationRow(NamedTuple):
    """Columns of the table of driven populations, in the order of evaluation."""

    kind: int  # index of its model
    size: int
    spikes: int  # first column in the history
    bias: int  # first element in the biases; also its first column in the raster
    values: int  # first element in the state
    projections: int  # first row in the table of projections
    projections_end: int


class _ProjectionRow(NamedTuple):
    """Columns of the table of projections, grouped by target."""

    source: int  # first column of the source in the history
    source_size: int
    delay: int
    weight: int  # first element in the weights
    indptr: int  # first element in the row pointers, -1 for dense
    indices: int  # first element in the column indices


@njit(cache=True, nogil=True, error_model="numpy")
def _run(
    models: Any,
    constants: Any,
    populations: Any,
    projections: Any,
    weight: Any,
    bias: Any,
    indptr: Any,
    indices: Any,
    drive: Any,
    tick: Any,
    history: Any,
    values: Any,
    inputs: Any,
    input_columns: Any,
    raster: Any,
) -> int:
    """Advance by ``inputs.shape[0]`` ticks in place; return how many weights were added."""
    events = 0
    depth = history.shape[0]
    for t in range(inputs.shape[0]):
        now = tick[0] % depth
        for k in range(input_columns.size):
            history[now, input_columns[k]] = inputs[t, k]
        for p in range(populations.shape[0]):
            kind, size, column, first, state, row, row_end = populations[p]
            total = drive[:size]
            total[:] = 0
            for r in range(row, row_end):
                source, source_size, delay, base, pointers, columns = projections[r]
                spikes = history[(tick[0] - delay) % depth, source : source + source_size]
                for k in range(source_size):
                    if spikes[k]:
                        if pointers < 0:
                            weights = weight[base + k * size : base + (k + 1) * size]
                            for j in range(size):
                                total[j] += weights[j]
                            events += size
                        else:
                            begin, end = indptr[pointers + k], indptr[pointers + k + 1]
                            for e in range(begin, end):
                                total[indices[columns + e]] += weight[base + e]
                            events += end - begin
            fired = history[now, column : column + size]
            advance(models, kind, constants[p], values, state, total, bias[first : first + size], fired)
            raster[t, first : first + size] = fired
        tick[0] += 1
    return events


class Engine:
    """One network in one float type. It keeps no state of its own: a state goes in and a new one comes out."""

    def __init__(
        self, description: NetworkDescription, tensors: Mapping[str, NDArray[Any]], dtype: type = np.float32
    ) -> None:
        """Lay the tensors out for the kernel.

        Raises:
            NetworkError: the description is not sound, or a sparse projection's indices are not.
        """
        found = problems(description, "network")
        if found:
            raise NetworkError(*found)
        self.description = description
        self.synaptic_events = 0  # weights added in the last tick or run
        driven = description.driven
        self.columns = _starts(p.size for p in driven)  # first raster column of each driven population, then n_driven
        in_history = dict(
            zip(
                (p.name for p in description.populations),
                _starts(p.size for p in description.populations),
                strict=False,
            )
        )
        self._width = sum(p.size for p in description.populations)
        self._depth = 1 + max((p.delay_ticks for p in description.projections), default=0)
        self._input_columns = np.concatenate(
            [np.arange(p.size) + in_history[p.name] for p in description.inputs] or [np.empty(0)]
        ).astype(np.int64)  # (n_in,)

        constants = {p.name: p.neuron.constants(description.tick_s) for p in driven if p.neuron is not None}
        classes = sorted({type(c) for c in constants.values()}, key=lambda c: (c.__module__, c.__qualname__))
        scalar = np.dtype(dtype).type
        examples = {type(c): c for c in constants.values()}
        self._models = tuple(c(*(scalar(x) for x in examples[c])) for c in classes)
        order = [n for n in evaluation_order(description) or () if n in constants]
        self._constants: NDArray[Any] = np.zeros((len(order), max(len(c) for c in constants.values())), dtype)
        first_column = {p.name: start for p, start in zip(driven, self.columns, strict=False)}

        population_rows: list[_PopulationRow] = []
        projection_rows: list[_ProjectionRow] = []
        weights, pointers, indices = _Pool(dtype), _Pool(np.int64), _Pool(np.int64)
        n_values = 0
        for number, name in enumerate(order):
            size = description.population(name).size
            begin = len(projection_rows)
            for projection in description.projections:
                if projection.target != name:
                    continue
                prefix = f"projection.{projection.source}.{name}"
                source_size = description.population(projection.source).size
                place = (-1, 0)
                if projection.connectivity == "sparse":
                    _check_sparse(prefix, tensors, source_size, size)
                    place = (pointers.add(tensors[f"{prefix}.indptr"]), indices.add(tensors[f"{prefix}.indices"]))
                projection_rows.append(
                    _ProjectionRow(
                        in_history[projection.source],
                        source_size,
                        projection.delay_ticks,
                        weights.add(tensors[f"{prefix}.weight"]),
                        *place,
                    )
                )
            model = constants[name]
            self._constants[number, : len(model)] = model
            population_rows.append(
                _PopulationRow(
                    classes.index(type(model)),
                    size,
                    in_history[name],
                    first_column[name],
                    n_values,
                    begin,
                    len(projection_rows),
                )
            )
            n_values += size * len(state_of(type(model))._fields)
        self._n_values = n_values
        self._tables = (
            np.array(population_rows, np.int64).reshape(-1, len(_PopulationRow._fields)),
            np.array(projection_rows, np.int64).reshape(-1, len(_ProjectionRow._fields)),
        )
        bias: NDArray[Any] = np.concatenate([tensors[f"population.{p.name}.bias"] for p in driven]).astype(
            dtype
        )  # (n_driven,)
        self._tensors = (weights.array(), bias, pointers.array(), indices.array())
        self._drive: NDArray[Any] = np.zeros(max(p.size for p in driven), dtype)  # work space

    def initial_state(self) -> State:
        """The state before the first tick: no spikes under way, all neuron states at 0."""
        return State(
            np.zeros(1, np.int64),
            np.zeros((self._depth, self._width), np.uint8),
            np.zeros(self._n_values, self._constants.dtype),
        )

    def tick(self, state: State, inputs: Spikes) -> tuple[State, Spikes]:
        """One tick.

        Args:
            state: stays as it is
            inputs: spikes of the input populations, in the order of the description (n_in,)

        Returns:
            The new state, and the spikes of the driven populations (n_driven,).
        """
        after, raster = self.run(state, inputs[None])
        return after, raster[0]

    def run(self, state: State, inputs: Spikes) -> tuple[State, Spikes]:
        """As many ticks as ``inputs`` (ticks, n_in) has; the raster is (ticks, n_driven)."""
        after = State(state.tick.copy(), state.history.copy(), state.values.copy())
        raster = np.empty((inputs.shape[0], int(self.columns[-1])), np.uint8)  # (ticks, n_driven)
        self.synaptic_events = _run(
            self._models,
            self._constants,
            *self._tables,
            *self._tensors,
            self._drive,
            *after,
            np.ascontiguousarray(inputs, np.uint8),
            self._input_columns,
            raster,
        )
        return after, raster


class _Pool:
    """Arrays laid end to end; remembers where each begins."""

    def __init__(self, dtype: type) -> None:
        self._dtype = np.dtype(dtype)
        self._parts: list[NDArray[Any]] = []
        self._size = 0

    def add(self, array: NDArray[Any]) -> int:
        start = self._size
        self._parts.append(array.astype(self._dtype).ravel())
        self._size += array.size
        return start

    def array(self) -> NDArray[Any]:
        return np.concatenate([*self._parts, np.empty(0, self._dtype)])


def _starts(sizes: Iterable[int]) -> NDArray[np.int64]:
    return np.cumsum([0, *sizes]).astype(np.int64)


def _check_sparse(prefix: str, tensors: Mapping[str, NDArray[Any]], sources: int, targets: int) -> None:
    indptr, indices, weight = (tensors[f"{prefix}.{part}"] for part in ("indptr", "indices", "weight"))
    found: list[Problem] = []
    rising = indptr.shape == (sources + 1,) and indptr[0] == 0 and bool((np.diff(indptr) >= 0).all())
    if not rising or indptr[-1] != indices.size:
        found.append(Problem(f"{prefix}.indptr", f"must rise from 0 to the {indices.size} entries of .indices"))
    if indices.shape != weight.shape:
        found.append(Problem(f"{prefix}.weight", f"has {weight.size} entries, .indices has {indices.size}"))
    if indices.size and (indices.min() < 0 or indices.max() >= targets):
        found.append(Problem(f"{prefix}.indices", f"name neurons outside 0 ... {targets - 1}"))
    if found:
        raise NetworkError(*found)
