"""Which agent is kept, when a training may stop, and when its confirmation is given up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import pytest

from snnctl import streams
from snnctl.agent.folder import Agent
from snnctl.loop.episode import Episode
from snnctl.training.recipe import Evaluation
from snnctl.training.selection import BLOCK, Verdict, judge, worse

AGENT = cast("Agent", None)  # the fake player never looks at it


def episode(value: float, seed: int = 0, diverged: str | None = None) -> Episode:
    return Episode(seed, value, 3, True, False, diverged, 0.02, np.ones(3), 1.0, 1.0, {}, {}, {}, 0, 0, 0)


class Player:
    """Gives the returns in order; ``math.nan`` is a diverged episode."""

    def __init__(self, *returns: float) -> None:
        self.returns, self.asked = list(returns), list[int]()

    def __call__(self, agent: Agent, seeds: Sequence[int], going: Callable[[int], bool]) -> tuple[Episode, ...] | None:
        if not going(0):
            return None
        first = len(self.asked)
        self.asked += seeds
        values = self.returns[first : len(self.asked)]
        return tuple(
            episode(0.0 if v != v else v, s, "because" if v != v else None) for v, s in zip(values, seeds, strict=True)
        )


def verdict(play: Player, **keys: Any) -> Verdict:
    found = judge(AGENT, Evaluation(**{"episodes": 2, "stop_return": 5.0, "confirm_episodes": 3, **keys}), 7, play,
                  lambda done: True)  # fmt: skip
    assert found is not None
    return found


def test_below_the_goal_nothing_is_confirmed() -> None:
    play = Player(1.0, 2.0)
    found = verdict(play)
    assert (found.score, found.stop, found.confirmation) == (1.5, False, ())
    assert play.asked == [streams.integer(7, "selection", k) for k in (0, 1)] == [e.seed for e in found.episodes]


def test_confirmation_uses_other_episodes_and_pays_back_luck() -> None:
    play = Player(10.0, 10.0, 1.0, 1.0, 1.0)
    found = verdict(play)
    assert (found.score, found.stop) == (pytest.approx(23 / 5), False)
    assert play.asked == [streams.integer(7, "selection", k) for k in range(5)]
    assert len(set(play.asked)) == 5


@pytest.mark.parametrize(("worst", "stops"), [(None, True), (4.0, True), (4.5, False)])
def test_one_bad_episode_forbids_the_stop(worst: float | None, stops: bool) -> None:
    assert verdict(Player(9.0, 9.0, 9.0, 4.0, 9.0), stop_worst=worst).stop is stops


def test_what_cannot_be_confirmed_any_more_is_given_up_after_a_block() -> None:
    play = Player(9.0, 9.0, *[9.0] * (BLOCK - 1), 1.0, *[9.0] * 20)
    found = verdict(play, confirm_episodes=3 * BLOCK, stop_worst=4.0)
    assert not found.stop and len(found.confirmation) == BLOCK
    assert found.score == pytest.approx((9.0 * (BLOCK + 1) + 1.0) / (BLOCK + 2))  # over all that were played


def test_what_confirms_is_played_to_the_last_episode() -> None:
    found = verdict(Player(*[9.0] * 40), confirm_episodes=25)
    assert found.stop and len(found.confirmation) == 25


def test_an_agent_at_the_goal_is_given_up_no_more_often_than_stated() -> None:
    evaluation = Evaluation(stop_return=0.0, confirm_episodes=50, give_up_error=0.1)
    random, looks, agents = np.random.default_rng(3), 4, 2000

    def given_up(mean: float) -> float:
        returns = random.normal(mean, 1.0, (agents, looks * BLOCK))
        found = [any(worse(r[: BLOCK * k], evaluation, looks) for k in range(1, looks + 1)) for r in returns]
        return float(np.mean(found))

    assert given_up(0.0) < 0.1 + 3 * (0.1 * 0.9 / agents) ** 0.5
    assert given_up(-1.0) > 0.95  # and one that is clearly worse is given up
    never = Evaluation(stop_return=0.0, confirm_episodes=50, give_up_error=0.0)
    assert not worse([-5.0, -5.1, -5.0], never, looks)


def test_diverged_episodes_confirm_nothing() -> None:
    nan = float("nan")
    found = verdict(Player(9.0, 9.0, *[nan] * BLOCK), confirm_episodes=2 * BLOCK, stop_return=-1.0)
    assert not found.stop and len(found.confirmation) == BLOCK
    assert verdict(Player(nan, nan)).score == -float("inf")


def test_told_to_stop_there_is_no_verdict() -> None:
    evaluation = Evaluation(episodes=2, stop_return=5.0, confirm_episodes=3)
    asked: list[int] = []

    def going(done: int) -> bool:
        asked.append(done)
        return done < 2  # until the confirmation begins

    assert judge(AGENT, evaluation, 7, Player(*[9.0] * 5), going) is None
    assert asked == [0, 2]
