"""The network of an agent as a program: its encoder decides the kind of input, its decoder the kind of read-out."""

from __future__ import annotations

import dataclasses

from snnctl.agent.folder import Agent
from snnctl.network.program import Link, Program, lower
from snnctl.network.rules import is_modulated


def program(agent: Agent, *, learns: bool = False) -> Program:
    """The agent's network, lowered; its arrays are the agent's own tensors.

    Rules that wait for the signal of a modulator are left out unless the agent ``learns``: without it they are at rest.

    Raises:
        NetworkError: the description or a tensor is unsound, or the network is dense, without spikes.
    """
    description, reads = agent.description, agent.description.decoder.reads
    network = description.spiking_network
    assert reads != "values"  # refused by the description's own checks
    whole = lower(network, agent.tensors, signal=description.encoder.signal, reads=reads)
    if learns or description.modulator is None:
        return whole
    return dataclasses.replace(whole, links=tuple(_at_rest(link, network.tick_s) for link in whole.links))


def _at_rest(link: Link, tick_s: float) -> Link:
    """The link without the rules that a modulator drives."""
    return link._replace(rules=tuple(r for r in link.rules if not is_modulated(type(r.constants(tick_s)))))
