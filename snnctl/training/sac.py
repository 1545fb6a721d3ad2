"""Soft actor-critic: an actor that maximises Q plus entropy, with twin critics and a replay memory.

One environment. In every step, from ``start_steps`` on (actions are uniform before):

1. act:    a = tanh(mu(x) + sigma(x) e), e held for some steps (training.held_noise); remember (s, a, r, ended, s')
2. learn:  a batch from the memory, x and x' normalised, rewards divided by the return scale (training.return_scale)

       critics:      target at (x', a' ~ pi(x')) with the discount gamma (1 - ended) and the bonus alpha log pi(a' | x')
       every ``actor_every`` updates
       actor:        mean(alpha log pi(a | x) - min Q(x, a))         a = tanh(mu(x) + sigma(x) e), reparametrised
       temperature:  alpha (entropy - target entropy)                by the logarithm of alpha

mu is the agent's encoder, network and read-out, spiking or dense; the agent acts by tanh(mu), which is its decoder.
sigma is a small dense network for training only: it is no part of the agent. Forms of critics are a slot
(surrogate.critics). Time that runs out is not an end: only ``ended`` cuts the target.

All learning rates fall linearly to ``final_lr_fraction`` at ``total_steps``, so the first half of a long training is
not a short one. Every random number comes from a stream named by (seed, role, report). Observations are normalised by
statistics of all that was observed, which stay frozen for ``report_every`` steps and are those of the agent.

Sources: Haarnoja et al., arXiv:1812.05905; Palenicek et al., arXiv:2509.25174, and FlashSAC, arXiv:2604.04539
(hyper-parameters, held noise); Lee et al., arXiv:2502.15280 (reward scale); Tang et al., CoRL 2020 (a deviation that is
not deployed, for a spiking mean).
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray

from snnctl import runtime, slots, streams
from snnctl.agent.folder import Agent
from snnctl.config import schema
from snnctl.errors import ConfigError, DivergedError, Problem
from snnctl.surrogate import adam, dense, parameters
from snnctl.surrogate.critics import LayerNormalised
from snnctl.surrogate.derivatives import Rectangular
from snnctl.surrogate.twin_critics import TwinCritics
from snnctl.training import actor, replay, rollouts, squashed_normal
from snnctl.training.algorithm import Algorithm, Metric, Report, Rows, State, Trainer
from snnctl.training.blueprint import Blueprint
from snnctl.training.held_noise import HeldNoise
from snnctl.training.return_scale import ReturnScale
from snnctl.training.running_statistics import nothing_seen, restored

BOUND = 5.0  # returns of scaled rewards stay within +-BOUND
EPSILON = 1e-8  # of Adam

Floats = NDArray[np.floating[Any]]
Floats64 = NDArray[np.float64]


@schema
class SacConfig(Trainer):
    """Configuration of soft actor-critic."""

    METRICS: ClassVar[dict[str, Metric]] = {
        "loss/critic": Metric("of both critics: squared error or cross-entropy, mean over the updates of the line"),
        "loss/actor": Metric("alpha log pi - Q, mean over the actor's updates"),
        "critic/q": Metric("smaller Q of both critics of the actor's actions, in scaled rewards"),
        "critic/clipped": Metric(
            "share of the target distribution beyond the outermost atoms",
            high=0.2,
            finding="returns do not fit into the critic's range",
            remedy="widen trainer.critic.low and high",
        ),
        "policy/entropy": Metric("in nats, of actions in (-1, 1); approaches the target entropy"),
        "policy/alpha": Metric(
            "temperature: what a nat of entropy is worth in scaled rewards",
            high=1.0,
            finding="entropy is worth more than the task",
            remedy="lower trainer.target_entropy",
        ),
        "policy/std": Metric("mean deviation of an action before it is squashed"),
        "train/lr": Metric("learning rate of the actor at the end of the line"),
        "train/reward_scale": Metric("what rewards are divided by"),
        **actor.METRICS,
        **rollouts.METRICS,
    }

    kind: Literal["sac"] = "sac"
    total_steps: Annotated[int, Gt(0)] = 500_000  # environment steps; the learning rates fall until then
    report_every: Annotated[int, Gt(0)] = 1000  # steps of one line of metrics, with frozen observation statistics
    start_steps: Annotated[int, Ge(1)] = 5000  # steps with random actions before anything is learnt
    batch: Annotated[int, Gt(0)] = 256  # transitions of one update
    updates_per_step: Annotated[float, Gt(0), Le(100)] = 1.0  # updates of the critics in a step; 0.5: in every second
    actor_every: Annotated[int, Gt(0)] = 3  # updates of the critics for one of actor and temperature
    replay_capacity: Annotated[int, Gt(0)] = 1_000_000  # transitions that are remembered, the newest
    lr: Annotated[float, Gt(0)] = 3e-4  # of actor, deviation and temperature, at the start
    critic_lr: Annotated[float, Gt(0)] = 3e-4  # of the critics, at the start
    final_lr_fraction: Annotated[float, Ge(0), Le(1)] = 0.1  # all fall linearly to this fraction of the start
    gamma: Annotated[float, Ge(0), Le(1)] = 0.99  # discount of future rewards
    alpha: Annotated[float, Gt(0)] = 0.01  # temperature at the start
    target_entropy: float | None = None  # in nats; by default -(number of actions) / 2
    initial_log_std: Annotated[float, Gt(-10), Le(1.9)] = -1.0  # logarithm of the deviation at the start
    std_hidden: tuple[Annotated[int, Gt(0)], ...] = (64, 64)  # ReLU layers of the deviation, for training only
    init_gain: Annotated[float, Gt(0)] = 2.0  # synaptic weights start as N(0, gain^2 / n_in)
    decoder_gain: Annotated[float, Gt(0)] = 0.5  # decoder weights start as N(0, gain^2 / k)
    weight_limit: Annotated[float, Gt(0)] = 4.0  # synaptic weights and biases stay within +-limit
    critic: Annotated[Any, slots.CRITICS] = LayerNormalised()
    derivative: Annotated[Any, slots.DERIVATIVES] = Rectangular()

    def problems(self, blueprint: Blueprint) -> list[Problem]:
        """Discrete actions; an encoder, decoder or network without a gradient."""
        found = []
        if blueprint.task.action_kind != "continuous":
            remedy = "choose such an environment, or another trainer"
            found.append(Problem(f"{blueprint.name}:trainer.kind", "'sac' needs continuous actions", remedy))
        return [*found, *actor.problems(blueprint.description, self.derivative, blueprint.name)]

    def build(self, blueprint: Blueprint, seed: int, workers: int) -> Algorithm:
        """Surrogate gradients driven by the critics."""
        return Sac(blueprint, self, seed, workers)


class _Trained:
    """Parameters with their gradient and moments."""

    def __init__(self, shapes: parameters.Shapes) -> None:
        self.flat, self.tensors = parameters.allocate(shapes, np.float32)
        self.gradient, self.gradients = parameters.allocate(shapes, np.float32)
        self.moments = adam.moments(self.flat)

    def step(self, lr: float) -> None:
        adam.update(self.flat, self.gradient, self.moments, lr, epsilon=EPSILON)

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        return {name: self.flat, **self.moments.arrays(name)}


class Sac:
    """An :class:`~snnctl.training.algorithm.Algorithm`: gradients driven by critics."""

    def __init__(self, blueprint: Blueprint, config: SacConfig, seed: int, workers: int = 1) -> None:
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
        self.policy = actor.policy(self.description, config.derivative)
        std_sizes = (dims, *config.std_hidden, actions)
        self.mean, self.spread = _Trained(self.policy.shapes), _Trained(dense.shapes(std_sizes))
        random = (streams.generator(seed, "weights", network) for network in range(3))
        self.policy.initialise(self.mean.tensors, next(random), config.init_gain, config.decoder_gain)
        dense.initialise(self.spread.tensors, next(random))
        self.spread.tensors[f"dense.{len(config.std_hidden)}.bias"][:] = squashed_normal.spread_of(
            config.initial_log_std
        )
        self.critics: TwinCritics = config.critic.build(dims, actions, batch, next(random), workers)
        self.log_alpha = np.full(1, math.log(config.alpha))
        self.alpha_moments = adam.moments(self.log_alpha)
        self.target_entropy = -actions / 2 if config.target_entropy is None else config.target_entropy

        self.ring = replay.allocate(min(config.replay_capacity, config.total_steps), dims, actions)
        self.held, self.returns = HeldNoise(actions), ReturnScale(config.gamma, BOUND)
        self.seen = nothing_seen(dims)
        self.frozen = self.seen  # what observations are normalised with during a report
        self.steps, self.reports = 0, 0
        self._acting, self._acting_std = self.policy.workspace(1), dense.Pass(std_sizes, 1, np.float32)
        self._learning, self._learning_std = self.policy.workspace(batch), dense.Pass(std_sizes, batch, np.float32)
        self._rows = np.zeros((batch, self.ring.shape[1]), dtype=np.float32)
        self.rollouts = rollouts.Rollouts(blueprint, seed, 1)

    @property
    def total_steps(self) -> int:
        """Environment steps after which training is complete."""
        return self.config.total_steps

    def update(self) -> Report:
        """The steps of one line of metrics, with their updates.

        Raises:
            DivergedError: a weight or the temperature is not finite; names the tensor.
        """
        config = self.config
        self.frozen = self.seen
        acting = streams.generator(self.seed, "exploration", self.reports)
        drawing = streams.generator(self.seed, "replay", self.reports)
        noise = streams.generator(self.seed, "batches", self.reports)
        count = min(config.report_every, config.total_steps - self.steps)
        observed = np.zeros((count, self.description.task.observation_size))
        tally = actor.Tally(self._acting, self.policy.decision_s)
        critic, judged = np.zeros(3), np.zeros(5)  # sums and how many: _update_critics, _update_actor
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
        """Weights, moments, statistics, held noise, counters, the environment's episode; and the memory as rows."""
        arrays = {name: array.copy() for name, array in self._arrays().items()}
        arrays |= self.seen.arrays("seen") | self.frozen.arrays("frozen")
        played = self.rollouts.state()
        arrays |= {f"rollouts.{name}": array for name, array in played.arrays.items()}
        values = {"steps": self.steps, "reports": self.reports, "held": self.held.left, "rollouts": played.values}
        return State(arrays, values, {"replay": Rows(self.steps, self.ring)})

    def restore(self, state: State) -> None:
        """Continue from ``state``, exactly as if never interrupted."""
        arrays, values = state.arrays, state.values
        for name, array in self._arrays().items():
            array[:] = arrays[name]
        self.seen, self.frozen = restored(arrays, "seen"), restored(arrays, "frozen")
        self.steps, self.reports, self.held.left = values["steps"], values["reports"], values["held"]
        self.rollouts.restore(State(parameters.below(arrays, "rollouts."), values["rollouts"]))
        total, kept = state.rows["replay"]
        numbers = np.arange(max(0, total - len(self.ring)), total)
        if len(numbers):
            self.ring[numbers % len(self.ring)] = kept[numbers % len(kept)]

    def close(self) -> None:
        """Close the environment and the second thread."""
        self.rollouts.close()
        self.critics.close()

    def _arrays(self) -> dict[str, NDArray[Any]]:
        """What is changed in place and has the same shape for good."""
        return {
            **self.mean.arrays("actor"), **self.spread.arrays("std"), **self.critics.arrays(),
            "alpha.log": self.log_alpha, **self.alpha_moments.arrays("alpha"),
            "returns": self.returns.numbers, "held": self.held.noise,
        }  # fmt: skip

    def _updates(self, steps: int) -> int:
        """How many updates the critics have had after ``steps`` steps."""
        return max(0, math.floor((steps + 1 - self.config.start_steps) * self.config.updates_per_step))

    @property
    def _remaining(self) -> float:
        """What is left of the learning rates."""
        return 1.0 - self.steps / self.config.total_steps * (1.0 - self.config.final_lr_fraction)

    def _normalise(self, observations: Floats) -> Floats:
        return self.frozen.normalise(observations, self.description.normaliser.clip).astype(np.float32)

    def _step(self, observation: Floats64, random: np.random.Generator, tally: actor.Tally) -> None:
        """Part 1."""
        e, key = self.held.next(random), random.integers(0, 2**64, size=1, dtype=np.uint64)
        if self.steps < self.config.start_steps:
            a = random.uniform(-1.0, 1.0, len(e))
        else:
            x = self._normalise(observation[None])
            mean = self._acting.forward(self.mean.tensors, x, key)
            tally.add()
            spread = self._acting_std.forward(self.spread.tensors, x)
            a = squashed_normal.draw(mean.astype(np.float64), spread.astype(np.float64), e[None]).actions[0]
        step = self.rollouts.step(a[None])
        terminated = bool(step.terminated[0])
        reward, following = float(step.rewards[0]), step.last_observations[0]
        self.steps = replay.add(self.ring, self.steps, observation, a, reward, terminated, following)
        self.returns.add(reward, terminated or bool(step.truncated[0]))

    def _policy(self, x: Floats, random: np.random.Generator) -> squashed_normal.Draw:
        """Fresh actions of a batch; leaves in the work spaces what a backward pass needs."""
        keys = random.integers(0, 2**64, size=len(x), dtype=np.uint64)
        mean = self._learning.forward(self.mean.tensors, x, keys).astype(np.float64)
        spread = self._learning_std.forward(self.spread.tensors, x).astype(np.float64)
        return squashed_normal.draw(mean, spread, random.standard_normal(mean.shape))

    def _update_critics(self, drawing: np.random.Generator, noise: np.random.Generator, sums: Floats64) -> Floats:
        """Part 2, critics; returns the normalised observations of the batch."""
        replay.draw(self.ring, self.steps, drawing, self._rows)
        batch = replay.transitions(self._rows, self.description.task.observation_size)
        x, next_x = self._normalise(batch.observations), self._normalise(batch.following)
        drawn = self._policy(next_x, noise)
        bonus = (math.exp(self.log_alpha[0]) * drawn.log_p).astype(np.float32)
        learnt = self.critics.learn(
            x,
            batch.actions,
            batch.rewards / np.float32(self.returns.scale),
            np.float32(self.config.gamma) * (1 - batch.ended),
            next_x,
            drawn.actions.astype(np.float32),
            bonus,
            self.config.critic_lr * self._remaining,
        )
        sums += 1, learnt.loss, learnt.clipped
        return x

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

    def _check_finite(self) -> None:
        tensors = {f"critic.{name}": tensor for name, tensor in self.critics.online.tensors.items()}
        tensors |= self.mean.tensors | {f"std.{name}": tensor for name, tensor in self.spread.tensors.items()}
        tensors |= {"alpha": self.log_alpha}
        name = parameters.first_not_finite(tensors)
        if name is not None:
            remedy = "lower trainer.lr or trainer.critic_lr"
            raise DivergedError(Problem(name, f"is not finite after {self.steps} steps", remedy))

    def _report(self, critic: Floats64, judged: Floats64, activity: dict[str, float]) -> Report:
        metrics = {
            "policy/alpha": math.exp(self.log_alpha[0]),
            "train/lr": self.config.lr * self._remaining,
            "train/reward_scale": self.returns.scale,
            **activity,
        }
        for names, (count, *sums) in (
            (("loss/critic", "critic/clipped"), critic),
            (("loss/actor", "critic/q", "policy/entropy", "policy/std"), judged),
        ):
            metrics |= {name: float(value / count) for name, value in zip(names, sums, strict=True) if count}
        return Report(self.steps, self.rollouts.episodes, self.rollouts.mean_return, metrics | self.rollouts.metrics())
