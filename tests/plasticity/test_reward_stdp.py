import math
from pathlib import Path

import numpy as np
import pytest

from snnctl.network.connectivity import AllToAll, Explicit
from snnctl.network.network import Network
from snnctl.neurons.delta_lif import DeltaLif
from snnctl.plasticity import reward_stdp
from snnctl.plasticity.dopamine_stdp import DopamineStdp
from snnctl.plasticity.reward_stdp import RewardStdp
from tests.reference import plastic

TICK_S = 1e-3
FREE = {"weight_min": None, "weight_max": None}


def clock_driven(rule, pre, post, signal, weight, tick_s=TICK_S):
    """The equations of the rule, every synapse in every tick: weights in each tick, eligibilities before its spikes."""
    ticks = len(pre)
    keep = lambda tau_s: math.exp(-tick_s / tau_s) if tau_s > 0 else 0.0  # noqa: E731
    euler = lambda tau_s: 1 - tick_s / tau_s if tau_s > 0 else 0.0  # noqa: E731
    slow = keep if rule.scheme == "exact" else euler
    r_c = 1 / rule.tau_eligibility_s
    r = r_c + (1 / rule.tau_modulator_s if rule.tau_modulator_s > 0 else 0)
    phasic_s, tonic_s = ((1 - math.exp(-rate * tick_s)) / rate if slow is keep else tick_s for rate in (r, r_c))
    low = -np.inf if rule.weight_min is None else rule.weight_min
    high = np.inf if rule.weight_max is None else rule.weight_max
    w, c, d = weight.copy(), np.zeros_like(weight), 0.0
    x, y = np.zeros(weight.shape[0]), np.zeros(weight.shape[1])
    found, marks = np.empty((ticks, *weight.shape)), np.empty((ticks, *weight.shape))
    for t in range(ticks):
        released = d * phasic_s + rule.baseline * tonic_s
        w = np.clip(w + rule.learning_rate * c * released, low, high)
        c, d = c * slow(rule.tau_eligibility_s), d * slow(rule.tau_modulator_s) + signal[t]
        found[t], marks[t] = w, c
        x, y = x * keep(rule.tau_pre_s), y * keep(rule.tau_post_s)
        c -= rule.a_minus * np.outer(pre[t], y)
        x += pre[t]
        c += rule.a_plus * np.outer(x, post[t])
        y += post[t]
    return found, marks


def now(name, loop):
    """(n_pre, n_post) of ``weight`` or ``eligibility``, between the start and the end of a tick."""
    function = getattr(reward_stdp, name)
    return loop.matrix([function(*loop.rules[0].seen(s)) for s in range(len(loop.source))])


def event_driven(rule, pre, post, signal, weight, tick_s=TICK_S, scalar=float):
    """The hooks in the order of a tick: weights in each tick, eligibilities before its spikes, drives."""
    loop, found, marks, drives = plastic(rule, tick_s, weight, scalar=scalar), [], [], []
    for t in range(len(pre)):
        loop.begin(signal[t])
        found.append(now("weight", loop))
        marks.append(now("eligibility", loop))
        drives.append(np.zeros(weight.shape[1], scalar))
        loop.deliver(np.flatnonzero(pre[t]).tolist(), drives[-1])
        assert now("weight", loop) == pytest.approx(found[-1], abs=1e-4)  # arrivals move no weight
        loop.end(np.zeros(weight.shape[1]), np.flatnonzero(post[t]).tolist())
    return np.array(found), np.array(marks), np.array(drives)


def spikes(seed, ticks=700, n_pre=5, n_post=4, p=0.03):
    rng = np.random.default_rng(seed)
    pre, post = rng.random((ticks, n_pre)) < p, rng.random((ticks, n_post)) < p
    signal = np.where(rng.random(ticks) < 0.01, rng.normal(0, 0.5, ticks), 0.0)
    return pre, post, signal, rng.uniform(0, 4, (n_pre, n_post))


RULES = {
    "defaults": {},
    "fast traces": {"tau_pre_s": 7e-3, "tau_post_s": 33e-3, "tau_eligibility_s": 0.3},
    "short eligibility": {"tau_eligibility_s": 11e-3, "baseline": 0.3},
    "held signal": {"tau_modulator_s": 0.0, "baseline": -0.1},
    "fold every tick": {"tau_pre_s": 0.15e-3},
    "euler": {"scheme": "euler", "baseline": 0.2},
    "euler, held signal": {
        "scheme": "euler",
        "tau_modulator_s": 0.0,
        "tau_eligibility_s": 0.05,
        "learning_rate": 500.0,
    },
    "anti": {"a_plus": -0.1, "a_minus": -0.05, "learning_rate": 3.0},
}


@pytest.mark.parametrize("name", RULES)
def test_without_limits_it_is_the_clock_driven_rule(name):
    rule = RewardStdp(**RULES[name], **FREE)
    case = spikes(1)
    expected, eligibility = clock_driven(rule, *case)
    found, marks, drives = event_driven(rule, *case)
    assert np.ptp(expected, axis=0).min() > 1e-3  # something is learned everywhere
    assert abs(found - expected).max() < 1e-12
    assert abs(marks - eligibility).max() < 1e-12
    for t in np.flatnonzero(case[0].any(1)):
        assert drives[t] == pytest.approx(expected[t][case[0][t]].sum(0), abs=1e-11)


def test_the_longest_folds_cost_few_digits_of_float64():
    rule = RewardStdp(fold_s=0.2, **FREE)
    case = spikes(1)
    expected, eligibility = clock_driven(rule, *case)
    found, marks, _ = event_driven(rule, *case)
    assert abs(found - expected).max() < 1e-12
    assert abs(marks - eligibility).max() < 1e-11


def test_tick_of_other_length():
    rule = RewardStdp(**FREE)
    case = spikes(2, ticks=900)
    expected, _ = clock_driven(rule, *case, tick_s=0.25e-3)
    found, _, _ = event_driven(rule, *case, tick_s=0.25e-3)
    assert abs(found - expected).max() < 1e-12


@pytest.mark.parametrize("lag", [-30, -10, -1, 0, 1, 10, 30])
def test_one_pair_and_one_reward_in_closed_form(lag):
    # After the pair c decays from c_0 and d from 1 at time T on: w = c_0 exp(-T / tau_c) (1 - exp(-r t)) / r
    rule = RewardStdp(**FREE)
    pre, post, signal = np.zeros((800, 1), bool), np.zeros((800, 1), bool), np.zeros(800)
    pre[40], post[40 + lag], signal[300] = True, True, 1.0
    found, _, _ = event_driven(rule, pre, post, signal, np.zeros((1, 1)))
    c_0 = 0.1 * math.exp(-lag / 20) if lag >= 0 else -0.15 * math.exp(lag / 20)
    r = 1 / 1.0 + 1 / 0.2
    marked = 40 + max(lag, 0)
    expected = c_0 * math.exp(-(300 - marked) * 1e-3) * (1 - math.exp(-r * 0.499)) / r
    assert found[-1, 0, 0] == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("seed", [3, 4, 5, 6])
def test_limits_hold_and_the_rule_stays_near_the_clock_driven_one(seed):
    rule = RewardStdp(learning_rate=20.0)
    case = spikes(seed, ticks=1500)
    free, _ = clock_driven(RewardStdp(learning_rate=20.0, **FREE), *case)
    assert free.max() > 7 or free.min() < -10  # the limits are well reached
    expected, _ = clock_driven(rule, *case)
    found, _, drives = event_driven(rule, *case)
    assert found.min() >= 0 and found.max() <= 4
    assert drives.min() >= 0
    assert abs(found - expected).max() < 0.06 * 4
    assert abs(found - expected).mean() < 0.004 * 4
    touched = ((expected == 0) | (expected == 4)).any(0)
    assert touched.sum() >= 10 and (~touched).sum() >= 2
    assert abs(found - expected)[:, ~touched].max() < 1e-12  # who never meets a limit does not differ


def test_it_has_no_work_at_postsynaptic_spikes():
    assert not hasattr(reward_stdp, "fire")
    assert RewardStdp().constants(1e-3).period == 100
    assert RewardStdp(fold_s=0.2).constants(1e-3).period == 200
    assert RewardStdp(tau_eligibility_s=0.05).constants(1e-3).period == 50


@pytest.mark.parametrize("seed", range(3))
def test_float32_is_near(seed):
    """All state and constants rounded to float32 after every hook."""
    rule, case = RewardStdp(**FREE), spikes(seed, ticks=1200)
    expected, _ = clock_driven(rule, *case)
    found, _, _ = event_driven(rule, *case, scalar=np.float32)
    assert abs(found - expected).max() < 3e-6 * 4


def test_euler_scheme_is_that_of_brian2():
    recorded = np.load(Path(__file__).parents[1] / "data/snn/reward_stdp.npz")
    signal = np.zeros(len(recorded["pre"]))
    signal[recorded["release"]] = 0.5
    case = recorded["pre"], recorded["post"], signal, recorded["w0"]
    found, _, _ = event_driven(RewardStdp(scheme="euler", **FREE), *case)
    assert np.abs(found[::10].reshape(-1, 12).T - recorded["s"]).max() < 1e-12


@pytest.mark.parametrize("name", ["tau_eligibility_s", "tau_modulator_s"])
def test_refuses_ticks_that_break_the_scheme(name):
    with pytest.raises(ValueError, match=f"{name} must be longer than 0.01 s"):
        RewardStdp(scheme="euler", **{name: 5e-3}).constants(1e-2)


def test_wrong_limits():
    with pytest.raises(ValueError, match="weight_min"):
        RewardStdp(weight_min=2.0, weight_max=1.0)


@pytest.mark.parametrize("dense", [True, False])
def test_engine_equals_the_rule_that_visits_every_synapse_in_every_tick(dense):
    rng, ticks, n, m = np.random.default_rng(5), 650, 30, 20
    pre = (rng.random((ticks, n)) < 0.03).astype(np.uint8)
    kick = np.where(rng.random((ticks, m)) < 0.03, 30.0, 0.0)  # nA: a spike in this tick
    signal = np.where(rng.random(ticks) < 0.02, rng.normal(0, 0.5, ticks), 0.0)
    weight = rng.uniform(0, 0.05, (n, m) if dense else 180)  # mV: too small to fire a neuron
    pairs = rng.permutation(n * m)[:180]
    found = []
    for rule in (
        RewardStdp(**FREE, a_plus=0.01, a_minus=0.015),
        DopamineStdp(**FREE, pairing="all_to_all", a_plus=0.01, depression=1.5, gain_hz=1.0, tonic=0.0, scheme="exact"),
    ):
        network = Network(TICK_S)
        inputs, cells = network.population("inputs", n), network.population("cells", m, DeltaLif())
        pattern = AllToAll() if dense else Explicit(pairs // m, pairs % m)
        synapses = network.project(inputs, cells, pattern, weight=weight, plasticity=rule)
        network.record(cells)
        network.run(ticks * TICK_S, spikes={"inputs": pre}, currents={"cells": kick}, signal=signal)
        found.append((network.weights(synapses), network.spikes(cells).neurons))
    assert found[0][1].size > 200
    assert np.array_equal(found[0][1], found[1][1])
    assert np.ptp(found[0][0]) > 0.05  # learned
    assert abs(found[0][0] - found[1][0]).max() < 1e-13
