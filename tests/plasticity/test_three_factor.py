import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.plasticity.three_factor import ThreeFactorConstants, constants, horizon, mark, reinforce, rounded
from tests.interpreted import INTERPRETED

TICK_S = 1e-3


def rule(score: bool = True, a_minus: float = 0.0, clears: bool = True, tau_rise_s: float = 2e-3, **change):
    given = {
        "tick_s": TICK_S,
        "tau_rise_s": tau_rise_s,
        "tau_pre_s": 17e-3,
        "tau_post_s": 34e-3,
        "ticks": 8,
        "decay": 0.7,
        "score": score,
        "a_minus": a_minus,
        "clears": clears,
        "limit": 2.0,
        "integer": False,
    }
    return constants(**(given | change))


def in_double(c: ThreeFactorConstants) -> ThreeFactorConstants:
    return ThreeFactorConstants(*(float(v) for v in c))


def run(c, pre, post, rho=None):
    """Eligibility of one synapse after each tick, in double precision."""
    current, x, e, y = np.zeros(1), np.zeros((1, 1)), np.zeros((1, 1)), np.zeros(1)
    found = []
    for t in range(len(pre)):
        expected = np.zeros(1) if rho is None else rho[t : t + 1]
        mark(in_double(c), current, x, e, y, pre[t : t + 1], post[t : t + 1], expected)
        found.append(e[0, 0])
    return np.array(found)


def train(*times, n=200):
    spikes = np.zeros(n)
    spikes[list(times)] = 1
    return spikes


@pytest.mark.parametrize("lag", [-60, -10, -1, 0, 1, 10, 60])
def test_pair_window_has_its_closed_form(lag):
    c = rule(score=False, a_minus=1.05, clears=False, tau_rise_s=0.0)
    e = run(c, train(80), train(80 + lag))
    second = max(80, 80 + lag)
    window = math.exp(-lag / 17) if lag >= 0 else -1.05 * math.exp(lag / 34)
    assert e[second] == pytest.approx(window, rel=1e-5)
    assert e[-1] == pytest.approx(window * 0.7 ** ((199 - second) / 8), rel=1e-4)  # and decays exactly


@given(st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
@settings(max_examples=5 if INTERPRETED else 40, deadline=None)
def test_many_synapses_are_the_equations_synapse_by_synapse(seed, score, clears):
    random = np.random.default_rng(seed)
    n, m, ticks = random.integers(1, 5, 3)
    c = in_double(rule(score=score, a_minus=0.0 if score else 1.05, clears=clears))
    pre, post = (random.random((ticks, n)) < 0.5) * 1.0, (random.random((ticks, m)) < 0.5) * 1.0
    rho = random.random((ticks, m))
    current, x, e, y = np.zeros(n), np.zeros((n, m)), np.zeros((n, m)), np.zeros(m)
    for t in range(ticks):
        mark(c, current, x, e, y, pre[t], post[t], rho[t])
    for i in range(n):
        for j in range(m):
            ci = xi = ei = yj = 0.0
            for t in range(ticks):
                yj *= c.a_post
                ci = c.a_rise * ci + pre[t, i]
                xi = c.a_pre * xi + ci
                ei = c.a_tick * ei + xi * (post[t, j] - c.score * rho[t, j]) - c.a_minus * yj * pre[t, i]
                xi = 0.0 if clears and post[t, j] else xi
                yj += post[t, j]
            assert e[i, j] == pytest.approx(ei, rel=1e-12, abs=1e-12)


def test_a_spike_that_was_certain_marks_nothing():
    assert not run(rule(), train(10, 20), train(30), rho=train(30)).any()


def test_weights_move_with_the_modulator_and_stay_within_their_limit():
    c = rule()
    weight, e = np.array([0.0, 1.9, -1.9], np.float32), np.array([0.5, 0.5, -0.5], np.float32)
    reinforce(c, weight, e, np.float32(0.4))
    assert weight == pytest.approx([0.2, 2.0, -2.0])
    reinforce(c, weight, e, np.float32(-0.4))
    assert weight == pytest.approx([0.0, 1.8, -1.8], abs=1e-6)


def test_a_mark_is_kept_until_a_thousandth_is_left():
    assert 0.7 ** horizon(0.7) <= 1e-3 < 0.7 ** (horizon(0.7) - 1)
    assert horizon(0.0) == 1


def test_stochastic_rounding_is_right_in_the_mean_and_stays_within_its_levels():
    random = np.random.default_rng(0)
    for value in (0.31, -0.77, 0.0, 1.0):
        found = np.array([rounded(value, 0.25, 127, u) for u in random.random(500 if INTERPRETED else 20_000)])
        assert set(np.unique(found / 0.25) % 1) == {0.0}
        assert found.mean() == pytest.approx(value, abs=4 * 0.125 / math.sqrt(found.size) + 1e-12)
    assert rounded(100.0, 0.25, 127, 0.5) == 127 * 0.25
    assert rounded(-100.0, 0.25, 127, 0.5) == -127 * 0.25


def test_integer_traces_have_the_widths_of_the_chip():
    c = rule(integer=True)
    current, x, e, y = np.zeros(1), np.zeros((1, 1)), np.zeros((1, 1)), np.zeros(1)
    for _ in range(8):  # the largest trace there can be: a spike in every tick, and no reset
        mark(in_double(c), current, x, e, y, np.ones(1), np.zeros(1), np.zeros(1))
    assert x[0, 0] / c.x_step == pytest.approx(127, rel=1e-5)
    assert c.e_step == pytest.approx(2 * 127 / 255 * c.x_step, rel=1e-6)
    assert c.w_step * 127 == pytest.approx(2.0)
