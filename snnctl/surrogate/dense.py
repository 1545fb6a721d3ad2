"""Dense layers over a batch, forward and backward: the critic, and actors without spikes.

    h[l] = f(h[l-1] W[l] + b[l]) ; the last layer is linear           f = relu, max(0, .), or tanh

Tensors: ``dense.<l>.weight`` (n_in, n_out) and ``dense.<l>.bias`` (n_out,).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


def numbers(sizes: Sequence[int], rows: int) -> int:
    """Numbers that layers of these sizes and their training take: weights with gradients and moments, and ``rows``."""
    return 6 * sum(n_in * n_out + n_out for n_in, n_out in itertools.pairwise(sizes)) + 4 * rows * sum(sizes)


def shapes(sizes: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Tensors of a chain with these sizes, inputs first."""
    found: dict[str, tuple[int, ...]] = {}
    for layer, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
        found[f"dense.{layer}.weight"] = (n_in, n_out)
        found[f"dense.{layer}.bias"] = (n_out,)
    return found


def initialise(tensors: Mapping[str, Floats], random: np.random.Generator) -> None:
    """He initialisation (He et al., ICCV 2015), the last layer at a tenth of it; biases zero."""
    weights = [name for name in tensors if name.endswith(".weight")]
    for name in weights:
        tensor = tensors[name]
        gain = np.sqrt(2 / tensor.shape[0]) * (0.1 if name == weights[-1] else 1.0)
        tensor[:] = gain * random.standard_normal(tensor.shape)


class Pass:
    """Buffers for one batch size, allocated once."""

    def __init__(
        self, sizes: tuple[int, ...], batch: int, dtype: Any, activation: Literal["relu", "tanh"] = "relu"
    ) -> None:
        self.layers = len(sizes) - 1
        self.activation = activation  # f
        self.values = [np.zeros((batch, n), dtype=dtype) for n in sizes]  # h[l]: (batch, n)
        self.gradients = [np.zeros((batch, n), dtype=dtype) for n in sizes]  # of h[l]: (batch, n)

    def forward(self, tensors: Mapping[str, Floats], x: Floats) -> Floats:
        """The last layer's values (batch, n_out), a buffer that the next call overwrites."""
        self.values[0][:] = x
        for layer in range(self.layers):
            np.dot(self.values[layer], tensors[f"dense.{layer}.weight"], out=self.values[layer + 1])
            hidden = layer < self.layers - 1
            _activate(self.values[layer + 1], tensors[f"dense.{layer}.bias"], hidden and self.activation == "relu")
            if hidden and self.activation == "tanh":
                np.tanh(self.values[layer + 1], out=self.values[layer + 1])
        return self.values[-1]

    def backward(
        self,
        tensors: Mapping[str, Floats],
        out_gradient: Floats,
        gradients: Mapping[str, Floats],
        *,
        to_inputs: bool = False,
    ) -> Floats | None:
        """Write the gradient of every tensor, given that of the last forward's output.

        Returns:
            The gradient of the inputs (batch, n_in), a buffer, if it is asked for.
        """
        self.gradients[-1][:] = out_gradient
        for layer in range(self.layers - 1, -1, -1):
            below, above = self.values[layer], self.gradients[layer + 1]
            if layer < self.layers - 1:
                gate = _gate if self.activation == "relu" else _gate_tanh
                gate(above, self.values[layer + 1])
            np.dot(below.T, above, out=gradients[f"dense.{layer}.weight"])
            np.sum(above, axis=0, out=gradients[f"dense.{layer}.bias"])
            if layer > 0 or to_inputs:
                np.dot(above, tensors[f"dense.{layer}.weight"].T, out=self.gradients[layer])
        return self.gradients[0] if to_inputs else None


@njit(cache=True, nogil=True, error_model="numpy")
def _activate(h: Floats, bias: Floats, rectified: bool) -> None:
    zero = h.dtype.type(0)
    for row in range(h.shape[0]):
        for j in range(h.shape[1]):
            value = h[row, j] + bias[j]
            h[row, j] = value if value > zero or not rectified else zero


@njit(cache=True, nogil=True, error_model="numpy")
def _gate(gradient: Floats, h: Floats) -> None:
    zero = h.dtype.type(0)
    for row in range(h.shape[0]):
        for j in range(h.shape[1]):
            if h[row, j] <= zero:
                gradient[row, j] = zero


@njit(cache=True, nogil=True, error_model="numpy")
def _gate_tanh(gradient: Floats, h: Floats) -> None:
    one = h.dtype.type(1)
    for row in range(h.shape[0]):
        for j in range(h.shape[1]):
            gradient[row, j] *= one - h[row, j] * h[row, j]
