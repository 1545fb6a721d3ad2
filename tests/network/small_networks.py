"""Networks of one or two populations, and what is done to them, for the tests of what is refused."""

from __future__ import annotations

from typing import Any

from snnctl.network import Network, Projection
from snnctl.neurons import Lif
from snnctl.plasticity import DopamineStdp, PairStdp

NAN, INF = float("nan"), float("inf")
LIF = Lif(tau_mem_s=1e-2)


def alone(neuron: Any = LIF, **given: Any) -> Network:
    """One population `cells` of 2."""
    network = Network(tick_s=1e-3)
    network.population("cells", 2, neuron, **given)
    return network


def pair(neuron: Any = LIF, tick_s: float = 1e-3, **projection: Any) -> Network:
    """An input `noise` of 3 and `cells` of 2, with a projection."""
    network = Network(tick_s=tick_s)
    network.population("noise", 3)
    network.population("cells", 2, neuron)
    network.project("noise", "cells", **{"weight": 0.5, **projection})
    return network


def ran(network: Network, ticks: int = 4, **given: Any) -> Network:
    network.run(ticks * network.tick_s, **given)
    return network


def recorded(network: Network, *what: Any, **how: Any) -> None:
    network.record(*what, **how)
    ran(network)


def learning(rule: Any = None) -> Network:
    return pair(plasticity=PairStdp() if rule is None else rule)


def listening() -> Network:
    """One rule that reads a signal and one that does not."""
    network = learning(DopamineStdp())
    network.project("cells", "cells", weight=0.1, plasticity=PairStdp())
    return network


def signalled_later(network: Network) -> None:
    network.step()
    network.step()
    network.step(signal=1.0)


def first(network: Network) -> Projection:
    return network.description.projections[0]


def injected(current: Any) -> None:
    network = pair()
    network.inject("cells", current)
    ran(network)
