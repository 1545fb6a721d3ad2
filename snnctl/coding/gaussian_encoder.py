"""The Gaussian population code as compiled functions; the equations are in :mod:`gaussian_population`.

    x = clip((obs - mean) / std, -clip, clip)                          in float64, then rounded
    A[d, j] = exp(slope[d, j] (x[d] - centre[d, j])^2)                 slope = -1 / (2 width^2)

Arrays that end in a padding (to a multiple of the vector length) may be given: the padding is neither read
as an observation nor written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.coding.exponential import exp_nonpositive
from snnctl.coding.gaussian_population import GaussianPopulation
from snnctl.coding.latency import linear, spikes_at
from snnctl.coding.xoshiro import uniform


@njit(cache=True, nogil=True, error_model="numpy")
def activation(x: NDArray[Any], centre: NDArray[Any], slope: NDArray[Any], out: NDArray[Any]) -> None:
    """A of every neuron.

    Args:
        x: normalised observations, repeated for each neuron of their dimension (n,)
        centre: (n,)
        slope: (n,)
        out: (n,), overwritten
    """
    for j in range(out.size):
        distance = x[j] - centre[j]
        out[j] = exp_nonpositive(slope[j] * (distance * distance))


@njit(cache=True, nogil=True, error_model="numpy")
def deterministic_spikes(a: NDArray[Any], threshold: Any, u: NDArray[Any], spikes: NDArray[np.uint8]) -> None:
    """Soft-reset integration of A from u = 0: u += A; spike where u > threshold, then u -= threshold.

    Args:
        a: (n,)
        threshold: a scalar of a's type
        u: (n,) work space, overwritten
        spikes: (ticks, n), overwritten
    """
    zero = threshold - threshold
    for j in range(a.size):
        u[j] = zero
    for t in range(spikes.shape[0]):
        row = spikes[t]
        for j in range(a.size):
            raised = u[j] + a[j]
            fired = raised > threshold
            u[j] = raised - (threshold if fired else zero)
            row[j] = np.uint8(1) if fired else np.uint8(0)


@njit(cache=True, nogil=True, error_model="numpy")
def poisson_spikes(a: NDArray[Any], state: NDArray[np.uint64], spikes: NDArray[np.uint8]) -> None:
    """A spike with probability A, drawn tick by tick and in the order of the neurons; ``state`` is advanced.

    Args:
        a: (n,)
        state: (4,) of the random generator
        spikes: (ticks, n), overwritten
    """
    for t in range(spikes.shape[0]):
        for j in range(a.size):
            spikes[t, j] = np.uint8(1) if uniform(state) < a[j] else np.uint8(0)


class GaussianEncoder:
    """Normalised observation -> spikes; holds the tensors in the precision of the network."""

    def __init__(self, config: GaussianPopulation, tensors: Mapping[str, NDArray[Any]], dtype: type) -> None:
        self._spikes = config.spikes
        self._silent_below = np.dtype(dtype).type(config.silent_below)
        self._repeats = config.neurons_per_dim
        self._threshold = np.dtype(dtype).type(config.threshold)
        self.centre: NDArray[Any] = tensors["encoder.mean"].astype(dtype).ravel()  # (n,)
        self.slope: NDArray[Any] = slopes(tensors["encoder.width"]).astype(dtype).ravel()  # (n,)
        self._a: NDArray[Any] = np.empty_like(self.centre)  # (n,)
        self._u: NDArray[Any] = np.empty_like(self.centre)  # (n,)

    def reset(self) -> None:
        """Nothing is kept between decisions."""

    def encode(self, x: NDArray[np.float64], ticks: int, state: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Spikes (ticks, n) for the normalised observation ``x`` (dims,); ``state`` is advanced if it is used."""
        activation(np.repeat(x.astype(self._a.dtype), self._repeats), self.centre, self.slope, self._a)
        if self._spikes == "latency":
            return spikes_at(linear(self._a, ticks - 1), ticks, self._a < self._silent_below)
        spikes = np.empty((ticks, self._a.size), np.uint8)  # (ticks, n)
        if self._spikes == "poisson":
            poisson_spikes(self._a, state, spikes)
        else:
            deterministic_spikes(self._a, self._threshold, self._u, spikes)
        return spikes


def slopes(width: NDArray[Any]) -> NDArray[np.float64]:
    """-1 / (2 width^2), in float64 before it is rounded to the precision of the network."""
    return -0.5 / np.square(width.astype(np.float64))
