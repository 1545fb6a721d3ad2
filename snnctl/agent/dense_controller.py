"""The controller of a dense network, in float32: one pass of the layers is one decision."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.agent.coder import Coder
from snnctl.agent.controller import Activity
from snnctl.agent.description import AgentDescription
from snnctl.agent.folder import Agent
from snnctl.coding.code import Action
from snnctl.network.activations import FUNCTIONS
from snnctl.network.dense import DenseNetwork


class DenseController:
    """Runs an agent whose network is a :class:`~snnctl.network.dense.DenseNetwork`."""

    def __init__(self, agent: Agent) -> None:
        network = agent.description.network
        assert isinstance(network, DenseNetwork)
        self.description: AgentDescription = agent.description
        self._coder = Coder(agent)
        self._activate = FUNCTIONS[network.activation]
        self._multiplications = network.multiplications
        names = network.tensor_names
        self._weights = [np.ascontiguousarray(agent.tensors[weight], np.float32) for weight, _ in names]
        self._biases = [np.ascontiguousarray(agent.tensors[bias], np.float32) for _, bias in names]

    def reset(self, seed: int) -> None:
        """Start an episode; the network keeps nothing between decisions."""
        self._coder.reset(seed)

    def act(self, observation: NDArray[Any]) -> Action:
        """One decision."""
        h: NDArray[np.float32] = self._coder.analog(observation).astype(np.float32)  # (n,)
        for layer, (weight, bias) in enumerate(zip(self._weights, self._biases, strict=True)):
            h = h @ weight + bias
            if layer < len(self._weights) - 1:
                h = self._activate(h)
        return self._coder.decode(None, h)

    def activity(self) -> Activity:
        """No spikes; every weight was multiplied once."""
        return Activity({}, self._multiplications)
