"""ISI distance: how different the present intervals of two trains are.

    I(t) = |i_a - i_b| / max(i_a, i_b)          i(t): the interval that t lies in
    D    = 1 / t_end int_0^t_end I(t) dt        0 ... 1, no parameter

Edges as in :mod:`neighbours`; a train without spikes has one interval, the recording.
Source: Kreuz, Haas, Morelli, Abarbanel & Politi, J Neurosci Methods 165:151 (2007).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from snnctl.spike_trains import neighbours
from snnctl.spike_trains.train import Train


def profile(a_ms: ArrayLike, b_ms: ArrayLike, t_end_ms: float) -> tuple[Train, Train]:
    """I(t): times (k + 1,) in ms and the value between each two of them (k,). Raises as :func:`distance`."""
    a, b, edges = neighbours.pair(a_ms, b_ms, t_end_ms)
    i_a, i_b = (train.intervals[neighbours.indices(train, edges)] for train in (a, b))
    return edges, np.abs(i_a - i_b) / np.maximum(i_a, i_b)


def distance(a_ms: ArrayLike, b_ms: ArrayLike, t_end_ms: float) -> float:
    """D of two trains (n,), (m,) of a recording from 0 to ``t_end_ms``.

    Raises:
        InputError: a train is not increasing, finite and inside the recording.
    """
    edges, value = profile(a_ms, b_ms, t_end_ms)
    return float(value @ np.diff(edges) / t_end_ms)
