"""The place-cell code as compiled functions; the equations are in :mod:`place_cells`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.coding.code import Tensors
from snnctl.coding.exponential import exp_nonpositive
from snnctl.coding.receptive_fields import deterministic_spikes, poisson_spikes

if TYPE_CHECKING:
    from snnctl.coding.place_cells import PlaceCells


@njit(cache=True, nogil=True, error_model="numpy")
def activation(x: NDArray[Any], centre: NDArray[Any], width: NDArray[Any], half: Any, out: NDArray[Any]) -> None:
    """A of every cell.

    Args:
        x: normalised observation (dims,)
        centre: (n, dims)
        width: (n, dims)
        half: 0.5 in x's type
        out: (n,), overwritten
    """
    for i in range(out.size):
        total = half - half
        for d in range(x.size):
            distance = (x[d] - centre[i, d]) / width[i, d]
            total += distance * distance
        out[i] = exp_nonpositive(-half * total)


class PlaceCellEncoder:
    """Normalised observation -> spikes; holds the tensors in the precision of the network."""

    def __init__(self, config: PlaceCells, tensors: Tensors, dtype: type) -> None:
        scalar = np.dtype(dtype).type
        self._poisson = config.spikes == "poisson"
        self._threshold = scalar(config.threshold)
        self._half = scalar(0.5)
        self._centre: NDArray[Any] = np.ascontiguousarray(tensors["encoder.centre"], dtype)  # (n, dims)
        self._width: NDArray[Any] = np.ascontiguousarray(tensors["encoder.width"], dtype)  # (n, dims)
        self._a: NDArray[Any] = np.empty(self._centre.shape[0], dtype)  # (n,)
        self._u: NDArray[Any] = np.empty(self._centre.shape[0], dtype)  # (n,)

    def reset(self) -> None:
        """Nothing is kept between decisions."""

    def encode(self, x: NDArray[np.float64], ticks: int, state: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Spikes (ticks, n) for the normalised observation ``x`` (dims,); ``state`` is advanced if it is used."""
        spikes = np.empty((ticks, self._a.size), np.uint8)  # (ticks, n)
        activation(x.astype(self._a.dtype), self._centre, self._width, self._half, self._a)
        if self._poisson:
            poisson_spikes(self._a, state, spikes)
        else:
            deterministic_spikes(self._a, self._threshold, self._u, spikes)
        return spikes
