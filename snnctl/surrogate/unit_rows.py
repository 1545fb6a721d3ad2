"""Adam whose weights return to rows of unit length after every step, in one pass.

    p <- Adam(p, g)                          surrogate.adam
    W[i] <- W[i] / |W[i]|                    for every row (the inputs of one neuron) of the matrices among p

In front of a normalisation the length of a row has no effect on the output but sets the size of a step; kept at one,
the learning rate means the same for the whole training. Only weights are projected, no scale, offset or bias.
Each row is updated and projected while it lies in the nearest cache.

Source: Lyle et al., arXiv:2407.01800 (normalise and project); Palenicek et al., arXiv:2509.25174.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.surrogate import adam
from snnctl.surrogate.adam import Moments
from snnctl.surrogate.parameters import Shapes

Floats = NDArray[np.floating[Any]]
Real = Any  # a scalar of the type of the arrays

EPSILON = 1e-8


def segments(shapes: Shapes) -> NDArray[np.int64]:
    """How a flat vector of these shapes is made of rows.

    Returns:
        (tensors, 3) of (rows, entries of a row, 1 where rows have unit length): matrices have, vectors are one row.
    """
    found = [(shape[0], shape[1], 1) if len(shape) == 2 else (1, math.prod(shape), 0) for shape in shapes.values()]
    return np.array(found, dtype=np.int64).reshape(-1, 3)


def project(parameters: Floats, parts: NDArray[np.int64]) -> None:
    """Bring every row to unit length, in place."""
    start = 0
    for rows, size, unit in parts:
        if unit:
            matrix = parameters[start : start + rows * size].reshape(rows, size)
            matrix /= np.sqrt(np.sum(matrix * matrix, axis=1, keepdims=True, dtype=np.float64)).astype(matrix.dtype)
        start += rows * size


def update(
    parameters: Floats,
    gradient: Floats,
    state: Moments,
    parts: NDArray[np.int64],
    lr: float,
) -> None:
    """One update of ``parameters`` and ``state``, in place; ``parts`` are the :func:`segments`."""
    numbers = adam.advance(state, parameters.dtype, lr, epsilon=EPSILON)
    _kernel(parameters, gradient, state.first, state.second, parts, *numbers)


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "nsz", "contract"})
def _kernel(
    parameters: Floats,
    gradient: Floats,
    first: Floats,
    second: Floats,
    parts: NDArray[np.int64],
    size: Real,
    inverse: Real,
    beta1: Real,
    fresh1: Real,
    beta2: Real,
    fresh2: Real,
    epsilon: Real,
) -> None:
    start = 0
    for part in range(parts.shape[0]):
        n = parts[part, 1]
        for _ in range(parts[part, 0]):
            p, g = parameters[start : start + n], gradient[start : start + n]
            m, q = first[start : start + n], second[start : start + n]
            square = parameters.dtype.type(0)
            for j in range(n):
                m[j] = beta1 * m[j] + fresh1 * g[j]
                q[j] = beta2 * q[j] + fresh2 * g[j] * g[j]
                p[j] -= size * m[j] / (np.sqrt(q[j]) * inverse + epsilon)
                square += p[j] * p[j]
            if parts[part, 2] == 1:
                share = parameters.dtype.type(1) / np.sqrt(square)
                for j in range(n):
                    p[j] *= share
            start += n
