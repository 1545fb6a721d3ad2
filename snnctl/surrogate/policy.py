"""A spiking policy over a batch: encoder, stages of current-based LIF neurons, read-out; and its gradient.

A stage handles all ticks at once: one product of (ticks batch, n_in) by (n_in, n_out) for each link into it, then one
fused LIF kernel. Backward the same way: LIF kernel, one product for the weights of each link, one for the node below.
Products with few spikes skip silent sources (surrogate.spike_products); the others are GEMMs, which add in another
order than the engine, so a spike whose membrane sits on the threshold may flip; tests/surrogate measures how often.
Stages are taken in topological order; where a node feeds several others, their gradients are added. The encoder needs
its gradient summed over ticks alone, so it is summed before the product.

Tensors have the names of the agent; those of the network are the handles of its program.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.coding.code import DecoderGradient, EncoderGradient
from snnctl.network.capability import Capability
from snnctl.network.program import Link, Program
from snnctl.surrogate import lif
from snnctl.surrogate.derivatives import Derivative
from snnctl.surrogate.spike_products import Spikes

Floats = NDArray[np.floating[Any]]
Tensors = Mapping[str, Floats]

CAPABILITY = Capability(
    "surrogate training",
    neurons=("lif", "current_lif"),
    refractory=("none",),
    parameters=(),
    initial=("rest",),
    connectivity=("dense",),
    shape=("chain", "branching"),
    delays=("none",),
    decisions=("reset",),
    plasticity=("none",),
    inputs=("spikes",),
    readouts=("spikes",),
    populations=("one",),
)
refuses = CAPABILITY.refuses


class SpikingPolicy:
    """What is fixed: structure, constants and the shapes of the tensors.

    Args:
        program: one that :func:`refuses` takes; only its structure is read
        encoder: of the agent, over a batch
        decoder: of the agent, over a batch
        derivative: of the spike function
        dims: observations
        actions: of the read-out
        dtype: float32, or float64 to compare gradients
    """

    def __init__(
        self,
        program: Program,
        encoder: EncoderGradient,
        decoder: DecoderGradient,
        derivative: Derivative,
        *,
        dims: int,
        actions: int,
        dtype: Any = np.float32,
    ) -> None:
        self.program, self.encoder, self.decoder, self.derivative = program, encoder, decoder, derivative
        self.ticks, self.dims, self.actions, self.dtype = program.ticks, dims, actions, dtype
        self.decision_s = program.ticks * program.tick_s
        self.sizes = tuple(node.size for node in program.nodes)
        self.constants = [lif.constants(stage.neuron, program.tick_s, dtype) for stage in program.stages]
        self.shapes: dict[str, tuple[int, ...]] = dict(encoder.shapes)
        for node in program.order:
            for link in program.into(node):
                self.shapes[link.weight.name] = self.sizes[link.source], self.sizes[node]
            self.shapes[program.stages[node - 1].bias.name] = (self.sizes[node],)
        self.shapes |= decoder.shapes

    def initialise(self, tensors: Tensors, random: np.random.Generator, gain: float, decoder_gain: float) -> None:
        """Weights N(0, gain^2 / n_in), n_in over all inputs of a neuron; biases zero; encoder and decoder as theirs."""
        self.encoder.initialise(tensors)
        for node in self.program.order:
            links = self.program.into(node)
            n_in = sum(self.sizes[link.source] for link in links)
            for link in links:
                tensor = tensors[link.weight.name]
                tensor[:] = gain / np.sqrt(n_in) * random.standard_normal(tensor.shape)
            tensors[self.program.stages[node - 1].bias.name][:] = 0
        self.decoder.initialise(tensors, random, decoder_gain)

    def constrain(self, tensors: Tensors, weight_limit: float) -> None:
        """Keep synaptic weights and biases within +-weight_limit, and the encoder's tensors in their range."""
        self.encoder.constrain(tensors)
        for link in self.program.links:
            np.clip(tensors[link.weight.name], -weight_limit, weight_limit, out=tensors[link.weight.name])
        for stage in self.program.stages:
            np.clip(tensors[stage.bias.name], -weight_limit, weight_limit, out=tensors[stage.bias.name])

    def workspace(self, batch: int) -> Pass:
        """Buffers for one batch size."""
        return Pass(self, batch)


class Pass:
    """Buffers for one batch size, allocated once; two of them may run in two threads."""

    def __init__(self, policy: SpikingPolicy, batch: int) -> None:
        self.policy = policy
        ticks, sizes, dtype, program = policy.ticks, policy.sizes, policy.dtype, policy.program
        self.x = np.zeros((batch, policy.dims), dtype=dtype)
        self.spikes = [np.zeros((ticks, batch, n), dtype=dtype) for n in sizes]  # of every node
        self.rasters = self.spikes[1:]  # of every stage
        # pre-reset membranes; the backward pass overwrites them by the surrogate derivative
        self.membranes = [np.zeros((ticks, batch, n), dtype=dtype) for n in sizes[1:]]
        # of spikes, then of drives; of the encoder's spikes summed over ticks
        self.gradients = [np.zeros((1 if node == 0 else ticks, batch, n), dtype=dtype) for node, n in enumerate(sizes)]
        self.scratch = [np.zeros((2, batch, n), dtype=dtype) for n in sizes[1:]]
        self.z = np.zeros((batch, policy.actions), dtype=dtype)
        self._read = 1 + program.readouts[0].stage
        self._encoding = policy.encoder.workspace(batch)
        self._decoding = policy.decoder.workspace(batch, sizes[self._read], dtype)
        widest = [max((sizes[k.target] for k in program.links if k.source == n), default=0) for n in range(len(sizes))]
        self._lists = [Spikes(raster, columns) for raster, columns in zip(self.spikes, widest, strict=True)]
        self._summed = np.zeros(batch * max(sizes) if policy.encoder.learnable else 0, dtype=dtype)  # drives over ticks
        branching = max(len(program.into(node)) for node in program.order) > 1 or len(program.links) >= len(sizes)
        self._more = np.zeros(ticks * batch * max(sizes) if branching else 0, dtype=dtype)  # a product to be added

    def forward(self, tensors: Tensors, x: Floats, keys: NDArray[np.uint64]) -> Floats:
        """Read-out ``z`` (batch, actions) of normalised observations ``x`` (batch, dims).

        ``keys`` (batch,) name the random streams of an encoder that draws. The result is a buffer that the next call
        overwrites.
        """
        policy = self.policy
        program = policy.program
        self.x[:] = x
        policy.encoder.forward(tensors, self.x, keys, self.spikes[0], self._encoding)
        self._lists[0].count()
        for node in program.order:
            u = self.membranes[node - 1]
            written = False
            for link in program.into(node):
                weight, spikes = tensors[link.weight.name], self._lists[link.source]
                if spikes.pays(weight.shape[1]):
                    spikes.times(weight, _rows(u), add=written)
                else:
                    self._product(spikes.matrix, weight, u, written)
                written = True
            if not written:
                u[:] = 0
            bias = tensors[program.stages[node - 1].bias.name]
            lif.forward(u, bias, self.scratch[node - 1], self.spikes[node], policy.constants[node - 1])
            self._lists[node].count()
        policy.decoder.forward(tensors, self.spikes[self._read], self._decoding, self.z)
        return self.z

    def backward(self, tensors: Tensors, z_gradient: Floats, gradients: Tensors) -> None:
        """Write the gradient of every tensor, given that of the last forward's ``z``."""
        policy = self.policy
        program = policy.program
        policy.decoder.backward(tensors, z_gradient, self._decoding, self.gradients[self._read], gradients)
        written = {self._read}
        for node in reversed(program.order):
            constants, u, drive = policy.constants[node - 1], self.membranes[node - 1], self.gradients[node]
            if node not in written:  # it feeds nothing that is read
                drive[:] = 0
            policy.derivative.replace(u, constants.v_threshold)
            bias_gradient = gradients[program.stages[node - 1].bias.name]
            lif.backward(drive, u, self.spikes[node], self.scratch[node - 1], bias_gradient, constants)
            for link in program.into(node):
                self._link_gradients(link, drive, tensors, gradients, written)
        if policy.encoder.learnable:
            if 0 not in written:
                self.gradients[0][:] = 0
            policy.encoder.backward(tensors, self.gradients[0][0], self.x, self._encoding, gradients)

    def _link_gradients(
        self, link: Link, drive: Floats, tensors: Tensors, gradients: Tensors, written: set[int]
    ) -> None:
        """Of the weights of ``link``, and of the spikes that it takes; ``written`` are the nodes that have one."""
        weight, spikes, source = tensors[link.weight.name], self._lists[link.source], link.source
        if spikes.pays(weight.shape[1]):
            spikes.transposed_times(_rows(drive), gradients[link.weight.name])
        else:
            np.dot(spikes.matrix.T, _rows(drive), out=gradients[link.weight.name])
        if source == 0 and not self.policy.encoder.learnable:
            return
        if source == 0:
            drive = np.sum(drive, axis=0, out=self._summed[: drive[0].size].reshape(drive.shape[1:]))
        self._product(drive.reshape(-1, weight.shape[1]), weight.T, self.gradients[source], source in written)
        written.add(source)

    def _product(self, left: Floats, right: Floats, out: Floats, add: bool) -> None:
        """Out = left right, or out += left right, over (ticks batch) rows."""
        if not add:
            np.dot(left, right, out=_rows(out))
            return
        more = self._more[: out.size].reshape(-1, out.shape[2])
        np.dot(left, right, out=more)
        _rows(out)[:] += more


def _rows(array: Floats) -> Floats:
    """(ticks, batch, n) as (ticks batch, n), a view."""
    return array.reshape(-1, array.shape[2])
