"""Episodes side by side: several copies of the environment, one decision for a batch of their observations.

Each episode is the one that :func:`snnctl.loop.closed_loop.run_episode` plays alone, bit for bit, however many are
played beside it: an episode depends on its seed, not on the copy that it is played in. A copy whose episode is over
takes the next seed. What is saved is the cost of the loop: one call, one gate and one look at the bounds for all
copies. The robots are stepped one after another.

The time of a batch of decisions counts in equal parts for each of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from snnctl.agent.batch import Batch
from snnctl.loop import tally
from snnctl.loop.closed_loop import Bounds, located
from snnctl.loop.episode import Episode
from snnctl.loop.gate import Gate
from snnctl.robots.contract import Contract

Going = Callable[[int], bool]  # episodes done -> whether to go on; asked before every decision, told at the end


def run_side_by_side(
    batch: Batch, envs: Sequence[gym.Env[Any, Any]], seeds: Sequence[int], going: Going = lambda done: True
) -> tuple[Episode, ...] | None:
    """One episode for each seed, in their order; None if told to stop.

    Args:
        batch: of the agent, with a row for each environment.
        envs: copies of one environment, made for the agent.
        seeds: of the environment and of the encoder in each episode.
        going: asked before every batch of decisions.
    """
    gate, bounds = Gate(envs[0].action_space), Bounds(envs[0].observation_space)
    copies = [_Copy(batch, row, env, bounds) for row, env in enumerate(envs)]
    played: dict[int, Episode] = {}
    waiting = iter(enumerate(seeds))

    def occupy(copy: _Copy) -> bool:
        """Start the next episode that has a first decision; whether there was one."""
        for place, seed in waiting:
            copy.start(place, seed)
            if copy.diverged is None:
                return True
            played[place] = copy.episode()
        return False

    busy = [copy for copy in copies if occupy(copy)]
    while busy:
        if not going(len(played)):
            return None
        rows = np.array([copy.row for copy in busy])
        begin = time.perf_counter_ns()
        batch.decide(rows)
        decision_ns = (time.perf_counter_ns() - begin) / len(rows)
        for copy in busy:
            passage = gate.check(batch.actions[copy.row])
            copy.decision_ns.append(decision_ns)
            if passage.refusal:
                copy.diverge(passage.refusal)
            else:
                copy.step(passage.action, passage.limited)
        over = [copy for copy in busy if copy.over]
        for copy in over:
            played[copy.place] = copy.episode()
        if over:
            busy = [copy for copy in busy if not copy.over or occupy(copy)]
    going(len(played))
    return tuple(played[place] for place in range(len(seeds)))


class _Copy:
    """One copy of the environment and the episode that is under way in it."""

    def __init__(self, batch: Batch, row: int, env: gym.Env[Any, Any], bounds: Bounds) -> None:
        self.batch, self.row, self.env, self.bounds = batch, row, env, bounds
        self.contract = Contract(env)
        self.dt_s = batch.description.task.control_dt_s

    def start(self, place: int, seed: int) -> None:
        """Reset environment and controller for the episode in ``place``."""
        self.place, self.seed = place, seed
        observation = self.contract.reset(seed)
        self.batch.reset(self.row, seed)
        self.batch.observations[self.row] = observation
        self.rewards: list[float] = []
        self.decision_ns: list[float] = []
        self.limited = 0
        self.wall_ns = 0.0
        self.terminated = self.truncated = False
        self.diverged = None if np.isfinite(observation).all() else "the first observation is not finite"
        self.outlying = int(self.bounds.outside(observation))

    def step(self, action: Any, limited: bool) -> None:
        """Carry out an action that passed the gate."""
        self.limited += limited
        begin = time.perf_counter_ns()
        following, reward, terminated, truncated, reason = self.contract.step(action)
        self.wall_ns += self.decision_ns[-1] + time.perf_counter_ns() - begin
        if reason:
            self.diverge(reason)
            return
        self.rewards.append(reward)
        self.batch.observations[self.row] = following
        self.terminated, self.truncated = terminated, truncated
        self.outlying += self.bounds.outside(following)

    def diverge(self, reason: str) -> None:
        """The episode ends in this step, which does not count."""
        self.diverged = located(reason, len(self.rewards), self.dt_s)

    @property
    def over(self) -> bool:
        """Whether the episode has ended."""
        return self.terminated or self.truncated or self.diverged is not None

    def episode(self) -> Episode:
        """What the episode leaves behind."""
        totals = tally.totals(self.batch.populations, *self.batch.counted(self.row), len(self.decision_ns))
        return Episode(
            seed=self.seed,
            episode_return=float(sum(self.rewards)),
            length=len(self.rewards),
            terminated=self.terminated and self.diverged is None,
            truncated=self.truncated and self.diverged is None,
            diverged=self.diverged,
            control_dt_s=self.dt_s,
            decision_s=np.array(self.decision_ns, np.float64) * 1e-9,  # (decisions,)
            wall_s=self.wall_ns * 1e-9,
            sim_s=len(self.rewards) * self.dt_s,
            **totals._asdict(),
            limited_actions=self.limited,
            outlying_observations=self.outlying,
            post_mortem=None if self.diverged is None else self.contract.post_mortem(self.diverged),
        )
