"""What an agent takes while it runs: bytes and operations of a decision, from the numbers of its description alone.

rasters and states   (ticks + 64) bytes a neuron
synapses             64 bytes each, where a description alone says how many: dense ones and those of convolutions
spikes under way     4 bytes a neuron and tick of the longest delay
sparse synapses      8 bytes a source and different delay, beyond what their tensors take
operations           ticks (neurons + synapses + neurons of the critic)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from snnctl.allocation import Need
from snnctl.network.connection import Convolution
from snnctl.network.dense import DenseNetwork
from snnctl.network.description import NetworkDescription

if TYPE_CHECKING:
    from snnctl.agent.description import AgentDescription
    from snnctl.agent.learning import Learning

NEURON_BYTES, SYNAPSE_BYTES, NUMBER_BYTES = 64, 64, 16


def needs(agent: AgentDescription, tensors: Mapping[str, NDArray[Any]] | None = None) -> list[Need]:
    """Of a description, sound or not; with ``tensors`` also what their values say."""
    dims, actions, network = agent.task.observation_size, agent.task.action_size, agent.network
    codes = {f"encoder of {dims} observations": agent.encoder.tensor_shapes(dims)}
    codes[f"decoder of {actions} actions"] = agent.decoder.tensor_shapes(actions)
    found = [
        Need(what.split()[0], f"tensors of the {what}", NUMBER_BYTES * sum(_count(shape) for shape in shapes.values()))
        for what, shapes in codes.items()
    ]
    found.append(Need("task", "observations and actions", NUMBER_BYTES * (dims + actions)))
    if isinstance(network, DenseNetwork):
        return [*found, Need("network", f"{network.multiplications} weights", NUMBER_BYTES * network.multiplications)]
    if agent.learning is not None:
        found.append(of_critic(agent.learning, network.ticks, "learning"))
    if agent.modulator is not None:
        found += [need._replace(where=f"modulator.{need.where}") for need in agent.modulator.needs(network.ticks)]
    return found + _of_network(network, tensors or {})


def of_critic(learning: Learning, ticks: int, key: str) -> Need:
    """Of the critic of an agent that learns while it acts, configured by the table ``key``."""
    count = learning.critic_neurons
    what = f"{count} neurons of the critic in {ticks} ticks"
    return Need(f"{key}.critic_neurons", what, NUMBER_BYTES * count, ticks * count)


def _of_network(network: NetworkDescription, tensors: Mapping[str, NDArray[Any]]) -> list[Need]:
    """Of a network of spikes, sound or not: what names no population counts as nothing."""
    sizes = {p.name: p.size for p in network.populations}
    neurons, names = sum(sizes.values()), [p.name for p in network.populations]

    def key(*populations: str) -> str:
        """Of the largest number: ticks, or the size of one of these populations."""
        largest = max(populations, key=lambda name: sizes.get(name, 0), default="")
        if network.ticks >= sizes.get(largest, 0):
            return "network.ticks"
        return f"network.populations[{names.index(largest)}].size"

    what = f"{network.ticks} ticks of {neurons} neurons"
    found = [Need(key(*names), what, (network.ticks + NEURON_BYTES) * neurons, network.ticks * neurons)]
    count = len(network.populations) * len(network.projections)
    what = f"{len(network.populations)} populations and {len(network.projections)} projections"
    found.append(Need("network.projections", what, 0, 100 * count))  # a search for cycles
    longest = 0
    for number, projection in enumerate(network.projections):
        ends = projection.source, projection.target
        sources, targets = (sizes.get(name, 0) for name in ends)
        place, weight = f"network.projections[{number}]", tensors.get(projection.weight_name)
        delays = tensors.get(projection.delay_name)
        kept = sources * targets
        if isinstance(projection.connectivity, Convolution):
            kept = _count(projection.connectivity.weight_shape)
        elif projection.connectivity == "sparse":
            kept = 0 if weight is None else weight.size
        what = f"{kept} synapses in {network.ticks} ticks"
        found.append(Need(key(*ends), what, SYNAPSE_BYTES * kept, network.ticks * kept))
        longest = max(longest, projection.delay_ticks)
        if delays is not None and delays.size:
            different = len(np.unique(delays))
            longest = max(longest, int(delays.max()))
            found.append(Need(place, f"{different} delays of {sources} sources", 8 * different * (sources + 1)))
    what = f"spikes of {neurons} neurons under way for {longest} ticks"
    return [*found, Need("network.projections", what, 4 * longest * neurons)]


def _count(shape: tuple[int | None, ...]) -> int:
    return math.prod(n or 0 for n in shape)
