"""A spiking controller in floating point: the reference that chips are compared with.

Programs that the fused decision takes (:mod:`snnctl.agent.decision`), with a decoder that it has inside, run in
float32 as one compiled call; everything else runs on the general engine. Where both apply they give the same bits.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl import streams
from snnctl.agent import decision
from snnctl.agent.coder import Coder
from snnctl.agent.controller import Activity
from snnctl.agent.decision import Decision, Weights
from snnctl.agent.description import AgentDescription
from snnctl.agent.folder import Agent
from snnctl.agent.injection import Injection
from snnctl.agent.program import program
from snnctl.coding.code import Action, LinearReadout
from snnctl.errors import ConfigError, Problem
from snnctl.network.engine import Engine, Fired, State
from snnctl.network.program import Program


class FloatController:
    """Runs an agent by the fastest path that it allows."""

    def __init__(self, agent: Agent, dtype: type = np.float32, weights: Weights = "float32") -> None:
        """Lay the agent out.

        Args:
            agent: a spiking one
            dtype: of its states and sums
            weights: float32, or rounded to 8 bits (:mod:`snnctl.agent.int8`)

        Raises:
            ConfigError: weights of 8 bits for an agent that the fused decision does not take.
        """
        self.description: AgentDescription = agent.description
        lowered = program(agent)
        readout = agent.description.decoder.fused(agent.tensors)
        refused = decision.refuses(lowered)
        if readout is None:
            refused.append(Problem("decoder.kind", "is not a linear read-out of spikes", "choose rate or choice"))
        if weights == "int8" and refused:
            raise ConfigError(*(p._replace(where=f"{agent.description.name}: {p.where}") for p in refused))
        self.path: Fused | General
        if np.dtype(dtype) == np.float32 and readout is not None and not refused:
            self.path = Fused(agent, lowered, readout, weights)
        else:
            self.path = General(agent, lowered, dtype)
        self.act = self.path.act  # (observation (dims,)) -> action, without another call in between
        self.reset = self.path.reset
        self.activity = self.path.activity
        self.counted = self.path.counted
        self.populations = self.path.populations


class Fused:
    """The decision kernel, with the encoder inside where it has one, or before it."""

    def __init__(self, agent: Agent, lowered: Program, readout: LinearReadout, weights: Weights) -> None:
        description = agent.description
        fields = description.encoder.fused(agent.tensors)
        self.encodes = fields is not None  # inside the kernel
        self.fan_out = {lowered.nodes[ln.source].label: lowered.nodes[ln.target].size for ln in lowered.links}
        clip, choices = float(description.normaliser.clip), description.task.action_choices
        self.decision = Decision(lowered, agent.tensors, clip, fields, readout, choices, weights)
        self.populations = self.decision.populations
        self._coder = Coder(agent)
        self.act = self._act_on_spikes if fields is None else self.decision.decide
        self.reset(0)

    def _act_on_spikes(self, observation: NDArray[Any]) -> Action:
        return self.decision.decide_spikes(self._coder.encode(observation))

    def reset(self, seed: int) -> None:
        """Start an episode: seed the encoder's random stream."""
        self._coder.reset(seed)
        self.decision.reset(streams.kernel_state(seed, "encoder"))

    def activity(self) -> Activity:
        """Spikes and counts of the last decision."""
        spikes = self.decision.spikes()
        events = sum(int(raster.sum()) * self.fan_out.get(name, 0) for name, raster in spikes.items())
        return Activity(spikes, events)

    def counted(self) -> tuple[NDArray[np.int64], int]:
        """Spikes and synaptic events since the last reset, counted in the kernel."""
        counts = self.decision.counts.copy()  # (populations,)
        return counts, sum(int(n) * self.fan_out.get(name, 0) for name, n in zip(self.populations, counts, strict=True))


class Stimulus(NamedTuple):
    """What enters the network in a decision."""

    inputs: NDArray[np.uint8]  # (ticks, n_in) spikes
    currents: NDArray[Any] | None  # (ticks, n_driven) of an analog encoder


class General:
    """Coder and engine."""

    def __init__(self, agent: Agent, lowered: Program, dtype: type) -> None:
        self._program = lowered
        self.coder = Coder(agent, dtype)
        self.engine = Engine(lowered, dtype)
        self._inputs = np.zeros((lowered.ticks, self.engine.inputs.width), np.uint8)
        self.silence = Stimulus(self._inputs, None)  # a decision in which nothing enters
        self._raster = np.zeros((lowered.ticks, int(self.engine.columns[-1])), np.uint8)  # (ticks, n_driven)
        self._events = 0
        self.populations = {name: (raster.shape[1], raster.size) for name, raster in self._rasters().items()}
        self._counts = np.zeros(len(self.populations), np.int64)
        self._all_events = 0
        analog = agent.description.encoder.signal == "analog"
        self._injection = Injection(lowered, dtype) if analog else None
        self._probes = None
        (readout,) = lowered.readouts
        first, end = self.engine.columns[readout.stage : readout.stage + 2]
        self._read = slice(int(first), int(end))  # columns of the raster that the decoder reads
        if readout.reads == "membranes":
            stage = lowered.stages[readout.stage]
            self._probes = self.engine.field(stage.label, "v") + np.arange(stage.size)
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Start an episode: clear the state; seed the encoder's stream and the neurons'."""
        self.begin(self.engine.initial_state(seed), seed)

    def begin(self, state: State, seed: int) -> None:
        """Start an episode from a state of the network."""
        self.coder.reset(seed)
        self.state = state
        self.fired: Fired | None = None
        self._counts[:] = 0
        self._all_events = 0

    def act(self, observation: NDArray[Any]) -> Action:
        """One decision, from what its kind keeps of the one before."""
        return self.decide(self.stimulus(observation))

    def stimulus(self, observation: NDArray[Any]) -> Stimulus:
        """What an observation makes enter."""
        if self._injection is None:
            return Stimulus(self.coder.encode(observation), None)
        currents = self._injection.currents(self.coder.analog(observation), self._program.ticks)
        return Stimulus(self.silence.inputs, currents)

    def decide(self, given: Stimulus, *, signals: Any = None, teach: Any = None) -> Action:
        """One decision on what enters; ``signals`` and ``teach`` go to the rules, as in :meth:`Engine.advance`."""
        v = self.run(given, signals=signals, teach=teach)
        if self._injection is not None:
            self._events += self._injection.multiplications
        self._all_events += self._events
        self._counts += [np.count_nonzero(raster) for raster in self._rasters().values()]
        return self.coder.decode(self._raster[:, self._read], v)  # v: (ticks, n_out), or without columns

    def run(self, given: Stimulus, *, signals: Any = None, teach: Any = None) -> NDArray[Any]:
        """The ticks of a decision, whose action nobody asks for; the probed membranes (ticks, n_out) of each."""
        engine = self.engine
        engine.begin(self.state, self.fired)
        self._inputs = given.inputs
        self.fired, v = engine.advance(
            self.state, given.inputs, currents=given.currents, signals=signals, teach=teach, probes=self._probes
        )
        self._raster = engine.raster(self.fired)
        self._events = engine.synaptic_events
        return v

    def activity(self) -> Activity:
        """Spikes and counts of the last decision."""
        return Activity({name: raster.copy() for name, raster in self._rasters().items()}, self._events)

    def counted(self) -> tuple[NDArray[np.int64], int]:
        """Spikes and synaptic events since the last reset."""
        return self._counts.copy(), self._all_events

    def _rasters(self) -> dict[str, NDArray[np.uint8]]:
        """Views of the last decision's spikes: population -> (ticks, n)."""
        given = {name: self._inputs[:, columns] for name, columns in self.engine.inputs.of.items()}
        return given | {name: self._raster[:, columns] for name, columns in self.engine.currents.of.items()}
