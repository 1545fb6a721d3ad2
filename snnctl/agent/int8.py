"""Weights of 8 bits: an agent's float32 weights, rounded to a grid of each target neuron.

    q[i, j] = round(w[i, j] / s[j])          s[j] = max_i |w[i, j]| / 127, or 1 where all of them are 0
    drive[j] = s[j] sum of q[i, j] over the spiking i

The sum is exact, so it does not depend on an order or a processor; one float32 product follows. Biases, neurons,
encoder and decoder stay what they are. A decision reads a quarter of the bytes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LARGEST = 127


class Quantised(NamedTuple):
    """The weights of one projection."""

    values: NDArray[np.int8]  # (n_source, n_target)
    scale: NDArray[np.float32]  # (n_target,)

    def weights(self) -> NDArray[np.float32]:
        """What they stand for.  # (n_source, n_target)"""
        return self.values * self.scale


def quantise(weight: NDArray[Any]) -> Quantised:
    """Round weights (n_source, n_target) to the grids of their targets."""
    scale = (np.abs(weight).max(axis=0, initial=0.0) / LARGEST).astype(np.float32)
    scale[scale == 0] = 1.0  # also of weights so small that float32 has no step between them
    return Quantised(np.rint(np.clip(weight / scale, -LARGEST, LARGEST)).astype(np.int8), scale)


def relative_error(weight: NDArray[Any]) -> float:
    """Root mean square of what rounding changes, over that of the weights; 0 where all of them are 0."""
    size = float(np.sqrt(np.mean(np.square(weight, dtype=np.float64))))
    changed = np.asarray(quantise(weight).weights(), np.float64) - weight
    return float(np.sqrt(np.mean(np.square(changed)))) / size if size > 0 else 0.0
