"""Spike counts: the mean rate, and how much counts vary.

    rate = spikes / t_end
    Fano factor = var(counts) / mean(counts)          over the population (ddof 0); 0 regular, 1 Poisson

Counts are those of one train in windows of equal length (:func:`in_windows`), or of many trials of one neuron.
Source: Fano, Phys Rev 72:26 (1947); Dayan & Abbott, Theoretical Neuroscience (2001), section 1.4.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnctl.errors import InputError, Problem
from snnctl.spike_trains.train import check, positive


def mean_rate_hz(train_ms: ArrayLike, t_end_ms: float) -> float:
    """Spikes of a train (spikes,) per second of a recording from 0 to ``t_end_ms``."""
    end = positive(t_end_ms, "t_end_ms")
    return check(train_ms, t_end_ms=end).size / end * 1e3


def in_windows(train_ms: ArrayLike, window_ms: float, t_end_ms: float) -> NDArray[np.int64]:
    """Counts in consecutive windows [k window, (k + 1) window); the last one includes its end.  # (windows,)

    Raises:
        InputError: no train, or ``t_end_ms`` is not a whole number of windows.
    """
    window, end = positive(window_ms, "window_ms"), positive(t_end_ms, "t_end_ms")
    windows = round(end / window)
    if windows < 1 or not math.isclose(windows * window, end, rel_tol=1e-9):
        raise InputError(Problem("window_ms", f"is {window:g}", f"{end:g} ms must be a whole number of windows"))
    edges = np.linspace(0.0, end, windows + 1)
    return np.histogram(check(train_ms, t_end_ms=end), edges)[0].astype(np.int64)


def fano(counts: NDArray[Any]) -> float:
    """Fano factor of counts (windows or trials,); NaN without a single spike."""
    values = np.asarray(counts, np.float64)
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all() or values.min() < 0:
        raise InputError(Problem("counts", "are not an array (n,) of counts", "count with counts.in_windows"))
    return float(np.var(values) / np.mean(values)) if values.any() else math.nan
