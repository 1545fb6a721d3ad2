"""Soft actor-critic: an actor that maximises Q plus entropy, with twin critics and a replay memory.

training.off_policy holds all that trainers with a replay memory share: steps, statistics and schedules.

1. act:    a = tanh(mu(x) + sigma(x) e), e held for some steps (training.held_noise)
2. learn:
       critics:      target at (x', a' ~ pi(x')) with the discount gamma (1 - ended) and the bonus alpha log pi(a' | x')
       every ``actor_every`` updates
       actor:        mean(alpha log pi(a | x) - min Q(x, a))         a = tanh(mu(x) + sigma(x) e), reparametrised
       temperature:  alpha (entropy - target entropy)                by the logarithm of alpha

mu is the agent's encoder, network and read-out, spiking or dense; the agent acts by tanh(mu), which is its decoder.
sigma is a small dense network for training only: it is not a part of the agent.

Sources: Haarnoja et al., arXiv:1812.05905; Palenicek et al., arXiv:2509.25174, and FlashSAC, arXiv:2604.04539
(hyper-parameters, held noise); Lee et al., arXiv:2502.15280 (reward scale); Tang et al., CoRL 2020 (a deviation that is
not deployed, for a spiking mean).
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Gt, Le
from numpy.typing import NDArray

from snnctl.config import schema
from snnctl.surrogate import adam, dense
from snnctl.training import actor, off_policy, squashed_normal
from snnctl.training.algorithm import Algorithm, Metric, Report, State
from snnctl.training.blueprint import Blueprint
from snnctl.training.held_noise import HeldNoise
from snnctl.training.off_policy import Floats, Floats64, OffPolicy, OffPolicyTrainer
from snnctl.training.trained import EPSILON, Trained


@schema
class SacConfig(OffPolicyTrainer):
    """Configuration of soft actor-critic."""

    METRICS: ClassVar[dict[str, Metric]] = {
        "loss/actor": Metric("alpha log pi - Q, mean over the actor's updates"),
        "policy/entropy": Metric("in nats, of actions in (-1, 1); approaches the target entropy"),
        "policy/alpha": Metric(
            "temperature: what a nat of entropy is worth in scaled rewards",
            high=1.0,
            finding="entropy is worth more than the task",
            remedy="lower trainer.target_entropy",
        ),
        "policy/std": Metric("mean deviation of an action before it is squashed"),
        **off_policy.METRICS,
    }

    kind: Literal["sac"] = "sac"
    alpha: Annotated[float, Gt(0)] = 0.01  # temperature at the start
    target_entropy: float | None = None  # in nats; by default -(number of actions) / 2
    initial_log_std: Annotated[float, Gt(-10), Le(1.9)] = -1.0  # logarithm of the deviation at the start
    std_hidden: tuple[Annotated[int, Gt(0)], ...] = (64, 64)  # ReLU layers of the deviation, for training only

    def build(self, blueprint: Blueprint, seed: int, workers: int) -> Algorithm:
        """Surrogate gradients driven by the critics."""
        return Sac(blueprint, self, seed, workers)


class Sac(OffPolicy):
    """An :class:`~snnctl.training.algorithm.Algorithm`: gradients driven by critics."""

    config: SacConfig
    ACTOR = ("loss/actor", "critic/q", "policy/entropy", "policy/std")

    def __init__(self, blueprint: Blueprint, config: SacConfig, seed: int, workers: int = 1) -> None:
        """Make networks, memory and buffers and open the environment; nothing is learnt yet.

        Args:
            blueprint: of a recipe that has no problems.
            config: its trainer.
            seed: of every random stream.
            workers: threads, 1 or 2 (one critic each); the results are the same bits.
        """
        super().__init__(blueprint, config, seed, workers)
        actions = blueprint.task.action_size
        std_sizes = (blueprint.task.observation_size, *config.std_hidden, actions)
        self.spread = Trained(dense.shapes(std_sizes))
        dense.initialise(self.spread.tensors, self._weights(1))
        self.spread.tensors[f"dense.{len(config.std_hidden)}.bias"][:] = squashed_normal.spread_of(
            config.initial_log_std
        )
        self.log_alpha = np.full(1, math.log(config.alpha))
        self.alpha_moments = adam.moments(self.log_alpha)
        self.target_entropy = -actions / 2 if config.target_entropy is None else config.target_entropy
        self.held = HeldNoise(actions)
        self._acting_std, self._learning_std = (dense.Pass(std_sizes, n, np.float32) for n in (1, config.batch))

    def state(self) -> State:
        """Also the noise that is held."""
        state = super().state()
        state.values["held"] = self.held.left
        return state

    def restore(self, state: State) -> None:
        """Continue from ``state``, exactly as if never interrupted."""
        super().restore(state)
        self.held.left = state.values["held"]

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {
            **super()._arrays(), **self.spread.arrays("std"), "alpha.log": self.log_alpha,
            **self.alpha_moments.arrays("alpha"), "held": self.held.noise,
        }  # fmt: skip

    def _learnt(self) -> dict[str, Floats]:
        spread = {f"std.{name}": tensor for name, tensor in self.spread.tensors.items()}
        return super()._learnt() | spread | {"alpha": self.log_alpha}

    def _explore(self, observation: Floats64, random: np.random.Generator, tally: actor.Tally) -> Floats64:
        """Part 1."""
        e, key = self.held.next(random), random.integers(0, 2**64, size=1, dtype=np.uint64)
        if self.steps < self.config.start_steps:
            return random.uniform(-1.0, 1.0, len(e))
        x = self._normalise(observation[None])
        mean = self._acting.forward(self.mean.tensors, x, key)
        tally.add()
        spread = self._acting_std.forward(self.spread.tensors, x)
        drawn = squashed_normal.draw(mean.astype(np.float64), spread.astype(np.float64), e[None])
        a: Floats64 = drawn.actions[0]
        return a

    def _policy(self, x: Floats, random: np.random.Generator) -> squashed_normal.Draw:
        """Fresh actions of a batch; leaves in the work spaces what a backward pass needs."""
        keys = random.integers(0, 2**64, size=len(x), dtype=np.uint64)
        mean = self._learning.forward(self.mean.tensors, x, keys).astype(np.float64)
        spread = self._learning_std.forward(self.spread.tensors, x).astype(np.float64)
        return squashed_normal.draw(mean, spread, random.standard_normal(mean.shape))

    def _update_critics(self, drawing: np.random.Generator, noise: np.random.Generator, sums: Floats64) -> Floats:
        """Part 2, critics; returns the normalised observations of the batch."""
        batch = self._batch(drawing)
        drawn = self._policy(batch.following, noise)
        self._learn(batch, drawn.actions, math.exp(self.log_alpha[0]) * drawn.log_p, sums)
        return batch.observations

    def _update_actor(self, x: Floats, noise: np.random.Generator, sums: Floats64) -> None:
        """Part 2, actor and temperature."""
        samples, alpha, lr = len(x), math.exp(self.log_alpha[0]), self.config.lr * self._remaining
        drawn = self._policy(x, noise)
        q, slope = self.critics.action_gradient(x, drawn.actions.astype(np.float32))
        d_mean, d_spread = squashed_normal.gradient(
            drawn, -slope.astype(np.float64) / samples, np.full(samples, alpha / samples)
        )
        self._learning.backward(self.mean.tensors, d_mean.astype(np.float32), self.mean.gradients)
        self._learning_std.backward(self.spread.tensors, d_spread.astype(np.float32), self.spread.gradients)
        self.mean.step(lr)
        self.spread.step(lr)
        self.policy.constrain(self.mean.tensors, self.config.weight_limit)
        entropy = -float(drawn.log_p.mean())
        d_log_alpha = np.full(1, alpha * (entropy - self.target_entropy))
        adam.update(self.log_alpha, d_log_alpha, self.alpha_moments, lr, epsilon=EPSILON)
        sums += 1, alpha * -entropy - float(q.mean()), float(q.mean()), entropy, float(drawn.std.mean())

    def _report(self, critic: Floats64, judged: Floats64, more: dict[str, float]) -> Report:
        return super()._report(critic, judged, {"policy/alpha": math.exp(self.log_alpha[0]), **more})
