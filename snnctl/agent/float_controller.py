"""A spiking controller in floating point: the reference that chips are compared with.

Chains of lif and current_lif with reset decisions and a rate or choice decoder run, in float32, as one fused
kernel (:mod:`snnctl.network.decision`); everything else runs on the general engine. Where both apply they give the
same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl import streams
from snnctl.agent.coder import Coder
from snnctl.agent.controller import Activity
from snnctl.agent.description import AgentDescription, reads_membranes
from snnctl.agent.folder import Agent
from snnctl.agent.injection import Injection
from snnctl.coding import ChoiceDecoder, DirectCurrent, GaussianPopulation, RateDecoder
from snnctl.network.decision import Decision, fits
from snnctl.network.engine import Engine, State

Action = NDArray[np.float64] | int


class FloatController:
    """Runs an agent by the fastest path that it allows."""

    def __init__(self, agent: Agent, dtype: type = np.float32) -> None:
        self.description: AgentDescription = agent.description
        spiking = not isinstance(agent.description.encoder, DirectCurrent)
        fused = spiking and isinstance(agent.description.decoder, RateDecoder | ChoiceDecoder)
        fast = np.dtype(dtype) == np.float32 and fused and fits(agent.description.network)
        self._path: _Fused | _General = _Fused(agent) if fast else _General(agent, dtype)
        self.act = self._path.act  # (observation (dims,)) -> action, without another call in between
        self.reset = self._path.reset
        self.activity = self._path.activity


class _Fused:
    """The decision kernel, with the Gaussian encoder inside or another one before it."""

    def __init__(self, agent: Agent) -> None:
        description = agent.description
        encoder, decoder = description.encoder, description.decoder
        assert isinstance(decoder, RateDecoder | ChoiceDecoder)  # the kernel has these two
        inside = encoder if isinstance(encoder, GaussianPopulation) and encoder.spikes != "latency" else None
        self._network = description.network
        self._decision = Decision(description.network, description.normaliser, inside, decoder, agent.tensors)
        self._coder = Coder(agent)
        self.act = self._decision.decide if inside is not None else self._act_on_spikes
        self.reset(0)

    def _act_on_spikes(self, observation: NDArray[Any]) -> Action:
        return self._decision.decide_spikes(self._coder.encode(observation))

    def reset(self, seed: int) -> None:
        """Start an episode: seed the encoder's random stream."""
        self._coder.reset(seed)
        self._decision.reset(streams.kernel_state(seed, "encoder"))

    def activity(self) -> Activity:
        """Spikes and counts of the last decision."""
        spikes = self._decision.spikes()
        fan_out = {p.source: self._network.population(p.target).size for p in self._network.projections}
        events = sum(int(raster.sum()) * fan_out.get(name, 0) for name, raster in spikes.items())
        return Activity(spikes, events)


class _General:
    """Coder and engine."""

    def __init__(self, agent: Agent, dtype: type) -> None:
        self._network = agent.description.network
        self._coder = Coder(agent, dtype)
        self._engine = Engine(self._network, agent.tensors, dtype)
        self._inputs = np.zeros((self._network.ticks, sum(p.size for p in self._network.inputs)), np.uint8)
        self._raster = np.zeros((self._network.ticks, int(self._engine.columns[-1])), np.uint8)  # (ticks, n_driven)
        self._events = 0
        analog = isinstance(agent.description.encoder, DirectCurrent)
        self._injection = Injection(agent, dtype) if analog else None
        self._probes = None
        if reads_membranes(agent.description.decoder):
            output = self._network.output
            self._probes = self._engine.field(output.name, "v") + np.arange(output.size)
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Start an episode: clear the state and seed the encoder's random stream."""
        self._coder.reset(seed)
        self._state = self._engine.initial_state()

    def act(self, observation: NDArray[Any]) -> Action:
        """One decision; a reset network forgets the one before."""
        if self._network.decision == "reset":
            self._state = self._engine.initial_state()
        self._inputs = self._coder.encode(observation)
        currents = None
        if self._injection is not None:
            currents = self._injection.currents(self._coder.analog(observation), self._network.ticks)
        self._state = State._make(array.copy() for array in self._state)
        fired, v = self._engine.advance(self._state, self._inputs, currents=currents, probes=self._probes)
        self._raster = self._engine.raster(fired)
        self._events = self._engine.synaptic_events
        if self._injection is not None:
            self._events += self._injection.multiplications
        first, end = self._engine.columns[-2:]
        return self._coder.decode(self._raster[:, first:end], v)  # v: (ticks, n_out), or without columns

    def activity(self) -> Activity:
        """Spikes and counts of the last decision."""
        starts = dict(zip((p.name for p in self._network.driven), self._engine.columns, strict=False))
        spikes = {p.name: self._inputs.copy() for p in self._network.inputs}
        for p in self._network.driven:
            spikes[p.name] = self._raster[:, starts[p.name] : starts[p.name] + p.size].copy()
        return Activity(spikes, self._events)
