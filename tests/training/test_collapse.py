"""What counts as a collapsed evaluation, for positive and for negative returns."""

from __future__ import annotations

import math

import pytest

from snnctl.training.collapse import collapse_share, collapses
from snnctl.training.judgement import Judgement
from snnctl.training.recipe import Evaluation

HOPPER = [200.0, 1000.0, 499.0, 500.0, 3000.0, 1499.0, 1501.0]
CASES = [
    (HOPPER, [False, False, True, False, False, True, False]),  # half of the best so far
    ([-1400.0, -150.0, -776.0, -774.0], [False, False, True, False]),  # half of the way from the first
    ([-80.0, 5000.0, 2459.0, 2461.0], [False, False, True, False]),
    ([-1400.0, -1350.0, -1500.0], [False, False, False]),  # nothing gained, nothing to lose
    ([-1400.0, -1500.0, -1450.0], [False, False, False]),
    ([100.0, None, 90.0], [False, True, False]),  # every episode diverged
    ([None, 100.0, 40.0], [False, False, True]),
    ([0.0, 0.0], [False, False]),
]


@pytest.mark.parametrize(("returns", "expected"), CASES)
def test_below_half_of_what_was_reached(returns: list[float | None], expected: list[bool]) -> None:
    assert collapses(returns) == expected


@pytest.mark.parametrize(("returns", "expected"), CASES)
def test_a_training_counts_them_as_they_come(returns: list[float | None], expected: list[bool]) -> None:
    judgement, found = Judgement(), []
    for k, value in enumerate(returns):
        score = -math.inf if value is None else value
        found.append(judgement.fell(score))
        judgement = judgement.add(100 * (k + 1), score, 10)
    assert found == expected
    assert judgement.collapsed == sum(expected) and judgement.evaluations == len(returns)


def test_the_share_of_the_end_of_a_training() -> None:
    steps = [100.0 * k for k in range(1, 8)]
    assert collapse_share(steps, HOPPER) == pytest.approx(2 / 7)
    assert collapse_share(steps, HOPPER, after=0.6) == pytest.approx(1 / 3)  # of 500, 600 and 700
    assert collapse_share([], []) == 0.0


def test_an_evaluation_is_due_at_every_multiple_and_waits_for_training_to_catch_up() -> None:
    evaluation = Evaluation(every_steps=100, steps_limit=2.0)
    fresh = Judgement()
    assert [steps for steps in (30, 99, 100, 130) if fresh.due(steps, evaluation)] == [100, 130]
    after = fresh.add(130, 1.0, played=260)
    assert [steps for steps in (160, 199, 200, 230) if after.due(steps, evaluation)] == [200, 230]
    much = fresh.add(130, 1.0, played=500)
    assert [steps for steps in (200, 249, 250) if much.due(steps, evaluation)] == [250]
