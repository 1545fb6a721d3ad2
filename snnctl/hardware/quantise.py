"""From a float controller to chip registers: what every chip's compiler starts from and reports.

A feed-forward controller is a chain of layers; each layer is quantised alone, because a spike has no
scale: only the ratio of weights, bias and threshold *within* a layer matters. ``loihi1_compiler.py``
and ``spinnaker1_compiler.py`` do it for their chip.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.agent.folder import Agent
from snnctl.network.description import NetworkDescription, Population, layers
from snnctl.neurons import CurrentLif

Floats = NDArray[np.float64]


class FloatLayer(NamedTuple):
    """One layer of a float chain: i[k] = a_syn i[k-1] + W s[k]; v[k] = a_mem v[k-1] + i[k] + b."""

    source: str
    name: str
    weights: Floats  # (sources, n)
    bias: Floats  # (n,)
    a_syn: float
    a_mem: float
    v_threshold: float
    v_reset: float
    refractory_ticks: int
    ticks: int

    @property
    def largest_input(self) -> float:
        """Bound of what can arrive at one neuron in one tick, excitatory or inhibitory alone."""
        positive, negative = np.maximum(self.weights, 0).sum(axis=0), np.maximum(-self.weights, 0).sum(axis=0)
        return float(max(positive.max(initial=0.0), negative.max(initial=0.0)))

    @property
    def largest_current(self) -> float:
        """Bound of ``|i| + |b|`` in a decision from zero state."""
        total = self.largest_input * math.fsum(self.a_syn**k for k in range(self.ticks))
        return total + float(np.abs(self.bias).max(initial=0.0))


class Rounding(NamedTuple):
    """How far a chip's number is from the float one; ``error`` is relative to ``scale``."""

    layer: str
    quantity: str
    error: float  # largest |chip - float| / scale
    rms: float  # root of the mean square of the same
    scale: str  # what the error is relative to


def synaptic_tau(neuron: Any) -> float:
    """Synaptic time constant; a plain LIF is the current-based one with none."""
    return neuron.tau_syn_s if isinstance(neuron, CurrentLif) else 0.0


def float_layer(agent: Agent, source: Population, target: Population) -> FloatLayer:
    """The layer that ``source`` drives, from the agent's tensors."""
    network, neuron = agent.description.network, target.neuron
    assert neuron is not None
    tau_syn_s = synaptic_tau(neuron)
    return FloatLayer(
        source=source.name,
        name=target.name,
        weights=np.asarray(agent.tensors[f"projection.{source.name}.{target.name}.weight"], np.float64),
        bias=np.asarray(agent.tensors[f"population.{target.name}.bias"], np.float64),
        a_syn=math.exp(-network.tick_s / tau_syn_s) if tau_syn_s > 0 else 0.0,
        a_mem=math.exp(-network.tick_s / neuron.tau_mem_s),
        v_threshold=neuron.v_threshold,
        v_reset=neuron.v_reset,
        refractory_ticks=neuron.refractory_ticks,
        ticks=network.ticks,
    )


def chain(network: NetworkDescription) -> tuple[Population, ...]:
    """Populations from input to output of a network that the compilers accept."""
    order = layers(network)
    assert order is not None
    return tuple(network.population(name) for name in order)


def float_layers(agent: Agent) -> tuple[FloatLayer, ...]:
    """All layers of a chain, input first."""
    order = chain(agent.description.network)
    return tuple(float_layer(agent, a, b) for a, b in itertools.pairwise(order))


def rounding(layer: str, quantity: str, wanted: Any, got: Any, scale: float, of: str) -> Rounding:
    """Compare chip values, converted back to the float unit, with the float ones."""
    error = np.abs(np.asarray(got, np.float64) - np.asarray(wanted, np.float64)) / (scale or 1.0)
    return Rounding(layer, quantity, float(error.max(initial=0.0)), float(np.sqrt(np.mean(error**2))), of)
