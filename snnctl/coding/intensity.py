"""Intensity: where a normalised observation stands in the range that an encoder covers.

    u = clip((x - low) / (high - low), 0, 1)

Every code that has one neuron for each observation starts from it. Values beyond the range (infinite ones too) are
clipped to its ends; a nan has no place in the range and is refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.coding.code import Encoder, Tensors


def intensity(x: NDArray[Any], low: float, high: float) -> NDArray[np.float64]:
    """Observations (...) as numbers from 0 at ``low`` to 1 at ``high``.

    Raises:
        ValueError: an observation is nan.
    """
    values = finite_or_clipped(np.asarray(x, np.float64), "observation", -np.inf, np.inf)
    return np.clip((values - low) / (high - low), 0.0, 1.0)


def finite_or_clipped(values: NDArray[Any], name: str, low: float = 0.0, high: float = 1.0) -> NDArray[Any]:
    """``values`` (...) clipped to [low, high], in their own float type (integers become float64).

    Raises:
        ValueError: one of them is nan.
    """
    given = np.asarray(values)
    floats = given if given.dtype.kind == "f" else given.astype(np.float64)
    if np.isnan(floats).any():
        index = tuple(int(i) for i in np.argwhere(np.isnan(floats))[0])
        raise ValueError(f"{name}{list(index)} is nan: a missing number has no spikes, replace it before encoding")
    clipped: NDArray[Any] = np.clip(floats, floats.dtype.type(low), floats.dtype.type(high))
    return clipped


def check_range(low: float, high: float) -> None:
    """Refuse an empty range.

    Raises:
        ValueError: low is not below high.
    """
    if not low < high:
        raise ValueError(f"low {low:g}: must be below high ({high:g})")


class IntensityCode(Encoder):
    """Base of the configurations of codes that have one neuron for each observation."""

    low: float  # normalised observation with intensity 0
    high: float  # with intensity 1

    def size(self, dims: int) -> int:
        """Neurons needed for ``dims`` observations."""
        return dims

    def build(self, tensors: Tensors, tick_s: float, dtype: type) -> IntensityEncoder:
        """What encodes; no tensors are needed."""
        return IntensityEncoder(self, tick_s)

    def raster(self, u: NDArray[Any], ticks: int, tick_s: float, state: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Spikes (ticks, n) for intensities ``u`` (n,)."""
        raise NotImplementedError(f"{type(self).__name__} must define raster(self, u, ticks, tick_s, state)")


class IntensityEncoder:
    """Normalised observation -> spikes, for every code that has one neuron for each observation."""

    def __init__(self, config: IntensityCode, tick_s: float) -> None:
        self._config = config
        self._tick_s = tick_s

    def reset(self) -> None:
        """Nothing is kept between decisions."""

    def encode(self, x: NDArray[np.float64], ticks: int, state: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Spikes (ticks, dims) for the normalised observation ``x`` (dims,); ``state`` is advanced if it is used."""
        u = intensity(x, self._config.low, self._config.high)  # (dims,)
        return self._config.raster(u, ticks, self._tick_s, state)
