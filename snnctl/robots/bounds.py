"""What a control step asks of numbers, compiled: whether they are finite, and whether they are within bounds.

The arrays have a handful of elements, so that a chain of numpy's functions costs more than a decision; each question
here is one call. None of them allocates.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

_compiled = njit(cache=True, error_model="numpy")


def compiled_for(values: Any) -> NDArray[Any]:
    """The numbers in a type that these functions are compiled for: all but floats of this machine as float64."""
    if type(values) is np.ndarray and values.dtype.char in "fd" and values.dtype.isnative:
        return values
    return np.asarray(values, np.float64)


@_compiled
def fit(values: Any, limits: Any, passed: Any) -> int:
    """Clip to the limits: passed[j] = min(max(values[j], low[j]), high[j]), in the type of ``passed``.

    Args:
        values: float64 (n,)
        limits: low and high, in the type of ``passed`` (2, n)
        passed: floats (n,), to be written; untouched from the first element on that is not finite

    Returns:
        How many elements were outside; -1 - j where element j is the first that is not finite.
    """
    outside = 0
    for j in range(values.size):
        if not np.isfinite(values[j]):
            return -1 - j
        passed[j] = values[j]
        if passed[j] < limits[0, j]:
            passed[j] = limits[0, j]
            outside += 1
        elif passed[j] > limits[1, j]:
            passed[j] = limits[1, j]
            outside += 1
    return outside


@_compiled
def outside(values: Any, low: Any, high: Any) -> bool:
    """Whether at least one of the values (n,) is below its lowest or above its highest; nan is not."""
    beyond = False
    for j in range(values.size):
        beyond |= values[j] < low[j] or values[j] > high[j]
    return beyond


@_compiled
def finite(values: Any) -> bool:
    """Whether all of the values, of any shape, are."""
    whole = True
    for value in values.flat:
        whole &= np.isfinite(value)
    return whole


@_compiled
def drive(action: Any, scaling: Any, actuators: Any, controls: Any) -> None:
    """Set controls[actuators[j]] = scale[j] min(max(action[j], low[j]), high[j]) + offset[j].

    ``scaling`` has the rows low, high, scale and offset (4, n); nan stays nan.
    """
    for j in range(action.size):
        value = action[j]
        if value < scaling[0, j]:
            value = scaling[0, j]
        elif value > scaling[1, j]:
            value = scaling[1, j]
        scaled = value * scaling[2, j]
        controls[actuators[j]] = scaled + scaling[3, j]


@_compiled
def observe(values: Any, scaling: Any, noise: Any) -> None:
    """In place, values[j] = min(max(scale[j] values[j] + offset[j] + noise[j], low[j]), high[j]).

    ``scaling`` has the rows low, high, scale and offset (4, n), ``noise`` (n,) may be empty.
    """
    for j in range(values.size):
        scaled = values[j] * scaling[2, j]
        value = scaled + scaling[3, j]
        if noise.size:
            value += noise[j]
        if value < scaling[0, j]:
            value = scaling[0, j]
        elif value > scaling[1, j]:
            value = scaling[1, j]
        values[j] = value
