"""A source that spikes at given times."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnctl.errors import NetworkError, Problem
from snnctl.network.checks import numbers


@dataclasses.dataclass(frozen=True, eq=False)
class SpikeArray:
    """Neuron ``neurons[k]`` spikes in the tick that ``times_s[k]`` (s) is nearest to the beginning of.

    A neuron spikes at most once in a tick.
    """

    times_s: ArrayLike
    neurons: ArrayLike

    @classmethod
    def from_trains(cls, trains_s: list[ArrayLike]) -> SpikeArray:
        """From a list of spike times (s) for each neuron."""
        times = [np.asarray(train, np.float64) for train in trains_s]
        return cls(np.concatenate([*times, []]), np.repeat(np.arange(len(times)), [t.size for t in times]))

    def check(self, size: int, where: str) -> None:
        """Refuse spikes of neurons that do not exist, and times that are negative or not finite.

        Raises:
            NetworkError: says which.
        """
        times, neurons = numbers(self.times_s, f"{where}.times_s"), numbers(self.neurons, f"{where}.neurons", np.int64)
        found: list[Problem] = []
        if times.shape != neurons.shape or times.ndim != 1:
            found.append(Problem(where, f"has {times.shape} times for {neurons.shape} neurons"))
        elif times.size and (not np.isfinite(times).all() or times.min() < 0):
            found.append(Problem(f"{where}.times_s", "must be finite and not negative"))
        elif times.size and (neurons.min() < 0 or neurons.max() >= size):
            found.append(Problem(f"{where}.neurons", f"must lie between 0 and {size - 1}"))
        if found:
            raise NetworkError(*found)

    def write(self, raster: NDArray[np.uint8], first_tick: int, tick_s: float) -> None:
        """Add the spikes of ticks ``first_tick`` ... to ``raster`` (ticks, n)."""
        tick = np.rint(np.asarray(self.times_s, np.float64) / tick_s).astype(np.int64) - first_tick
        due = (tick >= 0) & (tick < len(raster))
        raster[tick[due], np.asarray(self.neurons, np.int64)[due]] = 1
