"""The linear read-out that rate and choice decoders share, over a batch, and its gradient.

    rate[a, j] = sum_k s[k, a m + j] / ticks ; z[a] = sum_j weight[a, j] rate[a, j] + bias[a]

``z`` is a choice decoder's logits, and what a rate decoder squashes by tanh.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.coding.code import Tensors

Floats = NDArray[np.floating[Any]]


@njit(cache=True, nogil=True, error_model="numpy")
def forward(spikes: Floats, weight: Floats, bias: Floats, rates: Floats, z: Floats) -> None:
    """Write ``rates`` (batch, n) and ``z`` (batch, actions) from ``spikes`` (ticks, batch, n)."""
    ticks = spikes.shape[0]
    share = spikes.dtype.type(1.0 / ticks)
    actions, m = weight.shape
    for row in range(z.shape[0]):
        for a in range(actions):
            total = bias[a]
            for j in range(m):
                count = spikes[0, row, a * m + j]
                for k in range(1, ticks):
                    count += spikes[k, row, a * m + j]
                rate = count * share
                rates[row, a * m + j] = rate
                total += weight[a, j] * rate
            z[row, a] = total


@njit(cache=True, nogil=True, error_model="numpy")
def backward(
    dz: Floats, rates: Floats, weight: Floats, ds: Floats, weight_gradient: Floats, bias_gradient: Floats
) -> None:
    """Overwrite ``ds`` (ticks, batch, n) and the gradients of weight and bias from ``dz`` (batch, actions)."""
    ticks = ds.shape[0]
    share = ds.dtype.type(1.0 / ticks)
    actions, m = weight.shape
    weight_gradient[:] = 0
    bias_gradient[:] = 0
    for row in range(dz.shape[0]):
        for a in range(actions):
            g = dz[row, a]
            bias_gradient[a] += g
            for j in range(m):
                weight_gradient[a, j] += g * rates[row, a * m + j]
                spread = g * weight[a, j] * share
                for k in range(ticks):
                    ds[k, row, a * m + j] = spread


class LinearGradient:
    """The read-out over batches; the work space is the rates (batch, n)."""

    def __init__(self, actions: int, neurons_per_action: int) -> None:
        self.shapes: dict[str, tuple[int, ...]] = {
            "decoder.weight": (actions, neurons_per_action),
            "decoder.bias": (actions,),
        }

    def initialise(self, tensors: Tensors, random: np.random.Generator, gain: float) -> None:
        """Weights N(0, gain^2 / k), biases zero."""
        weight = tensors["decoder.weight"]
        weight[:] = gain / np.sqrt(weight.shape[1]) * random.standard_normal(weight.shape)
        tensors["decoder.bias"][:] = 0

    def workspace(self, batch: int, size: int, dtype: Any) -> Floats:
        """Rates of one batch."""
        return np.zeros((batch, size), dtype=dtype)

    def forward(self, tensors: Tensors, spikes: Floats, work: Floats, z: Floats) -> None:
        """Write ``z`` (batch, actions) from the output spikes (ticks, batch, n)."""
        forward(spikes, tensors["decoder.weight"], tensors["decoder.bias"], work, z)

    def backward(self, tensors: Tensors, dz: Floats, work: Floats, ds: Floats, gradients: Tensors) -> None:
        """Write ``ds`` (ticks, batch, n) and the gradients of weight and bias."""
        backward(dz, work, tensors["decoder.weight"], ds, gradients["decoder.weight"], gradients["decoder.bias"])
