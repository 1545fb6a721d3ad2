"""The Gaussian population code as the encoder of a controller; the equations are in :mod:`gaussian_population`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from snnctl.coding.code import Tensors
from snnctl.coding.latency import linear, spikes_at
from snnctl.coding.receptive_fields import activation, encode, slopes

if TYPE_CHECKING:
    from snnctl.coding.gaussian_population import GaussianPopulation


class GaussianEncoder:
    """Normalised observation -> spikes; holds the tensors in the precision of the network."""

    def __init__(self, config: GaussianPopulation, tensors: Tensors, dtype: type) -> None:
        self._spikes = config.spikes
        self._silent_below = np.dtype(dtype).type(config.silent_below)
        self._repeats = config.neurons_per_dim
        self._threshold = np.dtype(dtype).type(config.threshold)
        self.centre: NDArray[Any] = tensors["encoder.mean"].astype(dtype).ravel()  # (n,)
        self.slope: NDArray[Any] = slopes(tensors["encoder.width"]).astype(dtype).ravel()  # (n,)
        self._a: NDArray[Any] = np.empty_like(self.centre)  # (n,)
        self._wide: NDArray[Any] = np.empty_like(self.centre)  # (n,)

    def reset(self) -> None:
        """Nothing is kept between decisions."""

    def encode(self, x: NDArray[np.float64], ticks: int, state: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Spikes (ticks, n) for the normalised observation ``x`` (dims,); ``state`` is advanced if it is used."""
        if self._spikes == "latency":
            activation(np.repeat(x.astype(self._a.dtype), self._repeats), self.centre, self.slope, self._a)
            return spikes_at(linear(self._a, ticks - 1), ticks, self._a < self._silent_below)
        spikes = np.empty((ticks, self._a.size), np.uint8)  # (ticks, n)
        poisson = self._spikes == "poisson"
        encode(x, self.centre, self.slope, self._threshold, poisson, self._wide, self._a, state, spikes)
        return spikes
