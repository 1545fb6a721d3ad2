"""How irregular a spike train is, from its intervals I[k] = t[k + 1] - t[k].

    CV  = std(I) / mean(I)                                       over the population (ddof 0); 0 regular, 1 Poisson
    CV2 = mean of 2 |I[k+1] - I[k]| / (I[k+1] + I[k])            local: slow changes of the rate hardly matter
    LV  = mean of 3 ((I[k+1] - I[k]) / (I[k+1] + I[k]))^2        1 for a Poisson process, whatever its rate
    LVR = mean of 3 (1 - 4 I[k] I[k+1] / (I[k] + I[k+1])^2) (1 + 4 R / (I[k] + I[k+1]))    R: refractoriness

Without enough intervals (CV: one, the others: two) the result is NaN: there is nothing to be irregular.
Sources: Holt, Softky, Koch & Douglas, J Neurophysiol 75:1806 (1996), CV2; Shinomoto, Shima & Tanji, Neural Comput
15:2823 (2003), LV; Shinomoto et al., PLoS Comput Biol 5:e1000433 (2009), LVR with R = 5 ms.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from snnctl.errors import InputError, Problem
from snnctl.spike_trains.train import Train, check


def intervals_ms(train_ms: ArrayLike) -> Train:
    """The intervals between consecutive spikes.  # (spikes - 1,), or (0,)"""
    return np.diff(check(train_ms))


def cv(train_ms: ArrayLike) -> float:
    """Coefficient of variation of the intervals of a train (spikes,)."""
    found = intervals_ms(train_ms)
    return float(np.std(found) / np.mean(found)) if found.size else math.nan


def cv2(train_ms: ArrayLike) -> float:
    """CV2 of a train (spikes,)."""
    found = intervals_ms(train_ms)
    return float(np.mean(2 * np.abs(np.diff(found)) / (found[1:] + found[:-1]))) if found.size > 1 else math.nan


def lv(train_ms: ArrayLike) -> float:
    """Local variation of a train (spikes,)."""
    found = intervals_ms(train_ms)
    return float(np.mean(3 * (np.diff(found) / (found[1:] + found[:-1])) ** 2)) if found.size > 1 else math.nan


def lvr(train_ms: ArrayLike, refractoriness_ms: float = 5.0) -> float:
    """Local variation of a train (spikes,), corrected for refractoriness.

    Raises:
        InputError: no train, or R is negative or not finite.
    """
    if not 0 <= refractoriness_ms < math.inf:
        raise InputError(Problem("refractoriness_ms", f"is {refractoriness_ms}", "must be finite and not negative"))
    found = intervals_ms(train_ms)
    if found.size < 2:
        return math.nan
    both = found[1:] + found[:-1]
    return float(np.mean(3 * (1 - 4 * found[1:] * found[:-1] / both**2) * (1 + 4 * refractoriness_ms / both)))
