"""Which agent of a training is kept, and when training may stop: by episodes that no reported figure uses.

An evaluation plays episodes 0 ... n - 1 of the stream "selection", all of them, always the same: agents are compared in
the same episodes, and the rows of a learning curve are all of one size. An agent whose mean reaches ``stop_return`` is
played in ``confirm_episodes`` others; if the mean over these reaches it too, and the worst of them ``stop_worst``,
training stops. An agent's score is the mean over all episodes that it was played in, so luck in the first n is paid
back by the confirmation. Of equal scores the later agent is kept.

The confirmation is played in blocks of :data:`BLOCK` and given up after a block of which it is known, or as good as
known, that it will not confirm: when an episode is below ``stop_worst``, or when

    mean + t(1 - error / looks, k - 1) * std / sqrt(k) < stop_return        std with divisor k - 1

over the k episodes so far, with ``error = give_up_error`` shared equally by the looks (Bonferroni). An agent whose
true mean is ``stop_return`` or more is given up with a probability of at most ``error``, if its returns are normal.
Nothing is ever confirmed early.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from snnctl import streams
from snnctl.agent.folder import Agent
from snnctl.loop.episode import Episode
from snnctl.loop.side_by_side import Going
from snnctl.loop.statistics import scores
from snnctl.training.evaluator import Play
from snnctl.training.recipe import Evaluation

BLOCK = 10  # confirming episodes between two looks


class Verdict(NamedTuple):
    """What an evaluation found out about one agent."""

    score: float  # mean over all its episodes; -inf when every one diverged
    episodes: tuple[Episode, ...]
    confirmation: tuple[Episode, ...]  # none where the score did not ask for any
    stop: bool  # confirmed: training may end


def judge(agent: Agent, evaluation: Evaluation, seed: int, play: Play, tell: Going) -> Verdict | None:
    """Play ``agent`` in the evaluation episodes of ``seed``; None if told to stop.

    Args:
        agent: as it is now
        evaluation: of the recipe
        seed: of the training
        play: plays the episodes
        tell: told how many episodes are done, confirming ones included; says whether to go on
    """
    first = play(agent, [streams.integer(seed, "selection", k) for k in range(evaluation.episodes)], tell)
    if first is None:
        return None
    goal, done = evaluation.stop_return, len(first)
    if goal is None or _mean(first) < goal:
        return Verdict(_mean(first), first, (), False)
    second: tuple[Episode, ...] = ()
    looks = math.ceil(evaluation.confirm_episodes / BLOCK) - 1
    while len(second) < evaluation.confirm_episodes:
        count = min(BLOCK, evaluation.confirm_episodes - len(second))
        numbers = range(done + len(second), done + len(second) + count)
        more = play(agent, [streams.integer(seed, "selection", k) for k in numbers], _after(numbers.start, tell))
        if more is None:
            return None
        second += more
        if worse(_scores(second), evaluation, looks):
            break
    whole = len(second) == evaluation.confirm_episodes
    sure = evaluation.stop_worst is None or min(_scores(second)) >= evaluation.stop_worst
    return Verdict(_mean(first + second), first, second, whole and sure and _mean(second) >= goal)


def worse(values: Sequence[float], evaluation: Evaluation, looks: int) -> bool:
    """Whether the returns of the confirming episodes so far say that they will not confirm.

    Args:
        values: returns so far
        evaluation: has ``stop_return``, ``stop_worst`` and ``give_up_error``
        looks: how often this is asked before the last episode
    """
    from scipy.special import stdtrit

    goal, worst = evaluation.stop_return, evaluation.stop_worst
    if worst is not None and min(values) < worst:
        return True
    k = len(values)
    if goal is None or not evaluation.give_up_error or not looks or k < 2:
        return False
    if not np.isfinite(values).all():
        return True  # every episode diverged
    quantile = float(stdtrit(k - 1, 1 - evaluation.give_up_error / looks))
    return float(np.mean(values) + quantile * np.std(values, ddof=1) / math.sqrt(k)) < goal


def _after(count: int, tell: Going) -> Going:
    """``tell`` of the episodes after the first ``count``."""
    return lambda done: tell(count + done)


def _scores(episodes: Sequence[Episode]) -> list[float]:
    values = scores(episodes)
    return [-math.inf] * len(episodes) if values is None else [float(v) for v in values]


def _mean(episodes: Sequence[Episode]) -> float:
    return math.fsum(_scores(episodes)) / len(episodes)
