"""Proximal policy optimisation of a spiking actor, with a ReLU critic.

One update:

1. rollout: ``envs`` environments take ``rollout_steps`` steps each with actions drawn from the policy
2. advantages by generalised advantage estimation, returns = advantages + values
3. old log-probabilities, recomputed with the forward pass that the gradient uses
4. ``epochs`` times over shuffled minibatches, minimise

       actor:  -mean(min(rho A, clip(rho, 1 - c, 1 + c) A)) - entropy_coefficient H
       critic: mean((V - return)^2) / 2                     rho = exp(log p - old log p)

   with A normalised in the minibatch, each gradient's norm clipped, and Adam.

A minibatch is always cut into the same two shards, whose gradients are added in the same order: one or
two threads give the same bits. Every random number comes from a stream named by (seed, role, update),
so no generator has a state to keep. Observations are normalised by statistics that stay frozen during
an update; with ``normaliser.learnable = false`` they stay at mean 0 and deviation 1 for good.

Source: Schulman et al., arXiv:1707.06347; details as in CleanRL (Huang et al., ICLR blog track 2022).
"""

from __future__ import annotations

import dataclasses
import platform
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray
from pydantic import Field

from snnctl import __version__, runtime, streams
from snnctl.agent.description import AgentDescription, Provenance, problems
from snnctl.agent.folder import Agent
from snnctl.coding import ChoiceDecoder, GaussianPopulation, RateDecoder
from snnctl.config import schema
from snnctl.errors import ConfigError, DivergedError, NetworkError, Problem
from snnctl.network.description import stack
from snnctl.robots.environments import limits, task
from snnctl.surrogate import adam, dense, parameters
from snnctl.surrogate.derivatives import FastSigmoid, Rectangular
from snnctl.surrogate.policy import Pass, SpikingPolicy
from snnctl.training.advantage import advantages
from snnctl.training.algorithm import Report, State
from snnctl.training.episodes import Environments
from snnctl.training.exploration import LOG_STD_RANGE, Choice, Normal
from snnctl.training.running_statistics import RunningStatistics, nothing_seen

if TYPE_CHECKING:
    from snnctl.training.recipe import Recipe

SHARDS = 2  # of a minibatch, whatever the number of workers
_RECENT = 100  # finished training episodes that the mean return is over

Floats = NDArray[np.floating[Any]]


@schema
class PpoConfig:
    """Configuration of the PPO trainer."""

    kind: Literal["ppo"] = "ppo"
    total_steps: Annotated[int, Gt(0)] = 100_000  # environment steps, over all environments
    envs: Annotated[int, Gt(0), Le(1024)] = 8  # environments side by side
    rollout_steps: Annotated[int, Gt(0)] = 128  # steps of each environment in one update
    minibatch: Annotated[int, Gt(1)] = 256  # samples in one gradient step; divides envs * rollout_steps
    epochs: Annotated[int, Gt(0)] = 8  # passes over the rollout in one update
    lr: Annotated[float, Gt(0)] = 1e-3  # of the actor, at the start
    critic_lr: Annotated[float, Gt(0)] = 1e-3  # of the critic, at the start
    final_lr_fraction: Annotated[float, Ge(0), Le(1)] = 0.0  # both fall linearly to this fraction of the start
    gamma: Annotated[float, Ge(0), Le(1)] = 0.99  # discount of future rewards
    gae_lambda: Annotated[float, Ge(0), Le(1)] = 0.95  # 0: one-step advantages, 1: whole returns
    clip: Annotated[float, Gt(0)] = 0.2  # how far the probability ratio may move in one update
    target_kl: Annotated[float, Gt(0)] | None = None  # no further epochs once the policy moved this far
    entropy_coefficient: Annotated[float, Ge(0)] = 0.0  # reward for staying random
    max_gradient_norm: Annotated[float, Gt(0)] = 0.5  # of actor and critic, each
    reward_scale: Annotated[float, Gt(0)] = 1.0  # rewards are multiplied by this before learning
    critic_hidden: tuple[Annotated[int, Gt(0)], ...] = (64, 64)  # ReLU layers of the critic
    init_gain: Annotated[float, Gt(0)] = 2.0  # synaptic weights start as N(0, gain^2 / n_in)
    decoder_gain: Annotated[float, Gt(0)] = 0.5  # decoder weights start as N(0, gain^2 / k)
    weight_limit: Annotated[float, Gt(0)] = 4.0  # synaptic weights and biases stay within +-limit
    initial_log_std: float = -0.5  # of continuous actions, in units of half the action range
    derivative: Annotated[Rectangular | FastSigmoid, Field(discriminator="kind")] = Rectangular()

    def __post_init__(self) -> None:
        if self.minibatch % SHARDS:
            raise ValueError(f"minibatch must be a multiple of {SHARDS}, got {self.minibatch}")
        if self.envs * self.rollout_steps % self.minibatch:
            samples = self.envs * self.rollout_steps
            raise ValueError(f"minibatch must divide envs * rollout_steps = {samples}, got {self.minibatch}")


class _Rollout(NamedTuple):
    """What the environments gave in one update; flattened rows are steps-major."""

    x: Floats  # (steps * envs, dims) normalised observations
    keys: NDArray[np.uint64]  # (steps * envs,) random streams of the encoder
    actions: NDArray[np.float64]  # (steps * envs, width)
    advantages: NDArray[np.float64]  # (steps * envs,)
    returns: NDArray[np.float64]  # (steps * envs,)


class _Shard:
    """Buffers and gradients of one half of a minibatch."""

    def __init__(self, ppo: Ppo, rows: int) -> None:
        self.actor = Pass(ppo.policy, rows)
        self.critic = dense.Pass(ppo.critic_sizes, rows, np.float32)
        self.actor_gradient, self.actor_gradients = parameters.allocate(ppo.actor_shapes, np.float32)
        self.critic_gradient, self.critic_gradients = parameters.allocate(ppo.critic_shapes, np.float32)


class Ppo:
    """An :class:`~snnctl.training.algorithm.Algorithm`: surrogate gradients driven by PPO."""

    def __init__(self, recipe: Recipe, config: PpoConfig, seed: int, workers: int = 1) -> None:
        """Make environments, networks and buffers; nothing is learnt yet.

        Args:
            recipe: the whole recipe (task, encoder, network, decoder, normaliser).
            config: its trainer section.
            seed: of every random stream.
            workers: threads, 1 or 2; the results are the same bits.

        Raises:
            NetworkError, SpaceError, ConfigError: the recipe cannot be trained this way.
        """
        if workers < 1:
            raise ConfigError(Problem("workers", f"is {workers}", "use 1 or 2"))
        if not isinstance(recipe.encoder, GaussianPopulation):
            raise NetworkError(
                Problem("encoder.kind", f"'{recipe.encoder.kind}' has no gradient", "use 'gaussian_population'")
            )
        if recipe.encoder.spikes == "latency":
            raise NetworkError(
                Problem("encoder.spikes", "'latency' has no gradient", "use 'deterministic' or 'poisson'")
            )
        if not isinstance(recipe.decoder, RateDecoder | ChoiceDecoder):
            raise NetworkError(
                Problem("decoder.kind", f"'{recipe.decoder.kind}' has no gradient", "use 'rate' or 'choice'")
            )
        runtime.single_threaded_blas()
        self.recipe, self.config, self.seed = recipe, config, seed
        self.environments = Environments(recipe.env.id, recipe.env.kwargs, seed, config.envs)
        env = self.environments.envs[0]
        self.task = task(env, recipe.env.id, recipe.env.kwargs)
        dims, actions = self.task.observation_size, self.task.action_size
        network = stack(
            inputs=recipe.encoder.size(dims),
            hidden=recipe.network.hidden,
            outputs=recipe.decoder.size(actions),
            neuron=recipe.network.neuron,
            tick_s=recipe.network.tick_s,
            ticks=recipe.network.ticks,
        )
        self.description = AgentDescription(
            name=recipe.name,
            task=self.task,
            normaliser=recipe.normaliser,
            encoder=recipe.encoder,
            network=network,
            decoder=recipe.decoder,
            provenance=Provenance(recipe=recipe.name, seed=seed, versions=_versions()),
        )
        if found := problems(self.description, recipe.name):
            raise ConfigError(*found)
        discrete = isinstance(recipe.decoder, ChoiceDecoder)
        self.limits = None if discrete else limits(env)
        self.distribution: Choice | Normal = Choice() if discrete else Normal(actions)

        self.policy = SpikingPolicy(
            network, recipe.encoder, recipe.decoder, config.derivative, dims=dims, actions=actions
        )
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

        self.seen = nothing_seen(dims)
        self.frozen = self.seen  # what observations are normalised with during an update
        self.updates = 0
        self.episodes = 0
        self.recent: deque[tuple[float, int]] = deque(maxlen=_RECENT)  # (return, length)
        self._rollout_pass = Pass(self.policy, config.envs)
        self._rollout_critic = dense.Pass(self.critic_sizes, config.envs, np.float32)
        self._shards = [_Shard(self, config.minibatch // SHARDS) for _ in range(SHARDS)]
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="shard") if workers > 1 else None

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
        sums, samples = np.zeros(5), 0  # policy loss, value loss, entropy, KL, clipped; over samples
        for _ in range(config.epochs):
            epoch = np.zeros(5)
            order = random.permutation(len(rollout.x))
            for start in range(0, len(order), config.minibatch):
                rows = order[start : start + config.minibatch]
                epoch += self._gradient_step(rollout, old_log_p, rows, remaining)
            sums += epoch
            samples += len(order)
            if config.target_kl is not None and epoch[3] / len(order) > config.target_kl:
                break
        self.updates += 1
        means = sums / samples
        self._check_finite(means)
        return self._report(means, activity, samples // len(rollout.x), config.lr * remaining)

    def agent(self) -> Agent:
        """The agent as it is now (a copy): weights with the statistics that they were trained with."""
        tensors: dict[str, NDArray[Any]] = {name: self.actor[name].copy() for name in self.policy.shapes}
        tensors["normaliser.mean"] = self.frozen.mean.copy()
        tensors["normaliser.std"] = self.frozen.std()
        if self.limits is not None:
            tensors["decoder.low"], tensors["decoder.high"] = (bound.copy() for bound in self.limits)
        provenance = dataclasses.replace(self.description.provenance, steps=self.steps)
        return Agent(dataclasses.replace(self.description, provenance=provenance), tensors)

    def state(self) -> State:
        """Weights, moments, statistics, counters and the environments' episodes."""
        arrays: dict[str, NDArray[Any]] = {"actor": self.actor_flat.copy(), "critic": self.critic_flat.copy()}
        for name, moments in (("actor", self.actor_moments), ("critic", self.critic_moments)):
            arrays |= {f"{name}.adam.{field}": array.copy() for field, array in moments._asdict().items()}
        for name, statistics in (("seen", self.seen), ("frozen", self.frozen)):
            arrays |= {f"{name}.{field}": array.copy() for field, array in statistics._asdict().items()}
        env_arrays, env_values = self.environments.state()
        arrays |= {f"environments.{name}": array for name, array in env_arrays.items()}
        arrays["recent"] = np.array(self.recent, dtype=np.float64).reshape(-1, 2)
        values = {"updates": self.updates, "episodes": self.episodes, "environments": env_values}
        return State(arrays, values)

    def restore(self, state: State) -> None:
        """Continue from ``state``, exactly as if never interrupted."""
        arrays = state.arrays
        self.actor_flat[:] = arrays["actor"]
        self.critic_flat[:] = arrays["critic"]
        for name, moments in (("actor", self.actor_moments), ("critic", self.critic_moments)):
            for field, array in moments._asdict().items():
                array[:] = arrays[f"{name}.adam.{field}"]
        fields = RunningStatistics._fields
        self.seen = RunningStatistics(*(arrays[f"seen.{field}"].copy() for field in fields))
        self.frozen = RunningStatistics(*(arrays[f"frozen.{field}"].copy() for field in fields))
        self.recent = deque(((float(r), int(n)) for r, n in arrays["recent"]), maxlen=_RECENT)
        self.updates, self.episodes = state.values["updates"], state.values["episodes"]
        self.environments.restore({"actions": arrays["environments.actions"]}, state.values["environments"])

    def close(self) -> None:
        """Close environments and the second thread."""
        self.environments.close()
        if self._pool is not None:
            self._pool.shutdown()

    def _normalise(self, observations: NDArray[np.float64]) -> NDArray[np.float64]:
        clip = self.recipe.normaliser.clip
        return np.clip((observations - self.frozen.mean) / self.frozen.std(), -clip, clip)

    def _values(self, observations: NDArray[np.float64]) -> NDArray[np.float64]:
        """Critic's value of one observation of each environment.  # (envs,)"""
        return self._rollout_critic.forward(self.critic, self._normalise(observations))[:, 0].astype(np.float64)

    def _rollout(self) -> tuple[_Rollout, dict[str, float]]:
        """Step 1 and 2: act, then estimate advantages; also the network's activity."""
        config, envs = self.config, len(self.environments)
        steps, shape = config.rollout_steps, (config.rollout_steps, envs)
        random = streams.generator(self.seed, "exploration", self.updates)
        observations = np.zeros((*shape, self.task.observation_size))
        keys = random.integers(0, 2**64, size=shape, dtype=np.uint64)
        actions = np.zeros((*shape, self.distribution.width))
        rewards, values, next_values = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        ended = np.zeros(shape, dtype=np.bool_)
        log_std = self.actor["exploration.log_std"].astype(np.float64)
        spikes, fired = 0.0, [np.zeros(n, dtype=np.bool_) for n in self.policy.sizes[1:]]
        value = self._values(self.environments.observations)
        for t in range(steps):
            observations[t], values[t] = self.environments.observations, value
            z = self._rollout_pass.forward(self.actor, self._normalise(observations[t]), keys[t]).astype(np.float64)
            actions[t] = self.distribution.sample(z, log_std, random)
            step = self.environments.step(self._to_environment(actions[t]))
            rewards[t] = step.rewards * config.reward_scale
            ended[t] = step.terminated | step.truncated
            value = self._values(step.observations)
            next_values[t] = value
            if step.truncated.any():
                next_values[t] = np.where(step.truncated, self._values(step.last_observations), next_values[t])
            next_values[t][step.terminated] = 0.0
            self.episodes += len(step.finished)
            self.recent.extend((f.episode_return, f.length) for f in step.finished)
            for layer, raster in enumerate(self._rollout_pass.spikes[1:]):
                spikes += float(raster.sum())
                fired[layer] |= raster.any(axis=(0, 1))
        if self.recipe.normaliser.learnable:
            self.seen = self.seen.merge(observations.reshape(-1, observations.shape[2]))
        gained = advantages(rewards, values, next_values, ended, config.gamma, config.gae_lambda)
        neurons = sum(self.policy.sizes[1:])
        seconds = steps * envs * self.policy.ticks * self.recipe.network.tick_s
        activity = {
            "snn/rate_hz": spikes / (neurons * seconds),
            "snn/dead_fraction": 1.0 - float(np.concatenate(fired).mean()),
        }
        rollout = _Rollout(
            self._normalise(observations).reshape(steps * envs, -1).astype(np.float32),
            keys.reshape(-1),
            actions.reshape(steps * envs, -1),
            gained.reshape(-1),
            (gained + values).reshape(-1),
        )
        return rollout, activity

    def _to_environment(self, actions: NDArray[np.float64]) -> NDArray[Any]:
        """Indices, or normalised actions clipped and scaled to the limits."""
        if self.limits is None:
            return actions[:, 0].astype(np.int64)
        low, high = self.limits
        return low + (np.clip(actions, -1.0, 1.0) + 1.0) / 2.0 * (high - low)

    def _log_probabilities(self, rollout: _Rollout) -> NDArray[np.float64]:
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
        self, rollout: _Rollout, old_log_p: NDArray[np.float64], rows: NDArray[np.int64], remaining: float
    ) -> NDArray[np.float64]:
        """Step 4 for one minibatch; returns the sums of losses and diagnostics.  # (5,)"""
        config = self.config
        gained = rollout.advantages[rows]
        gained = (gained - gained.mean()) / (gained.std() + 1e-8)
        half = len(rows) // SHARDS
        jobs: list[Callable[[], NDArray[np.float64]]] = []
        for number, shard in enumerate(self._shards):
            part = slice(number * half, (number + 1) * half)
            jobs.append(
                lambda shard=shard, part=part: self._shard_gradient(  # type: ignore[misc]
                    shard, rollout, old_log_p, rows[part], gained[part], len(rows)
                )
            )
        if self._pool is None:
            results = [job() for job in jobs]
        else:
            second = self._pool.submit(jobs[1])
            results = [jobs[0](), second.result()]
        first, other = self._shards
        for flat, gradient, more, moments, lr in (
            (self.actor_flat, first.actor_gradient, other.actor_gradient, self.actor_moments, config.lr),
            (self.critic_flat, first.critic_gradient, other.critic_gradient, self.critic_moments, config.critic_lr),
        ):
            gradient += more
            norm = float(np.sqrt(np.sum(gradient * gradient, dtype=np.float64)))
            if norm > config.max_gradient_norm:
                gradient *= np.float32(config.max_gradient_norm / norm)
            adam.update(flat, gradient, moments, lr * remaining)
        self.policy.constrain(self.actor, config.weight_limit)
        log_std = self.actor["exploration.log_std"]
        np.clip(log_std, *LOG_STD_RANGE, out=log_std)
        return results[0] + results[1]

    def _shard_gradient(
        self,
        shard: _Shard,
        rollout: _Rollout,
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

    def _report(self, means: NDArray[np.float64], activity: dict[str, float], epochs: int, lr: float) -> Report:
        metrics = {
            "loss/policy": float(means[0]),  # the clipped objective, with the sign of a loss
            "loss/value": float(means[1]),  # half the mean squared error of the critic
            "policy/entropy": float(means[2]),  # nats; falls as the policy makes up its mind
            "policy/approx_kl": float(means[3]),  # how far the policy moved in this update
            "policy/clip_fraction": float(means[4]),  # samples whose ratio left 1 +- clip
            "policy/epochs": float(epochs),  # fewer than configured when target_kl stopped them
            "policy/std": float(np.exp(self.actor["exploration.log_std"]).mean()),  # of continuous actions
            "train/lr": lr,  # of the actor in this update
            "rollout/diverged": float(self.environments.diverged),  # episodes that diverged, so far
            **activity,  # mean rate of a neuron; fraction that never fired in the rollout
        }
        mean_return = None
        if self.recent:
            returns, lengths = np.array(self.recent).T
            mean_return = float(returns.mean())
            metrics |= {
                "rollout/ep_rew_mean": mean_return,
                "rollout/ep_rew_std": float(returns.std()),
                "rollout/ep_len_mean": float(lengths.mean()),
            }
        return Report(self.steps, self.episodes, mean_return, metrics)


def _versions() -> dict[str, str]:
    """Versions of everything that the weights' last bits depend on."""
    from importlib.metadata import version

    names = ("numpy", "numba", "gymnasium", "mujoco")
    return {"python": platform.python_version(), "snnctl": __version__} | {name: version(name) for name in names}
