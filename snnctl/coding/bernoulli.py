"""Bernoulli code: in every tick a spike with the probability that is the intensity.

    P(spike in a tick) = p        independent draws, tick by tick, in the order of the neurons

One neuron for each observation, p = u of :mod:`intensity`. A spike count over ``ticks`` is binomial: mean ticks p,
variance ticks p (1 - p); the decoded rate, count / ticks, has the standard deviation sqrt(p (1 - p) / ticks).
Cost: no extra ticks; ticks * sum(p) spikes on average, at most ticks a neuron.
The draws have 2^23 levels: a probability below 6e-8 never fires, p = 1 fires in every tick.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from snnctl.coding.intensity import IntensityCode, check_range, finite_or_clipped
from snnctl.coding.receptive_fields import poisson_spikes
from snnctl.config import schema


def encode(p: NDArray[Any], ticks: int, state: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Spikes (ticks, ...) for the probabilities ``p`` (...), clipped to [0, 1].

    Args:
        p: probability of a spike in a tick
        ticks: of the raster
        state: (4,) of a generator (:func:`snnctl.streams.kernel_state`), advanced

    Raises:
        ValueError: a probability is nan.
    """
    chance = finite_or_clipped(p, "p").astype(np.float64)
    spikes = np.empty((ticks, chance.size), np.uint8)  # (ticks, n)
    poisson_spikes(chance.ravel(), state, spikes)
    return spikes.reshape(ticks, *chance.shape)


def decode(raster: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The estimate of p (...) from spikes (ticks, ...): count / ticks."""
    rate: NDArray[np.float64] = raster.mean(axis=0, dtype=np.float64)
    return rate


@schema
class Bernoulli(IntensityCode):
    """Configuration of the Bernoulli encoder: p is 0 at ``low`` and 1 at ``high`` (normalised observations)."""

    kind: Literal["bernoulli"] = "bernoulli"
    low: float = -3.0
    high: float = 3.0

    def __post_init__(self) -> None:
        check_range(self.low, self.high)

    def raster(self, u: NDArray[Any], ticks: int, tick_s: float, state: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Spikes (ticks, n) for intensities ``u`` (n,)."""
        return encode(u, ticks, state)
