"""Filtered-rate decoder: the rate that an exponential window of the last spikes holds.

    r[t] = a r[t-1] + (1 - a) s[t]        a = exp(-tick / tau)
    rate = r[t] / (1 - a^t)               t ticks since the start: undoes the start at r = 0
    y[a] = tanh(sum_j weight[a, j] rate[a, j] + bias[a]), scaled to the limits as in :mod:`rate`

The window is carried from decision to decision of an episode, so the action is smoother than that of one decision's
count. A Poisson rate p is estimated with the standard deviation sqrt(p (1 - p) (1 - a) / (1 + a)) in the steady state:
that of a count over (1 + a) / (1 - a), about 2 tau / tick, ticks.
Cost: no extra ticks or spikes; the action lags a change by tau. One multiplication a neuron and tick (on the host).
Tensors: ``decoder.weight`` (actions, k), ``decoder.bias``, ``decoder.low`` and ``decoder.high`` (actions,).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
from annotated_types import Ge, Gt
from numpy.typing import NDArray

from snnctl.coding.code import Tensors
from snnctl.coding.linear_decoder import LinearDecoder, WeightedSum
from snnctl.config import Seconds, schema


class Filter(NamedTuple):
    """State of the window; all zero at the start."""

    r: NDArray[np.float64]  # (...)
    ticks: int


def start(shape: tuple[int, ...]) -> Filter:
    """The window before the first tick."""
    return Filter(np.zeros(shape), 0)


def advance(state: Filter, raster: NDArray[Any], a: float) -> Filter:
    """The window after spikes (ticks, ...) with the decay ``a`` of one tick."""
    ticks = raster.shape[0]
    window = (1.0 - a) * a ** np.arange(ticks - 1, -1, -1.0)  # (ticks,)
    added = np.tensordot(window, raster.astype(np.float64), axes=1)
    return Filter(a**ticks * state.r + added, state.ticks + ticks)


def rate(state: Filter, a: float) -> NDArray[np.float64]:
    """Spikes per tick (...), 0 before the first tick."""
    return state.r / -math.expm1(state.ticks * math.log(a)) if state.ticks else state.r


def decode(raster: NDArray[Any], tau_s: float, tick_s: float) -> NDArray[np.float64]:
    """Filtered rate in spikes per tick (...) after spikes (ticks, ...)."""
    a = math.exp(-tick_s / tau_s)
    return rate(advance(start(raster.shape[1:]), raster, a), a)


@schema
class FilteredRateDecoder(LinearDecoder):
    """Configuration of the filtered-rate decoder (continuous actions)."""

    action_kind: ClassVar[Literal["continuous"]] = "continuous"
    kind: Literal["filtered_rate"] = "filtered_rate"
    neurons_per_action: Annotated[int, Ge(1)] = 10
    tau_s: Annotated[Seconds, Gt(0)] = 20e-3

    def build(self, tensors: Tensors, tick_s: float, actions: int) -> FilteredSum:
        """What decodes with these weights."""
        return FilteredSum(self, tensors, tick_s)


class FilteredSum(WeightedSum):
    """Spikes -> action, by filtered rates; keeps the window from decision to decision of an episode."""

    def __init__(self, config: FilteredRateDecoder, tensors: Tensors, tick_s: float) -> None:
        super().__init__(tensors, config.limits(tensors))
        self._a = float(np.exp(-tick_s / config.tau_s))
        self.reset()

    def reset(self) -> None:
        """The window is empty."""
        self._filter = start(self._weight.shape)

    def values(self, raster: NDArray[np.uint8], v: NDArray[Any] | None) -> tuple[NDArray[Any], int]:
        """Filtered rates."""
        self._filter = advance(self._filter, raster, self._a)
        return rate(self._filter, self._a), 1

    def memory(self) -> dict[str, NDArray[Any]]:
        """The window, by which an episode goes on."""
        return {"r": self._filter.r.copy(), "ticks": np.array([self._filter.ticks])}

    def recall(self, memory: Mapping[str, NDArray[Any]]) -> None:
        """Go on from :meth:`memory`."""
        self._filter = Filter(memory["r"].copy(), int(memory["ticks"][0]))
