"""Every pair of many trains.

M[i, j] = distance(train[i], train[j])      symmetric; each pair is computed once
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnctl.errors import InputError, Problem


def matrix(trains_ms: Sequence[ArrayLike], distance: Callable[[ArrayLike, ArrayLike], float]) -> NDArray[np.float64]:
    """M of trains (spikes,), e.g. with ``lambda a, b: van_rossum.distance(a, b, 10.0)``.  # (n, n)"""
    n = len(trains_ms)
    found = np.empty((n, n))
    for i in range(n):
        for j in range(i, n):
            found[i, j] = found[j, i] = distance(trains_ms[i], trains_ms[j])
    return found


def mean(trains_ms: Sequence[ArrayLike], distance: Callable[[ArrayLike, ArrayLike], float]) -> float:
    """The mean over all pairs of different trains: the multivariate ISI and SPIKE distances.

    Raises:
        InputError: fewer than two trains.
    """
    if len(trains_ms) < 2:
        raise InputError(Problem("trains_ms", f"has {len(trains_ms)}", "a pair needs two trains"))
    found = matrix(trains_ms, distance)
    return float(found[np.triu_indices(len(found), 1)].mean())
