"""Reward-modulated STDP: a spiking actor taught by the temporal-difference error of a spiking critic, as it acts.

The learning is the agent's own (:mod:`snnctl.agent.fused_learner`); this trainer plays episodes and lets exploration
end. One control step:

1. encode the observation as spikes of the input population
2. the critic values it; the TD error delta of its last prediction, in its deviations, is the dopamine: it turns older
   marks into weights
3. the actor runs all ticks of the decision with escape noise; pre- and postsynaptic spikes mark synapses
4. act on the spikes: the decoder reads them as it does without noise

The noise of the neurons is the only exploration. Noise and learning rates fall geometrically over ``anneal_steps``. The
end of an episode is worth 0 if the task was failed, and the critic's value if time ran out. One update is
``episodes_per_update`` whole episodes. The exported agent acts without noise; with ``snnctl run --learn`` it goes on
with the noise and the rates that it ended with.

The network is one dense projection from an encoder that makes spikes to a decoder that needs no training.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray

from snnctl import slots, streams
from snnctl.agent import fused_learner
from snnctl.agent.description import AgentDescription
from snnctl.agent.folder import Agent
from snnctl.agent.fused_learner import FusedLearner
from snnctl.agent.learning import Learning
from snnctl.agent.needs import of_critic
from snnctl.allocation import Need
from snnctl.config import schema
from snnctl.errors import DivergedError, Problem
from snnctl.training import untrained_codes
from snnctl.training.algorithm import EPISODE_METRICS, Algorithm, Metric, Report, Trainer
from snnctl.training.blueprint import Blueprint
from snnctl.training.online import Online

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)  # of the actor's weights, in the metrics


def _quantile(q: float) -> str:
    """Name of the metric."""
    return f"rstdp/weight_q{100 * q:02.0f}"


@schema
class RstdpConfig(Trainer):
    """Configuration of the reward-modulated STDP trainer."""

    METRICS: ClassVar[dict[str, Metric]] = {
        "rstdp/td_error_mean": Metric("mean of the critic's error delta over the update"),
        "rstdp/td_error_std": Metric(
            "its standard deviation",
            low=1e-6,
            finding="the critic errs no more",
            remedy="one reward may be far larger than all others (rstdp/reward_scale): clip the rewards of the "
            "environment",
        ),
        "rstdp/td_error_offset": Metric(
            "mean over standard deviation of delta",
            low=-0.25,
            high=0.25,
            finding="the critic errs in one direction everywhere",
            remedy="raise trainer.learning.critic_learning_rate, or check value_low, value_high and value_baseline",
        ),
        "rstdp/reward_scale": Metric(
            "the largest reward ever",
            low=1e-12,
            finding="every reward was 0",
            remedy="the task gave nothing to learn from",
        ),
        "rstdp/reward_share": Metric(
            "mean size of a reward over rstdp/reward_scale",
            low=1e-4,
            finding="rewards are tiny beside the largest one seen",
            remedy="clip the rewards of the environment",
        ),
        "rstdp/input_variety": Metric(
            "how many inputs learnt in the update, over those that fire in one tick",
            low=3.0,
            finding="the same inputs fire whatever is observed",
            remedy="give trainer.observation_low and observation_high what the observations really span",
        ),
        "rstdp/weight_norm": Metric("Euclidean norm of the actor's weights"),
        "rstdp/weight_change": Metric(
            "Euclidean norm of their change in the update",
            low=1e-9,
            finding="no weight moves",
            remedy="raise trainer.learning.learning_rate",
            over="all lines",
        ),
        **{_quantile(q): Metric(f"quantile {q:g} of the actor's weights") for q in QUANTILES},
        "rstdp/at_limits": Metric(
            "share of the actor's weights at a bound",
            high=0.5,
            finding="most weights are at a limit",
            remedy="lower trainer.learning.learning_rate",
        ),
        "rstdp/value_norm": Metric("Euclidean norm of the critic's weights"),
        "rstdp/value_mean": Metric("mean value of the decisions of the update, in largest rewards per step"),
        "rstdp/noise": Metric("width of the escape noise"),
        "snn/rate_hz": Metric(
            "spikes an output neuron and second of network time",
            low=2.0,
            finding="the output neurons are nearly silent",
            remedy="raise trainer.initial_weight",
        ),
        "snn/input_rate_hz": Metric(
            "spikes an input neuron and second of network time",
            low=1e-9,
            finding="the inputs are silent",
            remedy="check encoder and observation bounds",
        ),
        **EPISODE_METRICS,
    }

    ENDS: ClassVar[tuple[str, ...]] = ("total_steps", "total_episodes")
    STARTS: ClassVar[bool] = True

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

    def problems(self, blueprint: Blueprint) -> list[Problem]:
        """Observations without bounds, codes that it cannot learn with, more than one projection."""
        description, name, found = blueprint.description, blueprint.name, []
        if description.encoder.signal != "spikes":
            kind = slots.ENCODERS.name_of(description.encoder)
            message, remedy = f"is '{kind}', which makes no spikes", "use an encoder that does"
            found.append(Problem(f"{name}:encoder.kind", message, remedy))
        codes = untrained_codes.problems(blueprint, self.observation_low, self.observation_high)
        return [*found, *codes, *fused_learner.problems(self._description(blueprint, 0), name)]

    def needs(self, blueprint: Blueprint) -> list[Need]:
        """The critic."""
        return [of_critic(self.learning, blueprint.description.network.ticks, "trainer.learning")]

    def build(self, blueprint: Blueprint, seed: int, workers: int) -> Algorithm:
        """An actor-critic of local learning rules, in one thread."""
        return Rstdp(blueprint, self, seed)

    def _description(self, blueprint: Blueprint, seed: int) -> AgentDescription:
        """The agent's, with what it learns by."""
        return dataclasses.replace(blueprint.described(seed), learning=self.learning)

    def untrained(self, blueprint: Blueprint, seed: int) -> Agent:
        """The agent before its first episode: of random weights, or of those of the agent that training begins with."""
        description, generator = self._description(blueprint, seed), streams.generator(seed, "weights")
        network, task = description.spiking_network, description.task
        low, high, _ = untrained_codes.span(blueprint, self.observation_low, self.observation_high)
        n, m = network.inputs[0].size, network.output.size
        limit = self.learning.weight_limit
        weight = self.initial_weight + self.initial_deviation * generator.standard_normal((n, m))  # (n, m)
        tensors: dict[str, NDArray[Any]] = {
            "normaliser.mean": (low + high) / 2,
            "normaliser.std": (high - low) / 2,
            network.projections[0].weight_name: np.clip(weight, -limit, limit).astype(np.float32),
            network.output.bias_name: np.zeros(m, np.float32),
            "critic.weight": np.zeros(n),
            "critic.numbers": np.zeros(6),
        }
        tensors |= description.encoder.initial(task.observation_size, generator)
        fixed = description.decoder.fixed(task.action_size, blueprint.limits)
        assert fixed is not None  # problems() told
        if blueprint.start is not None:  # its critic, too, where it has one
            given = blueprint.start.tensors
            tensors |= {name: np.array(given[name], t.dtype) for name, t in tensors.items() if name in given}
        return Agent(description, tensors | fixed)


class Rstdp(Online):
    """An :class:`~snnctl.training.algorithm.Algorithm`: an actor-critic of local learning rules."""

    learner: FusedLearner
    config: RstdpConfig

    def __init__(self, blueprint: Blueprint, config: RstdpConfig, seed: int) -> None:
        """Make the network and open the environment; nothing is learnt yet.

        ``blueprint`` is of a recipe that has no problems.
        """
        agent = config.untrained(blueprint, seed)
        super().__init__(blueprint, config, seed, FusedLearner(agent, seed))
        self._ticks, self._tick_s = agent.description.network.ticks, agent.description.network.tick_s

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
            raise DivergedError(Problem(self.learner.description.name, "a weight is not finite", remedy))
        seconds = max(1, self._steps - first_step) * self._ticks * self._tick_s
        delta = np.array(deltas)
        deviation = float(delta.std())
        n, m = weight.shape
        used = np.count_nonzero((weight != before).any(axis=1))  # inputs whose synapses changed
        per_tick = input_spikes / max(1, self._steps - first_step) / self._ticks
        scale = self.learner.reward_scale
        mean_return = float(np.mean(self.recent))
        limit = np.float32(self.learner.learning.weight_limit)
        metrics = {
            "rollout/ep_rew_mean": mean_return,
            "rollout/ep_rew_std": float(np.std(self.recent)),
            "rollout/diverged": float(self.environments.diverged),
            "rstdp/td_error_mean": float(delta.mean()),
            "rstdp/td_error_std": deviation,
            "rstdp/td_error_offset": float(delta.mean()) / deviation if deviation > 0 else 0.0,
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

    def _anneal(self) -> None:
        """Rates and noise after the steps so far."""
        config, learning, fraction = self.config, self.config.learning, self._fraction
        self.learner.learning = dataclasses.replace(
            learning,
            learning_rate=learning.learning_rate * fraction,
            critic_learning_rate=learning.critic_learning_rate * fraction,
            noise=learning.noise * math.exp(self._passed * math.log(config.final_noise / learning.noise)),
        )

    def _episode(self, deltas: list[float], values: list[float], rewards: list[float]) -> tuple[int, int]:
        """One episode; appends every delta, value and reward of it, returns the spikes of (output, input)."""
        learner, spikes_out, spikes_in = self.learner, 0, 0
        self._begin()
        first, finished = True, False
        while not finished:
            action = learner.act(self.environments.observations[0])
            if not first:
                deltas.append(learner.delta)
            first = False
            values.append(learner.value)
            fired, given = learner.spikes()
            spikes_out += fired
            spikes_in += given
            reward, finished = self._step(action)
            rewards.append(reward)
        deltas.append(learner.delta)
        return spikes_out, spikes_in


def _quantiles(weight: NDArray[np.float32]) -> dict[str, float]:
    """``rstdp/weight_q05`` and so on, of all weights."""
    found = np.quantile(weight, QUANTILES)
    return {_quantile(q): float(w) for q, w in zip(QUANTILES, found, strict=True)}
