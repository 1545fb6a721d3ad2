"""The compiled questions of a control step, against numpy's."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.loop.closed_loop import Bounds
from snnctl.loop.gate import Gate
from snnctl.robots.bounds import finite
from snnctl.robots.flat_spaces import fitted

NUMBERS = st.floats(width=64)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@settings(deadline=None)
@given(st.lists(NUMBERS, min_size=3, max_size=3))
def test_the_gate_clips_as_numpy_does_or_names_the_first_number_that_is_not_finite(
    dtype: type, numbers: list[float]
) -> None:
    box, values = gym.spaces.Box(dtype([-1.0, -1e30, 0.25]), dtype([1.0, 0.5, 2.0]), dtype=dtype), np.array(numbers)
    action, limited, refusal = Gate(box).check(values)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        assert (action, refusal) == (None, f"action[{bad[0]}] is {values[bad[0]]}")
        return
    expected, outside = fitted(box, values)
    np.testing.assert_array_equal(action, expected)
    assert (action.dtype, limited, refusal) == (dtype, outside.any(), None)


@settings(deadline=None)
@given(st.lists(NUMBERS, max_size=5))
def test_finite_means_every_number(numbers: list[float]) -> None:
    assert finite(np.array(numbers, np.float64)) == np.isfinite(numbers).all()
    assert finite(np.array([numbers, numbers], np.float64)) == np.isfinite(numbers).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint8])
def test_an_observation_outside_a_finite_bound(dtype: type) -> None:
    outside = Bounds(gym.spaces.Box(np.array([0.0, -np.inf]), np.array([5.0, 3.0]))).outside
    found = [outside(np.array(values, dtype)) for values in ([0, 0], [5, 3], [6, 0], [0, 4])]
    assert found == [False, False, True, True]
    assert not Bounds(gym.spaces.Box(-np.inf, np.inf, (2,))).outside(np.array([np.nan, 1e300]))
    assert not Bounds(gym.spaces.Discrete(2)).outside(np.array([7]))
