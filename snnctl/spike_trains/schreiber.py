"""Schreiber similarity: the correlation of two spike trains smoothed by a Gaussian.

    s(t) = sum_i exp(-(t - t_i)^2 / 2 sigma^2)
    C = <s_a, s_b> / (|s_a| |s_b|),      <s_a, s_b> = int s_a s_b dt ~ sum_ij exp(-(a_i - b_j)^2 / 4 sigma^2)

C is 1 for equal trains and tends to 0 for trains without spikes closer than a few sigma. The integral runs over
all times, so it is the closed form on the right and needs no grid. It is the score of ReSuMe.
A train without spikes has no direction: C is 0 against one with spikes and 1 against another empty one.
Source: Schreiber, Fellous, Whitmer, Tiesinga & Sejnowski, Neurocomputing 52-54:925 (2003).
"""

from __future__ import annotations

import math

from numba import njit
from numpy.typing import ArrayLike

from snnctl.spike_trains.train import Train, check, positive


@njit(cache=True, nogil=True, error_model="numpy")
def _product(a: Train, b: Train, sigma: float) -> float:
    """<s_a, s_b> up to the factor sigma sqrt(pi) that all products share."""
    total = 0.0
    for i in range(a.size):
        for j in range(b.size):
            x = (a[i] - b[j]) / (2.0 * sigma)
            total += math.exp(-x * x)
    return total


def similarity(a_ms: ArrayLike, b_ms: ArrayLike, sigma_ms: float) -> float:
    """C, from 0 to 1.

    Args:
        a_ms: a train (n,); coincident spikes are allowed
        b_ms: another train (m,)
        sigma_ms: width of the Gaussian

    Raises:
        InputError: a train is not sorted, finite and not negative, or sigma is not above 0.
    """
    a, b = check(a_ms, "a_ms", coincident=True), check(b_ms, "b_ms", coincident=True)
    sigma = positive(sigma_ms, "sigma_ms")
    if a.size == 0 or b.size == 0:
        return 1.0 if a.size == b.size else 0.0
    squares = _product(a, a, sigma) * _product(b, b, sigma)
    return min(1.0, _product(a, b, sigma) / math.sqrt(squares))  # rounding may leave 1 + 2e-16
