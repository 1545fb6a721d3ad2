"""The network of one critic over a batch: hidden layers, linear outputs, and what stands between them; its gradients.

    h[l] = y[l-1] W[l]^T ; y[l] = between(h[l])            y[-1] = x, or its batch norm where batches are joint
    out  = y[L-1] W[L]^T + bias                            between: surrogate.normalisation

Tensors: ``layer.<l>.weight`` (n_out, n_in), a row for every neuron; ``layer.<l>.scale`` and ``layer.<l>.offset`` as the
kind of normalisation has them, ``inputs.scale`` and ``inputs.offset``; ``layer.<L>.bias``. Products are written into
buffers that are allocated once.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.surrogate.normalisation import Between, Kind, Mode, Shapes, Tensors
from snnctl.surrogate.parameters import below

Floats = NDArray[np.floating[Any]]


class Layers(NamedTuple):
    """Tensors, gradients or statistics of one network, by layer."""

    weights: list[Floats]  # L + 1 of (n_out, n_in)
    between: list[Tensors]  # L hidden layers
    inputs: Tensors  # of what normalises the inputs; empty without
    bias: Floats  # (outputs,)


class CriticNetwork:
    """What is fixed: sizes, and what stands between the layers.

    Args:
        kind: what stands between layers; one that needs joint batches normalises the inputs too
        sizes: inputs, hidden layers, outputs
    """

    def __init__(self, kind: Kind, sizes: tuple[int, ...]) -> None:
        self.kind, self.sizes = kind, sizes
        self.shapes: Shapes = {}  # of the tensors that are trained
        self.buffers: Shapes = {}  # of the running statistics
        if kind.joint:
            self.shapes |= {f"inputs.{name}": shape for name, shape in kind.shapes(sizes[0]).items()}
            self.buffers |= {f"inputs.{name}": shape for name, shape in kind.buffers(sizes[0]).items()}
        for layer, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
            self.shapes[f"layer.{layer}.weight"] = (n_out, n_in)
            if layer < len(sizes) - 2:
                self.shapes |= {f"layer.{layer}.{name}": shape for name, shape in kind.shapes(n_out).items()}
                self.buffers |= {f"layer.{layer}.{name}": shape for name, shape in kind.buffers(n_out).items()}
        self.shapes[f"layer.{len(sizes) - 2}.bias"] = (sizes[-1],)

    def initialise(self, tensors: Tensors, buffers: Tensors, random: np.random.Generator) -> None:
        """Orthogonal weights (Saxe et al., ICLR 2014), gain sqrt(2), 1 for the outputs; scales and variances 1."""
        last = f"layer.{len(self.sizes) - 2}.weight"
        for name, tensor in tensors.items():
            if name.endswith(".weight"):
                rows, columns = tensor.shape
                drawn = random.standard_normal((max(rows, columns), min(rows, columns)))
                q, r = np.linalg.qr(drawn)
                q *= np.sign(np.diag(r))
                tensor[:] = (1.0 if name == last else np.sqrt(2.0)) * (q if rows >= columns else q.T)
            else:
                tensor[:] = float(name.endswith(".scale"))
        for name, buffer in buffers.items():
            buffer[:] = float(name.endswith(".variance"))

    def layers(self, tensors: Tensors) -> Layers:
        """Tensors by layer (views); of running statistics only ``between`` and ``inputs`` hold anything."""
        count = len(self.sizes) - 1
        nothing = np.zeros(0)
        return Layers(
            [tensors.get(f"layer.{layer}.weight", nothing) for layer in range(count)],
            [below(tensors, f"layer.{layer}.") for layer in range(count - 1)],
            below(tensors, "inputs."),
            tensors.get(f"layer.{count - 1}.bias", nothing),
        )


class Pass:
    """Buffers for one number of rows, allocated once."""

    def __init__(self, network: CriticNetwork, rows: int, dtype: Any) -> None:
        kind, sizes = network.kind, network.sizes
        hidden = sizes[1:-1]
        self.inputs: Between | None = kind.between(rows, sizes[0], dtype, False) if kind.joint else None
        self.between = [kind.between(rows, n, dtype) for n in hidden]
        self.h = [np.zeros((rows, n), dtype=dtype) for n in (sizes[0], *hidden)]  # the first for normalised inputs
        self.y = [np.zeros((rows, n), dtype=dtype) for n in (sizes[0], *hidden)]  # below every layer of weights
        self.gradients = [np.zeros((rows, n), dtype=dtype) for n in (sizes[0], *hidden)]  # of y, then of h
        self._unused = network.layers({name: np.zeros(shape, dtype=dtype) for name, shape in network.shapes.items()})

    def forward(self, layers: Layers, statistics: Layers, x: Floats, out: Floats, mode: Mode) -> None:
        """Write ``out`` (rows, outputs) of the inputs ``x`` (rows, n_in); "batch" moves the running statistics."""
        if self.inputs is None:
            self.y[0][:] = x
        else:
            self.h[0][:] = x
            self.inputs.forward(layers.inputs, statistics.inputs, self.h[0], self.y[0], mode)
        for layer, between in enumerate(self.between):
            h, y = self.h[layer + 1], self.y[layer + 1]
            np.dot(self.y[layer], layers.weights[layer].T, out=h)
            between.forward(layers.between[layer], statistics.between[layer], h, y, mode)
        np.dot(self.y[-1], layers.weights[-1].T, out=out)
        out += layers.bias

    def backward(self, layers: Layers, out_gradient: Floats, gradients: Layers) -> None:
        """Write the gradient of every tensor, given that of the last forward's ``out``."""
        np.dot(out_gradient.T, self.y[-1], out=gradients.weights[-1])
        np.sum(out_gradient, axis=0, out=gradients.bias)
        above = out_gradient
        for layer in range(len(self.between) - 1, -1, -1):
            d = self._through(layers, layer, above, gradients)
            np.dot(d.T, self.y[layer], out=gradients.weights[layer])
            above = d
        if self.inputs is not None:
            np.dot(above, layers.weights[0], out=self.gradients[0])
            self.inputs.backward(layers.inputs, self.h[0], self.y[0], self.gradients[0], gradients.inputs)

    def input_gradient(self, layers: Layers, out_gradient: Floats, first: int) -> Floats:
        """The gradient of the inputs from column ``first`` on (rows, n_in - first), a buffer; none of a tensor."""
        above = out_gradient
        for layer in range(len(self.between) - 1, -1, -1):
            above = self._through(layers, layer, above, self._unused)
        if self.inputs is None:
            found = self.gradients[0][:, first:]
            found[:] = np.dot(above, layers.weights[0][:, first:])
            return found
        np.dot(above, layers.weights[0], out=self.gradients[0])
        self.inputs.backward(layers.inputs, self.h[0], self.y[0], self.gradients[0], self._unused.inputs)
        return self.gradients[0][:, first:]

    def _through(self, layers: Layers, layer: int, above: Floats, gradients: Layers) -> Floats:
        """The gradient of h of a hidden layer, given that of what the weights above it gave."""
        d = self.gradients[layer + 1]
        np.dot(above, layers.weights[layer + 1], out=d)
        h, y = self.h[layer + 1], self.y[layer + 1]
        self.between[layer].backward(layers.between[layer], h, y, d, gradients.between[layer])
        return d
