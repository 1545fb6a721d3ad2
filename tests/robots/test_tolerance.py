"""Tolerances: what the docstring claims of every sigmoid, and closed forms."""

import itertools
import math
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnctl.robots.task import Sigmoid
from snnctl.robots.tolerance import tolerance

SIGMOIDS = typing.get_args(Sigmoid)


@pytest.mark.parametrize("sigmoid", SIGMOIDS)
@given(low=st.floats(-5, 5), width=st.floats(0, 5), margin=st.floats(0.01, 10), y=st.floats(0.01, 0.9))
def test_one_inside_the_value_at_the_margin_and_falling_outside(sigmoid, low, width, margin, y):
    curve = tolerance(low, low + width, margin, sigmoid, y)
    assert curve(low) == curve(low + width) == curve(low + width / 2) == 1.0
    assert curve(low + width + margin) == pytest.approx(y, abs=1e-9)
    assert curve(low - margin) == pytest.approx(y, abs=1e-9)
    values = [curve(low - k * margin / 4) for k in range(20)]
    assert all(1 >= a >= b >= 0 for a, b in itertools.pairwise(values))
    assert 0 <= curve(1e9) <= 1


def test_closed_forms():
    assert tolerance(0, 0, 1, "gaussian", 0.1)(0.5) == pytest.approx(0.1**0.25)
    assert tolerance(0, 0, 1, "linear", 0.2)(0.5) == pytest.approx(0.6)
    assert tolerance(0, 0, 1, "quadratic", 0.0)(0.5) == pytest.approx(0.75)
    assert tolerance(0, 0, 2, "long_tail", 0.5)(2.0) == pytest.approx(0.5)
    assert tolerance(0, 0, 1, "cosine", 0.0)(0.5) == pytest.approx(0.5)


def test_a_margin_of_zero_is_a_hard_edge_and_nan_is_never_full_reward():
    hard = tolerance(-1, 1)
    assert [hard(-1), hard(1), hard(1.0001)] == [1.0, 1.0, 0.0]
    assert math.isnan(hard(math.nan))
    for sigmoid in SIGMOIDS:
        assert not tolerance(-1, 1, 0.5, sigmoid)(math.nan) > 0
