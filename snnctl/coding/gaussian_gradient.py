"""The Gaussian population encoder over all ticks of a batch, and its straight-through gradient.

Forward by the functions of :mod:`receptive_fields`, which the fused decision calls too, so the same spikes come out;
with A[d, j] the activity of one observation,

    straight-through: d spike[k] / d A := 1 for every tick k (the soft reset is not differentiated)
    dA = sum_k ds[k] ; d mean = dA A (x - mean) / width^2 ; d width = dA A (x - mean)^2 / width^3

The Poisson variant draws from a counter-based generator, splitmix64 of (key of the sample, tick,
neuron), so that a sample's spikes can be made again without storing them.
Source: Tang et al., CoRL 2020 (PopSAN); splitmix64: Steele, Lea & Flood, OOPSLA 2014.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.coding.code import Tensors
from snnctl.coding.receptive_fields import activation, integrate, slopes

if TYPE_CHECKING:
    from snnctl.coding.gaussian_population import GaussianPopulation

Floats = NDArray[np.floating[Any]]
Real = Any  # a scalar of the type of the arrays
Keys = NDArray[np.uint64]

MIN_WIDTH = 0.05  # a learnt receptive field never becomes narrower (in normalised observations)


@njit(cache=True, nogil=True, error_model="numpy")
def activities(x: Floats, centre: Floats, slope: Floats, wide: Floats, out: Floats) -> None:
    """A of a batch.

    Args:
        x: (batch, dims) normalised observations
        centre: (dims k,)
        slope: (dims k,)
        wide: (batch, dims k), overwritten with every observation repeated for the neurons of its dimension
        out: (batch, dims k), overwritten
    """
    k = centre.size // x.shape[1]
    for row in range(x.shape[0]):
        for d in range(x.shape[1]):
            wide[row, d * k : (d + 1) * k] = x[row, d]
        activation(wide[row], centre, slope, out[row])


@njit(cache=True, nogil=True, error_model="numpy")
def deterministic(activities: Floats, threshold: Real, u: Floats, spikes: Floats) -> None:
    """Soft-reset integrators of ``activities`` (batch, n); ``spikes`` (ticks, batch, n) are written with 0 and 1."""
    for row in range(activities.shape[0]):
        u[:] = 0
        for t in range(spikes.shape[0]):
            integrate(activities[row], threshold, u, spikes[t, row])


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
    da: Floats, wide: Floats, centre: Floats, inverse: Floats, out: Floats, d_mean: Floats, d_width: Floats
) -> None:
    """Gradients of means and widths, both (dims k,) and overwritten.

    Args:
        da: (batch, dims k) gradient of A
        wide: (batch, dims k) observations as :func:`activities` leaves them
        centre: (dims k,) means
        inverse: (dims k,) of the widths
        out: (batch, dims k) A
        d_mean: written
        d_width: written
    """
    d_mean[:] = 0
    d_width[:] = 0
    for row in range(da.shape[0]):
        for n in range(centre.size):
            z = (wide[row, n] - centre[n]) * inverse[n]
            common = da[row, n] * out[row, n] * z * inverse[n]
            d_mean[n] += common
            d_width[n] += common * z


class _Work(NamedTuple):
    """What a forward pass leaves for the backward pass, (batch, dims k) each, and a scratch row."""

    wide: Floats  # observations, repeated for the neurons of their dimension
    activities: Floats
    membrane: Floats  # (dims k,)


class GaussianGradient:
    """The code over batches of one size of observation."""

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

    def workspace(self, batch: int) -> _Work:
        """Buffers of one batch."""
        wide, found = np.zeros((2, batch, self._size), dtype=self._dtype)
        return _Work(wide, found, np.zeros(self._size, dtype=self._dtype))

    def forward(self, tensors: Tensors, x: Floats, keys: Keys, spikes: Floats, work: _Work) -> None:
        """Write ``spikes`` (ticks, batch, n); the deterministic variant ignores ``keys``."""
        slope = slopes(tensors["encoder.width"]).astype(self._dtype)
        activities(x, tensors["encoder.mean"].ravel(), slope.ravel(), work.wide, work.activities)
        if self._poisson:
            poisson(work.activities, keys, spikes)
        else:
            deterministic(work.activities, self._threshold, work.membrane, spikes)

    def backward(self, tensors: Tensors, da: Floats, x: Floats, work: _Work, gradients: Tensors) -> None:
        """Write the gradients of means and widths."""
        inverse = 1 / tensors["encoder.width"].ravel()
        mean, found = tensors["encoder.mean"].ravel(), work.activities
        found_mean, found_width = (gradients[f"encoder.{name}"].ravel() for name in ("mean", "width"))
        backward(da, work.wide, mean, inverse, found, found_mean, found_width)
