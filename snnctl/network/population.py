"""Advances the neurons of one population by one tick, whatever their model.

A neuron model is one file of :mod:`snnctl.neurons` (or any importable module) with

- a configuration whose ``constants(tick_s)`` gives a NamedTuple of numbers,
- a NamedTuple of the state of one neuron, all fields starting at 0, and
- ``step(constants, state, drive, bias) -> (state, spike)``, annotated with these two types: plain Python
  on scalars, which is compiled here.

The compiled kernels call :func:`advance`. It is resolved by the *type* of the constants, so that each model
is compiled once, inlined, and found again in the kernel cache.
"""

from __future__ import annotations

import sys
import typing
from typing import Any

from numba import njit
from numba.extending import overload
from numba.np.unsafe import ndarray

to_fixed_tuple: Any = ndarray.to_fixed_tuple  # numba's type stubs lack the calling form of intrinsics


def step_of(constants_class: type) -> Any:
    """The ``step`` function of the model whose constants have this class."""
    return sys.modules[constants_class.__module__].step


def state_of(constants_class: type) -> Any:
    """The class of the state of one neuron of this model."""
    return typing.get_type_hints(step_of(constants_class))["s"]


def step(c: Any, s: Any, drive: Any, bias: Any) -> Any:
    """One tick of one neuron of the model that ``c`` belongs to."""
    return step_of(type(c))(c, s, drive, bias)


@overload(step, strict=False)
def _step(c: Any, s: Any, drive: Any, bias: Any) -> Any:
    return step_of(c.instance_class)


def constants_from(model: Any, row: Any) -> Any:
    """The constants of ``model``'s class that ``row`` holds."""
    return type(model)(*row[: len(model)])


@overload(constants_from)
def _constants_from(model: Any, row: Any) -> Any:
    constants_class = model.instance_class
    fields = len(constants_class._fields)

    def implementation(model: Any, row: Any) -> Any:
        return constants_class(*to_fixed_tuple(row, fields))

    return implementation


def load(model: Any, values: Any, first: Any, size: Any) -> Any:
    """The state of one neuron: ``values[first]``, ``values[first + size]``, ..."""
    state_class = state_of(type(model))
    return state_class(*(values[first + size * f] for f in range(len(state_class._fields))))


@overload(load)
def _load(model: Any, values: Any, first: Any, size: Any) -> Any:
    state_class = state_of(model.instance_class)
    fields = len(state_class._fields)

    def implementation(model: Any, values: Any, first: Any, size: Any) -> Any:
        return state_class(*to_fixed_tuple(values[first::size], fields))

    return implementation


def store(state: Any, values: Any, first: Any, size: Any) -> None:
    """The inverse of :func:`load`."""
    for f in range(len(state)):
        values[first + size * f] = state[f]


@overload(store)
def _store(state: Any, values: Any, first: Any, size: Any) -> Any:
    fields = len(state)

    def implementation(state: Any, values: Any, first: Any, size: Any) -> None:
        for f in range(fields):
            values[first + size * f] = state[f]

    return implementation


@njit(cache=True, nogil=True, error_model="numpy")
def _advance_one(model: Any, row: Any, values: Any, first: Any, drive: Any, bias: Any, spikes: Any) -> None:
    size = drive.size
    constants = constants_from(model, row)
    for j in range(size):
        state, spike = step(constants, load(model, values, first + j, size), drive[j], bias[j])
        store(state, values, first + j, size)
        spikes[j] = spike


def advance(models: Any, kind: Any, row: Any, values: Any, first: Any, drive: Any, bias: Any, spikes: Any) -> None:
    """One tick of a population, in place.

    Args:
        models: one instance of the constants of every model that the network uses
        kind: index in ``models`` of this population's model
        row: the constants of this population, in the order of their fields
        values: state of all populations; this one's is field-major from ``first``
        first: index in ``values``
        drive: summed weights of the spikes that are due (n,)
        bias: (n,)
        spikes: (n,) uint8, overwritten
    """
    _advance_one(models[kind], row, values, first, drive, bias, spikes)


@overload(advance)
def _advance(models: Any, kind: Any, row: Any, values: Any, first: Any, drive: Any, bias: Any, spikes: Any) -> Any:
    def last(models: Any, kind: Any, row: Any, values: Any, first: Any, drive: Any, bias: Any, spikes: Any) -> None:
        _advance_one(models[0], row, values, first, drive, bias, spikes)

    def several(models: Any, kind: Any, row: Any, values: Any, first: Any, drive: Any, bias: Any, spikes: Any) -> None:
        if kind == 0:
            _advance_one(models[0], row, values, first, drive, bias, spikes)
        else:
            advance(models[1:], kind - 1, row, values, first, drive, bias, spikes)

    return last if len(models) == 1 else several
