"""The network of an agent as a program: its encoder decides the kind of input, its decoder the kind of read-out."""

from __future__ import annotations

from snnctl.agent.folder import Agent
from snnctl.network.program import Program, lower


def program(agent: Agent) -> Program:
    """The agent's network, lowered; its arrays are the agent's own tensors.

    Raises:
        NetworkError: the description or a tensor is unsound, or the network is dense, without spikes.
    """
    description, reads = agent.description, agent.description.decoder.reads
    network = description.spiking_network
    assert reads != "values"  # refused by the description's own checks
    return lower(network, agent.tensors, signal=description.encoder.signal, reads=reads)
