"""A controller that learns from the rewards of its own actions: any network with rules, and a modulator.

    act(observation) -> action; then feedback(reward, following observation, terminated, truncated); and so on

The rules sit on projections and run inside the ticks. Once a decision the modulator turns reward and observation into
one number d, and the rules that read a signal get it in the first tick of the next decision; rules whose ``teach`` is a
learning signal, such as e-prop, get -d for every neuron, since a learning signal is the derivative of an error.

The end of an episode is learnt from at once: the last d is given in the first tick of one more decision, in which no
spike enters. What the next episode begins with is in :mod:`snnctl.network.episodes`. An episode in which nothing was
fed back, such as the one decision that warms a controller up, leaves no trace.

Agents with a table ``learning`` have one rule, network and modulator that are compiled into one call
(:mod:`snnctl.agent.fused_learner`); :func:`make` gives the learner of any agent.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.agent import fused_learner
from snnctl.agent.controller import Activity
from snnctl.agent.description import AgentDescription
from snnctl.agent.float_controller import General, Stimulus
from snnctl.agent.folder import Agent
from snnctl.agent.fused_learner import FusedLearner
from snnctl.agent.modulator import Modulator, Volley
from snnctl.agent.program import program
from snnctl.coding.code import Action
from snnctl.errors import AgentError, Problem
from snnctl.network import episodes
from snnctl.network.description import NetworkDescription
from snnctl.network.engine import Fired, State
from snnctl.network.rules import takes_learning_signal


def make(agent: Agent, seed: int) -> FusedLearner | Learner:
    """The learner of an agent: the fused one of a table ``learning``, else rules and modulator.

    Raises:
        AgentError: the agent has nothing to learn by, or a network that the fused learner does not take.
    """
    if agent.description.learning is not None:
        return FusedLearner(agent, seed)
    modulator = agent.description.modulator
    return (PredictingLearner if modulator is not None and modulator.PREDICTS else Learner)(agent, seed)


def problems(description: AgentDescription, where: str) -> list[Problem]:
    """What keeps this agent from learning while it acts; empty when nothing does."""
    network = description.network
    if description.learning is not None:
        return fused_learner.problems(description, where)
    if isinstance(network, NetworkDescription) and any(p.plasticity for p in network.projections):
        return []
    remedy = "run an agent that was trained by local rules"
    return [Problem(f"{where}:learning", "is missing: the agent has no rule to learn by", remedy)]


class Learner:
    """Controller and modulator of one agent.

    Attributes:
        modulator: at work; None where no rule reads a signal
        signal: the newest d
    """

    def __init__(self, agent: Agent, seed: int, dtype: type = np.float32) -> None:
        """Lay the network out.

        Args:
            agent: with rules on its projections
            seed: of the first episode
            dtype: of states, weights and sums

        Raises:
            AgentError: the network has no rule.
            NetworkError: a tensor is unsound, such as weights outside the limits of their rule.
        """
        description = self.description = agent.description
        if found := problems(description, description.name):
            raise AgentError(*found)
        self._agent = agent
        self.path = General(agent, program(agent, learns=True), dtype)
        engine, ticks = self.path.engine, description.spiking_network.ticks
        self.populations = self.path.populations
        self._inputs = engine.inputs.width
        self.modulator: Modulator | None = None
        if description.modulator is not None:
            self.modulator = description.modulator.build(self._inputs, ticks, agent.tensors)
        self._silence: Stimulus = self.path.silence
        self._signals = np.zeros((ticks, len(engine.signals.prefixes)), engine.dtype)
        self._listeners = [engine.signals.prefixes.index(label) for label in engine.signals.listeners]
        self._teach = np.zeros((ticks, engine.currents.width), engine.dtype)
        self._taught = _taught(self.path)
        self._state = self.path.state
        self._reward = np.zeros(1)
        self._first = self._fed = False
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """Start an episode: weights, critic and what rules without a signal hold go on, everything else is afresh."""
        if self._fed:
            self._state = self.path.state
        self.path.begin(episodes.another(self.path.engine, self._state, seed), seed)
        self.signal, self._reward[0] = 0.0, 0.0
        self._first, self._fed = True, False

    def act(self, observation: NDArray[Any]) -> Action:
        """Learn from the last feedback, then decide."""
        given = self.path.stimulus(observation)
        if self.modulator is None:
            return self.path.decide(given)
        if self._first:
            self.modulator.begin(_volley(given))
            self.signal = 0.0
        else:
            self.signal = self.modulator.signal(float(self._reward[0]), _volley(given), False, False)
        self._first = False
        return self.path.decide(given, **self._given(self.signal))

    def feedback(self, reward: float, observation: NDArray[Any], terminated: bool, truncated: bool) -> None:
        """What the action led to; the end of an episode is learnt from at once."""
        self._reward[0], self._fed = reward, True
        if (terminated or truncated) and self.modulator is not None:
            given = self.path.stimulus(observation)
            self.signal = self.modulator.signal(reward, _volley(given), terminated, truncated)
            self.path.run(self._silence, **self._given(self.signal))

    def abandon(self) -> None:
        """End an episode that teaches nothing more: what came of the newest action is forgotten."""
        self.signal = 0.0

    def activity(self) -> Activity:
        """Spikes and counts of the last decision."""
        return self.path.activity()

    def counted(self) -> tuple[NDArray[np.int64], int]:
        """Spikes and synaptic events since the last reset."""
        return self.path.counted()

    def weights(self) -> dict[str, NDArray[Any]]:
        """The weights of every plastic projection now, by the name of their tensor (copies)."""
        engine = self.path.engine
        return {link.weight.name: engine.weights(self.path.state, link.label) for link in engine.layout.learning}

    def agent(self) -> Agent:
        """The agent as it is now (a copy)."""
        tensors = {name: array.copy() for name, array in self._agent.tensors.items()}
        for name, weight in self.weights().items():
            tensors[name] = weight.astype(tensors[name].dtype)
        if self.modulator is None:
            return Agent(self.description, tensors)
        description = dataclasses.replace(self.description, modulator=self.modulator.config)
        return Agent(description, tensors | self.modulator.tensors())

    def state(self) -> dict[str, NDArray[Any]]:
        """All that the next decision depends on (copies), in the middle of an episode, too."""
        path = self.path
        arrays = {f"engine.{name}": array.copy() for name, array in path.state._asdict().items()}
        arrays |= {f"kept.{name}": array.copy() for name, array in self._state._asdict().items()}
        arrays |= {f"coder.{name}": array for name, array in path.coder.state().items()}
        if self.modulator is not None:
            arrays |= {f"modulator.{name}": array for name, array in self.modulator.state().items()}
        raster = self._silent_raster() if path.fired is None else path.engine.raster(path.fired)
        flags = np.array([self._first, self._fed, path.fired is not None])
        return arrays | {"raster": raster, "flags": flags, "reward": self._reward.copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from :meth:`state`, bit for bit.

        Raises:
            NetworkError, AgentError: the arrays are those of another network, or damaged.
        """
        engine = self.path.engine
        found = [State._make(state[f"{part}.{f}"].copy() for f in State._fields) for part in ("engine", "kept")]
        for one in found:
            engine.check_state(one)
        self.path.state, self._state = found
        self.path.coder.restore(_below(state, "coder."))
        if self.modulator is not None:
            self.modulator.restore(_below(state, "modulator."))
        self._first, self._fed, decided = (bool(flag) for flag in state["flags"])
        self._reward[:] = state["reward"]
        ticks, neurons = np.nonzero(state["raster"])
        ends = np.cumsum(np.bincount(ticks, minlength=len(self._silence.inputs)))
        self.path.fired = Fired(neurons.astype(np.int32), ends.astype(np.int64)) if decided else None

    def _silent_raster(self) -> NDArray[np.uint8]:
        return np.zeros((len(self._silence.inputs), self.path.engine.currents.width), np.uint8)

    def _given(self, signal: float) -> dict[str, Any]:
        """What the rules are given in a decision."""
        self._signals[0, self._listeners] = signal
        self._teach[0, self._taught] = -signal
        return {
            "signals": self._signals if self._listeners else None,
            "teach": self._teach if self._taught.any() else None,
        }


class PredictingLearner(Learner):
    """A learner whose modulator has a critic, which can tell what it expected and how wrong that was."""

    modulator: Any

    @property
    def value(self) -> float:
        """What the critic expected at the last decision, in largest rewards per step."""
        return float(self.modulator.value)

    @property
    def delta(self) -> float:
        """TD error of the newest reward that it learnt from; 0 before the first one."""
        return float(self.modulator.delta)

    @property
    def reward_scale(self) -> float:
        """The largest reward seen."""
        return float(self.modulator.reward_scale)


def _volley(given: Stimulus) -> Volley:
    """The spikes that enter, as lists."""
    ticks, sources = np.nonzero(given.inputs)
    starts = np.zeros(len(given.inputs) + 1, np.int64)
    np.cumsum(np.bincount(ticks, minlength=len(given.inputs)), out=starts[1:])
    return Volley(starts, sources)


def _taught(path: General) -> NDArray[np.bool_]:
    """Which driven neurons (n_driven,) have a rule that takes a learning signal."""
    engine = path.engine
    found = np.zeros(engine.currents.width, np.bool_)
    for link in engine.layout.learning:
        constants = (type(rule.constants(engine.program.tick_s)) for rule in link.rules)
        if any(takes_learning_signal(cls) for cls in constants):
            found[engine.currents.of[engine.program.nodes[link.target].label]] = True
    return found


def _below(state: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}
