import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnctl.errors import InputError
from snnctl.spike_trains.victor_purpura import align, distance, quadratic_distance

from .recordings import METRICS, PAIRS, TRAINS
from .strategies import trains

ACTUAL = [31.0, 62.5, 90.0, 91.0, 140.0, 180.0]
TARGET = [30.0, 70.0, 105.0, 138.5, 178.0, 195.0]
costs = st.sampled_from([0.0, 0.01, 0.1, 0.3, 2.0, math.inf])


def test_equals_elephant_on_all_pairs_and_costs():
    for k, q in enumerate(METRICS["vp_q_per_ms"]):
        found = [distance(TRAINS[i], TRAINS[j], q) for i, j in PAIRS]
        np.testing.assert_allclose(np.reshape(found, (15, 15)), METRICS["vp_fast"][k], rtol=0, atol=1e-9)


@given(trains(), trains(), trains(), costs)
def test_is_a_metric(a, b, c, q):
    ab = distance(a, b, q)
    assert distance(b, a, q) == pytest.approx(ab, abs=1e-12)
    assert distance(a, a, q) == 0
    assert ab <= distance(a, c, q) + distance(c, b, q) + 1e-9
    if q > 0 and not np.array_equal(a, b):
        assert ab > 0


@given(trains(), trains())
def test_limits_count_spikes_and_coincidences(a, b):
    assert distance(a, b, 0.0) == abs(a.size - b.size)
    expected = a.size + b.size - 2 * np.intersect1d(a, b).size
    assert distance(a, b, math.inf) == expected
    assert distance(a, b, 1e6) == expected  # every lag of the grid costs more than deleting and adding


@given(trains(), trains(), costs, st.integers(0, 500))
def test_a_common_shift_changes_nothing(a, b, q, shift):
    assert distance(a + shift, b + shift, q) == pytest.approx(distance(a, b, q), abs=1e-9)


@given(trains(smallest=1, largest=1), st.floats(0.001, 50), costs)
def test_two_single_spikes_are_moved_or_replaced(a, lag, q):
    assert distance(a, a + lag, q) == pytest.approx(min(2.0, q * lag), abs=1e-9)


def test_alignment_of_the_chronotron_s_example():
    removed, added, moved = align(TARGET, ACTUAL, 10.0)
    assert removed.tolist() == [2]
    assert added.tolist() == [5]
    assert moved.tolist() == [[0, 0], [1, 1], [2, 3], [3, 4], [4, 5]]
    assert quadratic_distance(TARGET, ACTUAL, 10.0) == pytest.approx(3.2975, abs=1e-12)
    assert distance(TARGET, ACTUAL, 0.1) == pytest.approx(4.6, abs=1e-12)


@given(trains(), trains(), st.sampled_from([0.5, 3.0, 10.0, 40.0]))
def test_alignment_makes_the_target_at_the_cheapest_cost(target, actual, tau_q):
    removed, added, moved = align(target, actual, tau_q)
    lags = target[moved[:, 0]] - actual[moved[:, 1]]
    cost = removed.size + added.size + 0.5 * ((lags / tau_q) ** 2).sum()
    assert cost == pytest.approx(quadratic_distance(target, actual, tau_q), abs=1e-9)
    assert np.array_equal(np.sort(np.concatenate([added, moved[:, 0]])), np.arange(target.size))
    assert np.array_equal(np.sort(np.concatenate([removed, moved[:, 1]])), np.arange(actual.size))
    assert (np.abs(lags) < 2 * tau_q).all()
    assert (np.diff(moved, axis=0) > 0).all()
    exhaustive = cheapest_by_enumeration(target, actual, tau_q) if target.size * actual.size <= 16 else cost
    assert cost == pytest.approx(exhaustive, abs=1e-9)


def cheapest_by_enumeration(target, actual, tau_q):
    """Every order-preserving matching, by plain recursion."""

    def best(i, j):
        if i == target.size or j == actual.size:
            return target.size - i + actual.size - j
        move = best(i + 1, j + 1) + 0.5 * ((target[i] - actual[j]) / tau_q) ** 2
        return min(best(i + 1, j) + 1, best(i, j + 1) + 1, move)

    return best(0, 0)


def test_equal_costs_are_resolved_by_removing_and_adding():
    removed, added, moved = align([10.0], [30.0], 10.0)  # moving by 2 tau_q costs 2 as well
    assert (removed.tolist(), added.tolist(), moved.tolist()) == ([0], [0], [])
    # both actual spikes are 5 ms from the target; walking back, the later one is the first to be deleted
    removed, added, moved = align([20.0], [15.0, 25.0], 10.0)
    assert (removed.tolist(), moved.tolist()) == ([1], [[0, 0]])
    # of two targets 5 ms from one spike the later one is added
    removed, added, moved = align([15.0, 25.0], [20.0], 10.0)
    assert (added.tolist(), moved.tolist()) == ([1], [[0, 0]])


def test_trains_without_spikes():
    removed, added, moved = align([], [1.0, 2.0], 5.0)
    assert (removed.tolist(), added.tolist(), moved.shape) == ([0, 1], [], (0, 2))
    removed, added, moved = align([1.0, 2.0], [], 5.0)
    assert (removed.tolist(), added.tolist(), moved.shape) == ([], [0, 1], (0, 2))
    assert distance([], [], 1.0) == 0
    assert distance([5.0], [], math.inf) == 1


@pytest.mark.parametrize("q", [-1.0, math.nan])
def test_impossible_cost_is_refused(q):
    with pytest.raises(InputError, match="q_per_ms"):
        distance([1.0], [2.0], q)


@pytest.mark.parametrize("tau_q", [0.0, -1.0, math.nan, math.inf])
def test_impossible_time_constant_is_refused(tau_q):
    with pytest.raises(InputError, match="tau_q_ms"):
        align([1.0], [2.0], tau_q)
