"""Which controller runs an agent in floating point."""

from __future__ import annotations

from snnctl.agent.controller import Controller
from snnctl.agent.dense_controller import DenseController
from snnctl.agent.float_controller import FloatController
from snnctl.agent.folder import Agent
from snnctl.network.dense import DenseNetwork


def make(agent: Agent) -> Controller:
    """The controller that runs an agent in floating point: the reference that chips are compared with."""
    return DenseController(agent) if isinstance(agent.description.network, DenseNetwork) else FloatController(agent)
