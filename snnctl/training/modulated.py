"""The trainer of plastic networks: any network whose rules read the signal of a modulator learns as it acts.

The learning is the agent's own (:class:`snnctl.agent.learner.Learner`): network with rules, and modulator, are the
recipe's. This trainer draws the first weights, plays episodes, and lets all rates fall geometrically to
``final_rate_fraction`` over ``anneal_steps``. What explores is part of the network: neurons with noise, such as
``escape_lif``. One update is ``episodes_per_update`` whole episodes.

Weights of a projection are drawn from a normal distribution; those of ``initial``, by the name of the projection
(``"hidden.output"``), have a mean and a deviation of their own. Each plastic weight starts within the limits of its
rule. Encoder and decoder need no training.
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray

from snnctl import streams
from snnctl.agent import learner
from snnctl.agent.folder import Agent
from snnctl.agent.learner import Learner
from snnctl.config import schema
from snnctl.errors import DivergedError, Problem, nearest
from snnctl.network.description import NetworkDescription
from snnctl.network.rules import weight_limits
from snnctl.training import untrained_codes
from snnctl.training.algorithm import EPISODE_METRICS, Algorithm, Metric, Report, Trainer
from snnctl.training.blueprint import Blueprint
from snnctl.training.online import Online


@schema
class ModulatedConfig(Trainer):
    """Configuration of the trainer of plastic networks."""

    METRICS: ClassVar[dict[str, Metric]] = {
        "modulated/signal_mean": Metric("mean of the modulator's signal over the update"),
        "modulated/signal_std": Metric(
            "its standard deviation",
            low=1e-9,
            finding="the modulator is silent",
            remedy="raise modulator.gain, or look at the rewards of the environment",
        ),
        "modulated/rates": Metric("fraction of the recipe's rates that the update learnt with"),
        "modulated/weight_norm": Metric("Euclidean norm of all plastic weights"),
        "modulated/weight_change": Metric(
            "Euclidean norm of their change in the update",
            low=1e-9,
            finding="no weight moves",
            remedy="raise the learning_rate of the rules, or modulator.gain",
            over="all lines",
        ),
        "snn/rate_hz": Metric(
            "spikes a neuron with a model and second of network time",
            low=2.0,
            finding="the neurons are nearly silent",
            remedy="raise trainer.initial_weight",
        ),
        **EPISODE_METRICS,
    }
    ENDS: ClassVar[tuple[str, ...]] = ("total_steps", "total_episodes")
    STARTS: ClassVar[bool] = True

    kind: Literal["modulated"] = "modulated"
    total_steps: Annotated[int, Gt(0)] = 1_000_000  # environment steps; training ends here or
    total_episodes: Annotated[int, Gt(0)] = 1000  # after this many episodes, whichever is first
    episodes_per_update: Annotated[int, Gt(0)] = 10
    # [low, high] of each observation that the place cells span; by default the bounds that the task declares
    observation_low: tuple[float, ...] | None = None
    observation_high: tuple[float, ...] | None = None
    final_rate_fraction: Annotated[float, Gt(0), Le(1)] = 0.1
    anneal_steps: Annotated[int, Gt(0)] = 150_000
    initial_weight: float = 0.04  # mean of the weights at the start
    initial_deviation: Annotated[float, Ge(0)] = 0.006
    initial: dict[str, tuple[float, float]] = field(default_factory=dict)  # mean and deviation of single projections

    def problems(self, blueprint: Blueprint) -> list[Problem]:
        """Nothing that learns, codes that would have to be trained, projections that do not exist."""
        description, name = blueprint.description, blueprint.name
        network = description.network
        found = [
            problem._replace(remedy="give a projection a rule: plasticity = [{ rule = ... }]")
            for problem in learner.problems(description, name)
        ]
        if isinstance(network, NetworkDescription):
            known = [_short(p.prefix) for p in network.projections]
            for key in sorted(set(self.initial) - set(known)):
                where = f"{name}:trainer.initial.{key}"
                found.append(Problem(where, "is a projection that the network does not have", nearest(key, known)))
        return [*found, *untrained_codes.problems(blueprint, self.observation_low, self.observation_high)]

    def build(self, blueprint: Blueprint, seed: int, workers: int) -> Algorithm:
        """A learner in closed loop, in one thread."""
        return Modulated(blueprint, self, seed)

    def untrained(self, blueprint: Blueprint, seed: int) -> Agent:
        """The agent before its first episode: of random weights, or of those of the agent that training begins with."""
        description, generator = blueprint.described(seed), streams.generator(seed, "weights")
        network, task = description.spiking_network, description.task
        low, high, _ = untrained_codes.span(blueprint, self.observation_low, self.observation_high)
        shapes = network.tensor_shapes()
        tensors: dict[str, NDArray[Any]] = {"normaliser.mean": (low + high) / 2, "normaliser.std": (high - low) / 2}
        for p in network.projections:
            mean, deviation = self.initial.get(_short(p.prefix), (self.initial_weight, self.initial_deviation))
            drawn = mean + deviation * generator.standard_normal([n or 0 for n in shapes[p.weight_name].shape])
            for rule in p.plasticity:
                drawn = np.clip(drawn, *weight_limits(rule))
            tensors[p.weight_name] = drawn.astype(np.float32)
        tensors |= {p.bias_name: np.zeros(p.size, np.float32) for p in network.driven}
        if description.modulator is not None:
            kept = description.modulator.tensor_shapes(sum(p.size for p in network.inputs))
            tensors |= {name: np.zeros(shape) for name, shape in kept.items()}
        tensors |= description.encoder.initial(task.observation_size, generator)
        fixed = description.decoder.fixed(task.action_size, blueprint.limits)
        assert fixed is not None  # problems() told
        if blueprint.start is not None:
            given = blueprint.start.tensors
            tensors |= {name: np.array(given[name], t.dtype) for name, t in tensors.items() if name in given}
        return Agent(description, tensors | fixed)


class Modulated(Online):
    """An :class:`~snnctl.training.algorithm.Algorithm`: a learner that plays."""

    learner: Learner
    config: ModulatedConfig

    def __init__(self, blueprint: Blueprint, config: ModulatedConfig, seed: int) -> None:
        """Lay the network out and open the environment; ``blueprint`` is of a recipe that has no problems."""
        super().__init__(blueprint, config, seed, Learner(config.untrained(blueprint, seed), seed))

    def update(self) -> Report:
        """Whole episodes, learning in every decision of each.

        Raises:
            DivergedError: a weight is not finite.
        """
        before, first_step, spikes = self._weights(), self._steps, 0
        signals: list[float] = []
        for _ in range(self.config.episodes_per_update):
            if self._steps >= self.total_steps:
                break
            spikes += self._episode(signals)
        self.updates += 1
        after, description = self._weights(), self.learner.description
        if not np.isfinite(after).all():
            remedy = "lower the learning_rate of the rules, or modulator.gain"
            raise DivergedError(Problem(description.name, "a weight is not finite", remedy))
        network = description.spiking_network
        seconds = max(1, self._steps - first_step) * network.ticks * network.tick_s
        mean_return = float(np.mean(self.recent))
        metrics = {
            "rollout/ep_rew_mean": mean_return,
            "rollout/ep_rew_std": float(np.std(self.recent)),
            "rollout/diverged": float(self.environments.diverged),
            "modulated/signal_mean": float(np.mean(signals)),
            "modulated/signal_std": float(np.std(signals)),
            "modulated/rates": self._fraction,
            "modulated/weight_norm": float(np.linalg.norm(after)),
            "modulated/weight_change": float(np.linalg.norm(after - before)),
            "snn/rate_hz": spikes / (sum(p.size for p in network.driven) * seconds),
        }
        return Report(self._steps, self.episodes, mean_return, metrics)

    def _weights(self) -> NDArray[Any]:
        """All plastic weights side by side."""
        return np.concatenate([weight.ravel() for weight in self.learner.weights().values()])

    def _anneal(self) -> None:
        """Let modulator and critic learn with the rates of now."""
        modulator, own = self.learner.modulator, self.learner.description.modulator
        if modulator is not None and own is not None:
            modulator.config = own.slowed(self._fraction)

    def _episode(self, signals: list[float]) -> int:
        """One episode; appends every signal of it, returns the spikes of the driven populations."""
        self._begin()
        finished = False
        while not finished:
            action = self.learner.act(self.environments.observations[0])
            signals.append(self.learner.signal)
            _, finished = self._step(action)
        signals.append(self.learner.signal)
        return int(self.learner.counted()[0][1:].sum())


def _short(prefix: str) -> str:
    return prefix.removeprefix("projection.")
