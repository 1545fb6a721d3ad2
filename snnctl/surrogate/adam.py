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

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """The arrays themselves, to be saved with the parameters ``name``."""
        return {f"{name}.adam.{field}": array for field, array in self._asdict().items()}


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
    numbers = advance(state, parameters.dtype, lr, beta1=beta1, beta2=beta2, epsilon=epsilon)
    _kernel(parameters, gradient, state.first, state.second, *numbers)


def advance(
    state: Moments, dtype: np.dtype[Any], lr: float, *, beta1: float = 0.9, beta2: float = 0.999, epsilon: float
) -> tuple[Real, ...]:
    """Count an update; the scalars of its kernel, bias correction included, as ``dtype``."""
    state.steps[0] += 1
    t = int(state.steps[0])
    numbers = lr / (1 - beta1**t), 1 / math.sqrt(1 - beta2**t), beta1, 1 - beta1, beta2, 1 - beta2, epsilon
    return tuple(dtype.type(number) for number in numbers)


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
