"""A spiking controller in floating point: the reference that chips are compared with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.agent.coder import Coder
from snnctl.agent.controller import Activity
from snnctl.agent.description import AgentDescription
from snnctl.agent.folder import Agent
from snnctl.network.engine import Engine


class FloatController:
    """Runs an agent on the float engine."""

    def __init__(self, agent: Agent, dtype: type = np.float32) -> None:
        self._agent = agent
        self._coder = Coder(agent, dtype)
        self._engine = Engine(agent.description.network, agent.tensors, dtype)
        self._streaming = agent.description.network.decision == "streaming"
        self._state = self._engine.initial_state()
        n_in = sum(p.size for p in agent.description.network.inputs)
        ticks = agent.description.network.ticks
        self._inputs = np.zeros((ticks, n_in), np.uint8)  # (ticks, n_in)
        self._raster = np.zeros((ticks, int(self._engine.columns[-1])), np.uint8)  # (ticks, n_driven)
        self._events = 0

    @property
    def description(self) -> AgentDescription:
        """The agent that this controller runs."""
        return self._agent.description

    def reset(self, seed: int) -> None:
        """Start an episode: clear the state and seed the encoder's random stream."""
        self._coder.reset(seed)
        self._state = self._engine.initial_state()

    def act(self, observation: NDArray[Any]) -> NDArray[np.float64] | int:
        """One decision."""
        state = self._state if self._streaming else self._engine.initial_state()
        self._inputs = self._coder.encode(observation)
        self._state, self._raster = self._engine.run(state, self._inputs)
        self._events = self._engine.synaptic_events
        output = self._engine.columns[-2:]
        return self._coder.decode(self._raster[:, output[0] : output[1]].sum(axis=0))

    def activity(self) -> Activity:
        """Spikes and counts of the last decision."""
        network = self._agent.description.network
        starts = iter(self._engine.columns)
        spikes = {p.name: self._inputs for p in network.inputs}
        spikes |= {p.name: self._raster[:, (s := next(starts)) : s + p.size] for p in network.driven}
        return Activity(spikes, self._events)
