"""One tick at a time from Python, at the least cost of a call.

A tick of 1000 neurons takes two microseconds, and passing an array from Python to compiled code takes a twentieth of
one: the 26 arrays of :func:`snnctl.network.ticks.run` would cost more than the tick. So their addresses are written
down once. What changes from tick to tick is copied into arrays that stay where they are.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

from snnctl.network.engine import Engine, Spikes
from snnctl.network.ticks import State, run

_numba: Any = numba  # without types
carray, typeof = _numba.carray, _numba.typeof
_typed: Any = intrinsic
_SPIKES, _CURRENTS, _SIGNALS, _TEACH = 1, 2, 4, 8  # kinds of arguments, in `given`
_INT64, _FLOAT = (np.int64, 2), (None, 1)
_KINDS = (  # dtype (None: the network's) and axes of what `_tick` reads at each place: tables, state, given, found
    *(_INT64, _INT64, _INT64, _INT64, _FLOAT, _FLOAT, _FLOAT),
    *((np.int64, 1), (np.uint32, 1), (np.int64, 1), (np.uint32, 1), (None, 2), (np.uint8, 1)),
    *((np.int64, 1), (np.int32, 2), (np.int32, 2), _FLOAT, (np.uint64, 2), _FLOAT, _FLOAT),
    *((np.uint8, 2), (None, 2), (None, 2), (None, 2), (np.int64, 1)),
    *((None, 2), (np.int32, 1), (np.int64, 1)),
)


@_typed
def _pointer(typing_context: Any, address: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], ir.IntType(8).as_pointer())

    return types.voidptr(types.int64), codegen


@njit(inline="always")
def _vector(places: Any, k: Any, dtype: Any) -> Any:
    return carray(_pointer(places[k, 0]), (places[k, 1],), dtype)


@njit(inline="always")
def _matrix(places: Any, k: Any, dtype: Any) -> Any:
    return carray(_pointer(places[k, 0]), (places[k, 1], places[k, 2]), dtype)


@njit(cache=True, nogil=True, error_model="numpy")
def _tick(models: Any, rules: Any, places: Any, example: Any, given: Any, raster: Any) -> Any:
    """One tick; ``raster`` gets the spikes.

    Returns the synaptic events, or -1, and then nothing has happened, and whether a neuron has left the finite numbers.
    """
    number = example.dtype
    inputs = _matrix(places, 20, np.uint8)
    currents = _matrix(places, 21, number)
    signals = _matrix(places, 22, number)
    teach = _matrix(places, 23, number)
    bad = 0
    if given & _SPIKES == 0:
        inputs[:] = 0
    else:
        for value in inputs[0]:
            bad += value > 1
    if given & _CURRENTS == 0:
        currents = currents[:0]
    else:
        for value in currents[0]:
            bad += not np.isfinite(value)
    if given & _SIGNALS == 0:
        signals = signals[:0]
    else:
        for value in signals[0]:
            bad += not np.isfinite(value)
    if given & _TEACH == 0:
        teach = teach[:0]
    else:
        for value in teach[0]:
            bad += not np.isfinite(value)
    if bad:
        return -1, False
    neurons, ends = _vector(places, 26, np.int32), _vector(places, 27, np.int64)
    events = run(
        models,
        rules,
        _matrix(places, 0, np.int64),
        _matrix(places, 1, np.int64),
        _matrix(places, 2, np.int64),
        _matrix(places, 3, np.int64),
        _vector(places, 4, number),
        _vector(places, 5, number),
        _vector(places, 6, number),
        _vector(places, 7, np.int64),
        _vector(places, 8, np.uint32),
        _vector(places, 9, np.int64),
        _vector(places, 10, np.uint32),
        _matrix(places, 11, number),
        _vector(places, 12, np.uint8),
        _vector(places, 13, np.int64),
        _matrix(places, 14, np.int32),
        _matrix(places, 15, np.int32),
        _vector(places, 16, number),
        _matrix(places, 17, np.uint64),
        _vector(places, 18, number),
        _vector(places, 19, number),
        inputs,
        currents,
        signals,
        teach,
        _vector(places, 24, np.int64),
        _matrix(places, 25, number),
        neurons,
        ends,
    )
    raster[:] = 0
    for n in range(ends[0]):
        raster[neurons[n]] = 1
    bad = 0
    for value in _vector(places, 16, number):
        bad += not np.isfinite(value)
    return events, bad > 0


class Stepper:
    """Steps one state of an engine, in place, as long as both live.

    Args:
        engine: of a network
        state: overwritten at each step

    Raises:
        NetworkError: a model or rule does not compile.
    """

    def __init__(self, engine: Engine, state: State) -> None:
        widths = (engine.inputs.width, engine.currents.width, len(engine.layout.learning), engine.teach.width)
        kinds = (np.uint8, engine.dtype, engine.dtype, engine.dtype)
        given = [np.zeros((1, width), kind) for width, kind in zip(widths, kinds, strict=True)]
        found = (np.empty((1, 0), engine.dtype), np.empty(engine.currents.width, np.int32), np.empty(1, np.int64))
        arrays = (*engine.tables, *state, *given, np.empty(0, np.int64), *found)
        for array, (dtype, axes) in zip(arrays, _KINDS, strict=True):
            assert array.dtype == (dtype or engine.dtype) and array.ndim == axes and array.flags.c_contiguous
        self._arrays = arrays  # must not be freed
        self._engine = engine
        self._inputs, self._currents, self._signals, self._teach = given
        self._views = [
            {name: array[0, where] for name, where in columns.of.items() if name in columns.takers}
            for array, columns in ((given[0], engine.inputs), (given[1], engine.currents), (given[3], engine.teach))
        ]
        self._fixed = (*engine.kernels, np.array([_place(a) for a in arrays], np.int64), np.empty(0, engine.dtype))
        self._width = engine.currents.width
        self.diverged = False  # whether a neuron has left the finite numbers
        signature = tuple(typeof(x) for x in (*self._fixed, 0, np.empty(0, np.uint8)))
        self._call = _tick.compile(signature)

    def step(self, spikes: Any, currents: Any, signal: Any, teach: Any) -> Spikes | None:
        """One tick: the spikes of the driven populations (n_driven,).

        None if the arguments must be looked at more closely; then nothing has happened.
        """
        given = 0
        if spikes is not None:
            if not _copied(spikes, self._views[0], self._inputs, "ub"):
                return None
            given |= _SPIKES
        if currents is not None:
            if not _copied(currents, self._views[1], self._currents, "fiub"):
                return None
            given |= _CURRENTS
        if signal is not None:
            if not isinstance(signal, (float, int)) or not self._engine.signals.listeners:
                return None
            try:
                self._signals[...] = signal
            except OverflowError:
                return None
            given |= _SIGNALS
        if teach is not None:
            if not _copied(teach, self._views[2], self._teach, "fiub"):
                return None
            given |= _TEACH
        raster = np.empty(self._width, np.uint8)
        events, self.diverged = self._call(*self._fixed, given, raster)
        if events < 0:
            return None
        self._engine.synaptic_events = events
        return raster

    @classmethod
    def of(cls, engine: Engine, state: State) -> Stepper | None:
        """None without a compiler."""
        return cls(engine, state) if hasattr(_tick, "compile") else None


def _copied(given: Any, views: dict[Any, NDArray[Any]], whole: NDArray[Any], kinds: str) -> bool:
    """Copy each population's argument to its place, if it is an array of numbers of the right shape."""
    if type(given) is not dict:
        return False
    if len(given) < len(views):
        whole[...] = 0
    for name, values in given.items():
        view = views.get(getattr(name, "name", name))  # a population stands for its name
        if type(values) is not np.ndarray or view is None or values.shape != view.shape:
            return False
        if values.dtype.kind not in kinds:
            return False
        if view.itemsize == 1 and values.itemsize != 1:  # a spike of 257 would become one of 1
            return False
        view[...] = values
    return True


def _place(array: NDArray[Any]) -> tuple[int, int, int]:
    """Address and shape."""
    return array.ctypes.data, array.shape[0], array.shape[-1]
