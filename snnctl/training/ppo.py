"""Proximal policy optimisation of a spiking or dense actor, with a ReLU critic.

One update:

1. rollout: ``envs`` environments take ``rollout_steps`` steps each with actions drawn from the policy
2. rewards divided by the running deviation of discounted returns (training.return_scale), advantages by generalised
   advantage estimation, returns = advantages + values
3. old log-probabilities, recomputed with the forward pass that the gradient uses
4. ``epochs`` times over shuffled minibatches, minimise

       actor:  -mean(min(rho A, clip(rho, 1 - c, 1 + c) A)) - entropy_coefficient H
       critic: mean((V - return)^2) / 2                     rho = exp(log p - old log p)

   with A normalised in the minibatch, each gradient's norm clipped, and Adam
5. both learning rates fall linearly; with ``target_kl`` the actor's follows the divergence of the update instead:

       kl > 1.5 target: lr / 1.2 ;  kl < target / 1.5: 1.2 lr

A minibatch is always cut into the same two shards, whose gradients are added in the same order: one or
two threads give the same bits. Every random number comes from a stream named by (seed, role, update),
so no generator has a state to keep. Observations are normalised by statistics that stay frozen during
an update; with ``normaliser.learnable = false`` they stay at mean 0 and deviation 1 for good.

Why decoder weights start small: a spike more or less moves an action by weight / ticks, so the smallest step that a
spiking policy can take is not infinitesimal, and where it is large beside the deviation of the exploration a few
flipped spikes leave the clipping range.

Sources: Schulman et al., arXiv:1707.06347; details as in CleanRL (Huang et al., ICLR blog track 2022); a learning rate
that follows the divergence: Rudin et al., CoRL 2021.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray

from snnctl import runtime, slots, streams
from snnctl.agent.folder import Agent
from snnctl.allocation import Need
from snnctl.config import schema
from snnctl.errors import ConfigError, DivergedError, Problem
from snnctl.surrogate import adam, dense, parameters
from snnctl.surrogate.derivatives import Rectangular
from snnctl.surrogate.halves import Halves
from snnctl.training import actor, rollouts
from snnctl.training.advantage import advantages
from snnctl.training.algorithm import Algorithm, Metric, Report, State, Trainer
from snnctl.training.blueprint import Blueprint
from snnctl.training.exploration import LOG_STD_RANGE
from snnctl.training.return_scale import ReturnScale
from snnctl.training.running_statistics import restored

BOUND = 10.0  # returns of scaled rewards stay within +-BOUND, those of rewards that never change, too
TINY = 1e-12  # variance of returns that do not vary
TOLERANCE, FACTOR = 1.5, 1.2  # the learning rate changes by FACTOR where the divergence is off by more than TOLERANCE
LR_RANGE = (1e-6, 1e-2)  # within which it follows the divergence
SHARDS = 2  # of a minibatch, whatever the number of workers

Floats = NDArray[np.floating[Any]]


@schema
class PpoConfig(Trainer):
    """Configuration of the PPO trainer."""

    METRICS: ClassVar[dict[str, Metric]] = {
        "loss/policy": Metric("the clipped objective, with the sign of a loss"),
        "loss/value": Metric("half the mean squared error of the critic"),
        "critic/explained_variance": Metric("share of the variance of the returns that the critic foresaw; 1 at best"),
        "policy/entropy": Metric("in nats; falls as the policy makes up its mind"),
        "policy/approx_kl": Metric(
            "how far the update moved the policy (Kullback-Leibler divergence)",
            high=0.1,
            finding="updates move the policy far",
            remedy="lower trainer.lr, or set trainer.target_kl",
        ),
        "policy/clip_fraction": Metric("share of the samples whose probability ratio left 1 +- clip"),
        "policy/std": Metric("standard deviation of continuous actions before tanh"),
        "train/lr": Metric("learning rate of the actor in the update"),
        "train/reward_scale": Metric("what rewards are divided by"),
        **actor.METRICS,
        **rollouts.METRICS,
    }

    STARTS: ClassVar[bool] = True
    CHIPS: ClassVar[bool] = True

    kind: Literal["ppo"] = "ppo"
    total_steps: Annotated[int, Gt(0)] = 100_000  # environment steps, over all environments
    envs: Annotated[int, Gt(0), Le(1024)] = 8  # environments side by side
    rollout_steps: Annotated[int, Gt(0)] = 64  # steps of each environment in one update
    minibatch: Annotated[int, Gt(1)] = 64  # samples in one gradient step; divides envs * rollout_steps
    epochs: Annotated[int, Gt(0)] = 10  # passes over the rollout in one update
    lr: Annotated[float, Gt(0)] = 2e-4  # of the actor, at the start
    critic_lr: Annotated[float, Gt(0)] = 1e-3  # of the critic, at the start
    final_lr_fraction: Annotated[float, Ge(0), Le(1)] = 0.1  # both fall linearly to this fraction of the start
    gamma: Annotated[float, Ge(0), Le(1)] = 0.99  # discount of future rewards
    gae_lambda: Annotated[float, Ge(0), Le(1)] = 0.95  # 0: one-step advantages, 1: whole returns
    clip: Annotated[float, Gt(0)] = 0.2  # how far the probability ratio may move in one update
    target_kl: Annotated[float, Gt(0)] | None = None  # how far an update is to move the policy: lr follows
    entropy_coefficient: Annotated[float, Ge(0)] = 0.0  # reward for staying random
    max_gradient_norm: Annotated[float, Gt(0)] = 0.5  # of actor and critic, each
    critic_hidden: tuple[Annotated[int, Gt(0)], ...] = (64, 64)  # ReLU layers of the critic
    init_gain: Annotated[float, Gt(0)] = 2.0  # synaptic weights start as N(0, gain^2 / n_in)
    decoder_gain: Annotated[float, Gt(0)] = 0.1  # decoder weights start as N(0, gain^2 / k)
    weight_limit: Annotated[float, Gt(0)] = 4.0  # synaptic weights and biases stay within +-limit
    initial_log_std: float = -1.5  # of continuous actions before tanh, so about half action ranges
    derivative: Annotated[Any, slots.DERIVATIVES] = Rectangular()

    def __post_init__(self) -> None:
        if self.minibatch % SHARDS:
            raise ValueError(f"minibatch must be a multiple of {SHARDS}, got {self.minibatch}")
        if self.envs * self.rollout_steps % self.minibatch:
            samples = self.envs * self.rollout_steps
            raise ValueError(f"minibatch must divide envs * rollout_steps = {samples}, got {self.minibatch}")

    def problems(self, blueprint: Blueprint) -> list[Problem]:
        """An encoder, decoder or network without a gradient."""
        return actor.problems(blueprint.description, self.derivative, blueprint.name)

    def needs(self, blueprint: Blueprint) -> list[Need]:
        """A rollout, and buffers of a minibatch and of a step of all environments."""
        dims, actions = blueprint.task.observation_size, blueprint.task.action_size
        steps = self.envs * self.rollout_steps
        layers = dense.numbers((dims, *self.critic_hidden, 1), self.envs + self.minibatch)
        return [
            Need("trainer.rollout_steps", f"{steps} steps of a rollout", 8 * steps * (4 * dims + 4 * actions + 12)),
            Need("trainer.critic_hidden", "layers of the critic", 4 * layers),
            *actor.needs(blueprint.description, self.envs + self.minibatch, "trainer.minibatch"),
        ]

    def build(self, blueprint: Blueprint, seed: int, workers: int) -> Algorithm:
        """Surrogate gradients driven by PPO."""
        return Ppo(blueprint, self, seed, workers)


class _Batch(NamedTuple):
    """What an update learns from; rows are steps-major."""

    x: Floats  # (steps * envs, dims) normalised observations
    keys: NDArray[np.uint64]  # (steps * envs,) random streams of the encoder
    actions: NDArray[np.float64]  # (steps * envs, width)
    advantages: NDArray[np.float64]  # (steps * envs,)
    returns: NDArray[np.float64]  # (steps * envs,)


class _Shard:
    """Buffers and gradients of one half of a minibatch."""

    def __init__(self, ppo: Ppo, rows: int) -> None:
        self.actor = ppo.policy.workspace(rows)
        self.critic = dense.Pass(ppo.critic_sizes, rows, np.float32)
        self.actor_gradient, self.actor_gradients = parameters.allocate(ppo.actor_shapes, np.float32)
        self.critic_gradient, self.critic_gradients = parameters.allocate(ppo.critic_shapes, np.float32)


class Ppo:
    """An :class:`~snnctl.training.algorithm.Algorithm`: gradients driven by PPO."""

    def __init__(self, blueprint: Blueprint, config: PpoConfig, seed: int, workers: int = 1) -> None:
        """Make networks and buffers and open the environments; nothing is learnt yet.

        Args:
            blueprint: of a recipe that has no problems.
            config: its trainer.
            seed: of every random stream.
            workers: threads, 1 or 2; the results are the same bits.
        """
        if workers < 1:
            raise ConfigError(Problem("workers", f"is {workers}", "use 1 or 2"))
        runtime.single_threaded_blas()
        self.blueprint, self.config, self.seed = blueprint, config, seed
        self.description = blueprint.described(seed)
        dims, actions = blueprint.task.observation_size, blueprint.task.action_size
        self.policy = blueprint.policy(config.derivative)
        self.actor_shapes = self.policy.shapes | {"exploration.log_std": (actions,)}
        self.critic_sizes = (dims, *config.critic_hidden, 1)
        self.critic_shapes = dense.shapes(self.critic_sizes)
        self.actor_flat, self.actor = parameters.allocate(self.actor_shapes, np.float32)
        self.critic_flat, self.critic = parameters.allocate(self.critic_shapes, np.float32)
        self.policy.initialise(self.actor, streams.generator(seed, "weights", 0), config.init_gain, config.decoder_gain)
        self.actor["exploration.log_std"][:] = config.initial_log_std
        dense.initialise(self.critic, streams.generator(seed, "weights", 1))
        self.actor_moments = adam.moments(self.actor_flat)
        self.critic_moments = adam.moments(self.critic_flat)

        self.seen = blueprint.begin({name: self.actor[name] for name in self.policy.shapes})
        self.frozen = self.seen  # what observations are normalised with during an update
        self.returns = ReturnScale(config.gamma, BOUND, config.envs)
        self.lr = np.array([config.lr])  # of the actor, where it follows target_kl
        self.updates = 0
        self._rollout_pass = self.policy.workspace(config.envs)
        self._rollout_critic = dense.Pass(self.critic_sizes, config.envs, np.float32)
        self._shards = [_Shard(self, config.minibatch // SHARDS) for _ in range(SHARDS)]
        self._halves = Halves(workers)  # one shard each
        self.rollouts = rollouts.Rollouts(blueprint, seed, config.envs)
        self.distribution = self.rollouts.distribution

    @property
    def steps(self) -> int:
        """Environment steps so far."""
        return self.updates * self.config.envs * self.config.rollout_steps

    @property
    def total_steps(self) -> int:
        """Environment steps after which training is complete."""
        return self.config.total_steps

    def update(self) -> Report:
        """One rollout and the epochs over it.

        Raises:
            DivergedError: a weight or the loss is not finite; names the tensor.
        """
        config = self.config
        self.frozen = self.seen
        rollout, activity = self._rollout()
        old_log_p = self._log_probabilities(rollout)
        random = streams.generator(self.seed, "batches", self.updates)
        done = min(1.0, self.steps / config.total_steps)
        remaining = 1.0 - done * (1.0 - config.final_lr_fraction)
        lr = config.lr * remaining if config.target_kl is None else float(self.lr[0])
        sums = np.zeros(5)  # policy loss, value loss, entropy, KL, clipped; over samples
        for _ in range(config.epochs):
            order = random.permutation(len(rollout.x))
            for start in range(0, len(order), config.minibatch):
                rows = order[start : start + config.minibatch]
                sums += self._gradient_step(rollout, old_log_p, rows, lr, config.critic_lr * remaining)
        self.updates += 1
        means = sums / (config.epochs * len(rollout.x))
        self._check_finite(means)
        self._follow(float(means[3]))
        foreseen = 1.0 - float(rollout.advantages.var()) / max(float(rollout.returns.var()), TINY)
        return self._report(means, activity, lr, foreseen)

    def agent(self) -> Agent:
        """The agent as it is now (a copy): weights with the statistics that they were trained with."""
        tensors = {name: self.actor[name] for name in self.policy.shapes}
        return self.blueprint.agent(self.seed, self.steps, tensors, self.frozen)

    def state(self) -> State:
        """Weights, moments, statistics, counters and the environments' episodes."""
        arrays = {name: array.copy() for name, array in self._arrays().items()}
        arrays |= self.seen.arrays("seen") | self.frozen.arrays("frozen")
        played = self.rollouts.state()
        arrays |= {f"rollouts.{name}": array for name, array in played.arrays.items()}
        return State(arrays, {"updates": self.updates, "rollouts": played.values})

    def restore(self, state: State) -> None:
        """Continue from ``state``, exactly as if never interrupted."""
        arrays = state.arrays
        for name, array in self._arrays().items():
            array[:] = arrays[name]
        self.seen, self.frozen = restored(arrays, "seen"), restored(arrays, "frozen")
        self.updates = state.values["updates"]
        self.rollouts.restore(State(parameters.below(arrays, "rollouts."), state.values["rollouts"]))

    def close(self) -> None:
        """Close environments and the second thread."""
        self.rollouts.close()
        self._halves.close()

    def _arrays(self) -> dict[str, NDArray[Any]]:
        """What is changed in place and has the same shape for good."""
        moments = self.actor_moments.arrays("actor") | self.critic_moments.arrays("critic")
        numbers = {"returns": self.returns.numbers, "lr": self.lr}
        return {"actor": self.actor_flat, "critic": self.critic_flat, **numbers, **moments}

    def _normalise(self, observations: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.frozen.normalise(observations, self.description.normaliser.clip)

    def _values(self, observations: NDArray[np.float64]) -> NDArray[np.float64]:
        """Critic's value of one observation of each environment.  # (envs,)"""
        return self._rollout_critic.forward(self.critic, self._normalise(observations))[:, 0].astype(np.float64)

    def _rollout(self) -> tuple[_Batch, dict[str, float]]:
        """Step 1 and 2: act, then estimate advantages; also the network's activity."""
        config, tally = self.config, actor.Tally(self._rollout_pass, self.policy.decision_s)

        def act(observations: NDArray[np.float64], keys: NDArray[np.uint64]) -> NDArray[np.float64]:
            z = self._rollout_pass.forward(self.actor, self._normalise(observations), keys).astype(np.float64)
            tally.add()
            return z

        random = streams.generator(self.seed, "exploration", self.updates)
        log_std = self.actor["exploration.log_std"].astype(np.float64)
        played = self.rollouts.play(config.rollout_steps, log_std, random, act, self._values)
        if self.description.normaliser.learnable:
            self.seen = self.seen.merge(played.observations.reshape(-1, played.observations.shape[2]))
        for rewards, ended in zip(played.rewards.tolist(), played.ended.tolist(), strict=True):
            for env in range(config.envs):
                self.returns.add(rewards[env], ended[env], env)
        rewards = played.rewards / self.returns.scale
        gained = advantages(rewards, played.values, played.next_values, played.ended, config.gamma, config.gae_lambda)
        rows = gained.size
        batch = _Batch(
            self._normalise(played.observations).reshape(rows, -1).astype(np.float32),
            played.keys.reshape(-1),
            played.actions.reshape(rows, -1),
            gained.reshape(-1),
            (gained + played.values).reshape(-1),
        )
        return batch, tally.metrics()

    def _log_probabilities(self, rollout: _Batch) -> NDArray[np.float64]:
        """Step 3, in chunks of a shard's size: the forward pass of the gradient.  # (steps * envs,)"""
        rows = self.config.minibatch // SHARDS
        log_std = self.actor["exploration.log_std"].astype(np.float64)
        result = np.zeros(len(rollout.x))
        for start in range(0, len(result), rows):
            chunk = slice(start, start + rows)
            z = self._shards[0].actor.forward(self.actor, rollout.x[chunk], rollout.keys[chunk])
            result[chunk], _ = self.distribution.log_probability(z.astype(np.float64), log_std, rollout.actions[chunk])
        return result

    def _gradient_step(
        self, rollout: _Batch, old_log_p: NDArray[np.float64], rows: NDArray[np.int64], lr: float, critic_lr: float
    ) -> NDArray[np.float64]:
        """Step 4 for one minibatch; returns the sums of losses and diagnostics.  # (5,)"""
        config = self.config
        gained = rollout.advantages[rows]
        gained = (gained - gained.mean()) / (gained.std() + 1e-8)
        half = len(rows) // SHARDS

        def shard_gradient(number: int) -> NDArray[np.float64]:
            part = slice(number * half, (number + 1) * half)
            return self._shard_gradient(self._shards[number], rollout, old_log_p, rows[part], gained[part], len(rows))

        results = self._halves.run(shard_gradient)
        first, other = self._shards
        for flat, gradient, more, moments, rate in (
            (self.actor_flat, first.actor_gradient, other.actor_gradient, self.actor_moments, lr),
            (self.critic_flat, first.critic_gradient, other.critic_gradient, self.critic_moments, critic_lr),
        ):
            gradient += more
            norm = float(np.sqrt(np.sum(gradient * gradient, dtype=np.float64)))
            if norm > config.max_gradient_norm:
                gradient *= np.float32(config.max_gradient_norm / norm)
            adam.update(flat, gradient, moments, rate)
        self.policy.constrain(self.actor, config.weight_limit)
        log_std = self.actor["exploration.log_std"]
        np.clip(log_std, *LOG_STD_RANGE, out=log_std)
        return results[0] + results[1]

    def _shard_gradient(
        self,
        shard: _Shard,
        rollout: _Batch,
        old_log_p: NDArray[np.float64],
        rows: NDArray[np.int64],
        gained: NDArray[np.float64],
        samples: int,
    ) -> NDArray[np.float64]:
        """Gradients of one shard of a minibatch of ``samples`` into its buffers."""
        config, actions, x = self.config, rollout.actions[rows], rollout.x[rows]
        log_std = self.actor["exploration.log_std"].astype(np.float64)
        z = shard.actor.forward(self.actor, x, rollout.keys[rows]).astype(np.float64)
        log_p, entropy = self.distribution.log_probability(z, log_std, actions)
        log_ratio = log_p - old_log_p[rows]
        ratio = np.exp(log_ratio)
        plain = -gained * ratio
        clipped = -gained * np.clip(ratio, 1 - config.clip, 1 + config.clip)
        d_log_p = np.where(plain >= clipped, plain, 0.0) / samples  # the clipped branch is constant
        gradient = self.distribution.gradient(z, log_std, actions, d_log_p, -config.entropy_coefficient / samples)
        shard.actor.backward(self.actor, gradient.z.astype(np.float32), shard.actor_gradients)
        shard.actor_gradients["exploration.log_std"][:] = gradient.log_std

        value = shard.critic.forward(self.critic, x)[:, 0].astype(np.float64)
        error = value - rollout.returns[rows]
        shard.critic.backward(self.critic, (error / samples).astype(np.float32)[:, None], shard.critic_gradients)
        return np.array(
            [
                np.maximum(plain, clipped).sum(),
                0.5 * (error * error).sum(),
                entropy.sum(),
                (ratio - 1 - log_ratio).sum(),  # an estimate of the KL divergence that is never negative
                (np.abs(ratio - 1) > config.clip).sum(),
            ]
        )

    def _follow(self, kl: float) -> None:
        """Step 5: the actor's learning rate for the next update, where it follows ``target_kl``."""
        target = self.config.target_kl
        if target is None:
            return
        if kl > target * TOLERANCE:
            self.lr /= FACTOR
        elif kl < target / TOLERANCE:
            self.lr *= FACTOR
        np.clip(self.lr, *LR_RANGE, out=self.lr)

    def _check_finite(self, means: NDArray[np.float64]) -> None:
        name = parameters.first_not_finite(self.actor) or parameters.first_not_finite(self.critic)
        if name is None and not np.isfinite(means).all():
            name = ("loss/policy", "loss/value", "policy/entropy", "policy/approx_kl", "policy/clip_fraction")[
                int(np.argmin(np.isfinite(means)))
            ]
        if name is not None:
            raise DivergedError(
                Problem(name, f"is not finite after {self.updates} updates", "lower trainer.lr or trainer.critic_lr")
            )

    def _report(self, means: NDArray[np.float64], activity: dict[str, float], lr: float, foreseen: float) -> Report:
        metrics = {
            "loss/policy": float(means[0]),
            "loss/value": float(means[1]),
            "critic/explained_variance": foreseen,
            "policy/entropy": float(means[2]),
            "policy/approx_kl": float(means[3]),
            "policy/clip_fraction": float(means[4]),
            "policy/std": float(np.exp(self.actor["exploration.log_std"]).mean()),
            "train/lr": lr,
            "train/reward_scale": self.returns.scale,
            **activity,
            **self.rollouts.metrics(),
        }
        return Report(self.steps, self.rollouts.episodes, self.rollouts.mean_return, metrics)
