"""Poisson code: a spike train whose rate is proportional to the intensity.

    p = 1 - exp(-rate tick)       the probability that a Poisson process has at least one event in a tick

One neuron for each observation, rate = u max_rate_hz with u of :mod:`intensity`; draws are independent, tick by tick.
Two events of the process in one tick make one spike, so a rate is realised as p / tick, below it by rate tick / 2
(relative; 5 % at 100 Hz and 1 ms); :func:`decode` undoes it. Fano factor 1 - p, CV of the intervals sqrt(1 - p).
Cost: no extra ticks; ticks * sum(p) spikes on average, at most ticks a neuron.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Gt
from numpy.typing import NDArray

from snnctl.coding import bernoulli
from snnctl.coding.intensity import IntensityCode, check_range, finite_or_clipped
from snnctl.config import Hertz, schema


def probability(rate_hz: NDArray[Any], tick_s: float) -> NDArray[np.float64]:
    """P(spike in a tick) (...) for rates (...) in Hz; a negative rate counts as 0, an infinite one spikes always.

    Raises:
        ValueError: a rate is nan.
    """
    rate = finite_or_clipped(rate_hz, "rate_hz", 0.0, np.inf).astype(np.float64)
    p: NDArray[np.float64] = -np.expm1(-rate * tick_s)
    return p


def encode(rate_hz: NDArray[Any], tick_s: float, ticks: int, state: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Spikes (ticks, ...) of Poisson processes with the rates ``rate_hz`` (...); ``state`` (4,) is advanced."""
    return bernoulli.encode(probability(rate_hz, tick_s), ticks, state)


def decode(raster: NDArray[np.uint8], tick_s: float) -> NDArray[np.float64]:
    """The maximum-likelihood rate in Hz (...) of spikes (ticks, ...): -ln(1 - count / ticks) / tick.

    A neuron that spiked in every tick gives the rate at which that happens in half of the cases,
    -ln(1 - 2^(-1/ticks)) / tick, instead of infinity.
    """
    ticks = raster.shape[0]
    p = np.minimum(bernoulli.decode(raster), 0.5 ** (1.0 / ticks))
    rate: NDArray[np.float64] = -np.log1p(-p) / tick_s
    return rate


@schema
class Poisson(IntensityCode):
    """Configuration of the Poisson encoder: the rate is 0 at ``low`` and ``max_rate_hz`` at ``high``."""

    kind: Literal["poisson"] = "poisson"
    low: float = -3.0
    high: float = 3.0
    max_rate_hz: Annotated[Hertz, Gt(0)] = 500.0

    def __post_init__(self) -> None:
        check_range(self.low, self.high)

    def raster(self, u: NDArray[Any], ticks: int, tick_s: float, state: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Spikes (ticks, n) for intensities ``u`` (n,)."""
        return encode(u * self.max_rate_hz, tick_s, ticks, state)
