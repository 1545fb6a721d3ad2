"""Phase code (weighted spikes): the binary digits of the intensity, most significant first, again every period.

    weight(t) = 2^-(1 + t mod period)
    spike in tick t where the rest is at least weight(t); then rest -= weight(t)      the rest starts at u each period

``u`` of :mod:`intensity` is taken to at most 1 - 2^-period, the largest number of ``period`` digits. The decoded
value is u rounded down to a multiple of 2^-period: 0 <= u - decoded < 2^-period for u < 1. A receiver must weigh
spikes by their tick, or see the least significant digit first (``order``) and halve its membrane in every tick
(tau_mem = tick / ln 2): after the last tick it holds the intensity itself.
One neuron for each observation.
Cost: a multiple of ``period`` ticks; as many spikes as u has digits 1, at most ticks and about half of them on average.
Source: Kim, Kim, Huh, Lee & Choi, Neurocomputing 311 (2018), weighted spikes; spikingjelly's WeightedPhaseEncoder.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

from snnctl.coding.intensity import IntensityCode, check_range, finite_or_clipped
from snnctl.config import schema
from snnctl.errors import Problem

Order = Literal["most_significant_first", "least_significant_first"]


def weights(ticks: int, period: int, order: Order = "most_significant_first") -> NDArray[np.float64]:
    """What a spike in each tick is worth.  # (ticks,)"""
    digit = np.arange(ticks) % period
    exponent = 1 + digit if order == "most_significant_first" else period - digit
    return np.exp2(-exponent.astype(np.float64))


def encode(u: NDArray[Any], ticks: int, period: int = 8, order: Order = "most_significant_first") -> NDArray[np.uint8]:
    """Spikes (ticks, ...) for intensities ``u`` (...) in [0, 1], clipped to 1 - 2^-period.

    Raises:
        ValueError: an intensity is nan.
    """
    values = finite_or_clipped(u, "u").astype(np.float64)
    scaled = np.minimum(np.floor(np.ldexp(values, period)), 2.0**period - 1).astype(np.int64)  # exact: a power of 2
    digit = np.arange(ticks) % period
    shift = period - 1 - digit if order == "most_significant_first" else digit  # (ticks,)
    raster: NDArray[Any] = (scaled >> shift.reshape(-1, *(1,) * scaled.ndim)) & 1  # (ticks, ...)
    return raster.astype(np.uint8)


def decode(raster: NDArray[np.uint8], period: int = 8, order: Order = "most_significant_first") -> NDArray[np.float64]:
    """Intensities (...) of spikes (ticks, ...), averaged over the periods."""
    ticks = raster.shape[0]
    total = np.tensordot(weights(ticks, period, order), raster.astype(np.float64), axes=1)
    mean: NDArray[np.float64] = np.asarray(total / (ticks / period), np.float64)
    return mean


@schema
class Phase(IntensityCode):
    """Configuration of the phase encoder; a decision must have a whole number of periods (ticks)."""

    kind: Literal["phase"] = "phase"
    low: float = -3.0
    high: float = 3.0
    period: Annotated[int, Ge(1), Le(52)] = 8
    order: Order = "most_significant_first"

    def __post_init__(self) -> None:
        check_range(self.low, self.high)

    @property
    def is_steady(self) -> bool:
        """It neither draws nor remembers."""
        return True

    def problems(self, dims: int, ticks: int) -> list[Problem]:
        """A decision of ``ticks`` must have whole periods."""
        if ticks % self.period == 0:
            return []
        message = f"is {self.period}, which does not divide the {ticks} ticks of a decision"
        return [Problem("period", message, "make it a divisor")]

    def raster(self, u: NDArray[Any], ticks: int, tick_s: float, state: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Spikes (ticks, n) for intensities ``u`` (n,)."""
        return encode(u, ticks, self.period, self.order)
