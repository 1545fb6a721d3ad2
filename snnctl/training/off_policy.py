"""What trainers with a replay memory share: one environment, twin critics, lines of metrics, and resuming.

In every step, from ``start_steps`` on (actions are uniform before):

1. act:    an action of the policy with exploration; remember (s, a, r, ended, s')
2. learn:  ``updates_per_step`` times a batch from the memory: the critics, and in every ``actor_every``-th the actor

x and x' are the observations of a batch, normalised by statistics of all that was observed, which stay frozen for
``report_every`` steps and are those of the agent. Rewards are divided by the return scale (training.return_scale).
Forms of critics are a slot (surrogate.critics). Time that runs out is not an end: only ``ended`` cuts the target.

All learning rates fall linearly to ``final_lr_fraction`` at ``total_steps``, so the first half of a long training is
not a short one. Every random number comes from a stream named by (seed, role, report).
"""

from __future__ import annotations

import dataclasses
import math
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray

from snnctl import runtime, slots, streams
from snnctl.agent.folder import Agent
from snnctl.allocation import Need
from snnctl.config import schema
from snnctl.errors import ConfigError, DivergedError, Problem
from snnctl.surrogate import parameters
from snnctl.surrogate.critics import LayerNormalised
from snnctl.surrogate.derivatives import Rectangular
from snnctl.surrogate.twin_critics import TwinCritics
from snnctl.training import actor, replay, rollouts
from snnctl.training.algorithm import Metric, Report, Rows, State, Trainer
from snnctl.training.blueprint import Blueprint
from snnctl.training.return_scale import ReturnScale
from snnctl.training.running_statistics import restored
from snnctl.training.trained import Trained

BOUND = 5.0  # returns of scaled rewards stay within +-BOUND

Floats = NDArray[np.floating[Any]]
Floats64 = NDArray[np.float64]

METRICS: dict[str, Metric] = {  # of every such trainer
    "loss/critic": Metric("of both critics: squared error or cross-entropy, mean over the updates of the line"),
    "critic/q": Metric("smaller Q of both critics of the actor's actions, in scaled rewards"),
    "critic/clipped": Metric(
        "share of the target distribution beyond the outermost atoms",
        high=0.2,
        finding="returns do not fit into the critic's range",
        remedy="widen trainer.critic.low and high",
    ),
    "train/lr": Metric("learning rate of the actor at the end of the line"),
    "train/reward_scale": Metric("what rewards are divided by"),
    **actor.METRICS,
    **rollouts.METRICS,
}


@schema
class OffPolicyTrainer(Trainer):
    """Base of the configurations."""

    STARTS: ClassVar[bool] = True
    CHIPS: ClassVar[bool] = True

    kind: str
    total_steps: Annotated[int, Gt(0)] = 500_000  # environment steps; the learning rates fall until then
    report_every: Annotated[int, Gt(0)] = 1000  # steps of one line of metrics, with frozen observation statistics
    start_steps: Annotated[int, Ge(1)] = 5000  # steps with random actions before anything is learnt
    batch: Annotated[int, Gt(0)] = 256  # transitions of one update
    updates_per_step: Annotated[float, Gt(0), Le(100)] = 1.0  # updates of the critics in a step; 0.5: in every second
    actor_every: Annotated[int, Gt(0)] = 3  # updates of the critics for one of the actor
    replay_capacity: Annotated[int, Gt(0)] = 1_000_000  # transitions that are remembered, the newest
    lr: Annotated[float, Gt(0)] = 3e-4  # of the actor, at the start
    critic_lr: Annotated[float, Gt(0)] = 3e-4  # of the critics, at the start
    final_lr_fraction: Annotated[float, Ge(0), Le(1)] = 0.1  # all fall linearly to this fraction of the start
    gamma: Annotated[float, Ge(0), Le(1)] = 0.99  # discount of future rewards
    init_gain: Annotated[float, Gt(0)] = 2.0  # synaptic weights start as N(0, gain^2 / n_in)
    decoder_gain: Annotated[float, Gt(0)] = 0.5  # decoder weights start as N(0, gain^2 / k)
    weight_limit: Annotated[float, Gt(0)] = 4.0  # synaptic weights and biases stay within +-limit
    critic: Annotated[Any, slots.CRITICS] = LayerNormalised()
    derivative: Annotated[Any, slots.DERIVATIVES] = Rectangular()

    def problems(self, blueprint: Blueprint) -> list[Problem]:
        """Discrete actions; an encoder, decoder or network without a gradient."""
        found = []
        if blueprint.task.action_kind != "continuous":
            message = f"'{slots.TRAINERS.name_of(self)}' needs continuous actions"
            remedy = "choose such an environment, or another trainer"
            found.append(Problem(f"{blueprint.name}:trainer.kind", message, remedy))
        return [*found, *actor.problems(blueprint.description, self.derivative, blueprint.name)]

    def rehearsal(self) -> OffPolicyTrainer:
        """Learning begins at once, and the first line of metrics comes when the actor has learnt, too."""
        steps = 2 + math.ceil((1 + self.actor_every) / self.updates_per_step)
        return dataclasses.replace(self, start_steps=1, report_every=steps, total_steps=2 * steps)

    def needs(self, blueprint: Blueprint) -> list[Need]:
        """The memory of transitions, a batch, both critics, the observations of a report."""
        dims, actions = blueprint.task.observation_size, blueprint.task.action_size
        kept, width = min(self.replay_capacity, self.total_steps), replay.width(dims, actions)
        count = min(self.report_every, self.total_steps)
        return [
            Need("trainer.replay_capacity", f"{kept} transitions of {width} numbers", 4 * kept * width),
            Need("trainer.report_every", f"observations of {count} steps", 8 * count * dims),
            Need("trainer.batch", f"{self.batch} transitions", 8 * self.batch * width),
            Need("trainer.critic", "both critics", 4 * self.critic.numbers(dims, actions, self.batch)),
            *actor.needs(blueprint.description, 1 + self.batch, "trainer.batch"),
        ]


class OffPolicy:
    """Base of the algorithms: the subclass says how it explores and what critics and actor learn."""

    CRITIC: ClassVar[tuple[str, ...]] = ("loss/critic", "critic/clipped")  # what _update_critics sums up
    ACTOR: ClassVar[tuple[str, ...]]  # what _update_actor sums up

    def __init__(self, blueprint: Blueprint, config: OffPolicyTrainer, seed: int, workers: int = 1) -> None:
        """Make networks, memory and buffers and open the environment; nothing is learnt yet.

        Args:
            blueprint: of a recipe that has no problems.
            config: its trainer.
            seed: of every random stream.
            workers: threads, 1 or 2 (one critic each); the results are the same bits.
        """
        if workers < 1:
            raise ConfigError(Problem("workers", f"is {workers}", "use 1 or 2"))
        runtime.single_threaded_blas()
        self.blueprint, self.config, self.seed = blueprint, config, seed
        self.description = blueprint.described(seed)
        dims, actions, batch = blueprint.task.observation_size, blueprint.task.action_size, config.batch
        self.policy = blueprint.policy(config.derivative)
        self.mean = Trained(self.policy.shapes)
        self.policy.initialise(self.mean.tensors, self._weights(0), config.init_gain, config.decoder_gain)
        self.critics: TwinCritics = config.critic.build(dims, actions, batch, self._weights(2), workers)

        self.ring = replay.allocate(min(config.replay_capacity, config.total_steps), dims, actions)
        self.returns = ReturnScale(config.gamma, BOUND)
        self.seen = blueprint.begin(self.mean.tensors)
        self.frozen = self.seen  # what observations are normalised with during a report
        self.steps, self.reports = 0, 0
        self._acting, self._learning = self.policy.workspace(1), self.policy.workspace(batch)
        self._rows = np.zeros((batch, self.ring.shape[1]), dtype=np.float32)
        self.rollouts = rollouts.Rollouts(blueprint, seed, 1)

    @property
    def total_steps(self) -> int:
        """Environment steps after which training is complete."""
        return self.config.total_steps

    def update(self) -> Report:
        """The steps of one line of metrics, with their updates.

        Raises:
            DivergedError: a number that is learnt is not finite; names the tensor.
        """
        config = self.config
        self.frozen = self.seen
        acting = streams.generator(self.seed, "exploration", self.reports)
        drawing = streams.generator(self.seed, "replay", self.reports)
        noise = streams.generator(self.seed, "batches", self.reports)
        count = min(config.report_every, config.total_steps - self.steps)
        observed = np.zeros((count, self.description.task.observation_size))
        tally = actor.Tally(self._acting, self.policy.decision_s)
        critic, judged = np.zeros(1 + len(self.CRITIC)), np.zeros(1 + len(self.ACTOR))  # how many, and sums
        for t in range(count):
            observed[t] = self.rollouts.environments.observations[0]
            self._step(observed[t], acting, tally)
            for update in range(self._updates(self.steps - 1), self._updates(self.steps)):
                x = self._update_critics(drawing, noise, critic)
                if update % config.actor_every == 0:
                    self._update_actor(x, noise, judged)
        if self.description.normaliser.learnable:
            self.seen = self.seen.merge(observed)
        self.reports += 1
        self._check_finite()
        return self._report(critic, judged, tally.metrics() if self.steps > config.start_steps else {})

    def agent(self) -> Agent:
        """The agent as it is now (a copy): the mean's weights with the statistics that they were trained with."""
        return self.blueprint.agent(self.seed, self.steps, self.mean.tensors, self.frozen)

    def state(self) -> State:
        """Weights, moments, statistics, counters, the environment's episode; and the memory as rows."""
        arrays = {name: array.copy() for name, array in self._arrays().items()}
        arrays |= self.seen.arrays("seen") | self.frozen.arrays("frozen")
        played = self.rollouts.state()
        arrays |= {f"rollouts.{name}": array for name, array in played.arrays.items()}
        values = {"steps": self.steps, "reports": self.reports, "rollouts": played.values}
        return State(arrays, values, {"replay": Rows(self.steps, self.ring)})

    def restore(self, state: State) -> None:
        """Continue from ``state``, exactly as if never interrupted."""
        arrays, values = state.arrays, state.values
        for name, array in self._arrays().items():
            array[:] = arrays[name]
        self.seen, self.frozen = restored(arrays, "seen"), restored(arrays, "frozen")
        self.steps, self.reports = values["steps"], values["reports"]
        self.rollouts.restore(State(parameters.below(arrays, "rollouts."), values["rollouts"]))
        total, kept = state.rows["replay"]
        numbers = np.arange(max(0, total - len(self.ring)), total)
        if len(numbers):
            self.ring[numbers % len(self.ring)] = kept[numbers % len(kept)]

    def close(self) -> None:
        """Close the environment and the second thread."""
        self.rollouts.close()
        self.critics.close()

    # ------------------------------------------------------------------ of the subclass

    def _explore(self, observation: Floats64, random: np.random.Generator, tally: actor.Tally) -> Floats64:
        """Part 1, the next action (actions,) in [-1, 1]; uniform before ``start_steps``."""
        raise NotImplementedError

    def _update_critics(self, drawing: np.random.Generator, noise: np.random.Generator, sums: Floats64) -> Floats:
        """Part 2, critics; returns the normalised observations of the batch."""
        raise NotImplementedError

    def _update_actor(self, x: Floats, noise: np.random.Generator, sums: Floats64) -> None:
        """Part 2, actor."""
        raise NotImplementedError

    def _arrays(self) -> dict[str, NDArray[Any]]:
        """What is changed in place and has the same shape for good."""
        return {**self.mean.arrays("actor"), **self.critics.arrays(), "returns": self.returns.numbers}

    def _learnt(self) -> dict[str, Floats]:
        """What must be finite."""
        return {f"critic.{name}": tensor for name, tensor in self.critics.online.tensors.items()} | self.mean.tensors

    # ------------------------------------------------------------------ for the subclass

    def _weights(self, network: int) -> np.random.Generator:
        """The stream of a network's first weights: 0 the actor's, 2 the critics', others the subclass's."""
        return streams.generator(self.seed, "weights", network)

    def _updates(self, steps: int) -> int:
        """How many updates the critics have had after ``steps`` steps."""
        return max(0, math.floor((steps + 1 - self.config.start_steps) * self.config.updates_per_step))

    @property
    def _remaining(self) -> float:
        """What is left of the learning rates."""
        return 1.0 - self.steps / self.config.total_steps * (1.0 - self.config.final_lr_fraction)

    @property
    def _reward_scale(self) -> float:
        """What rewards are divided by."""
        return self.returns.scale

    def _normalise(self, observations: Floats) -> Floats:
        return self.frozen.normalise(observations, self.description.normaliser.clip).astype(np.float32)

    def _step(self, observation: Floats64, random: np.random.Generator, tally: actor.Tally) -> None:
        """Part 1."""
        a = self._explore(observation, random, tally)
        step = self.rollouts.step(a[None])
        terminated = bool(step.terminated[0])
        reward, following = float(step.rewards[0]), step.last_observations[0]
        self.steps = replay.add(self.ring, self.steps, observation, a, reward, terminated, following)
        self.returns.add(reward, terminated or bool(step.truncated[0]))

    def _batch(self, drawing: np.random.Generator) -> replay.Transitions:
        """Transitions from the memory, their observations normalised, their rewards scaled."""
        replay.draw(self.ring, self.steps, drawing, self._rows)
        batch = replay.transitions(self._rows, self.description.task.observation_size)
        return batch._replace(
            observations=self._normalise(batch.observations),
            rewards=batch.rewards / np.float32(self._reward_scale),
            following=self._normalise(batch.following),
        )

    def _learn(self, batch: replay.Transitions, next_a: Floats, bonus: Floats, sums: Floats64) -> None:
        """One step of the critics, whose target is at the next actions (batch, actions) with their bonus (batch,)."""
        learnt = self.critics.learn(
            batch.observations,
            batch.actions,
            batch.rewards,
            np.float32(self.config.gamma) * (1 - batch.ended),
            batch.following,
            next_a.astype(np.float32),
            bonus.astype(np.float32),
            self.config.critic_lr * self._remaining,
        )
        sums += 1, learnt.loss, learnt.clipped

    def _check_finite(self) -> None:
        name = parameters.first_not_finite(self._learnt())
        if name is not None:
            remedy = "lower trainer.lr or trainer.critic_lr"
            raise DivergedError(Problem(name, f"is not finite after {self.steps} steps", remedy))

    def _report(self, critic: Floats64, judged: Floats64, more: dict[str, float]) -> Report:
        metrics = {
            "train/lr": self.config.lr * self._remaining,
            "train/reward_scale": self._reward_scale,
            **more,
        }
        for names, (count, *sums) in ((self.CRITIC, critic), (self.ACTOR, judged)):
            metrics |= {name: float(value / count) for name, value in zip(names, sums, strict=True) if count}
        return Report(self.steps, self.rollouts.episodes, self.rollouts.mean_return, metrics | self.rollouts.metrics())
