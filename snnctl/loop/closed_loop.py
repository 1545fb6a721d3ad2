"""The closed loop: observation -> decision -> safety gate -> robot, one episode at a time.

Each control step ``k``:

1. ``a[k] = controller.act(o[k])``, timed
2. the gate refuses an action that is not finite and clips the rest to the limits
3. ``o[k+1], r[k] = env.step(a[k])``, timed
4. the watch looks for a diverged simulation; if it finds one, the episode ends here
5. a controller that learns as it acts is told ``r[k]`` and ``o[k+1]``

A step that diverged earns nothing: ``episode_return`` is the sum of the rewards before it, and is no
score (see :mod:`snnctl.loop.statistics`). ``wall_s`` is the time of 1 to 3 alone; observers, spike
counting and the watch are outside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from snnctl import streams
from snnctl.agent.controller import Activity, Controller, LearningController
from snnctl.agent.description import Task
from snnctl.agent.environment import EnvChoice
from snnctl.errors import DivergedError, Problem, SpaceError
from snnctl.loop.episode import Episode, Observer, Step
from snnctl.loop.gate import Gate
from snnctl.robots import environments
from snnctl.robots.changes import Change, changed
from snnctl.robots.contract import Contract, closed
from snnctl.robots.divergence import Watch

__all__ = ["Episode", "Observer", "Step", "episode_seeds", "require_fit", "run_episode", "run_episodes", "warm_up"]

Progress = Callable[[int, int, Episode], None]  # episodes done, episodes in all, the one just done


def episode_seeds(seed: int, episodes: int) -> tuple[int, ...]:
    """Seeds of the evaluation episodes of ``seed``: the first n are the same for every count >= n."""
    return tuple(streams.integer(seed, "evaluation", k) for k in range(episodes))


def run_episode(
    controller: Controller,
    env: gym.Env[Any, Any],
    seed: int,
    observer: Observer | None = None,
    *,
    control_dt_s: float | None = None,
    max_steps: int | None = None,
) -> Episode:
    """Drive ``env`` from one reset to its end. The same seed gives the same episode, bit for bit.

    Args:
        controller: reset with ``seed`` once, before the first decision.
        env: reset with ``seed`` once.
        seed: of the environment and of the encoder.
        observer: told of every step.
        control_dt_s: the environment's step; by default that of the agent's task.
        max_steps: cut (truncate) after so many steps; by default only the environment cuts.
    """
    dt_s = controller.description.task.control_dt_s if control_dt_s is None else control_dt_s
    gate, watch, bounds = Gate(env.action_space), Watch(env), Bounds(env.observation_space)
    contract = Contract(env)
    observation = contract.reset(seed)
    controller.reset(seed)
    learning = controller if isinstance(controller, LearningController) else None
    watch.start()
    if observer is not None:
        observer.start(controller, env, seed, observation)
    tally = _Tally()
    decision_ns: list[int] = []
    rewards: list[float] = []
    wall_ns = limited = 0
    terminated = truncated = False
    diverged = None if np.isfinite(observation).all() else "the first observation is not finite"
    outlying = int(bounds.outside(observation))
    while not (terminated or truncated or diverged):
        begin = time.perf_counter_ns()
        try:
            action = controller.act(observation)
        except DivergedError as error:
            diverged = located(str(error), len(rewards), dt_s)
            break
        decided = time.perf_counter_ns()
        passage = gate.check(action)
        decision_ns.append(decided - begin)
        activity = controller.activity()
        tally.add(activity)
        if passage.refusal:
            diverged = located(passage.refusal, len(rewards), dt_s)
            break
        limited += passage.limited
        stepping = time.perf_counter_ns()
        following, reward, terminated, truncated = contract.step(passage.action)
        wall_ns += decided - begin + time.perf_counter_ns() - stepping
        reason = watch.reason(following, reward, passage.action)
        if observer is not None:
            seen = Step(len(rewards), observation, action, reward, following, terminated, truncated, activity,
                        decision_ns[-1] * 1e-9)  # fmt: skip
            observer.step(seen)
        if reason:
            diverged = located(reason, len(rewards), dt_s)
            break
        rewards.append(reward)
        observation = following
        outlying += int(bounds.outside(observation))
        truncated = truncated or (max_steps is not None and len(rewards) >= max_steps)
        if learning is not None:
            learning.feedback(reward, following, terminated, truncated and not terminated)
    episode = Episode(
        seed=seed,
        episode_return=float(sum(rewards)),
        length=len(rewards),
        terminated=terminated and diverged is None,
        truncated=truncated and diverged is None,
        diverged=diverged,
        control_dt_s=dt_s,
        decision_s=np.array(decision_ns, np.float64) * 1e-9,  # (decisions,)
        wall_s=wall_ns * 1e-9,
        sim_s=len(rewards) * dt_s,
        spikes=tally.spikes,
        neurons=tally.neurons,
        neuron_ticks=tally.neuron_ticks,
        synaptic_events=tally.synaptic_events,
        limited_actions=limited,
        outlying_observations=outlying,
        post_mortem=None if diverged is None else contract.trail.post_mortem(diverged),
    )
    if observer is not None:
        observer.finish(episode)
    return episode


def run_episodes(
    controller: Controller,
    env_id: str,
    seeds: Sequence[int],
    env_kwargs: Mapping[str, Any] | None = None,
    observer: Observer | None = None,
    progress: Progress | None = None,
    *,
    max_steps: int | None = None,
    changes: Sequence[Change] = (),
) -> tuple[Episode, ...]:
    """Make the environment, run one episode per seed in it, close it.

    The agent's own environment is made as it was in training, another one as it is by default; ``env_kwargs`` come on
    top, then ``changes`` of the plant. One decision is made before the first episode, so that compilation is in no
    decision time.

    Raises:
        SpaceError: the environment's spaces are not those that the agent was made for.
        InputError: a change that this environment has nothing for.
    """
    made_for = controller.description.task
    choice = made_for.env if env_id == made_for.env_id else EnvChoice(id=env_id)
    env = environments.opened(choice, **(env_kwargs or {}))
    try:
        env = changed(env, changes)
        task = environments.task(env, choice)
        require_fit(made_for, task)
        warm_up(controller)
        done: list[Episode] = []
        for seed in seeds:
            done.append(
                run_episode(controller, env, seed, observer, control_dt_s=task.control_dt_s, max_steps=max_steps)
            )
            if progress is not None:
                progress(len(done), len(seeds), done[-1])
    finally:
        closed(env)
    return tuple(done)


def warm_up(controller: Controller) -> None:
    """Make one decision on an observation of zeros: kernels are compiled and memory is touched."""
    controller.reset(0)
    controller.act(np.zeros(controller.description.task.observation_size))
    controller.activity()


def require_fit(made_for: Task, given: Task) -> None:
    """Raise SpaceError unless an agent made for one task can be connected to the other."""
    found = []
    for name, what in (
        ("observation_size", "observations"),
        ("action_size", "actions"),
        ("action_kind", "actions"),
        ("action_choices", "choices at once"),
    ):
        wanted, has = getattr(made_for, name), getattr(given, name)
        if wanted != has:
            found.append(
                Problem(
                    given.env_id,
                    f"has {has or 'no'} {what}, the agent was made for {wanted or 'none'}",
                    f"run it in {made_for.env_id}" if made_for.env_id != given.env_id else "train an agent for it",
                )
            )
    if made_for.env_id == given.env_id and made_for.env_version not in (None, given.env_version):
        found.append(
            Problem(
                given.env_id,
                f"is version {given.env_version}, the agent was made for version {made_for.env_version}",
                "train it again, or take the environment's earlier version",
            )
        )
    if found:
        raise SpaceError(*found)


class Bounds:
    """Counts observations outside the finite bounds that a space declares (infinite ones bound nothing)."""

    def __init__(self, space: gym.Space[Any]) -> None:
        """``space``: the observation space."""
        self._box = space if isinstance(space, gym.spaces.Box) else None

    def outside(self, observation: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether at least one component of an observation (dims,) is outside; of each row of (rows, dims)."""
        box = self._box
        if box is None:
            return np.zeros(observation.shape[:-1], np.bool_)
        return np.asarray(((observation < box.low) | (observation > box.high)).any(axis=-1))


class _Tally:
    """Spikes and events of one episode, added up decision by decision."""

    def __init__(self) -> None:
        self.spikes: dict[str, int] = {}
        self.neurons: dict[str, int] = {}
        self.neuron_ticks: dict[str, int] = {}
        self.synaptic_events = 0

    def add(self, activity: Activity) -> None:
        for name, raster in activity.spikes.items():  # (ticks, n)
            self.spikes[name] = self.spikes.get(name, 0) + int(np.count_nonzero(raster))
            self.neurons[name] = raster.shape[1]
            self.neuron_ticks[name] = self.neuron_ticks.get(name, 0) + raster.size
        self.synaptic_events += int(activity.synaptic_events)


def located(reason: str, step: int, dt_s: float) -> str:
    """``reason`` with the step and the time of it."""
    return f"{reason} at step {step} ({step * dt_s:.3f} s)"
