"""The learner of the common case, an actor-critic in one compiled call: the same in training and afterwards.

    act(observation) -> action; then feedback(reward, following observation, terminated, truncated); and so on

Any other network and rule learns by :class:`snnctl.agent.learner.Learner`. What it learns with is part of the agent:
``learning`` of the description, ``critic.weight`` and ``critic.numbers`` of the tensors. The network is one projection
of spikes on one population of ``current_lif``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl import slots, streams
from snnctl.agent.actor_critic import AT, Settings, decide, finish, forget, synapses, value
from snnctl.agent.coder import Coder
from snnctl.agent.controller import Activity
from snnctl.agent.description import AgentDescription
from snnctl.agent.folder import Agent
from snnctl.agent.learning import Learning
from snnctl.coding.code import Action
from snnctl.errors import AgentError, Problem
from snnctl.network.description import NetworkDescription
from snnctl.neurons import CurrentLif
from snnctl.neurons.current_lif import CurrentLifConstants
from snnctl.plasticity import three_factor
from snnctl.plasticity.three_factor import W_LEVELS


def problems(description: AgentDescription, where: str) -> list[Problem]:
    """What keeps this agent from learning while it acts; empty when nothing does."""
    found, network = [], description.network
    if description.learning is None:
        remedy = "run an agent that was trained by local rules"
        return [Problem(f"{where}:learning", "is missing: the agent has no rule to learn by", remedy)]
    if not isinstance(network, NetworkDescription):
        return [Problem(f"{where}:network", "is dense, without spikes to learn by", "use kind = 'stack'")]
    neuron = network.output.neuron
    if len(network.projections) != 1 or len(network.driven) != 1 or network.projections[0].connectivity != "dense":
        found.append(Problem(f"{where}:network", "is not one dense projection on one population", "write hidden = []"))
    for number, projection in enumerate(network.projections):
        if projection.plasticity:
            place = f"{where}:network.projections[{number}].plasticity"
            found.append(Problem(place, "is given beside the agent's own rule", "leave one of them out"))
    if not isinstance(neuron, CurrentLif):
        name = getattr(neuron, "model", "none")
        found.append(Problem(f"{where}:network.neuron.model", f"is '{name}'", "the rule learns with 'current_lif'"))
    elif neuron.refractory_ticks:
        found.append(
            Problem(f"{where}:network.neuron.refractory_ticks", "is not 0", "the rule knows no refractoriness")
        )
    if description.encoder.signal == "analog":
        name = slots.ENCODERS.name_of(description.encoder)
        found.append(Problem(f"{where}:encoder.kind", f"is '{name}'", "the rule needs presynaptic spikes"))
    if description.decoder.reads != "spikes":
        name = slots.DECODERS.name_of(description.decoder)
        message = f"is '{name}', which reads {description.decoder.reads}"
        found.append(Problem(f"{where}:decoder.kind", message, "the rule acts by spikes alone"))
    if network.decision != "reset":
        found.append(Problem(f"{where}:network.decision", f"is '{network.decision}'", "the rule learns with 'reset'"))
    return found


class FusedLearner:
    """A controller of a learning agent; ``learning`` may be replaced between episodes.

    Attributes:
        delta: error of the newest reward learnt from; the one learnt in act() is that of the action before
        learning: rates and noise of the next episode

    Raises:
        AgentError: the agent has nothing to learn with, or a network that the rule does not fit.
    """

    def __init__(self, agent: Agent, seed: int) -> None:
        if found := problems(agent.description, agent.description.name):
            raise AgentError(*found)
        learning = agent.description.learning
        assert learning is not None
        self.learning: Learning = learning
        self.description = agent.description
        network, tensors = agent.description.spiking_network, agent.tensors
        neuron = network.output.neuron
        assert isinstance(neuron, CurrentLif)
        self._weight = network.projections[0].weight_name
        self._tensors = tensors
        self._coder = Coder(agent)
        self._neuron_model = neuron
        self._neuron = CurrentLifConstants(*(np.float32(c) for c in neuron.constants(network.tick_s)))
        self._bias = tensors[network.output.bias_name].astype(np.float32)  # (m,)
        limit, value_limit = np.float32(learning.weight_limit), _value_limit(learning)
        if found := [*_outside(tensors, self._weight, float(limit)), *_outside(tensors, "critic.weight", value_limit)]:
            raise AgentError(*found)
        self._syn = synapses(np.clip(tensors[self._weight].astype(np.float32), -limit, limit))
        self._syn.value_weight[:] = np.clip(tensors["critic.weight"], -value_limit, value_limit)
        self._syn.numbers[:] = tensors["critic.numbers"]
        self._syn.numbers[AT.marked] = 0
        n, m = self._syn.weight.shape
        self._random = streams.kernel_state(seed, "exploration")  # (4,)
        self._position = np.full(n, -1, np.int64)  # (n,)
        self._raster = np.zeros((network.ticks, m), np.uint8)  # (ticks, m)
        self._starts, self._sources = np.zeros(network.ticks + 1, np.int64), np.zeros(0, np.int64)
        self.delta = 0.0
        self.reset(seed)
        for held, unit in ((self._syn.weight, self._rule.w_step), (self._syn.value_weight, self._settings.value_step)):
            if unit > 0:  # the integer form: from the first decision on there is nothing between its numbers
                held[:] = np.rint(held / unit) * unit

    @property
    def weight(self) -> NDArray[np.float32]:
        """The actor's weights (n, m), as they are."""
        return self._syn.weight

    @property
    def value_weight(self) -> NDArray[np.float64]:
        """The critic's weights (n,), as they are."""
        return self._syn.value_weight

    @property
    def value(self) -> float:
        """V of the last decision, in largest rewards per step."""
        return float(self._syn.numbers[AT.value])

    @property
    def reward_scale(self) -> float:
        """The largest reward seen."""
        return float(self._syn.numbers[AT.scale])

    def reset(self, seed: int) -> None:
        """Start an episode: the encoder's stream is seeded, marks are forgotten; weights and exploration go on."""
        learning, network = self.learning, self.description.spiking_network
        self._coder.reset(seed)
        decay = learning.gamma * learning.trace_lambda
        integer = learning.arithmetic == "integer"
        value_limit = _value_limit(learning)
        self._rule = three_factor.constants(
            tick_s=network.tick_s,
            tau_rise_s=self._neuron_model.tau_syn_s,
            tau_pre_s=self._neuron_model.tau_mem_s,
            tau_post_s=learning.tau_post_s,
            ticks=network.ticks,
            decay=decay,
            score=learning.rule == "score",
            a_minus=learning.a_minus if learning.rule == "pair" else 0.0,
            clears=self._neuron_model.reset == "value",
            limit=learning.weight_limit,
            integer=integer,
        )
        self._settings = Settings(
            rate=learning.learning_rate,
            critic_rate=learning.critic_learning_rate,
            noise=learning.noise,
            gamma=learning.gamma,
            decay=decay,
            baseline=learning.value_baseline,
            low=learning.value_low,
            high=learning.value_high,
            neurons=learning.critic_neurons,
            most=learning.dopamine_limit,
            share=learning.dopamine_share,
            td=int(learning.dopamine == "td"),
            horizon=three_factor.horizon(decay),
            value_limit=value_limit,
            value_step=value_limit / W_LEVELS if integer else 0.0,
        )
        self._syn.numbers[AT.scale] = max(self._syn.numbers[AT.scale], learning.reward_scale)
        forget(self._syn)
        self._reward, self._first = 0.0, True

    def act(self, observation: NDArray[Any]) -> Action:
        """Learn from the last feedback, then decide, exploring."""
        self._starts, self._sources = self._coder.sources(observation)
        self.delta = decide(
            self._settings, self._rule, self._neuron, self._syn, self._bias, self._starts, self._sources,
            self._random, self._position, self._raster, self._reward, self._first,
        )  # fmt: skip
        self._first = False
        return self._coder.decode(self._raster)

    def feedback(self, reward: float, observation: NDArray[Any], terminated: bool, truncated: bool) -> None:
        """What the action led to; at the end of an episode the last reward is learnt at once."""
        self._reward = reward
        if terminated or truncated:
            starts, sources = self._coder.sources(observation)
            self.delta = finish(
                self._settings, self._rule, self._syn, starts, sources, self._random, reward, terminated
            )

    def abandon(self) -> None:
        """End an episode that teaches nothing: the newest action is forgotten, and what came of it."""
        forget(self._syn)
        self.delta = 0.0

    def value_at(self, observation: NDArray[Any]) -> float:
        """V of an observation, in largest rewards per step; nothing is learnt or marked.

        An encoder that draws spikes draws them from the episode's stream.
        """
        return float(value(self._settings, self._syn, *self._coder.sources(observation)))

    def activity(self) -> Activity:
        """Spikes and counts of the last decision."""
        network = self.description.spiking_network
        given = np.zeros((network.ticks, self._syn.weight.shape[0]), np.uint8)  # (ticks, n)
        given[np.repeat(np.arange(network.ticks), np.diff(self._starts)), self._sources] = 1
        spikes = {network.inputs[0].name: given, network.output.name: self._raster.copy()}
        return Activity(spikes, self._sources.size * self._syn.weight.shape[1])

    def spikes(self) -> tuple[int, int]:
        """Number of spikes of (output, input) in the last decision."""
        return int(np.count_nonzero(self._raster)), self._sources.size

    def agent(self) -> Agent:
        """The agent as it is now (a copy)."""
        tensors = {name: array.copy() for name, array in self._tensors.items()}
        tensors[self._weight] = self._syn.weight.copy()
        tensors["critic.weight"] = self._syn.value_weight.copy()
        numbers = self._syn.numbers.copy()
        numbers[AT.marked] = numbers[AT.value] = 0
        tensors["critic.numbers"] = numbers
        return Agent(dataclasses.replace(self.description, learning=self.learning), tensors)

    def state(self) -> dict[str, NDArray[Any]]:
        """All that the next episode depends on."""
        return {
            "weight": self._syn.weight.copy(),
            "value_weight": self._syn.value_weight.copy(),
            "numbers": self._syn.numbers.copy(),
            "random": self._random.copy(),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from :meth:`state`, at the start of an episode."""
        self._syn.weight[:], self._syn.value_weight[:] = state["weight"], state["value_weight"]
        self._syn.numbers[:], self._random[:] = state["numbers"], state["random"]
        self._syn.numbers[AT.marked] = 0  # what the file says would be an index of marks that it does not hold


def _outside(tensors: Mapping[str, NDArray[Any]], name: str, limit: float) -> list[Problem]:
    """Weights that the rule would not have made, but for the rounding of a unit of the integer form."""
    size = np.abs(tensors[name])
    outside = np.count_nonzero(size > limit * (1 + 1e-6))
    if not outside:
        return []
    message = f"has {outside} of {size.size} weights outside the limits of the rule, +-{limit:g} (up to {size.max():g})"
    key = "critic_weight_limit" if name.startswith("critic.") else "weight_limit"
    return [Problem(name, message, f"clip the weights, or raise learning.{key}")]


def _value_limit(learning: Learning) -> float:
    """The critic's weights stay within +- this."""
    return learning.critic_weight_limit or learning.value_high - learning.value_low
