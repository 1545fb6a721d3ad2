"""The Gaussian population encoder over all ticks of a batch, and its straight-through gradient.

Forward as :mod:`gaussian_population`; with A[d, j] the activity of one observation,

    straight-through: d spike[k] / d A := 1 for every tick k (the soft reset is not differentiated)
    dA = sum_k ds[k] ; d mean = dA A (x - mean) / width^2 ; d width = dA A (x - mean)^2 / width^3

The Poisson variant draws from a counter-based generator, splitmix64 of (key of the sample, tick,
neuron), so that a sample's spikes can be made again without storing them.
Source: Tang et al., CoRL 2020 (PopSAN); splitmix64: Steele, Lea & Flood, OOPSLA 2014.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.coding.code import Tensors

if TYPE_CHECKING:
    from snnctl.coding.gaussian_population import GaussianPopulation

Floats = NDArray[np.floating[Any]]
Real = Any  # a scalar of the type of the arrays
Keys = NDArray[np.uint64]

MIN_WIDTH = 0.05  # a learnt receptive field never becomes narrower (in normalised observations)


@njit(cache=True, nogil=True, error_model="numpy")
def activity(x: Floats, mean: Floats, width: Floats, out: Floats) -> None:
    """A[row, d k + j] of normalised observations ``x`` (batch, dims) into ``out`` (batch, dims k)."""
    dims, k = mean.shape
    half = x.dtype.type(-0.5)
    for row in range(x.shape[0]):
        for d in range(dims):
            for j in range(k):
                z = (x[row, d] - mean[d, j]) / width[d, j]
                out[row, d * k + j] = math.exp(half * z * z)


@njit(cache=True, nogil=True, error_model="numpy")
def deterministic(activities: Floats, threshold: Real, spikes: Floats) -> None:
    """Soft-reset integrators: u += A each tick, spike where u > threshold, then u -= threshold.

    ``activities`` is (batch, n), ``spikes`` (ticks, batch, n), written with 0 and 1.
    """
    zero = spikes.dtype.type(0)
    one = spikes.dtype.type(1)
    for row in range(activities.shape[0]):
        for j in range(activities.shape[1]):
            a = activities[row, j]
            u = zero
            for k in range(spikes.shape[0]):
                u = u + a
                if u > threshold:
                    u = u - threshold
                    spikes[k, row, j] = one
                else:
                    spikes[k, row, j] = zero


@njit(cache=True, nogil=True, error_model="numpy")
def poisson(activities: Floats, keys: Keys, spikes: Floats) -> None:
    """A spike with probability A in each tick; ``keys`` (batch,) names each row's random stream."""
    n = activities.shape[1]
    for row in range(activities.shape[0]):
        for k in range(spikes.shape[0]):
            for j in range(n):
                z = keys[row] + np.uint64(k * n + j + 1) * np.uint64(0x9E3779B97F4A7C15)
                z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
                z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
                z = z ^ (z >> np.uint64(31))
                uniform = np.float64(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)
                spikes[k, row, j] = 1.0 if uniform < activities[row, j] else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def backward(
    ds: Floats,
    x: Floats,
    mean: Floats,
    width: Floats,
    activities: Floats,
    mean_gradient: Floats,
    width_gradient: Floats,
) -> None:
    """Gradients of means and widths, both (dims, k) and overwritten, from ``ds`` (ticks, batch, dims k)."""
    ticks = ds.shape[0]
    dims, k = mean.shape
    mean_gradient[:] = 0
    width_gradient[:] = 0
    for row in range(x.shape[0]):
        for d in range(dims):
            for j in range(k):
                n = d * k + j
                da = ds[0, row, n]
                for tick in range(1, ticks):
                    da += ds[tick, row, n]
                z = (x[row, d] - mean[d, j]) / width[d, j]
                common = da * activities[row, n] * z / width[d, j]
                mean_gradient[d, j] += common
                width_gradient[d, j] += common * z


class GaussianGradient:
    """The code over batches of one size of observation; the work space is the activities (batch, n)."""

    def __init__(self, config: GaussianPopulation, dims: int, ticks: int, dtype: Any) -> None:
        self.learnable = config.learnable
        self.shapes: dict[str, tuple[int, ...]] = {
            "encoder.mean": (dims, config.neurons_per_dim),
            "encoder.width": (dims, config.neurons_per_dim),
        }
        self._dtype = np.dtype(dtype).type
        self._threshold = self._dtype(config.threshold)
        self._poisson = config.spikes == "poisson"
        self._fields = config.fields(dims)
        self._size = config.size(dims)

    def initialise(self, tensors: Tensors) -> None:
        """The placement of the configuration."""
        tensors["encoder.mean"][:], tensors["encoder.width"][:] = self._fields

    def constrain(self, tensors: Tensors) -> None:
        """Keep widths above MIN_WIDTH."""
        width = tensors["encoder.width"]
        np.maximum(width, MIN_WIDTH, out=width)

    def workspace(self, batch: int) -> Floats:
        """Activities of one batch."""
        return np.zeros((batch, self._size), dtype=self._dtype)

    def forward(self, tensors: Tensors, x: Floats, keys: Keys, spikes: Floats, work: Floats) -> None:
        """Write ``spikes`` (ticks, batch, n); the deterministic variant ignores ``keys``."""
        activity(x, tensors["encoder.mean"], tensors["encoder.width"], work)
        if self._poisson:
            poisson(work, keys, spikes)
        else:
            deterministic(work, self._threshold, spikes)

    def backward(self, tensors: Tensors, ds: Floats, x: Floats, work: Floats, gradients: Tensors) -> None:
        """Write the gradients of means and widths."""
        mean, width = tensors["encoder.mean"], tensors["encoder.width"]
        backward(ds, x, mean, width, work, gradients["encoder.mean"], gradients["encoder.width"])
