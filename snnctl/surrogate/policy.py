"""A spiking policy over a batch: encoder, stack of current-based LIF layers, read-out; and its gradient.

A layer handles all ticks at once: one GEMM of (ticks batch, n_in) by (n_in, n_out), then one fused LIF
kernel. Backward the same way: LIF kernel, one GEMM for the weights, one for the layer below.
The GEMM adds in another order than the engine, so a spike whose membrane sits on the threshold may
flip; tests/surrogate measures how often.

Tensors have the names of the agent: ``encoder.mean``, ``projection.<a>.<b>.weight``,
``population.<b>.bias``, ``decoder.weight``, ``decoder.bias``.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.coding import ChoiceDecoder, GaussianPopulation, RateDecoder
from snnctl.errors import NetworkError, Problem
from snnctl.network.description import NetworkDescription, layers
from snnctl.surrogate import encoder as encoding
from snnctl.surrogate import lif, readout
from snnctl.surrogate.derivatives import Derivative

Floats = NDArray[np.floating[Any]]
Tensors = Mapping[str, Floats]

MIN_WIDTH = 0.05  # a learnt receptive field never becomes narrower (in normalised observations)


class SpikingPolicy:
    """What is fixed: structure, constants and the shapes of the tensors."""

    def __init__(
        self,
        network: NetworkDescription,
        encoder: GaussianPopulation,
        decoder: RateDecoder | ChoiceDecoder,
        derivative: Derivative,
        *,
        dims: int,
        actions: int,
        dtype: Any = np.float32,
    ) -> None:
        """Check that the network can be trained.

        Raises:
            NetworkError: not a chain of reset decisions, or a neuron that has no gradient here.
        """
        chain = layers(network)
        if chain is None or network.decision != "reset":
            raise NetworkError(
                Problem("network", "is not a feed-forward chain with reset decisions", "gradient training needs one")
            )
        self.encoder, self.derivative, self.dtype = encoder, derivative, dtype
        self.ticks, self.dims, self.actions = network.ticks, dims, actions
        self.names = chain
        self.sizes = tuple(network.population(name).size for name in chain)
        self.constants: list[lif.Constants] = []
        for name in chain[1:]:
            neuron = network.population(name).neuron
            assert neuron is not None  # a chain has one input and it comes first
            self.constants.append(lif.constants(neuron, network.tick_s, dtype))
        self.shapes: dict[str, tuple[int, ...]] = {}
        k = encoder.neurons_per_dim
        self.shapes |= {"encoder.mean": (dims, k), "encoder.width": (dims, k)}
        for layer, (a, b) in enumerate(itertools.pairwise(chain)):
            self.shapes[f"projection.{a}.{b}.weight"] = self.sizes[layer], self.sizes[layer + 1]
            self.shapes[f"population.{b}.bias"] = (self.sizes[layer + 1],)
        self.shapes |= {"decoder.weight": (actions, decoder.neurons_per_action), "decoder.bias": (actions,)}

    def initialise(self, tensors: Tensors, random: np.random.Generator, gain: float, decoder_gain: float) -> None:
        """The encoder's own fields; weights N(0, gain^2 / n_in); decoder N(0, decoder_gain^2 / k); biases zero."""
        dims = tensors["encoder.mean"].shape[0]
        tensors["encoder.mean"][:], tensors["encoder.width"][:] = self.encoder.fields(dims)
        for name, tensor in tensors.items():
            if name.startswith("projection."):
                tensor[:] = gain / np.sqrt(tensor.shape[0]) * random.standard_normal(tensor.shape)
            elif name == "decoder.weight":
                tensor[:] = decoder_gain / np.sqrt(tensor.shape[1]) * random.standard_normal(tensor.shape)
            elif name.endswith(".bias"):
                tensor[:] = 0

    def constrain(self, tensors: Tensors, weight_limit: float) -> None:
        """Keep widths above MIN_WIDTH and synaptic weights and biases within +-weight_limit."""
        width = tensors["encoder.width"]
        np.maximum(width, MIN_WIDTH, out=width)
        for name, tensor in tensors.items():
            if name.startswith(("projection.", "population.")):
                np.clip(tensor, -weight_limit, weight_limit, out=tensor)


class Pass:
    """Buffers for one batch size, allocated once; two of them may run in two threads."""

    def __init__(self, policy: SpikingPolicy, batch: int) -> None:
        self.policy = policy
        self.batch = batch
        ticks, sizes, dtype = policy.ticks, policy.sizes, policy.dtype
        self.x = np.zeros((batch, policy.dims), dtype=dtype)
        self.activities = np.zeros((batch, sizes[0]), dtype=dtype)
        self.spikes = [np.zeros((ticks, batch, n), dtype=dtype) for n in sizes]
        # pre-reset membranes; the backward pass overwrites them by the surrogate derivative
        self.membranes = [np.zeros((ticks, batch, n), dtype=dtype) for n in sizes[1:]]
        self.gradients = [np.zeros((ticks, batch, n), dtype=dtype) for n in sizes]  # of spikes, then of drives
        self.scratch = [np.zeros((2, batch, n), dtype=dtype) for n in sizes[1:]]
        self.rates = np.zeros((batch, sizes[-1]), dtype=dtype)
        self.z = np.zeros((batch, policy.actions), dtype=dtype)

    def forward(self, tensors: Tensors, x: Floats, keys: NDArray[np.uint64]) -> Floats:
        """Read-out ``z`` (batch, actions) of normalised observations ``x`` (batch, dims).

        ``keys`` (batch,) name the random streams of the Poisson encoder; the deterministic one ignores
        them. The result is a buffer that the next call overwrites.
        """
        policy = self.policy
        self.x[:] = x
        encoding.activity(self.x, tensors["encoder.mean"], tensors["encoder.width"], self.activities)
        if policy.encoder.spikes == "poisson":
            encoding.poisson(self.activities, keys, self.spikes[0])
        else:
            encoding.deterministic(self.activities, policy.dtype(policy.encoder.threshold), self.spikes[0])
        for layer, (a, b) in enumerate(itertools.pairwise(policy.names)):
            u = self.membranes[layer]
            np.dot(_rows(self.spikes[layer]), tensors[f"projection.{a}.{b}.weight"], out=_rows(u))
            bias, scratch = tensors[f"population.{b}.bias"], self.scratch[layer]
            lif.forward(u, bias, scratch, self.spikes[layer + 1], policy.constants[layer])
        readout.forward(self.spikes[-1], tensors["decoder.weight"], tensors["decoder.bias"], self.rates, self.z)
        return self.z

    def backward(self, tensors: Tensors, z_gradient: Floats, gradients: Tensors) -> None:
        """Write the gradient of every tensor, given that of the last forward's ``z``."""
        policy = self.policy
        readout.backward(
            z_gradient,
            self.rates,
            tensors["decoder.weight"],
            self.gradients[-1],
            gradients["decoder.weight"],
            gradients["decoder.bias"],
        )
        for layer in range(len(policy.names) - 2, -1, -1):
            a, b = policy.names[layer : layer + 2]
            constants, u, drive = policy.constants[layer], self.membranes[layer], self.gradients[layer + 1]
            policy.derivative.replace(u, constants.v_threshold)
            bias_gradient = gradients[f"population.{b}.bias"]
            lif.backward(drive, u, self.spikes[layer + 1], self.scratch[layer], bias_gradient, constants)
            np.dot(_rows(self.spikes[layer]).T, _rows(drive), out=gradients[f"projection.{a}.{b}.weight"])
            if layer > 0 or policy.encoder.learnable:
                np.dot(_rows(drive), tensors[f"projection.{a}.{b}.weight"].T, out=_rows(self.gradients[layer]))
        if policy.encoder.learnable:
            encoding.backward(
                self.gradients[0],
                self.x,
                tensors["encoder.mean"],
                tensors["encoder.width"],
                self.activities,
                gradients["encoder.mean"],
                gradients["encoder.width"],
            )


def _rows(array: Floats) -> Floats:
    """(ticks, batch, n) as (ticks batch, n), a view."""
    return array.reshape(-1, array.shape[2])
