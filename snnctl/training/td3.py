"""TD3, twin delayed deterministic policy gradients: an actor without entropy, critics that judge it with noise.

training.off_policy holds all that trainers with a replay memory share: steps, statistics and schedules.

1. act:    a = clip(tanh(mu(x)) + exploration_noise e, -1, 1)         e standard normal, drawn in every step
2. learn:
       critics:      target at (x', a') with the discount gamma (1 - ended)
                     a' = clip(target actor(x') + clip(target_noise e, -c, c), -1, 1)         c = target_noise_clip
       every ``actor_every`` updates
       actor:        -mean Q[0](x, tanh(mu(x)))                       of the first critic

mu is the agent's encoder, network and read-out, spiking or dense; the agent acts by tanh(mu), which is its decoder. The
target actor (training.target_actor) follows the weights of the actor, or is a dense proxy that imitates its actions.
Target critics move in every update of the critics, by ``critic.tau``.

Sources: Fujimoto et al., ICML 2018; Xu et al., NeurIPS 2025, arXiv:2505.24161 (proxy target).
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray

from snnctl import slots
from snnctl.allocation import Need
from snnctl.config import schema
from snnctl.surrogate.critics import Relu
from snnctl.training import actor, off_policy, target_actor
from snnctl.training.algorithm import Algorithm, Metric, Report
from snnctl.training.blueprint import Blueprint
from snnctl.training.off_policy import Floats, Floats64, OffPolicy, OffPolicyTrainer
from snnctl.training.target_actor import Polyak, TargetActor, TargetChoice


@schema
class Td3Config(OffPolicyTrainer):
    """Configuration of TD3, with the values of its authors."""

    METRICS: ClassVar[dict[str, Metric]] = {
        **off_policy.METRICS,
        "critic/q": Metric("Q of the first critic of the actor's actions, in scaled rewards"),
        **target_actor.METRICS,
    }

    kind: Literal["td3"] = "td3"
    total_steps: Annotated[int, Gt(0)] = 1_000_000  # environment steps; the learning rates fall until then
    start_steps: Annotated[int, Ge(1)] = 25_000  # steps with random actions before anything is learnt
    actor_every: Annotated[int, Gt(0)] = 2  # updates of the critics for one of the actor
    final_lr_fraction: Annotated[float, Ge(0), Le(1)] = 1.0  # all fall linearly to this fraction of the start
    critic: Annotated[Any, slots.CRITICS] = Relu()
    exploration_noise: Annotated[float, Ge(0)] = 0.1  # deviation, in half action ranges
    target_noise: Annotated[float, Ge(0)] = 0.2  # deviation of the noise on the target actor's actions
    target_noise_clip: Annotated[float, Ge(0)] = 0.5  # its largest size
    target_actor: TargetChoice = Polyak()
    scale_rewards: bool = True  # divide them by the return scale; false: the critics learn them as they are

    def needs(self, blueprint: Blueprint) -> list[Need]:
        """Also those of the target actor."""
        dims, actions = blueprint.task.observation_size, blueprint.task.action_size
        numbers = self.target_actor.numbers(dims, actions, self.batch)
        return [*super().needs(blueprint), Need("trainer.target_actor", "layers of the target actor", 4 * numbers)]

    def build(self, blueprint: Blueprint, seed: int, workers: int) -> Algorithm:
        """Surrogate gradients driven by the first critic."""
        return Td3(blueprint, self, seed, workers)


class Td3(OffPolicy):
    """An :class:`~snnctl.training.algorithm.Algorithm`: gradients driven by critics."""

    config: Td3Config
    ACTOR = ("critic/q",)

    def __init__(self, blueprint: Blueprint, config: Td3Config, seed: int, workers: int = 1) -> None:
        """Make networks, memory and buffers and open the environment; nothing is learnt yet.

        Args:
            blueprint: of a recipe that has no problems.
            config: its trainer.
            seed: of every random stream.
            workers: threads, 1 or 2 (one critic each); the results are the same bits.
        """
        super().__init__(blueprint, config, seed, workers)
        self.target: TargetActor = config.target_actor.build(
            self.policy, self._learning, self.mean.flat, config.batch, self._weights(1)
        )

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {**super()._arrays(), **self.target.arrays()}

    def _learnt(self) -> dict[str, Floats]:
        return super()._learnt() | {f"target.{name}": tensor for name, tensor in self.target.tensors.items()}

    @property
    def _reward_scale(self) -> float:
        return super()._reward_scale if self.config.scale_rewards else 1.0

    def _explore(self, observation: Floats64, random: np.random.Generator, tally: actor.Tally) -> Floats64:
        """Part 1."""
        if self.steps < self.config.start_steps:
            return random.uniform(-1.0, 1.0, self.description.task.action_size)
        x = self._normalise(observation[None])
        a = np.tanh(self._acting.forward(self.mean.tensors, x, _keys(x, random)))[0]
        tally.add()
        disturbed: Floats64 = a + self.config.exploration_noise * random.standard_normal(a.shape)
        return np.clip(disturbed, -1.0, 1.0)

    def _actions(self, x: Floats, random: np.random.Generator) -> Floats:
        """Those of the actor over a batch; leaves in the work space what a backward pass needs."""
        return np.tanh(self._learning.forward(self.mean.tensors, x, _keys(x, random)))

    def _update_critics(self, drawing: np.random.Generator, noise: np.random.Generator, sums: Floats64) -> Floats:
        """Part 2, target actor and critics; returns the normalised observations of the batch."""
        config = self.config
        for _ in range(self.target.imitations):
            x = self._batch(drawing).observations
            self.target.imitate(x, self._actions(x, noise), self._remaining)
        batch = self._batch(drawing)
        a = self.target.actions(batch.following, _keys(batch.following, noise))
        smoothing = config.target_noise * noise.standard_normal(a.shape)
        smoothing = np.clip(smoothing, -config.target_noise_clip, config.target_noise_clip)
        self._learn(batch, np.clip(a + smoothing, -1.0, 1.0), np.zeros(len(a)), sums)
        return batch.observations

    def _update_actor(self, x: Floats, noise: np.random.Generator, sums: Floats64) -> None:
        """Part 2, actor."""
        a = self._actions(x, noise)
        q, slope = self.critics.first_action_gradient(x, a)
        self._learning.backward(self.mean.tensors, -slope * (1 - a * a) / np.float32(len(x)), self.mean.gradients)
        self.mean.step(self.config.lr * self._remaining)
        self.policy.constrain(self.mean.tensors, self.config.weight_limit)
        self.target.follow(self.mean.flat)
        sums += 1, float(q.mean())

    def _report(self, critic: Floats64, judged: Floats64, more: dict[str, float]) -> Report:
        return super()._report(critic, judged, more | self.target.metrics())


def _keys(x: Floats, random: np.random.Generator) -> NDArray[np.uint64]:
    """Names of random streams, one a sample."""
    return random.integers(0, 2**64, size=len(x), dtype=np.uint64)
