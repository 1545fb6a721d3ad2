import math

import numpy as np
import pytest

from snnctl.plasticity.td_stdp import Critic, CriticState, TdStdp, read, td_error

from .one_neuron import OneNeuron

TICK_S = 1e-3


def follow(critic, trains, tick_s=TICK_S):
    """V and V' after every tick."""
    c, state, found = critic.constants(tick_s), CriticState(), []
    for spikes in trains:
        state, value, slope = read(c, state, spikes)
        found.append((value, slope))
    return np.array(found).T


# --------------------------------------------------------------------------- the error itself


@pytest.mark.parametrize(
    ("reward", "value", "slope"),
    [
        # r constant: V = r tau_r
        (lambda t: 3.0 + 0 * t, lambda t: 12.0 + 0 * t, lambda t: 0 * t),
        # r = cos w t: V is its discounted future, in closed form
        (
            lambda t: np.cos(2 * t),
            lambda t: 4 / (1 + 64) * (np.cos(2 * t) - 8 * np.sin(2 * t)),
            lambda t: 4 / (1 + 64) * (-2 * np.sin(2 * t) - 16 * np.cos(2 * t)),
        ),
        # r = exp(-t / 2): V = r / (1/2 + 1/4)
        (lambda t: np.exp(-t / 2), lambda t: np.exp(-t / 2) / 0.75, lambda t: -np.exp(-t / 2) / 1.5),
    ],
)
def test_td_error_of_the_true_value_is_0(reward, value, slope):
    t = np.linspace(0, 10, 1001)
    h = 1e-6  # the three are what they say: the value is the discounted future, the slope its derivative
    assert slope(t) == pytest.approx((value(t + h) - value(t - h)) / (2 * h), abs=1e-8)
    future = np.linspace(0, 200, 2_000_001)
    ahead = np.trapezoid(reward(1.5 + future) * np.exp(-future / 4.0), future)
    assert value(1.5) == pytest.approx(ahead, rel=1e-6)
    assert abs(td_error(value(t), slope(t), reward(t), 4.0)).max() < 1e-14


def test_before_a_reward_at_a_known_time_the_error_is_0():
    # Reward 1 at t = 3: V = exp((t - 3) / tau_r) until then. The value grows on the way to the reward.
    t = np.linspace(0, 2.9, 50)
    value = np.exp((t - 3) / 4.0)
    assert abs(td_error(value, value / 4.0, 0.0, 4.0)).max() < 1e-15


def test_signs():
    assert td_error(0.0, 0.0, 1.0, 4.0) > 0  # a reward that was not expected
    assert td_error(4.0, 0.0, 0.0, 4.0) < 0  # one that was, and does not come
    assert td_error(0.0, 1.0, 0.0, 4.0) > 0  # things begin to look better


# --------------------------------------------------------------------------- the critic


def test_value_of_one_spike_is_kappa():
    critic = Critic(neurons=1, gain=1.0, v0=0.0)
    value, slope = follow(critic, np.r_[1, np.zeros(4999)], 1e-4)
    t = 1e-4 * np.arange(5000) + 0.5e-4
    kappa = (np.exp(-t / 0.2) - np.exp(-t / 0.05)) / 0.15
    derivative = (np.exp(-t / 0.05) / 0.05 - np.exp(-t / 0.2) / 0.2) / 0.15
    assert value == pytest.approx(kappa, abs=1e-5)
    assert slope == pytest.approx(derivative, abs=1e-4)
    assert kappa.argmax() == pytest.approx(np.log(4) / 15 / 1e-4, abs=1)


def test_value_is_gain_times_rate_plus_v0():
    value, slope = follow(Critic(neurons=10, gain=2.0, v0=-40.0), np.ones(4000))
    assert value[-1] == pytest.approx(2.0 * 100.0 - 40.0, rel=1e-6)  # 10 neurons, one spike a ms: 100 Hz each
    assert slope[-1] == pytest.approx(0.0, abs=1e-4)


def test_slopes_add_up_to_the_change_of_the_value_and_kappa_has_area_1():
    critic = Critic(neurons=1, gain=1.0, v0=5.0)
    value, slope = follow(critic, np.r_[1, np.zeros(9999)])
    assert slope.sum() * TICK_S == pytest.approx(0.0, abs=1e-12)
    assert (value - 5.0).sum() * TICK_S == pytest.approx(1.0, rel=1e-12)
    # so a spike's TD error integrates to -(nu / N) / tau_r, beside the one of V0
    delta = td_error(value, slope, 0.0, 4.0) + 5.0 / 4.0
    assert delta.sum() * TICK_S == pytest.approx(-1 / 4.0, rel=1e-12)


def test_a_silent_critic_still_has_v0_in_its_error():
    value, slope = follow(Critic(v0=-40.0), np.zeros(3))
    assert td_error(value, slope, 0.0, 4.0) == pytest.approx(10.0)


def test_a_critic_that_fires_at_the_rate_of_the_value_has_error_0():
    # r = 30 for ever, tau_r = 4: V = 120; nu = 2 s, V0 = -40: 80 Hz.
    critic, random = Critic(neurons=100), np.random.default_rng(1)
    value, slope = follow(critic, random.poisson(80.0 * 100 * TICK_S, 21000))
    delta = td_error(value, slope, 30.0, 4.0)[1000:]
    blocks = delta.reshape(20, 1000).mean(1)
    assert abs(delta.mean()) < 3 * blocks.std(ddof=1) / math.sqrt(20)
    assert abs(delta.mean()) < 0.3
    assert follow(critic, np.zeros(1))[0][0] == -40.0


# --------------------------------------------------------------------------- the rule


def filtered(rule, pairs, at):
    """e at tick ``at`` of coincidences (tick, eps), in closed form."""
    lags = [(TICK_S * (at - t), eps) for t, eps in pairs if t <= at]
    tau, nu = rule.tau_kappa_s, rule.nu_kappa_s
    return sum(eps * (math.exp(-s / tau) - math.exp(-s / nu)) / (tau - nu) for s, eps in lags)


def potential(t_s):
    return 20.0 / 15.0 * (math.exp(-t_s / 20e-3) - math.exp(-t_s / 5e-3))


def test_weight_change_has_its_closed_form():
    rule = TdStdp(learning_rate=0.3)
    loop, random = OneNeuron(rule, TICK_S, [1.0]), np.random.default_rng(0)
    pre, post, delta = {5, 11, 40}, {12, 48}, random.normal(0, 1, 120)
    weight = 1.0
    # A spike that arrives in a tick acts from its start: at the end of tick t it is (t - arrival + 1) ticks old.
    pairs = [
        (12, sum(potential(TICK_S * (12 - i + 1)) for i in (5, 11))),
        (48, potential(TICK_S * (48 - 40 + 1))),  # what came before the spike at 12 is forgotten
    ]
    for t in range(120):
        loop.tick([t in pre], t in post, signal=delta[t])
        weight += 0.3 * delta[t] * TICK_S / 4.0 * filtered(rule, pairs, t)
        assert loop.field("weight")[0, 0] == pytest.approx(weight, rel=1e-12)


@pytest.mark.parametrize(("reset", "kept"), [("srm0", 0.0), ("value", 1.0), ("none", 2.0)])
def test_what_a_spike_of_the_neuron_leaves(reset, kept):
    loop = OneNeuron(TdStdp(reset=reset), TICK_S, [0.0])
    for t in range(4):
        loop.tick([t == 0], t == 2)
    current = math.exp(-3 / 5)
    scale = potential(TICK_S)
    expected = {0.0: 0.0, 1.0: scale * current, 2.0: potential(4 * TICK_S)}[kept]
    assert loop.field("eps")[0, 0] == pytest.approx(expected, rel=1e-12)


def test_post_before_pre_changes_nothing_nor_does_delta_0():
    loop = OneNeuron(TdStdp(), TICK_S, [1.0])
    for t in range(300):
        loop.tick([t == 20], t == 19, signal=1.0)
    assert loop.field("weight")[0, 0] == 1.0
    for t in range(300):
        loop.tick([t == 20], t == 25)
    assert loop.field("weight")[0, 0] == 1.0
    loop.tick([0], 0, signal=1.0)
    assert loop.field("weight")[0, 0] > 1.0


def test_a_spiking_critic_learns_the_value_of_a_constant_reward():
    """Four inputs and one escape-noise critic neuron, r constant: V goes to r tau_r and the error to 0."""
    from snnctl.neurons import escape_lif

    neuron = escape_lif.EscapeLif()
    rule = TdStdp(tau_reward_s=0.5, learning_rate=0.002, weight_min=0.0, weight_max=10.0)
    critic = Critic(neurons=1, gain=1.0, v0=0.0)
    c, constants, tick_s = critic.constants(2e-3), neuron.constants(2e-3), 2e-3
    random, loop = np.random.default_rng(2), OneNeuron(rule, tick_s, np.full(4, 0.5))
    s, state, delta, reward = neuron.initial(), CriticState(), 0.0, 60.0  # V = 30: 30 Hz
    values, errors = [], []
    for _ in range(20000):
        arrivals = random.random(4) < 0.1
        s, spike = escape_lif.step(constants, s, float(loop.field("weight")[:, 0] @ arrivals), 8.0, random.random())
        loop.tick(arrivals, spike, signal=delta)
        state, value, slope = read(c, state, int(spike))
        delta = td_error(value, slope, reward, rule.tau_reward_s)
        values.append(value)
        errors.append(delta)
    assert np.mean(values[:500]) < 10.0
    assert np.mean(values[10000:]) == pytest.approx(30.0, rel=0.15)
    assert abs(np.mean(errors[10000:])) < 0.15 * reward


def test_rise_must_be_faster_than_decay():
    for kind in (TdStdp, Critic):
        with pytest.raises(ValueError, match="nu_kappa_s"):
            kind(nu_kappa_s=0.2)
