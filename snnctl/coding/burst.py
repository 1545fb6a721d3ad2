"""Burst code: a stronger input makes more spikes, closer together.

    n   = ceil(max_spikes u)                                   spikes of the burst
    isi = ceil(isi_max - (isi_max - isi_min) u)                ticks between them
    spikes at 0, isi, 2 isi, ..., (n - 1) isi

``u`` of :mod:`intensity`. The count bounds u from both sides, ((n - 1) / max_spikes, n / max_spikes], and so does the
interval of two or more spikes, [(isi_max - isi) / w, (isi_max - isi + 1) / w) with w = isi_max - isi_min; decoding
takes the middle of what both allow, so the error is at most 1 / (2 max_spikes), and less with intervals.
One neuron for each observation.
Cost: ``span`` ticks for the slowest burst (spikes beyond the last tick would be lost; a shorter decision is refused);
sum(ceil(max_spikes u)) spikes.
Source: Guo, Fouda, Eltawil & Salama, Frontiers in Neuroscience 15:638474 (2021), max_spikes = 5 and isi_min = 2 there.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray

from snnctl.coding.intensity import IntensityCode, check_range, finite_or_clipped
from snnctl.config import schema
from snnctl.errors import Problem

_EXACT = 1e-9  # rounding of a product must not count as another spike


def spike_counts(u: NDArray[Any], max_spikes: int) -> NDArray[np.int64]:
    """Spikes of the burst (...) for intensities (...)."""
    return np.ceil(max_spikes * u - _EXACT).astype(np.int64)


def intervals(u: NDArray[Any], isi_min: int, isi_max: int) -> NDArray[np.int64]:
    """Ticks between spikes (...) for intensities (...)."""
    return np.ceil(isi_max - (isi_max - isi_min) * u - _EXACT).astype(np.int64)


def span(max_spikes: int, isi_min: int, isi_max: int) -> int:
    """Ticks of the longest burst: the largest (n - 1) isi + 1, found where n steps up (isi only falls with u)."""
    u = np.arange(max_spikes) / max_spikes + 2 * _EXACT  # just above each step, (max_spikes,)
    return int(((spike_counts(u, max_spikes) - 1) * intervals(u, isi_min, isi_max)).max()) + 1


def encode(u: NDArray[Any], ticks: int, max_spikes: int = 5, isi_min: int = 1, isi_max: int = 5) -> NDArray[np.uint8]:
    """Spikes (ticks, ...) for intensities ``u`` (...), clipped to [0, 1]; what lies beyond ``ticks`` is cut off.

    Raises:
        ValueError: an intensity is nan.
    """
    values = finite_or_clipped(u, "u").astype(np.float64)
    n, isi = spike_counts(values, max_spikes), intervals(values, isi_min, isi_max)
    t = np.arange(ticks).reshape(-1, *(1,) * values.ndim)  # (ticks, 1, ...)
    spikes: NDArray[np.uint8] = ((t % isi == 0) & (t // isi < n)).astype(np.uint8)
    return spikes


def decode(raster: NDArray[np.uint8], max_spikes: int = 5, isi_min: int = 1, isi_max: int = 5) -> NDArray[np.float64]:
    """Intensities (...) of whole bursts (ticks, ...): the middle of what count and first interval allow."""
    n = raster.sum(axis=0, dtype=np.int64)  # (...)
    low, high = (n - 1) / max_spikes, n / max_spikes
    second = (raster.cumsum(axis=0, dtype=np.int64) >= 2).argmax(axis=0)
    isi = second - raster.argmax(axis=0)
    width = isi_max - isi_min
    if width > 0:
        several = n >= 2
        low = np.where(several, np.maximum(low, (isi_max - isi) / width), low)
        high = np.where(several, np.minimum(high, (isi_max - isi + 1) / width), high)
    return np.where(n == 0, 0.0, (low + high) / 2)


@schema
class Burst(IntensityCode):
    """Configuration of the burst encoder; intervals are in ticks."""

    kind: Literal["burst"] = "burst"
    low: float = -3.0
    high: float = 3.0
    max_spikes: Annotated[int, Ge(1)] = 5
    isi_min: Annotated[int, Ge(1)] = 1
    isi_max: Annotated[int, Ge(1)] = 5

    def __post_init__(self) -> None:
        check_range(self.low, self.high)
        if self.isi_max < self.isi_min:
            raise ValueError(f"isi_max {self.isi_max}: must not be below isi_min ({self.isi_min})")

    @property
    def is_steady(self) -> bool:
        """It neither draws nor remembers."""
        return True

    def problems(self, dims: int, ticks: int) -> list[Problem]:
        """A decision of ``ticks`` must hold the longest burst."""
        needed = span(self.max_spikes, self.isi_min, self.isi_max)
        if ticks >= needed:
            return []
        message = f"is {self.isi_max}: the longest burst takes {needed} ticks, a decision has {ticks}"
        return [Problem("isi_max", message, "shorten the intervals or allow fewer spikes")]

    def raster(self, u: NDArray[Any], ticks: int, tick_s: float, state: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Spikes (ticks, n) for intensities ``u`` (n,)."""
        return encode(u, ticks, self.max_spikes, self.isi_min, self.isi_max)
