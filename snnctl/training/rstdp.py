"""Reward-modulated STDP: a spiking actor taught by the temporal-difference error of a spiking critic, as it acts.

The learning is the agent's own (:mod:`snnctl.agent.learner`); this trainer plays episodes and lets exploration end.
One control step:

1. encode the observation as spikes of the input population
2. the critic values it; the error delta of its last prediction is the dopamine, which turns older marks into weights
3. the actor runs all ticks of the decision with escape noise; pre- and postsynaptic spikes mark synapses
4. act on the spikes: the decoder reads them as it does without noise

The noise of the neurons is the only exploration. Noise and learning rates fall geometrically over ``anneal_steps``. The
end of an episode is worth 0 if the task was failed, and the critic's value if time ran out. One update is
``episodes_per_update`` whole episodes. The exported agent acts without noise; with ``snnctl run --learn`` it goes on
with the noise and the rates that it ended with.

What to look at when it does not learn: ``rstdp/dopamine_offset`` (mean over deviation of delta; beyond 0.25 the critic
is wrong everywhere), ``rstdp/at_limits`` (fraction of weights at a bound), ``rstdp/weight_change`` (0: it learns
nothing), ``snn/rate_hz`` and ``snn/input_rate_hz`` (silence). ``rstdp/value_mean`` is the critic's value over all
decisions of the update, in largest rewards per step; ``rstdp/weight_q05`` to ``rstdp/weight_q95`` are quantiles of the
actor's weights after it. ``rstdp/reward_share`` is the mean size of a reward over the largest ever,
``rstdp/reward_scale``; ``rstdp/input_variety`` is how many inputs learnt in the update, over those that fire in one
tick (near 1: the same ones fire whatever is observed).
"""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from typing import TYPE_CHECKING, Annotated, Any, Literal

import gymnasium
import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray

from snnctl import streams
from snnctl.agent import learner
from snnctl.agent.description import AgentDescription, Provenance, problems
from snnctl.agent.folder import Agent
from snnctl.agent.learner import Learner
from snnctl.agent.learning import Learning
from snnctl.coding import ChoiceDecoder, HashedPlaceCells, PlaceCells, PopulationVectorDecoder
from snnctl.config import schema
from snnctl.errors import ConfigError, DivergedError, Problem
from snnctl.network.description import stack
from snnctl.robots.environments import task
from snnctl.training.algorithm import Report, State
from snnctl.training.episodes import Environments
from snnctl.training.run_folder import versions

if TYPE_CHECKING:
    from snnctl.training.recipe import Recipe

_RECENT = 100  # finished training episodes that the mean return is over
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)  # of the actor's weights, in the metrics


@schema
class RstdpConfig:
    """Configuration of the reward-modulated STDP trainer."""

    kind: Literal["rstdp"] = "rstdp"
    total_steps: Annotated[int, Gt(0)] = 1_000_000  # environment steps; training ends here or
    total_episodes: Annotated[int, Gt(0)] = 1000  # after this many episodes, whichever is first
    episodes_per_update: Annotated[int, Gt(0)] = 10
    # [low, high] of each observation that the place cells span; by default the bounds that the task declares
    observation_low: tuple[float, ...] | None = None
    observation_high: tuple[float, ...] | None = None
    learning: Learning = Learning()  # rates and noise at the start
    final_rate_fraction: Annotated[float, Gt(0), Le(1)] = 0.1  # both rates fall to this fraction
    final_noise: Annotated[float, Gt(0)] = 0.3
    anneal_steps: Annotated[int, Gt(0)] = 150_000  # steps until noise and rates are final
    initial_weight: float = 0.04  # mean of the actor's weights at the start
    initial_deviation: Annotated[float, Ge(0)] = 0.006


class Rstdp:
    """An :class:`~snnctl.training.algorithm.Algorithm`: an actor-critic of local learning rules."""

    def __init__(self, recipe: Recipe, config: RstdpConfig, seed: int) -> None:
        """Make the environment and the network; nothing is learnt yet.

        Raises:
            ConfigError, SpaceError: the recipe cannot be trained this way; all reasons at once.
        """
        self.recipe, self.config, self.seed = recipe, config, seed
        self.environments = Environments(recipe.env.id, recipe.env.kwargs, seed, 1)
        try:
            self.learner = Learner(self._untrained(self.environments.envs[0]), seed)
        except BaseException:
            self.environments.close()
            raise
        self.updates = self.episodes = self._steps = 0
        self.recent: deque[float] = deque(maxlen=_RECENT)

    @property
    def steps(self) -> int:
        """Environment steps so far."""
        return self._steps

    @property
    def total_steps(self) -> int:
        """Environment steps after which training is complete: no more than now once all episodes are done."""
        return self._steps if self.episodes >= self.config.total_episodes else self.config.total_steps

    def update(self) -> Report:
        """Whole episodes, learning in every decision of each.

        Raises:
            DivergedError: a weight is not finite.
        """
        weight = self.learner.weight
        before = weight.copy()
        deltas: list[float] = []
        values: list[float] = []
        rewards: list[float] = []
        output_spikes = input_spikes = 0
        first_step = self._steps
        for _ in range(self.config.episodes_per_update):
            if self._steps >= self.total_steps:
                break
            spikes_out, spikes_in = self._episode(deltas, values, rewards)
            output_spikes += spikes_out
            input_spikes += spikes_in
        self.updates += 1
        if not (np.isfinite(weight).all() and np.isfinite(self.learner.value_weight).all()):
            remedy = "lower trainer.learning.learning_rate"
            raise DivergedError(Problem(self.recipe.name, "a weight is not finite", remedy))
        seconds = max(1, self._steps - first_step) * self.recipe.network.ticks * self.recipe.network.tick_s
        delta = np.array(deltas)
        deviation = float(delta.std())
        n, m = weight.shape
        used = np.count_nonzero((weight != before).any(axis=1))  # inputs whose synapses changed
        per_tick = input_spikes / max(1, self._steps - first_step) / self.recipe.network.ticks
        scale = self.learner.reward_scale
        mean_return = float(np.mean(self.recent))
        limit = np.float32(self.learner.learning.weight_limit)
        metrics = {
            "rollout/ep_rew_mean": mean_return,
            "rollout/ep_rew_std": float(np.std(self.recent)),
            "rollout/diverged": float(self.environments.diverged),
            "rstdp/dopamine_mean": float(delta.mean()),
            "rstdp/dopamine_std": deviation,
            "rstdp/dopamine_offset": float(delta.mean()) / deviation if deviation > 0 else 0.0,
            "rstdp/reward_scale": scale,
            "rstdp/weight_norm": float(np.linalg.norm(weight)),
            **_quantiles(weight),
            "rstdp/weight_change": float(np.linalg.norm(weight - before)),
            **({"rstdp/input_variety": used / per_tick} if used and per_tick else {}),
            **({"rstdp/reward_share": float(np.mean(np.abs(rewards))) / scale} if scale else {}),
            "rstdp/at_limits": float(np.mean(np.abs(weight) >= limit)),
            "rstdp/value_norm": float(np.linalg.norm(self.learner.value_weight)),
            "rstdp/value_mean": float(np.mean(values)),
            "rstdp/noise": self.learner.learning.noise,
            "snn/rate_hz": output_spikes / (m * seconds),
            "snn/input_rate_hz": input_spikes / (n * seconds),
        }
        return Report(self._steps, self.episodes, mean_return, metrics)

    def agent(self) -> Agent:
        """The agent as it is now (a copy)."""
        agent = self.learner.agent()
        provenance = dataclasses.replace(agent.description.provenance, steps=self._steps)
        return Agent(dataclasses.replace(agent.description, provenance=provenance), agent.tensors)

    def state(self) -> State:
        """What the learner keeps, and counters; between episodes there are no marks."""
        env_arrays, env_values = self.environments.state()
        arrays: dict[str, NDArray[Any]] = {f"learner.{k}": v for k, v in self.learner.state().items()}
        arrays |= {f"environments.{name}": array for name, array in env_arrays.items()}
        arrays["recent"] = np.array(self.recent, np.float64)
        values = {
            "updates": self.updates,
            "episodes": self.episodes,
            "steps": self._steps,
            "environments": env_values,
        }
        return State(arrays, values)

    def restore(self, state: State) -> None:
        """Continue from ``state``, exactly as if never interrupted."""
        own = {k.removeprefix("learner."): v for k, v in state.arrays.items() if k.startswith("learner.")}
        self.learner.restore(own)
        self.recent = deque((float(r) for r in state.arrays["recent"]), maxlen=_RECENT)
        self.updates, self.episodes = state.values["updates"], state.values["episodes"]
        self._steps = state.values["steps"]
        self.environments.restore({"actions": state.arrays["environments.actions"]}, state.values["environments"])
        self.learner.learning = self._annealed()

    def close(self) -> None:
        """Close the environment."""
        self.environments.close()

    def _annealed(self) -> Learning:
        """Rates and noise after the steps so far."""
        config, learning = self.config, self.config.learning
        passed = min(1.0, self._steps / config.anneal_steps)
        fraction = config.final_rate_fraction**passed
        return dataclasses.replace(
            learning,
            learning_rate=learning.learning_rate * fraction,
            critic_learning_rate=learning.critic_learning_rate * fraction,
            noise=learning.noise * math.exp(passed * math.log(config.final_noise / learning.noise)),
        )

    def _episode(self, deltas: list[float], values: list[float], rewards: list[float]) -> tuple[int, int]:
        """One episode; appends every delta, value and reward of it, returns the spikes of (output, input)."""
        learner, environments = self.learner, self.environments
        learner.learning = self._annealed()
        learner.reset(streams.integer(self.seed, "encoder", self.episodes))
        spikes_out = spikes_in = 0
        first = True
        while True:
            action = learner.act(environments.observations[0])
            if not first:
                deltas.append(learner.delta)
            first = False
            values.append(learner.value)
            fired, given = learner.spikes()
            spikes_out += fired
            spikes_in += given
            step = environments.step(np.array([action]))
            rewards.append(float(step.rewards[0]))
            self._steps += 1
            terminated, truncated = bool(step.terminated[0]), bool(step.truncated[0])
            if step.finished and step.finished[0].diverged is not None:
                learner.abandon()  # a reward of 0 would be the best there is where rewards are costs
            else:
                learner.feedback(float(step.rewards[0]), step.last_observations[0], terminated, truncated)
            if step.finished:
                deltas.append(learner.delta)
                self.recent.append(step.finished[0].episode_return)
                self.episodes += 1
                return spikes_out, spikes_in

    def _untrained(self, env: gymnasium.Env[Any, Any]) -> Agent:
        """The agent before its first episode.

        Raises:
            ConfigError: everything about the recipe that cannot be trained.
        """
        recipe, config, name = self.recipe, self.config, self.recipe.name
        made_for = task(env, recipe.env.id, recipe.env.kwargs)
        dims, actions = made_for.observation_size, made_for.action_size
        low, high, found = _span(config, env, name)
        encoder, decoder = recipe.encoder, recipe.decoder
        if not isinstance(decoder, ChoiceDecoder | PopulationVectorDecoder):
            found.append(
                Problem(f"{name}:decoder.kind", f"is '{decoder.kind}'", "rstdp learns a choice or a population_vector")
            )
        if recipe.network.hidden:
            found.append(Problem(f"{name}:network.hidden", "is not empty", "rstdp trains one population; write []"))
        if isinstance(encoder, PlaceCells | HashedPlaceCells):
            key, entries = ("grid", encoder.grid) if isinstance(encoder, PlaceCells) else ("fields", encoder.fields)
            if len(entries) != dims:
                remedy = f"needs one for each of {dims} observations"
                found.append(Problem(f"{name}:encoder.{key}", f"has {len(entries)} entries", remedy))
        else:
            remedy = "rstdp learns from 'place_cells' or 'hashed_place_cells'"
            found.append(Problem(f"{name}:encoder.kind", f"is '{encoder.kind}'", remedy))
        if found:
            raise ConfigError(*found)
        description = AgentDescription(
            name=name,
            task=made_for,
            normaliser=recipe.normaliser,
            encoder=encoder,
            network=stack(
                inputs=encoder.size(dims),
                hidden=(),
                outputs=decoder.size(actions),
                neuron=recipe.network.neuron,
                tick_s=recipe.network.tick_s,
                ticks=recipe.network.ticks,
            ),
            decoder=decoder,
            provenance=Provenance(recipe=name, seed=self.seed, versions=versions()),
            learning=config.learning,
        )
        found = problems(description, name)
        if found := found or learner.problems(description, name):
            raise ConfigError(*found)
        return Agent(description, self._tensors(description, env, low, high))

    def _tensors(
        self, description: AgentDescription, env: gymnasium.Env[Any, Any], low: NDArray[Any], high: NDArray[Any]
    ) -> dict[str, NDArray[Any]]:
        config, generator = self.config, streams.generator(self.seed, "weights")
        n, m = description.network.inputs[0].size, description.network.output.size
        limit = config.learning.weight_limit
        weight = config.initial_weight + config.initial_deviation * generator.standard_normal((n, m))  # (n, m)
        tensors: dict[str, NDArray[Any]] = {
            "normaliser.mean": (low + high) / 2,
            "normaliser.std": (high - low) / 2,
            "projection.input.output.weight": np.clip(weight, -limit, limit).astype(np.float32),
            "population.output.bias": np.zeros(m, np.float32),
            "critic.weight": np.zeros(n),
            "critic.numbers": np.zeros(6),
        }
        encoder, decoder, actions = description.encoder, description.decoder, description.task.action_size
        if isinstance(encoder, PlaceCells):
            tensors["encoder.centre"], tensors["encoder.width"] = encoder.fields()
        elif isinstance(encoder, HashedPlaceCells):
            tensors["encoder.fields"], tensors["encoder.shift"] = encoder.grids(generator)
        if isinstance(decoder, ChoiceDecoder):
            tensors["decoder.weight"] = np.ones((actions, decoder.neurons_per_action))
            tensors["decoder.bias"] = np.zeros(actions)
        elif isinstance(decoder, PopulationVectorDecoder):
            box = env.action_space
            assert isinstance(box, gymnasium.spaces.Box)
            limits = box.low.ravel().astype(np.float64), box.high.ravel().astype(np.float64)
            tensors["decoder.low"], tensors["decoder.high"] = limits
            tensors["decoder.preferred"] = decoder.preferred(*limits)
        return tensors


def _quantiles(weight: NDArray[np.float32]) -> dict[str, float]:
    """``rstdp/weight_q05`` and so on, of all weights."""
    found = np.quantile(weight, QUANTILES)
    return {f"rstdp/weight_q{100 * q:02.0f}": float(w) for q, w in zip(QUANTILES, found, strict=True)}


def _span(
    config: RstdpConfig, env: gymnasium.Env[Any, Any], name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[Problem]]:
    """Lower and upper ends of the observations (dims,) that place cells span, and what is wrong with them."""
    box = env.observation_space
    assert isinstance(box, gymnasium.spaces.Box)
    declared = box.low.ravel().astype(np.float64), box.high.ravel().astype(np.float64)
    ends, found = [], list[Problem]()
    for key, given, own in zip(
        ("observation_low", "observation_high"), (config.observation_low, config.observation_high), declared,
        strict=True,
    ):  # fmt: skip
        end = own if given is None else np.array(given, np.float64)
        if end.size != own.size:
            remedy = f"needs one for each of {own.size} observations"
            found.append(Problem(f"{name}:trainer.{key}", f"has {end.size} entries", remedy))
        elif not (np.abs(end) < 1e30).all():  # some environments declare the largest float instead of infinity
            which = ", ".join(str(d) for d in np.flatnonzero(~(np.abs(end) < 1e30)))
            message = f"is missing, and the task declares no bound for observation {which}"
            remedy = "give what place cells are to span, one number for each observation"
            found.append(Problem(f"{name}:trainer.{key}", message, remedy))
        ends.append(end)
    if not found and not (ends[0] < ends[1]).all():
        which = ", ".join(str(d) for d in np.flatnonzero(~(ends[0] < ends[1])))
        message = f"is not below observation_high for observation {which}"
        found.append(Problem(f"{name}:trainer.observation_low", message, "exchange or widen them"))
    return ends[0], ends[1], found
