"""The closed loop: observation -> decision -> safety gate -> robot, one episode at a time.

Each control step ``k``:

1. ``a[k] = controller.act(o[k])``, timed
2. the gate refuses an action that is not finite and clips the rest to the limits
3. ``o[k+1], r[k] = env.step(a[k])``, timed, and the watch looks for a diverged simulation; if it finds one,
   the episode ends here
4. a controller that learns as it acts is told ``r[k]`` and ``o[k+1]``

What nobody reads is not built: a controller that counts its spikes is asked at the end of the episode, and the rasters
of a decision are made for an observer.

A step that diverged earns nothing: ``episode_return`` is the sum of the rewards before it, and is no
score (see :mod:`snnctl.loop.statistics`). ``wall_s`` is the time of 1 to 3 alone; observers and spike
counting are outside it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from snnctl import streams
from snnctl.agent.controller import Controller, CountingController, LearningController
from snnctl.agent.description import Task
from snnctl.agent.environment import EnvChoice
from snnctl.errors import DivergedError, Problem, SpaceError
from snnctl.loop import tally
from snnctl.loop.episode import Episode, Observer, Step
from snnctl.loop.gate import Gate
from snnctl.robots import environments
from snnctl.robots.bounds import compiled_for, outside
from snnctl.robots.changes import Change, changed
from snnctl.robots.contract import Contract, closed

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
    contract = Contract(env)
    check, outside_bounds = Gate(env.action_space).check, Bounds(env.observation_space).outside
    observation = contract.reset(seed)
    controller.reset(seed)
    learning = controller if isinstance(controller, LearningController) else None
    counting = controller if isinstance(controller, CountingController) else None
    if observer is not None:
        observer.start(controller, env, seed, observation)
    told = tally.Tally()
    act, step, clock = controller.act, contract.step, time.perf_counter_ns
    decision_ns: list[int] = []
    rewards: list[float] = []
    longest = math.inf if max_steps is None else max_steps
    wall_ns = limited = 0
    terminated = truncated = False
    diverged = None if np.isfinite(observation).all() else "the first observation is not finite"
    outlying = int(outside_bounds(observation))
    while not (terminated or truncated or diverged):
        begin = clock()
        try:
            action = act(observation)
        except DivergedError as error:
            diverged = located(str(error), len(rewards), dt_s)
            break
        decided = clock()
        decision_ns.append(decided - begin)
        going_on = decided
        if counting is None:
            told.add(controller.activity())
            going_on = clock()
        sent, beyond, refusal = check(action)
        if refusal:
            diverged = located(refusal, len(rewards), dt_s)
            break
        limited += beyond
        following, reward, terminated, truncated, reason = step(sent)
        wall_ns += decided - begin + clock() - going_on
        if observer is not None:
            seen = Step(len(rewards), observation, action, reward, following, terminated, truncated,
                        controller.activity(), decision_ns[-1] * 1e-9)  # fmt: skip
            observer.step(seen)
        if reason:
            diverged = located(reason, len(rewards), dt_s)
            break
        rewards.append(reward)
        observation = following
        outlying += outside_bounds(observation)
        if len(rewards) >= longest:
            truncated = True
        if learning is not None:
            learning.feedback(reward, following, terminated, truncated and not terminated)
    totals = told.totals()
    if counting is not None:
        totals = tally.totals(counting.populations, *counting.counted(), len(decision_ns))
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
        **totals._asdict(),
        limited_actions=limited,
        outlying_observations=outlying,
        post_mortem=None if diverged is None else contract.post_mortem(diverged),
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
        self.outside: Callable[[NDArray[Any]], bool] = _never  # whether a component of an observation (dims,) is
        if isinstance(space, gym.spaces.Box):
            self._low, self._high = space.low.astype(np.float64), space.high.astype(np.float64)  # (dims,)
            if np.isfinite(self._low).any() or np.isfinite(self._high).any():
                self.outside = self._outside

    def _outside(self, observation: NDArray[Any]) -> bool:
        return bool(outside(compiled_for(observation), self._low, self._high))


def _never(observation: NDArray[Any]) -> bool:
    return False


def located(reason: str, step: int, dt_s: float) -> str:
    """``reason`` with the step and the time of it."""
    return f"{reason} at step {step} ({step * dt_s:.3f} s)"
