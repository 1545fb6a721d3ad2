"""Adam over one flat parameter vector.

    m = b1 m + (1 - b1) g ; q = b2 q + (1 - b2) g^2
    p -= lr (m / (1 - b1^t)) / (sqrt(q / (1 - b2^t)) + epsilon)

Source: Kingma & Ba, ICLR 2015, algorithm 1.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Real = Any  # a scalar of the type of the arrays


class Moments(NamedTuple):
    """State of the optimiser."""

    first: Floats  # (parameters,) m
    second: Floats  # (parameters,) q
    steps: NDArray[np.int64]  # (1,) t, updates so far


def moments(parameters: Floats) -> Moments:
    """Moments before the first update."""
    return Moments(np.zeros_like(parameters), np.zeros_like(parameters), np.zeros(1, dtype=np.int64))


def update(
    parameters: Floats,
    gradient: Floats,
    state: Moments,
    lr: float,
    *,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-5,
) -> None:
    """One update of ``parameters`` and ``state``, in place."""
    state.steps[0] += 1
    t = int(state.steps[0])
    real = parameters.dtype.type
    size = lr / (1 - beta1**t)
    scale = math.sqrt(1 - beta2**t)
    _kernel(
        parameters,
        gradient,
        state.first,
        state.second,
        real(size),
        real(1 / scale),
        real(beta1),
        real(1 - beta1),
        real(beta2),
        real(1 - beta2),
        real(epsilon),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _kernel(
    p: Floats,
    g: Floats,
    m: Floats,
    q: Floats,
    size: Real,
    inverse: Real,
    beta1: Real,
    fresh1: Real,
    beta2: Real,
    fresh2: Real,
    epsilon: Real,
) -> None:
    for j in range(p.size):
        m[j] = beta1 * m[j] + fresh1 * g[j]
        q[j] = beta2 * q[j] + fresh2 * g[j] * g[j]
        p[j] -= size * m[j] / (np.sqrt(q[j]) * inverse + epsilon)
