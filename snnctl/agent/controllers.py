"""Which controller runs an agent in floating point."""

from __future__ import annotations

from snnctl.agent.controller import Controller
from snnctl.agent.decision import Weights
from snnctl.agent.dense_controller import DenseController
from snnctl.agent.float_controller import FloatController
from snnctl.agent.folder import Agent
from snnctl.errors import ConfigError, Problem
from snnctl.network.dense import DenseNetwork


def make(agent: Agent, weights: Weights = "float32") -> Controller:
    """The controller that runs an agent in floating point: the reference that chips are compared with.

    Args:
        agent: spiking or dense
        weights: "int8" rounds those of a spiking chain to 8 bits (:mod:`snnctl.agent.int8`)

    Raises:
        ConfigError: weights of 8 bits for an agent that the fused decision does not take.
    """
    if not isinstance(agent.description.network, DenseNetwork):
        return FloatController(agent, weights=weights)
    if weights != "float32":
        where = f"{agent.description.name}: network.kind"
        raise ConfigError(Problem(where, "is dense: 8-bit weights are for chains of spiking neurons", "keep float32"))
    return DenseController(agent)
