"""A policy without spikes over a batch: encoder, dense layers, read-out; and its gradient.

    z = read-out of the dense network (:mod:`snnctl.network.dense`) of the encoder's numbers

Encoder and decoder are those of the contract over a batch with one tick, (1, batch, n), whose entries are any numbers.
Tensors have the names of the agent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.coding.code import DecoderGradient, EncoderGradient
from snnctl.network.dense import DenseNetwork
from snnctl.surrogate import dense

Floats = NDArray[np.floating[Any]]
Tensors = Mapping[str, Floats]


class DensePolicy:
    """What is fixed: structure and the shapes of the tensors.

    Args:
        network: of the agent
        encoder: of the agent, over a batch
        decoder: of the agent, over a batch
        dims: observations
        actions: of the read-out
        dtype: float32, or float64 to compare gradients
    """

    decision_s = 0.0

    def __init__(
        self,
        network: DenseNetwork,
        encoder: EncoderGradient,
        decoder: DecoderGradient,
        *,
        dims: int,
        actions: int,
        dtype: Any = np.float32,
    ) -> None:
        self.network, self.encoder, self.decoder = network, encoder, decoder
        self.dims, self.actions, self.dtype = dims, actions, dtype
        self.layers = dense.shapes(network.sizes)
        self.shapes: dict[str, tuple[int, ...]] = {**encoder.shapes, **self.layers, **decoder.shapes}

    def initialise(self, tensors: Tensors, random: np.random.Generator, gain: float, decoder_gain: float) -> None:
        """Weights N(0, gain^2 / n_in), of the last layer decoder_gain; biases zero; encoder and decoder as theirs."""
        self.encoder.initialise(tensors)
        last = f"dense.{len(self.network.sizes) - 2}.weight"
        for name in self.layers:
            tensor = tensors[name]
            tensor[:] = 0
            if name.endswith(".weight"):
                size = decoder_gain if name == last else gain
                tensor[:] = size / np.sqrt(tensor.shape[0]) * random.standard_normal(tensor.shape)
        self.decoder.initialise(tensors, random, decoder_gain)

    def constrain(self, tensors: Tensors, weight_limit: float) -> None:
        """Keep weights and biases within +-weight_limit, and the encoder's tensors in their range."""
        self.encoder.constrain(tensors)
        for name in self.layers:
            np.clip(tensors[name], -weight_limit, weight_limit, out=tensors[name])

    def workspace(self, batch: int) -> DensePass:
        """Buffers for one batch size."""
        return DensePass(self, batch)


class DensePass:
    """Buffers for one batch size, allocated once; two of them may run in two threads."""

    rasters: Sequence[Floats] = ()

    def __init__(self, policy: DensePolicy, batch: int) -> None:
        self.policy = policy
        network, dtype = policy.network, policy.dtype
        self.x = np.zeros((batch, policy.dims), dtype=dtype)
        self.inputs = np.zeros((1, batch, network.inputs), dtype=dtype)
        assert network.activation == "relu" or network.activation == "tanh"  # a recipe has no other
        self.dense = dense.Pass(network.sizes, batch, dtype, network.activation)
        self.gradient = np.zeros((1, batch, network.outputs), dtype=dtype)  # of the last layer
        self.z = np.zeros((batch, policy.actions), dtype=dtype)
        self._encoding = policy.encoder.workspace(batch)
        self._decoding = policy.decoder.workspace(batch, network.outputs, dtype)

    def forward(self, tensors: Tensors, x: Floats, keys: NDArray[np.uint64]) -> Floats:
        """Read-out ``z`` (batch, actions) of normalised observations ``x`` (batch, dims), overwritten by the next."""
        policy = self.policy
        self.x[:] = x
        policy.encoder.forward(tensors, self.x, keys, self.inputs, self._encoding)
        values = self.dense.forward(tensors, self.inputs[0])
        policy.decoder.forward(tensors, values[None], self._decoding, self.z)
        return self.z

    def backward(self, tensors: Tensors, z_gradient: Floats, gradients: Tensors) -> None:
        """Write the gradient of every tensor, given that of the last forward's ``z``."""
        policy = self.policy
        policy.decoder.backward(tensors, z_gradient, self._decoding, self.gradient, gradients)
        below = self.dense.backward(tensors, self.gradient[0], gradients, to_inputs=policy.encoder.learnable)
        if below is not None:
            policy.encoder.backward(tensors, below, self.x, self._encoding, gradients)
