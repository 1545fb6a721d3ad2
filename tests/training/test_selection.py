"""Which agent is kept, and when a training may stop."""

from __future__ import annotations

from typing import Any, cast

import pytest

from snnctl import streams
from snnctl.agent.folder import Agent
from snnctl.training.recipe import Selection
from snnctl.training.selection import judge

AGENT = cast("Agent", None)  # the fake player never looks at it


def player(first: list[float], second: list[float]) -> Any:
    asked: list[list[int]] = []

    def play(_agent: Agent, seeds: list[int]) -> list[float]:
        asked.append(seeds)
        return first if len(asked) == 1 else second

    play.asked = asked  # type: ignore[attr-defined]
    return play


def test_below_the_goal_nothing_is_confirmed() -> None:
    play = player([1.0, 2.0], [])
    verdict = judge(AGENT, Selection(episodes=2, stop_return=5.0, confirm_episodes=3), 7, play)
    assert verdict == (1.5, 2, False)
    assert len(play.asked) == 1


def test_confirmation_uses_other_episodes_and_pays_back_luck() -> None:
    play = player([10.0, 10.0], [1.0, 1.0, 1.0])
    verdict = judge(AGENT, Selection(episodes=2, stop_return=5.0, confirm_episodes=3), 7, play)
    assert verdict == (pytest.approx(23 / 5), 5, False)
    assert play.asked == [
        [streams.integer(7, "selection", k) for k in (0, 1)],
        [streams.integer(7, "selection", k) for k in (2, 3, 4)],
    ]


@pytest.mark.parametrize(("worst", "stops"), [(None, True), (4.0, True), (4.5, False)])
def test_one_bad_episode_forbids_the_stop(worst: float | None, stops: bool) -> None:
    selection = Selection(episodes=2, stop_return=5.0, stop_worst=worst, confirm_episodes=3)
    assert judge(AGENT, selection, 7, player([9.0, 9.0], [9.0, 4.0, 9.0])).stop is stops
