"""Population-vector decoder: each neuron votes for its preferred value with its rate.

    action[a] = sum_j rate[a, j] preferred[a, j] / sum_j rate[a, j]        clipped to [low[a], high[a]]
    silent:  (low[a] + high[a]) / 2

A rate-weighted mean stays within the range of the preferred values, because rates are not negative.
For directions, :func:`direction` adds unit vectors: angle = atan2(sum rate sin(preferred), sum rate cos(preferred)).
A value between the centres of a bell-shaped population code comes back almost without bias; near the ends of the
range it is pulled inwards by the neurons that are missing outside.
Cost: no extra ticks; at least one spike of the population, and the error falls with the number of spikes N as
1 / sqrt(N) for Poisson spikes, as 1 / N for regular ones.
Tensors: ``decoder.preferred`` (actions, k), ``decoder.low``, ``decoder.high`` (actions,), in the environment's units.
Source: Georgopoulos, Schwartz & Kettner, Science 233 (1986).
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge
from numba import njit
from numpy.typing import NDArray

from snnctl.coding.code import Action, Decoder, Limits, Shapes, Tensors
from snnctl.config import schema


def decode(raster: NDArray[Any], preferred: NDArray[Any], silent: Any = np.nan) -> NDArray[np.float64]:
    """Means (...) of the preferred values, weighted with the spike counts of the last axis.

    Args:
        raster: spikes (ticks, ..., k)
        preferred: (..., k)
        silent: what a population without any spike means (...)
    """
    shape = np.broadcast_shapes(raster.shape[1:], np.shape(preferred))  # (..., k)
    votes = np.ascontiguousarray(np.broadcast_to(raster, raster.shape[:1] + shape).reshape(raster.shape[0], -1))
    value: NDArray[np.float64] = np.array(np.broadcast_to(silent, shape[:-1]), np.float64).ravel()
    means(votes, np.ascontiguousarray(np.broadcast_to(preferred, shape), np.float64).reshape(-1, shape[-1]), value)
    return value.reshape(shape[:-1])


@njit(cache=True, nogil=True, error_model="numpy")
def means(raster: NDArray[Any], preferred: NDArray[np.float64], value: NDArray[np.float64]) -> None:
    """:func:`decode` for spikes (ticks, actions * k), into ``value`` (actions,), which holds what silence means."""
    actions, k = preferred.shape
    for a in range(actions):
        total, votes = 0, 0.0
        for j in range(k):
            count = 0
            for t in range(raster.shape[0]):
                count += int(raster[t, a * k + j])  # not in the type of the raster, which overflows when interpreted
            total += count
            votes += count * preferred[a, j]
        if total > 0:
            value[a] = votes / total


def direction(raster: NDArray[Any], preferred_rad: NDArray[Any], silent: Any = np.nan) -> NDArray[np.float64]:
    """Angles in radians (...) in (-pi, pi] of the sum of unit vectors; arguments as in :func:`decode`.

    ``silent`` stands in too where the votes cancel out (to 1e-9 of their number).
    """
    counts = raster.sum(axis=0, dtype=np.int64)  # (..., k)
    x, y = (counts * np.cos(preferred_rad)).sum(axis=-1), (counts * np.sin(preferred_rad)).sum(axis=-1)
    angle: NDArray[np.float64] = np.where(np.hypot(x, y) > 1e-9 * counts.sum(axis=-1), np.arctan2(y, x), silent)
    return angle


@schema
class PopulationVectorDecoder(Decoder):
    """Configuration of the population-vector decoder (continuous actions)."""

    action_kind: ClassVar[Literal["continuous"]] = "continuous"
    kind: Literal["population_vector"] = "population_vector"
    neurons_per_action: Annotated[int, Ge(1)] = 10

    def size(self, actions: int) -> int:
        """Neurons of the output population for ``actions`` actions."""
        return actions * self.neurons_per_action

    def tensor_shapes(self, actions: int) -> Shapes:
        """Tensors of this decoder for ``actions`` actions."""
        return {
            "decoder.preferred": (actions, self.neurons_per_action),
            "decoder.low": (actions,),
            "decoder.high": (actions,),
        }

    def preferred(self, low: NDArray[Any], high: NDArray[Any]) -> NDArray[np.float64]:
        """Preferred values (actions, k) even over the limits (actions,), ends included; the middle if k = 1."""
        k = self.neurons_per_action
        fraction = np.linspace(0.0, 1.0, k) if k > 1 else np.array([0.5])
        values: NDArray[np.float64] = low[:, None] + fraction * (high - low)[:, None]
        return values

    def fixed(self, actions: int, limits: Limits | None) -> dict[str, NDArray[Any]] | None:
        """Preferred values even over the limits."""
        if limits is None:
            return None
        low, high = limits
        return {"decoder.low": low, "decoder.high": high, "decoder.preferred": self.preferred(low, high)}

    def build(self, tensors: Tensors, tick_s: float, actions: int) -> PopulationVector:
        """What decodes with these preferred values and limits."""
        return PopulationVector(tensors)


class PopulationVector:
    """Spikes -> action, within its limits; the middle where a population is silent."""

    def __init__(self, tensors: Tensors) -> None:
        self._preferred = tensors["decoder.preferred"].astype(np.float64)  # (actions, k)
        self._low = tensors["decoder.low"].astype(np.float64)  # (actions,)
        self._high = tensors["decoder.high"].astype(np.float64)  # (actions,)
        self._silent = (self._low + self._high) / 2  # (actions,)

    def reset(self) -> None:
        """Nothing is kept between decisions."""

    def decode(self, raster: NDArray[np.uint8], v: NDArray[Any] | None) -> Action:
        """The action (actions,)."""
        y = self._silent.copy()  # (actions,)
        means(raster, self._preferred, y)
        return np.minimum(np.maximum(y, self._low), self._high)
