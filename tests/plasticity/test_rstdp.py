import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl import config
from snnctl.errors import ConfigError
from snnctl.plasticity.rstdp import RewardStdp, clear_traces, initial_state, tick

TICK_S = 1e-3
PAIR = RewardStdp(
    tau_pre_s=17e-3,
    tau_post_s=34e-3,
    tau_eligibility_s=0.5,
    tau_modulator_s=0.0,
    a_plus=0.01,
    a_minus=0.0105,
    learning_rate=1.0,
    weight_min=-1.0,
)


def spikes(*times: int, n: int = 200) -> np.ndarray:
    train = np.zeros(n, np.uint8)
    train[list(times)] = 1
    return train


def run(rule, pre, post, release=None, expected=None, weight=0.0, dtype=np.float64):
    """One synapse over all ticks; returns eligibility and weight after each."""
    constants, state = rule.constants(TICK_S, dtype), initial_state(1, 1, dtype)
    w = np.full((1, 1), weight, dtype)
    eligibility, weights = [], []
    for t in range(pre.size):
        rho = np.array([0.0 if expected is None else expected[t]], dtype)
        state, w = tick(
            constants, state, w, pre[t : t + 1], post[t : t + 1], rho, 0.0 if release is None else release[t]
        )
        eligibility.append(state.eligibility[0, 0])
        weights.append(w[0, 0])
    return np.array(eligibility), np.array(weights)


@pytest.mark.parametrize("lag", [-60, -10, -1, 0, 1, 10, 60])
def test_pair_window_has_its_closed_form(lag):
    eligibility, _ = run(PAIR, spikes(80), spikes(80 + lag))
    second = max(80, 80 + lag)
    window = 0.01 * math.exp(-lag / 17) if lag >= 0 else -0.0105 * math.exp(lag / 34)
    assert eligibility[second] == pytest.approx(window, rel=1e-12)
    # and from there it decays exactly
    assert eligibility[-1] == pytest.approx(window * math.exp(-(199 - second) * TICK_S / 0.5), rel=1e-12)


def test_trains_sum_over_all_pairs():
    random = np.random.default_rng(3)
    pre, post = ((random.random(200) < 0.1).astype(np.uint8) for _ in range(2))
    eligibility, _ = run(PAIR, pre, post)
    total = 0.0
    for i in np.flatnonzero(pre):
        for j in np.flatnonzero(post):
            lag, later = int(j - i), max(i, j)
            window = 0.01 * math.exp(-lag / 17) if lag >= 0 else -0.0105 * math.exp(lag / 34)
            total += window * math.exp(-(199 - later) * TICK_S / 0.5)
    assert eligibility[-1] == pytest.approx(total, rel=1e-10)


def test_delayed_modulator_finds_what_is_left_of_the_mark():
    release = np.zeros(200)
    release[150] = 2.0
    _, weight = run(PAIR, spikes(20), spikes(25), release)
    assert weight[149] == 0.0
    assert (
        weight[150] == weight[199] == pytest.approx(2.0 * 0.01 * math.exp(-5 / 17) * math.exp(-125e-3 / 0.5), rel=1e-12)
    )


def test_modulator_that_lingers_integrates_the_product_of_two_decays():
    rule = dataclasses.replace(PAIR, tau_modulator_s=0.2, weight_max=2.0)
    release = np.zeros(3000)
    release[0] = 1.0
    _, weight = run(rule, spikes(0, n=3000), spikes(0, n=3000), release)
    ratio = math.exp(-TICK_S / 0.5 - TICK_S / 0.2)
    assert weight[-1] == pytest.approx(0.01 * (1 - ratio**3000) / (1 - ratio), rel=1e-10)


def test_without_modulator_no_weight_moves():
    random = np.random.default_rng(0)
    pre, post = ((random.random(200) < 0.3).astype(np.uint8) for _ in range(2))
    _, weight = run(PAIR, pre, post, weight=0.3)
    assert (weight == 0.3).all()


@given(
    seed=st.integers(0, 2**32 - 1),
    low=st.floats(-2, 0.5),
    width=st.floats(0.01, 3),
    rate=st.floats(1e-3, 1e3),
)
@settings(max_examples=40, deadline=None)
def test_weights_never_leave_their_bounds(seed, low, width, rate):
    rule = dataclasses.replace(PAIR, weight_min=low, weight_max=low + width, learning_rate=rate)
    constants, random = rule.constants(TICK_S), np.random.default_rng(seed)
    state = initial_state(5, 3)
    weight = (
        random.uniform(low, low + width, (5, 3)).astype(np.float32).clip(constants.weight_min, constants.weight_max)
    )
    for _ in range(20):
        pre, post = (random.random(5) < 0.5).astype(np.uint8), (random.random(3) < 0.5).astype(np.uint8)
        state, weight = tick(constants, state, weight, pre, post, np.zeros(3, np.float32), random.normal() * 10)
        assert weight.dtype == np.float32
        assert (weight >= constants.weight_min).all()
        assert (weight <= constants.weight_max).all()


def test_tick_leaves_its_arguments_alone_and_depends_on_nothing_else():
    constants, state = PAIR.constants(TICK_S), initial_state(3, 2)
    weight = np.full((3, 2), 0.5, np.float32)
    arguments = (np.ones(3, np.uint8), np.array([1, 0], np.uint8), np.full(2, 0.25, np.float32), 1.0)
    first_state, first = tick(constants, state, weight, *arguments)
    again_state, again = tick(constants, state, weight, *arguments)
    assert not any(array.any() for array in state)
    assert (weight == 0.5).all()
    assert first.tobytes() == again.tobytes() != weight.tobytes()
    assert [a.tobytes() for a in first_state] == [a.tobytes() for a in again_state]


def test_score_form_is_the_gradient_of_the_log_probability_of_the_spikes():
    """Against finite differences of log P(spikes | weights) of a neuron that resets to zero."""
    noise, a_mem, a_syn, threshold = 0.4, math.exp(-1 / 8), math.exp(-1 / 2), 1.0
    random = np.random.default_rng(1)
    pre = (random.random((30, 4)) < 0.4).astype(np.uint8)
    weight = random.uniform(0, 0.5, (4, 1))

    def play(w, post=None):
        i = v = log_p = 0.0
        out, rhos = [], []
        for t in range(30):
            i = a_syn * i + pre[t] @ w[:, 0]
            v = a_mem * v + i
            rho = 1 / (1 + math.exp((threshold - v) / noise))
            o = int(random.random() < rho) if post is None else post[t]
            log_p += math.log(rho if o else 1 - rho)
            v = 0.0 if o else v
            out.append(o)
            rhos.append(rho)
        return log_p, out, rhos

    _, post, rhos = play(weight)
    assert 0 < sum(post) < 30
    rule = RewardStdp(
        tau_pre_s=8e-3, tau_rise_s=2e-3, tau_eligibility_s=1e9, a_minus=0.0, reset_on_spike=True, weight_min=-1.0
    )
    constants, state = rule.constants(TICK_S, np.float64), initial_state(4, 1, np.float64)
    for t in range(30):
        state, _ = tick(constants, state, weight, pre[t], np.array([post[t]], np.uint8), np.array([rhos[t]]), 0.0)
    step = 1e-6
    for k in range(4):
        up, down = weight.copy(), weight.copy()
        up[k] += step
        down[k] -= step
        slope = (play(up, post)[0] - play(down, post)[0]) / (2 * step)
        assert state.eligibility[0, k] / noise == pytest.approx(slope, rel=1e-6, abs=1e-8)


def test_clear_traces_keeps_eligibility_and_modulator():
    constants, state = dataclasses.replace(PAIR, tau_modulator_s=0.2).constants(TICK_S), initial_state(2, 2)
    ones = np.ones(2, np.uint8)
    state, _ = tick(constants, state, np.zeros((2, 2), np.float32), ones, ones, np.zeros(2, np.float32), 1.0)
    clear_traces(state)
    assert not (state.current.any() or state.pre.any() or state.post.any())
    assert state.eligibility.all()
    assert state.modulator[0] == 1.0


def test_bounds_in_the_wrong_order_are_refused_by_name():
    with pytest.raises(ConfigError, match=r"weight_min 2.0 must be below weight_max 1.0"):
        config.resolve(RewardStdp, {"weight_min": 2.0, "weight_max": 1.0}, "rule.toml")
