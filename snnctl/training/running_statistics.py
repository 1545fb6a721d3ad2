"""Mean and deviation of everything seen so far, merged batch by batch.

    delta = batch mean - mean ; n' = n + m
    mean += delta m / n' ; M2 += batch M2 + delta^2 n m / n' ; std = sqrt(M2 / n')

Source: Chan, Golub & LeVeque, The American Statistician 37:242 (1983).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MIN_STD = 1e-4  # an observation that never changes is not blown up beyond this


class RunningStatistics(NamedTuple):
    """Rows seen, mean and summed squared deviation; a new one for every merge."""

    seen: Floats  # (1,) rows so far
    mean: Floats  # (dims,)
    m2: Floats  # (dims,)

    def merge(self, batch: Floats) -> RunningStatistics:
        """Statistics of all before and ``batch`` (rows, dims)."""
        rows = len(batch)
        total = self.seen + rows
        mean = batch.mean(axis=0)
        delta = mean - self.mean
        m2 = ((batch - mean) ** 2).sum(axis=0)
        return RunningStatistics(
            total, self.mean + delta * rows / total, self.m2 + m2 + delta**2 * self.seen * rows / total
        )

    def std(self) -> Floats:
        """Deviation, at least MIN_STD; ones before anything was seen.  # (dims,)"""
        if self.seen[0] == 0:
            return np.ones_like(self.mean)
        return np.maximum(np.sqrt(self.m2 / self.seen), MIN_STD)

    def normalise(self, observations: NDArray[Any], clip: float) -> Floats:
        """clip((x - mean) / std, -clip, clip)."""
        return np.clip((observations - self.mean) / self.std(), -clip, clip)

    def arrays(self, name: str) -> dict[str, Floats]:
        """Copies, to be saved."""
        return {f"{name}.{field}": array.copy() for field, array in self._asdict().items()}


def nothing_seen(dims: int) -> RunningStatistics:
    """Mean 0 and deviation 1 until the first merge."""
    return RunningStatistics(np.zeros(1), np.zeros(dims), np.zeros(dims))


def restored(arrays: Mapping[str, Floats], name: str) -> RunningStatistics:
    """What :meth:`RunningStatistics.arrays` saved."""
    return RunningStatistics(*(arrays[f"{name}.{field}"].copy() for field in RunningStatistics._fields))
