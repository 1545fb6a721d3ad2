"""SPIKE distance: how far the spikes of two trains around a moment are from spikes of the other.

    s_a(t) = (d_P (t_F - t) + d_F (t - t_P)) / i_a        t_P, t_F: spikes before and after t; i_a = t_F - t_P;
                                                          d_P, d_F: their distances to the nearest spike of b
    S(t) = (s_a i_b + s_b i_a) / (2 mean(i_a, i_b)^2)
    D    = 1 / t_end int_0^t_end S(t) dt                  0 ... 1, no parameter

S is linear between spikes, so the integral is exact. Before its first and after its last spike s_a is the distance of
that spike. The other train's auxiliary spikes count when distances are taken; edges as in :mod:`neighbours`.
Source: Kreuz, Chicharro, Houghton, Andrzejak & Mormann, J Neurophysiol 109:1457 (2013); the non-adaptive form.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from snnctl.spike_trains import neighbours
from snnctl.spike_trains.neighbours import Extended
from snnctl.spike_trains.train import Train


def _distances(train: Extended, other: Extended) -> Train:
    """Distance of every spike to the nearest of the other train, repeated for the auxiliary ones.  # (n + 2,)"""
    after = np.clip(np.searchsorted(other.times, train.spikes), 1, other.times.size - 1)
    nearest = np.minimum(np.abs(other.times[after] - train.spikes), np.abs(train.spikes - other.times[after - 1]))
    return np.concatenate([nearest[:1], nearest, nearest[-1:]])


def _local(train: Extended, other: Extended, edges: Train) -> tuple[Train, Train, Train]:
    """i, and s at the beginning and the end of every interval of ``edges``."""
    k = neighbours.indices(train, edges)
    d = _distances(train, other)
    interval, before, after = train.intervals[k], train.times[k], train.times[k + 1]
    s = [(d[k] * (after - t) + d[k + 1] * (t - before)) / interval for t in (edges[:-1], edges[1:])]
    return interval, s[0], s[1]


def profile(a_ms: ArrayLike, b_ms: ArrayLike, t_end_ms: float) -> tuple[Train, Train, Train]:
    """S(t): times (k + 1,) in ms, and its value at the beginning and the end of each interval between them (k,)."""
    a, b, edges = neighbours.pair(a_ms, b_ms, t_end_ms)
    i_a, a_begin, a_end = _local(a, b, edges)
    i_b, b_begin, b_end = _local(b, a, edges)
    scale = 2.0 / (i_a + i_b) ** 2
    return edges, (a_begin * i_b + b_begin * i_a) * scale, (a_end * i_b + b_end * i_a) * scale


def distance(a_ms: ArrayLike, b_ms: ArrayLike, t_end_ms: float) -> float:
    """D of two trains (n,), (m,) of a recording from 0 to ``t_end_ms``.

    Raises:
        InputError: a train is not increasing, finite and inside the recording.
    """
    edges, begin, end = profile(a_ms, b_ms, t_end_ms)
    return float((begin + end) @ np.diff(edges) / (2 * t_end_ms))
