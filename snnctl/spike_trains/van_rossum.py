"""Van Rossum distance: how far two trains are apart after causal exponential smoothing.

    f(t) = sum over spikes t_i <= t of exp(-(t - t_i) / tau);   g likewise
    "spike"     D^2 = 2 / tau int (f - g)^2 dt = sum_ij e^(-|a_i-a_j|/tau) + ... - 2 sum_ij e^(-|a_i-b_j|/tau)
    "original"  D^2 = 1 / tau int (f - g)^2 dt

Normalisations: one spike against none is at distance 1 in "spike" (elephant's) and 1 / sqrt(2) in "original" (the
publication's). tau -> 0 counts what does not coincide, D^2 = n + m - 2 common ("spike"); tau -> inf compares the
counts, D = |n - m|. Between spikes f - g only decays, so the integral is a sum over the n + m spikes in order, exact
and never negative.
Source: van Rossum, Neural Computation 13:751 (2001).
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from snnctl.errors import InputError, Problem
from snnctl.spike_trains.train import Train, check, positive

Normalisation = Literal["spike", "original"]


@njit(cache=True, nogil=True, error_model="numpy")
def _squared(a: Train, b: Train, tau: float) -> float:
    """2 / tau int (f - g)^2 dt."""
    total, difference, i, j = 0.0, 0.0, 0, 0
    while i < a.size or j < b.size:
        if j == b.size or (i < a.size and a[i] <= b[j]):
            now = a[i]
            difference += 1.0
            i += 1
        else:
            now = b[j]
            difference -= 1.0
            j += 1
        following = min(a[i] if i < a.size else np.inf, b[j] if j < b.size else np.inf)
        step = (following - now) / tau  # inf after the last spike
        total -= difference * difference * math.expm1(-2.0 * step)
        difference *= math.exp(-step)
    return total


def distance(a_ms: ArrayLike, b_ms: ArrayLike, tau_ms: float, normalisation: Normalisation = "spike") -> float:
    """D, the square root of D^2 above.

    Args:
        a_ms: a train (n,); coincident spikes are allowed, as in pooled trains
        b_ms: another train (m,)
        tau_ms: time constant of the filter
        normalisation: "spike" or "original"

    Raises:
        InputError: a train is not sorted, finite and not negative, tau is not above 0, or another normalisation.
    """
    if normalisation not in ("spike", "original"):
        raise InputError(Problem("normalisation", f"is {normalisation!r}", "allowed: 'spike', 'original'"))
    a, b = check(a_ms, "a_ms", coincident=True), check(b_ms, "b_ms", coincident=True)
    squared = _squared(a, b, positive(tau_ms, "tau_ms"))
    return math.sqrt(squared if normalisation == "spike" else squared / 2)
