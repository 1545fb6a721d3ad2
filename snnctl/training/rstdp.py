"""Reward-modulated STDP: a spiking actor taught by the temporal-difference error of a critic, as it acts.

One control step (all equations in :mod:`snnctl.training.actor_critic` and :mod:`snnctl.plasticity.rstdp`):

1. encode the observation as spikes of the input population
2. the critic values it; the error delta of its last prediction is the dopamine
3. the actor runs all ticks of the decision with escape noise; in each tick, pre- and postsynaptic
   spikes mark synapses, and dopamine turns older marks into weights
4. act on the spike counts: the decoder takes the largest, as it does without noise

The noise of the neurons is the only exploration. Noise and learning rates fall geometrically over
``anneal_steps``. The end of an episode is worth 0 if the task was failed, and the critic's value if time ran out.
One update is ``episodes_per_update`` whole episodes. The exported agent is the same network without noise.

What to look at when it does not learn: ``rstdp/dopamine_offset`` (mean over deviation of delta; beyond 0.25
the rule drifts unsupervised), ``rstdp/at_limits`` (fraction of weights at a bound), ``rstdp/weight_change``
(0: it learns nothing), ``snn/rate_hz`` and ``snn/input_rate_hz`` (silence).
"""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from numpy.typing import NDArray

from snnctl import streams
from snnctl.agent.coder import Coder
from snnctl.agent.description import AgentDescription, Provenance, problems
from snnctl.agent.folder import Agent
from snnctl.coding import ChoiceDecoder, PlaceCells
from snnctl.config import schema
from snnctl.errors import ConfigError, DivergedError, Problem
from snnctl.network.description import stack
from snnctl.neurons import CurrentLif
from snnctl.neurons.current_lif import CurrentLifConstants
from snnctl.plasticity.rstdp import RewardStdp, RewardStdpState, initial_state
from snnctl.robots.environments import task
from snnctl.training.actor_critic import Critic, act, finish
from snnctl.training.algorithm import Report, State
from snnctl.training.episodes import Environments
from snnctl.training.run_folder import versions

if TYPE_CHECKING:
    from snnctl.training.recipe import Recipe

_RECENT = 100  # finished training episodes that the mean return is over


@schema
class RstdpConfig:
    """Configuration of the reward-modulated STDP trainer."""

    kind: Literal["rstdp"] = "rstdp"
    total_steps: Annotated[int, Gt(0)] = 250_000  # environment steps; training ends here or
    total_episodes: Annotated[int, Gt(0)] = 1000  # after this many episodes, whichever is first
    episodes_per_update: Annotated[int, Gt(0)] = 10
    observation_range: tuple[Annotated[float, Gt(0)], ...]  # of each observation: what the place cells span
    gamma: Annotated[float, Gt(0), Lt(1)] = 0.97  # discount of future rewards
    trace_lambda: Annotated[float, Gt(0), Le(1)] = 0.8  # eligibility decays by gamma trace_lambda a decision
    learning_rate: Annotated[float, Gt(0)] = 0.05  # of the actor, at the start
    critic_learning_rate: Annotated[float, Gt(0)] = 0.02  # at the start
    final_rate_fraction: Annotated[float, Gt(0), Le(1)] = 0.1  # both fall to this fraction
    noise: Annotated[float, Gt(0)] = 0.8  # width of the escape noise at the start, in units of the membrane
    final_noise: Annotated[float, Gt(0)] = 0.05
    anneal_steps: Annotated[int, Gt(0)] = 200_000  # steps until noise and rates are final
    value_baseline: float = 1.0  # value where nothing is learnt, in reward per step; hopeful is better than 0
    initial_weight: float = 0.2  # mean of the actor's weights at the start
    initial_deviation: Annotated[float, Ge(0)] = 0.1
    weight_limit: Annotated[float, Gt(0)] = 2.0  # the actor's weights stay within +-limit
    value_limit: Annotated[float, Gt(0)] = 10.0  # and the critic's within this


class Rstdp:
    """An :class:`~snnctl.training.algorithm.Algorithm`: an actor-critic of local learning rules."""

    def __init__(self, recipe: Recipe, config: RstdpConfig, seed: int) -> None:
        """Make the environment and the network; nothing is learnt yet.

        Raises:
            ConfigError, SpaceError: the recipe cannot be trained this way; all reasons at once.
        """
        self.recipe, self.config, self.seed = recipe, config, seed
        self.environments = Environments(recipe.env.id, recipe.env.kwargs, seed, 1)
        self.task = task(self.environments.envs[0], recipe.env.id, recipe.env.kwargs)
        dims, actions = self.task.observation_size, self.task.action_size
        try:
            encoder, neuron = _parts(recipe, config, dims)
        except ConfigError:
            self.environments.close()
            raise
        n, m = encoder.size(dims), recipe.decoder.size(actions)
        self.description = AgentDescription(
            name=recipe.name,
            task=self.task,
            normaliser=recipe.normaliser,
            encoder=encoder,
            network=stack(
                inputs=n,
                hidden=(),
                outputs=m,
                neuron=neuron,
                tick_s=recipe.network.tick_s,
                ticks=recipe.network.ticks,
            ),
            decoder=recipe.decoder,
            provenance=Provenance(recipe=recipe.name, seed=seed, versions=versions()),
        )
        if found := problems(self.description, recipe.name):
            self.environments.close()
            raise ConfigError(*found)
        self.neuron = CurrentLifConstants(*(np.float32(c) for c in neuron.constants(recipe.network.tick_s)))
        self.rule = RewardStdp(
            tau_pre_s=neuron.tau_mem_s,
            tau_rise_s=neuron.tau_syn_s,
            tau_post_s=0.0,
            # one decision of ticks decays the eligibility by gamma trace_lambda
            tau_eligibility_s=recipe.network.ticks
            * recipe.network.tick_s
            / -math.log(config.gamma * config.trace_lambda),
            tau_modulator_s=0.0,
            a_minus=0.0,
            reset_on_spike=neuron.reset == "value",
            learning_rate=config.learning_rate,
            weight_min=-config.weight_limit,
            weight_max=config.weight_limit,
        )
        self.synapses: RewardStdpState = initial_state(n, m)
        self.weight = self._initial_weight((n, m))  # (n, m)
        self.value_weight = np.zeros(n)  # (n,)
        self.value_eligibility = np.zeros(n)  # (n,)
        self.value = np.zeros(1)
        self.random = streams.kernel_state(seed, "exploration")  # (4,)
        self._bias = np.zeros(m, np.float32)  # (m,)
        self._counts = np.zeros(m, np.int64)  # (m,)
        centre, width = encoder.fields()
        k = m // actions
        self._fixed: dict[str, NDArray[Any]] = {
            "normaliser.mean": np.zeros(dims),
            "normaliser.std": np.array(config.observation_range, np.float64),
            "encoder.centre": centre,
            "encoder.width": width,
            "decoder.weight": np.ones((actions, k)),
            "decoder.bias": np.zeros(actions),
            "population.output.bias": self._bias,
        }
        self.updates = self.episodes = self._steps = 0
        self.recent: deque[float] = deque(maxlen=_RECENT)
        self.coder = Coder(self.agent())

    @property
    def steps(self) -> int:
        """Environment steps so far."""
        return self._steps

    @property
    def total_steps(self) -> int:
        """Environment steps after which training is complete: no more than now once all episodes are done."""
        return self._steps if self.episodes >= self.config.total_episodes else self.config.total_steps

    def update(self) -> Report:
        """Whole episodes, learning in every tick of each.

        Raises:
            DivergedError: a weight is not finite.
        """
        before = self.weight.copy()
        deltas: list[float] = []
        output_spikes = input_spikes = 0
        first_step = self._steps
        for _ in range(self.config.episodes_per_update):
            spikes_out, spikes_in = self._episode(deltas)
            output_spikes += spikes_out
            input_spikes += spikes_in
        self.updates += 1
        if not (np.isfinite(self.weight).all() and np.isfinite(self.value_weight).all()):
            raise DivergedError(Problem(self.recipe.name, "a weight is not finite", "lower trainer.learning_rate"))
        seconds = (self._steps - first_step) * self.recipe.network.ticks * self.recipe.network.tick_s
        delta = np.array(deltas)
        deviation = float(delta.std())
        n, m = self.weight.shape
        mean_return = float(np.mean(self.recent))
        metrics = {
            "rollout/ep_rew_mean": mean_return,
            "rstdp/dopamine_mean": float(delta.mean()),
            "rstdp/dopamine_std": deviation,
            "rstdp/dopamine_offset": float(delta.mean()) / deviation if deviation > 0 else 0.0,
            "rstdp/weight_norm": float(np.linalg.norm(self.weight)),
            "rstdp/weight_change": float(np.linalg.norm(self.weight - before)),
            "rstdp/at_limits": float(np.mean(np.abs(self.weight) >= np.float32(self.config.weight_limit))),
            "rstdp/value_norm": float(np.linalg.norm(self.value_weight)),
            "rstdp/noise": self._annealed(self.config.noise, self.config.final_noise),
            "snn/rate_hz": output_spikes / (m * seconds),
            "snn/input_rate_hz": input_spikes / (n * seconds),
        }
        return Report(self._steps, self.episodes, mean_return, metrics)

    def agent(self) -> Agent:
        """The agent as it is now (a copy): the actor without its noise."""
        tensors = {name: array.copy() for name, array in self._fixed.items()}
        tensors["projection.input.output.weight"] = self.weight.copy()
        provenance = dataclasses.replace(self.description.provenance, steps=self._steps)
        return Agent(dataclasses.replace(self.description, provenance=provenance), tensors)

    def state(self) -> State:
        """Weights, generator and counters; between episodes there are no traces to keep."""
        arrays: dict[str, NDArray[Any]] = {
            "weight": self.weight.copy(),
            "value_weight": self.value_weight.copy(),
            "random": self.random.copy(),
            "recent": np.array(self.recent, np.float64),
        }
        env_arrays, env_values = self.environments.state()
        arrays |= {f"environments.{name}": array for name, array in env_arrays.items()}
        values = {
            "updates": self.updates,
            "episodes": self.episodes,
            "steps": self._steps,
            "environments": env_values,
        }
        return State(arrays, values)

    def restore(self, state: State) -> None:
        """Continue from ``state``, exactly as if never interrupted."""
        self.weight[:] = state.arrays["weight"]
        self.value_weight[:] = state.arrays["value_weight"]
        self.random[:] = state.arrays["random"]
        self.recent = deque((float(r) for r in state.arrays["recent"]), maxlen=_RECENT)
        self.updates, self.episodes = state.values["updates"], state.values["episodes"]
        self._steps = state.values["steps"]
        self.environments.restore({"actions": state.arrays["environments.actions"]}, state.values["environments"])

    def close(self) -> None:
        """Close the environment."""
        self.environments.close()

    def _initial_weight(self, shape: tuple[int, int]) -> NDArray[np.float32]:
        config = self.config
        normal = streams.generator(self.seed, "weights").standard_normal(shape)  # (n, m)
        weight = config.initial_weight + config.initial_deviation * normal
        return np.clip(weight, -config.weight_limit, config.weight_limit).astype(np.float32)

    def _annealed(self, start: float, end: float) -> float:
        fraction = min(1.0, self._steps / self.config.anneal_steps)
        return start * math.exp(fraction * math.log(end / start))

    def _episode(self, deltas: list[float]) -> tuple[int, int]:
        """One episode; appends every delta and returns the spikes of (output, input)."""
        config = self.config
        fraction = self._annealed(1.0, config.final_rate_fraction)
        noise = self._annealed(config.noise, config.final_noise)
        rule = dataclasses.replace(self.rule, learning_rate=config.learning_rate * fraction)
        constants = rule.constants(self.recipe.network.tick_s)
        for array in (*self.synapses, self.value_eligibility, self.value):
            array[:] = 0
        critic = Critic(
            self.value_weight,
            self.value_eligibility,
            self.value,
            rate=config.critic_learning_rate * fraction,
            gamma=config.gamma,
            trace_lambda=config.trace_lambda,
            baseline=config.value_baseline,
            limit=config.value_limit,
        )
        decoder_weight, decoder_bias = self._fixed["decoder.weight"].ravel(), self._fixed["decoder.bias"]
        self.coder.reset(streams.integer(self.seed, "encoder", self.episodes))
        spikes_out = spikes_in = 0
        reward, first = 0.0, True
        while True:
            spikes = self.coder.encode(self.environments.observations[0])  # (ticks, n)
            action, delta = act(
                critic,
                self.neuron,
                constants,
                self.synapses,
                self.weight,
                self._bias,
                decoder_weight,
                decoder_bias,
                spikes,
                noise,
                reward,
                first,
                self.random,
                self._counts,
            )
            spikes_out += int(self._counts.sum())
            spikes_in += int(spikes.sum())
            if not first:
                deltas.append(delta)
            step = self.environments.step(np.array([action]))
            reward, first = float(step.rewards[0]), False
            self._steps += 1
            if step.finished:
                spikes = self.coder.encode(step.last_observations[0])  # (ticks, n)
                terminated = bool(step.terminated[0])
                deltas.append(finish(critic, constants, self.synapses, self.weight, spikes, reward, terminated))
                self.recent.append(step.finished[0].episode_return)
                self.episodes += 1
                return spikes_out, spikes_in


def _parts(recipe: Recipe, config: RstdpConfig, dims: int) -> tuple[PlaceCells, CurrentLif]:
    """The encoder and the neuron, once it is sure that this trainer can train them.

    Raises:
        ConfigError: everything about the recipe that it cannot do.
    """
    found: list[Problem] = []
    name, neuron, encoder = recipe.name, recipe.network.neuron, recipe.encoder
    needs = f"needs one for each of {dims} observations"
    if isinstance(encoder, PlaceCells) and len(encoder.grid) != dims:
        found.append(Problem(f"{name}:encoder.grid", f"has {len(encoder.grid)} entries", needs))
    if len(config.observation_range) != dims:
        entries = len(config.observation_range)
        found.append(Problem(f"{name}:trainer.observation_range", f"has {entries} entries", needs))
    if not isinstance(recipe.decoder, ChoiceDecoder):
        found.append(Problem(f"{name}:decoder.kind", f"is '{recipe.decoder.kind}'", "rstdp learns a 'choice'"))
    if recipe.network.hidden:
        found.append(Problem(f"{name}:network.hidden", "is not empty", "rstdp trains one population; write []"))
    if isinstance(neuron, CurrentLif) and neuron.refractory_ticks:
        found.append(Problem(f"{name}:network.neuron.refractory_ticks", "is not 0", "the rule knows no refractoriness"))
    if not isinstance(encoder, PlaceCells):
        found.append(Problem(f"{name}:encoder.kind", f"is '{encoder.kind}'", "rstdp learns from 'place_cells'"))
    elif not isinstance(neuron, CurrentLif):
        found.append(Problem(f"{name}:network.neuron.model", f"is '{neuron.model}'", "rstdp trains 'current_lif'"))
    elif not found:
        return encoder, neuron
    raise ConfigError(*found)
