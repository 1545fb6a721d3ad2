"""Victor-Purpura metric: the cheapest way of turning one spike train into another.

    G[i, j] = min(G[i-1, j] + 1,  G[i, j-1] + 1,  G[i-1, j-1] + cost(a[i] - b[j]))        G[i, 0] = i, G[0, j] = j
    linear     cost(dt) = q |dt|                         distance = G[n, m]
    quadratic  cost(dt) = sigma(|dt| / tau_q),  sigma(x) = x^2 / 2

A spike may be deleted or added (cost 1 each) or moved. The linear form is the metric: q = 0 counts spikes,
|n - m|; q = inf counts what does not coincide, n + m - 2 common. The quadratic form is smooth where two spikes
coincide, which the chronotron's gradient needs; it is not a metric (no triangle inequality).
:func:`align` returns the moves themselves; equal costs are resolved in the order delete, add, move.
Sources: Victor & Purpura, J Neurophysiol 76:1310 (1996); Florian, PLoS ONE 7:e40233 (2012).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from snnctl.errors import InputError, Problem
from snnctl.spike_trains.train import Train, check, positive


class Alignment(NamedTuple):
    """What to do to the actual train to make the target of it."""

    removed: NDArray[np.int64]  # (removed,) indices into the actual train, increasing
    added: NDArray[np.int64]  # (added,) indices into the target, increasing
    moved: NDArray[np.int64]  # (moved, 2) pairs (target, actual), both increasing


@njit(cache=True, nogil=True, error_model="numpy")
def _linear(a: Train, b: Train, q: float) -> float:
    """G[n, m], one row at a time."""
    row = np.arange(b.size + 1).astype(np.float64)  # (m + 1,) G[i, :]
    for i in range(a.size):
        diagonal = row[0]
        row[0] = i + 1.0
        for j in range(b.size):
            dt = abs(a[i] - b[j])
            moved = diagonal + (q * dt if dt > 0.0 else 0.0)  # q may be infinite
            diagonal = row[j + 1]
            row[j + 1] = min(min(diagonal, row[j]) + 1.0, moved)
    return float(row[b.size])


@njit(cache=True, nogil=True, error_model="numpy")
def _quadratic(a: Train, b: Train, tau_q: float) -> Train:
    """The whole of G.  # (n + 1, m + 1)"""
    G = np.empty((a.size + 1, b.size + 1))
    for i in range(a.size + 1):
        G[i, 0] = i
    for j in range(b.size + 1):
        G[0, j] = j
    for i in range(1, a.size + 1):
        for j in range(1, b.size + 1):
            x = (a[i - 1] - b[j - 1]) / tau_q
            G[i, j] = min(min(G[i - 1, j], G[i, j - 1]) + 1.0, G[i - 1, j - 1] + 0.5 * x * x)
    return G


@njit(cache=True, nogil=True, error_model="numpy")
def _trace(a: Train, b: Train, G: Train, tau_q: float, action: NDArray[np.int64], pairs: NDArray[np.int64]) -> int:
    """Walk back from G[n, m]; marks removed (n first) and added spikes (m next) in ``action``, returns the moves."""
    i, j, moves = a.size, b.size, 0
    while i > 0 or j > 0:
        removed = G[i - 1, j] + 1.0 if i > 0 else np.inf
        added = G[i, j - 1] + 1.0 if j > 0 else np.inf
        moved = np.inf
        if i > 0 and j > 0:
            x = (a[i - 1] - b[j - 1]) / tau_q
            moved = G[i - 1, j - 1] + 0.5 * x * x
        if removed <= added and removed <= moved:
            i -= 1
            action[i] = 1
        elif added <= moved:
            j -= 1
            action[a.size + j] = 1
        else:
            i -= 1
            j -= 1
            pairs[moves, 0] = j
            pairs[moves, 1] = i
            moves += 1
    return moves


def distance(a_ms: ArrayLike, b_ms: ArrayLike, q_per_ms: float) -> float:
    """The metric with linear cost.

    Args:
        a_ms: a train (n,); coincident spikes are allowed, as in pooled trains
        b_ms: another train (m,)
        q_per_ms: cost of moving a spike by 1 ms; 0 ... inf

    Raises:
        InputError: a train is not sorted, finite and not negative, or q is negative or NaN.
    """
    a, b = check(a_ms, "a_ms", coincident=True), check(b_ms, "b_ms", coincident=True)
    if not q_per_ms >= 0:
        raise InputError(Problem("q_per_ms", f"is {q_per_ms}", "must be 0 (count spikes) or more; inf is allowed"))
    return float(_linear(a, b, float(q_per_ms)))


def quadratic_distance(a_ms: ArrayLike, b_ms: ArrayLike, tau_q_ms: float) -> float:
    """The cheapest cost with moves at sigma(|dt| / tau_q); trains (n,), (m,). Raises as :func:`distance`."""
    a, b = check(a_ms, "a_ms", coincident=True), check(b_ms, "b_ms", coincident=True)
    return float(_quadratic(a, b, positive(tau_q_ms, "tau_q_ms"))[-1, -1])


def align(target_ms: ArrayLike, actual_ms: ArrayLike, tau_q_ms: float) -> Alignment:
    """The cheapest removals, additions and moves (quadratic cost) that turn the actual train into the target.

    A move further than 2 tau_q costs more than removing and adding, so no such move is made; at exactly
    2 tau_q the order delete, add, move decides against it.

    Args:
        target_ms: wanted spikes (m,)
        actual_ms: fired spikes (n,)
        tau_q_ms: time constant of the cost

    Raises:
        InputError: a train is not sorted, finite and not negative, or tau_q is not above 0.
    """
    target = check(target_ms, "target_ms", coincident=True)
    actual = check(actual_ms, "actual_ms", coincident=True)
    tau_q = positive(tau_q_ms, "tau_q_ms")
    action = np.zeros(actual.size + target.size, np.int64)
    pairs = np.empty((min(actual.size, target.size), 2), np.int64)
    moves = _trace(actual, target, _quadratic(actual, target, tau_q), tau_q, action, pairs)
    return Alignment(
        removed=np.flatnonzero(action[: actual.size]),
        added=np.flatnonzero(action[actual.size :]),
        moved=pairs[:moves][::-1].copy(),
    )
