from __future__ import annotations

import numpy as np
import pytest

from snnctl.evaluation.pairs import compare
from snnctl.loop.episode import Episode


def episodes(returns, diverged=()) -> list[Episode]:
    return [
        Episode(k, r, 10, False, True, "lost" if k in diverged else None, 0.02, np.zeros(10), 0, 0, {}, {}, {}, 0, 0, 0)
        for k, r in enumerate(returns)
    ]


def test_retention_and_difference() -> None:
    found = compare(episodes([100.0, 200.0, 300.0]), episodes([90.0, 200.0, 280.0]), 0)
    assert found.retention == 570 / 600
    assert found.difference == -10
    assert (found.worse, found.better) == (2, 0)
    assert found.difference_interval is not None and found.difference_interval[0] <= -10 <= found.difference_interval[1]
    assert found.retention_interval is not None and found.retention_interval[0] <= 0.95 <= found.retention_interval[1]


def test_equal_episodes_have_an_interval_of_zero_width() -> None:
    found = compare(episodes([1.0, 5.0, 9.0]), episodes([1.0, 5.0, 9.0]), 3)
    assert found.retention_interval == (1.0, 1.0)
    assert found.difference_interval == (0.0, 0.0)


def test_negative_returns_have_no_ratio() -> None:
    found = compare(episodes([-100.0, -200.0]), episodes([-90.0, -210.0]), 0)
    assert found.retention is None and found.retention_interval is None
    assert found.difference == 0


def test_a_diverged_chip_counts_as_failure() -> None:
    found = compare(episodes([100.0, 100.0]), episodes([100.0, 5000.0], diverged={1}), 0)
    assert found.difference == -50
    every = compare(episodes([1.0], {0}), episodes([1.0], {0}), 0)
    assert every.difference is None


def test_unpaired_episodes_are_refused() -> None:
    with pytest.raises(ValueError, match="same seeds"):
        compare(episodes([1.0, 2.0]), episodes([1.0]), 0)
