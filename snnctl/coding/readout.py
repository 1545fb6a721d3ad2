"""Normaliser and decoders as compiled functions; their equations are in the files of their configurations.

All of it is float64: these few numbers are at the border to the robot.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Float64s = NDArray[np.float64]


@njit(cache=True, nogil=True, error_model="numpy")
def normalise(observation: Float64s, mean: Float64s, std: Float64s, clip: float, out: Float64s) -> None:
    """X = clip((obs - mean) / std, -clip, clip); all (dims,). A nan stays a nan."""
    for d in range(observation.size):
        x = (observation[d] - mean[d]) / std[d]
        x = -clip if x < -clip else x
        out[d] = clip if x > clip else x


@njit(cache=True, nogil=True, error_model="numpy")
def linear(counts: NDArray[Any], ticks: int, weight: Float64s, bias: Float64s, out: Float64s) -> None:
    """out[a] = sum_j weight[a, j] counts[a, j] / ticks + bias[a], summed in the order of j.

    Args:
        counts: spikes of each output neuron, action-major (actions * k,)
        ticks: of the decision
        weight: (actions * k,)
        bias: (actions,)
        out: (actions,), overwritten
    """
    k = weight.size // bias.size
    for a in range(bias.size):
        total = 0.0
        for j in range(a * k, (a + 1) * k):
            total += weight[j] * (counts[j] / ticks)
        out[a] = total + bias[a]


@njit(cache=True, nogil=True, error_model="numpy")
def count(raster: NDArray[np.uint8], counts: NDArray[np.int64]) -> None:
    """Spikes of each neuron (n,) of a raster (ticks, n)."""
    counts[:] = 0
    for t in range(raster.shape[0]):
        for j in range(counts.size):
            counts[j] += raster[t, j]


@njit(cache=True, nogil=True, error_model="numpy")
def count_and_sum(
    raster: NDArray[np.uint8], weight: Float64s, bias: Float64s, counts: NDArray[np.int64], out: Float64s
) -> None:
    """:func:`linear` of the spikes of a raster (ticks, actions * k), which are left in ``counts``."""
    count(raster, counts)
    linear(counts, raster.shape[0], weight, bias, out)


@njit(cache=True, nogil=True, error_model="numpy")
def squash(y: Float64s, low: Float64s, high: Float64s) -> None:
    """Y = low + (tanh(y) + 1) / 2 (high - low), in place and never outside [low, high]; all (actions,)."""
    for a in range(y.size):
        scaled = low[a] + (math.tanh(y[a]) + 1.0) / 2.0 * (high[a] - low[a])
        scaled = low[a] if scaled < low[a] else scaled
        y[a] = high[a] if scaled > high[a] else scaled


@njit(cache=True, nogil=True, error_model="numpy")
def count_and_squash(
    raster: NDArray[np.uint8], weight: Float64s, bias: Float64s, low: Float64s, high: Float64s,
    counts: NDArray[np.int64], out: Float64s,
) -> None:  # fmt: skip
    """:func:`count_and_sum`, squashed to the limits."""
    count_and_sum(raster, weight, bias, counts, out)
    squash(out, low, high)


@njit(cache=True, nogil=True, error_model="numpy")
def choose(logits: Float64s) -> int:
    """Index of the highest logit (actions,), the lowest index of equals."""
    best = 0
    for a in range(1, logits.size):
        if logits[a] > logits[best]:
            best = a
    return best


def choose_each(logits: Float64s, sizes: tuple[int, ...]) -> NDArray[np.int64]:
    """For several choices, whose logits lie one after the other (sum of sizes,): the index of each.  # (choices,)"""
    chosen, start = np.empty(len(sizes), np.int64), 0
    for choice, size in enumerate(sizes):
        chosen[choice] = logits[start : start + size].argmax()
        start += size
    return chosen
