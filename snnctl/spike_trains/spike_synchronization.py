"""SPIKE synchronization: the fraction of spikes that have a partner in the other train.

    a_i and b_j are partners if |a_i - b_j| < tau_ij
    tau_ij = 1/2 min(the intervals before and after a_i and b_j), at most t_end / 2
    C = spikes with a partner / all spikes              0 ... 1, no parameter

A missing interval at an edge does not count. Two trains without spikes are synchronous: 1.
Source: Kreuz, Mulansky & Bozanic, J Neurophysiol 113:3432 (2015).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from snnctl.spike_trains.train import Train, check, positive


def _window(train: Train, t_end: float) -> Train:
    """Half the shorter interval beside every spike.  # (n,)"""
    intervals = np.concatenate([[t_end], np.diff(train), [t_end]])
    shortest: Train = np.minimum(np.minimum(intervals[1:], intervals[:-1]), t_end)
    return shortest / 2


def _partners(a: Train, b: Train, t_end: float) -> int:
    """Spikes of ``a`` with a partner in ``b``: within half its own interval there can be but one of b, the nearest."""
    if a.size == 0 or b.size == 0:
        return 0
    right = np.clip(np.searchsorted(b, a), 0, b.size - 1)
    left = np.clip(right - 1, 0, b.size - 1)
    nearest = np.where(np.abs(a - b[left]) < np.abs(a - b[right]), left, right)
    tau = np.minimum(_window(a, t_end), _window(b, t_end)[nearest])
    return int((np.abs(a - b[nearest]) < tau).sum())


def synchronization(a_ms: ArrayLike, b_ms: ArrayLike, t_end_ms: float) -> float:
    """C of two trains (n,), (m,) of a recording from 0 to ``t_end_ms``.

    Raises:
        InputError: a train is not increasing, finite and inside the recording.
    """
    return of_many([a_ms, b_ms], t_end_ms)


def of_many(trains_ms: Sequence[ArrayLike], t_end_ms: float) -> float:
    """C of all pairs together: spikes with a partner, over spikes, both summed over pairs. Raises as above."""
    end = positive(t_end_ms, "t_end_ms")
    trains = [check(train, f"train {i}", t_end_ms=end) for i, train in enumerate(trains_ms)]
    spikes = (len(trains) - 1) * sum(train.size for train in trains)
    found = sum(_partners(a, b, end) for i, a in enumerate(trains) for j, b in enumerate(trains) if i != j)
    return found / spikes if spikes else 1.0
