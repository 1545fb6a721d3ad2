"""Spike trains: which arrays are accepted as one, and how to get them from a raster.

train = spike times of one neuron in milliseconds, increasing, not negative, finite      (spikes,) float64
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnctl.errors import InputError, Problem

Train = NDArray[np.float64]


def check(
    times_ms: ArrayLike, name: str = "train", *, t_end_ms: float = math.inf, coincident: bool = False
) -> NDArray[np.float64]:
    """``times_ms`` as a contiguous float64 array (spikes,), or an error that says which spike is wrong.

    Args:
        times_ms: spike times (spikes,)
        name: what errors call it
        t_end_ms: end of the recording; no spike may come later
        coincident: whether several spikes may have one time (pooled trains)

    Raises:
        InputError: not one-dimensional, not numbers, NaN or infinite, negative, not sorted, repeated, or late.
    """
    try:
        train = np.ascontiguousarray(times_ms, np.float64)
    except (TypeError, ValueError):
        raise InputError(Problem(name, "is not an array of numbers", "give spike times in ms")) from None
    if np.ndim(times_ms) != 1:
        shape = np.shape(times_ms)
        raise InputError(Problem(name, f"has shape {shape}", "a train is (spikes,); train.from_raster splits a raster"))
    if train.size == 0:
        return train
    if not (finite := np.isfinite(train)).all():
        k = int(np.argmin(finite))
        raise InputError(Problem(f"{name}[{k}]", f"is {train[k]}", "spike times are finite"))
    gaps = np.diff(train)
    bad = gaps < 0 if coincident else gaps <= 0
    if bad.any():
        k = int(np.argmax(bad)) + 1
        if gaps[k - 1] < 0:
            message, remedy = f"comes before the spike at {train[k - 1]:g} ms ({train[k]:g} ms)", "sort the times"
        else:
            message, remedy = f"repeats the spike at {train[k]:g} ms", "one neuron fires once at a time; np.unique it"
        raise InputError(Problem(f"{name}[{k}]", message, remedy))
    if train[0] < 0:
        raise InputError(Problem(f"{name}[0]", f"is negative ({train[0]:g} ms)", "recordings start at 0"))
    if train[-1] > t_end_ms:
        message = f"is at {train[-1]:g} ms, after the end of the recording ({t_end_ms:g} ms)"
        raise InputError(Problem(f"{name}[{train.size - 1}]", message, "give the true t_end_ms or cut the train"))
    return train


def positive(value: float, name: str) -> float:
    """``value`` if it is a finite number above 0.

    Raises:
        InputError: it is not.
    """
    if not (math.isfinite(value) and value > 0):
        raise InputError(Problem(name, f"is {value}", "must be finite and above 0"))
    return float(value)


def from_raster(raster: NDArray[Any], tick_s: float) -> list[Train]:
    """The trains of a raster (ticks, n): a spike in tick k = 0, 1, ... is at (k + 1) tick_s, the end of its tick.

    (The recordings of a network give the beginning.)
    """
    raster = np.asarray(raster)
    if raster.ndim != 2:
        raise InputError(Problem("raster", f"has shape {raster.shape}", "must be (ticks, n)"))
    tick_ms = 1e3 * positive(tick_s, "tick_s")
    return [(np.flatnonzero(column) + 1).astype(np.float64) * tick_ms for column in raster.T]


def to_raster(trains: Iterable[ArrayLike], tick_s: float, ticks: int) -> NDArray[np.uint8]:
    """The raster (ticks, n) of trains: the inverse of :func:`from_raster`; spikes between ticks go to the nearest.

    The nearest tick of a spike at 0, where recordings start, is the first. Several spikes of a tick are one.

    Raises:
        InputError: a train is not one, or a spike falls outside the ticks.
    """
    tick_ms = 1e3 * positive(tick_s, "tick_s")
    rows = [
        np.maximum(np.rint(check(train, f"train {i}", coincident=True) / tick_ms).astype(np.int64) - 1, 0)
        for i, train in enumerate(trains)
    ]
    raster = np.zeros((ticks, len(rows)), np.uint8)  # (ticks, n)
    for i, row in enumerate(rows):
        if row.size and row[-1] >= ticks:
            remedy = f"the ticks end at {tick_ms:g} ... {ticks * tick_ms:g} ms"
            raise InputError(Problem(f"train {i}", "has a spike outside the ticks", remedy))
        raster[row, i] = 1
    return raster
