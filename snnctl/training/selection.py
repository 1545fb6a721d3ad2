"""Which agent of a training is kept: the best on episodes that no reported figure uses.

Every ``every_updates`` updates the agent of the moment is run greedily in selection episodes
0 ... n - 1, always the same. One whose mean reaches ``stop_return`` is run in ``confirm_episodes`` others;
if the mean over these reaches it too, and the worst of them ``stop_worst``, training stops. An agent's
score is the mean over all selection episodes that it was run in, so luck in the first n is paid back by
the confirmation. Of equal scores the later agent is kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import gymnasium as gym

from snnctl import streams
from snnctl.agent.controllers import make
from snnctl.agent.folder import Agent
from snnctl.loop.closed_loop import run_episode
from snnctl.loop.statistics import scores
from snnctl.training.recipe import Selection

Play = Callable[[Agent, list[int]], list[float]]  # (agent, episode seeds) -> scores


class Verdict(NamedTuple):
    """What selection found out about one agent."""

    score: float  # mean over all its selection episodes; -inf when every one diverged
    episodes: int
    stop: bool  # confirmed: training may end


def judge(agent: Agent, selection: Selection, seed: int, play: Play) -> Verdict:
    """Run ``agent`` in the selection episodes of ``seed``."""
    first = play(agent, [streams.integer(seed, "selection", k) for k in range(selection.episodes)])
    goal = selection.stop_return
    if goal is None or _mean(first) < goal:
        return Verdict(_mean(first), len(first), False)
    numbers = range(selection.episodes, selection.episodes + selection.confirm_episodes)
    second = play(agent, [streams.integer(seed, "selection", k) for k in numbers])
    sure = selection.stop_worst is None or min(second) >= selection.stop_worst
    return Verdict(_mean(first + second), len(first + second), _mean(second) >= goal and sure)


def player(env: gym.Env[Any, Any]) -> Play:
    """Play episodes greedily in ``env``; a diverged episode scores as a failure."""

    def play(agent: Agent, seeds: list[int]) -> list[float]:
        controller = make(agent)
        values = scores([run_episode(controller, env, seed) for seed in seeds])
        return [-math.inf] * len(seeds) if values is None else [float(v) for v in values]

    return play


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)
