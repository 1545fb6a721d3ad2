"""The policy that gradients train: the agent's encoder, network and decoder over a batch, spiking or dense.

z = workspace.forward(tensors, x, keys)              read-out (batch, actions) of normalised observations (batch, dims)
workspace.backward(tensors, dz, gradients)           the gradient of every tensor, given that of z
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from snnctl import slots
from snnctl.agent.description import AgentDescription, tensor_shapes
from snnctl.allocation import Need
from snnctl.coding.code import Decoder, Encoder
from snnctl.errors import NetworkError, Problem
from snnctl.network import program
from snnctl.network.dense import DenseNetwork
from snnctl.surrogate import policy as spiking
from snnctl.surrogate.dense_policy import DensePolicy
from snnctl.surrogate.derivatives import Derivative
from snnctl.training.algorithm import Metric

Floats = NDArray[np.floating[Any]]
Tensors = Mapping[str, Floats]


class Workspace(Protocol):
    """Buffers for one batch size, allocated once; two of them may run in two threads."""

    @property
    def rasters(self) -> Sequence[Floats]:
        """Spikes (ticks, batch, n) of every population with a neuron model, of the last forward pass."""
        ...

    def forward(self, tensors: Tensors, x: Floats, keys: NDArray[np.uint64]) -> Floats:
        """Read-out ``z``, a buffer that the next call overwrites; ``keys`` (batch,) name random streams."""
        ...

    def backward(self, tensors: Tensors, z_gradient: Floats, gradients: Tensors) -> None:
        """Write the gradient of every tensor, given that of the last forward's ``z``."""
        ...


class Policy(Protocol):
    """What is fixed: structure, constants and the shapes of the tensors, which have the names of the agent."""

    dims: int  # observations
    actions: int  # of the read-out

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of the tensors that are trained, in the order of a flat vector."""
        ...

    @property
    def decision_s(self) -> float:
        """Network time of a decision; 0 without ticks."""
        ...

    def initialise(self, tensors: Tensors, random: np.random.Generator, gain: float, decoder_gain: float) -> None:
        """Fill the tensors for the start of a training."""
        ...

    def constrain(self, tensors: Tensors, weight_limit: float) -> None:
        """Bring the tensors back into their range after an update."""
        ...

    def workspace(self, batch: int) -> Workspace:
        """Buffers for one batch size."""
        ...


METRICS: dict[str, Metric] = {  # of Tally.metrics
    "snn/rate_hz": Metric(
        "spikes a neuron and second of network time while acting; not of a dense network",
        low=2.0,
        finding="the neurons are nearly silent",
        remedy="raise trainer.init_gain or lower network.neuron.v_threshold",
    ),
    "snn/dead_fraction": Metric(
        "share of the neurons that never fired while acting; not of a dense network",
        high=0.9,
        finding="most neurons never fire",
        remedy="raise trainer.init_gain or lower network.neuron.v_threshold",
    ),
}


class Tally:
    """What the neurons of a work space did in its forward passes since."""

    def __init__(self, work: Workspace, decision_s: float) -> None:
        self._rasters, self._decision_s = work.rasters, decision_s
        self._fired = [np.zeros(raster.shape[2], dtype=np.bool_) for raster in self._rasters]
        self._spikes, self._decisions = 0.0, 0

    def add(self) -> None:
        """Count the spikes of the last pass."""
        for raster, fired in zip(self._rasters, self._fired, strict=True):
            self._spikes += float(raster.sum())
            fired |= raster.any(axis=(0, 1))
        self._decisions += self._rasters[0].shape[1] if self._rasters else 0

    def metrics(self) -> dict[str, float]:
        """Mean rate of a neuron and share of those that never fired; nothing of a network without spikes."""
        if not self._rasters:
            return {}
        neurons = sum(fired.size for fired in self._fired)
        return {
            "snn/rate_hz": self._spikes / (neurons * self._decisions * self._decision_s),
            "snn/dead_fraction": 1.0 - float(np.concatenate(self._fired).mean()),
        }


def policy(agent: AgentDescription, derivative: Derivative) -> Policy:
    """The policy of an agent that has no :func:`problems`."""
    network, dims, actions = agent.network, agent.task.observation_size, agent.task.action_size
    encoder, decoder = agent.encoder.gradient(dims, agent.network.ticks, np.float32), agent.decoder.gradient(actions)
    assert encoder is not None and decoder is not None
    if isinstance(network, DenseNetwork):
        return DensePolicy(network, encoder, decoder, dims=dims, actions=actions)
    structure = program.structure(network, signal=agent.encoder.signal, reads=agent.decoder.reads)
    return spiking.SpikingPolicy(structure, encoder, decoder, derivative, dims=dims, actions=actions)


def needs(agent: AgentDescription, rows: int, key: str) -> list[Need]:
    """What training the policy takes: its tensors, gradients and moments, and buffers of ``rows`` set by ``key``."""
    network = agent.network
    sizes = network.sizes if isinstance(network, DenseNetwork) else tuple(p.size for p in network.populations)
    numbers = sum(math.prod(n or 0 for n in spec.shape) for spec in tensor_shapes(agent).values() if spec.required)
    values = 6 * network.ticks * sum(sizes) + 4 * agent.task.observation_size  # spikes, membranes, gradients, lists
    what = f"buffers of {rows} decisions with {network.ticks} ticks of {sum(sizes)} neurons"
    return [Need(key, what, 4 * rows * values), Need("network", f"{numbers} weights that are trained", 24 * numbers)]


def problems(agent: AgentDescription, derivative: Derivative, where: str) -> list[Problem]:
    """Every part that has no gradient, besides the problems of the description itself."""
    found = []
    dims, actions = agent.task.observation_size, agent.task.action_size
    if agent.encoder.gradient(dims, agent.network.ticks, np.float32) is None:
        kind, having = slots.ENCODERS.name_of(agent.encoder), _having(slots.ENCODERS, Encoder)
        found.append(_without(f"{where}:encoder.kind", kind, having))
    if agent.decoder.gradient(actions) is None:
        kind, having = slots.DECODERS.name_of(agent.decoder), _having(slots.DECODERS, Decoder)
        found.append(_without(f"{where}:decoder.kind", kind, having))
    if isinstance(agent.network, DenseNetwork):
        return found
    try:
        structure = program.structure(agent.network, signal=agent.encoder.signal, reads=agent.decoder.reads)
    except NetworkError:
        return found  # told with the description
    return [*found, *(p._replace(where=f"{where}:network.{p.where}") for p in spiking.refuses(structure))]


def _having(slot: slots.Slot, base: type) -> list[str]:
    """Names of the package's codes that define a gradient."""
    return [name for name, part in slot.parts.items() if part.gradient is not base.gradient]  # type: ignore[attr-defined]


def _without(where: str, kind: str, having: list[str]) -> Problem:
    message = f"'{kind}' has no gradient{' as it is configured' if kind in having else ''}"
    return Problem(where, message, f"those that have one: {', '.join(having)}")
