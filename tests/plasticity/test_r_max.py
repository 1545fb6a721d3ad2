import dataclasses
import itertools
import math

import numpy as np
import pytest

from snnctl.neurons import escape_lif
from snnctl.plasticity.r_max import RMax, follow

from .one_neuron import OneNeuron

NEURON = escape_lif.EscapeLif()
# Decay of the eligibility off: e is then the plain sum of the score.
SUM = RMax(tau_eligibility_s=1e9)
PRE = np.random.default_rng(5).random((9, 3)) < 0.4  # (ticks, inputs)
WEIGHT = np.array([2.0, 3.0, 1.2])


def walk(neuron, rule, tick_s, weight, pre, fired, signal=None):
    """Probability of the spikes ``fired`` under ``weight``, and the synapses after them; weights stay."""
    c, s = neuron.constants(tick_s), neuron.initial()
    loop, likelihood = OneNeuron(rule, tick_s, weight), 1.0
    for t, y in enumerate(fired):
        s, spike = escape_lif.step(c, s, float(weight @ pre[t]), 11.0, 0.0 if y else 1.0)
        if bool(spike) != bool(y):  # it was refractory
            return 0.0, loop
        likelihood *= s.expected if y else 1 - s.expected
        loop.tick(pre[t], y, v=s.v)
    return likelihood, loop


def every(ticks):
    return itertools.product((0, 1), repeat=ticks)


VARIANTS = [
    ("srm0", 0.0),
    ("value", 0.0),
    ("srm0", 4e-3),
    ("value", 4e-3),
]


def pair(reset, refractory_s):
    return (
        dataclasses.replace(NEURON, reset=reset, refractory_s=refractory_s),
        dataclasses.replace(SUM, reset=reset, refractory_s=refractory_s),
    )


@pytest.mark.parametrize(("reset", "refractory_s"), VARIANTS)
@pytest.mark.parametrize("tick_s", [2e-3, 20e-3])
def test_without_reward_the_expectation_of_e_is_0_exactly(reset, refractory_s, tick_s):
    # All spike trains there can be, weighted by their probabilities: no sampling error.
    neuron, rule = pair(reset, refractory_s if tick_s < 5e-3 else 0.0)
    total, mean, size = 0.0, np.zeros(3), np.zeros(3)
    for fired in every(9):
        p, loop = walk(neuron, rule, tick_s, WEIGHT, PRE, fired)
        if p > 0:
            e = loop.field("e")[:, 0]
            total, mean, size = total + p, mean + p * e, size + p * abs(e)
    assert total == pytest.approx(1.0, rel=1e-12)
    assert (size > 0.05).all()
    assert abs(mean).max() < 1e-13 * size.max()


def test_the_naive_form_would_be_biased():
    # rho tick_s, as in the equation of continuous time, in place of exp(rho tick_s) - 1.
    c, s = NEURON.constants(5e-3), NEURON.initial()
    s, _ = escape_lif.step(c, s, 30.0, 12.0, 1.0)
    p, rho_tick = s.expected, -math.log1p(-s.expected)
    assert p - (1 - p) * math.expm1(rho_tick) == pytest.approx(0.0, abs=1e-15)
    assert abs(p - (1 - p) * rho_tick) > 1e-2 * p


def gradient_and_estimate(neuron, rule, tick_s):
    """Of the expected reward, with a random reward for each of the spike trains that there can be."""
    random = np.random.default_rng(6)
    reward = {fired: random.normal() for fired in every(9)}

    def expected_reward(weight):
        return sum(r * walk(neuron, rule, tick_s, weight, PRE, fired)[0] for fired, r in reward.items())

    estimate = np.zeros(3)
    for fired, r in reward.items():
        p, loop = walk(neuron, rule, tick_s, WEIGHT, PRE, fired)
        estimate += p * r * loop.field("e")[:, 0] / neuron.delta_u_mv
    steps = 1e-3 * np.eye(3)
    return np.array([(expected_reward(WEIGHT + d) - expected_reward(WEIGHT - d)) / 2e-3 for d in steps]), estimate


@pytest.mark.parametrize(("reset", "refractory_s"), [("srm0", 0.0), ("value", 0.0), ("srm0", 2.0)])
def test_reward_times_e_follows_the_gradient_of_the_expected_reward(reset, refractory_s):
    found = []
    for tick_s in (2e-3, 1e-4):
        neuron, rule = pair(reset, refractory_s * tick_s)
        gradient, estimate = gradient_and_estimate(neuron, rule, tick_s)
        lengths = np.linalg.norm(estimate), np.linalg.norm(gradient)
        found.append((estimate @ gradient / lengths[0] / lengths[1], lengths[0] / lengths[1]))
    (coarse, _), (fine, length) = found
    assert coarse > 0.9  # rho tick_s of about 0.5
    assert fine > 0.9995
    assert length == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(("reset", "refractory_s"), VARIANTS)
def test_e_is_the_score_up_to_its_factor_in_each_tick(reset, refractory_s):
    # d log P / dw by finite differences; dividing each tick by its factor is what makes both equal, so short ticks do.
    neuron, rule = pair(reset, refractory_s)
    fired = (0, 0, 1, 0, 0, 0, 0, 0, 1)
    found = {}
    for tick_s in (2e-3, 2e-4, 2e-5):
        rule_t = dataclasses.replace(rule, refractory_s=2 * tick_s if refractory_s else 0.0)
        neuron_t = dataclasses.replace(neuron, refractory_s=2 * tick_s if refractory_s else 0.0)
        e = walk(neuron_t, rule_t, tick_s, WEIGHT, PRE, fired)[1].field("e")[:, 0] / neuron.delta_u_mv
        score = []
        for d in 1e-3 * np.eye(3):
            up, down = (walk(neuron_t, rule_t, tick_s, WEIGHT + s * d, PRE, fired)[0] for s in (1, -1))
            score.append((math.log(up) - math.log(down)) / 2e-3)
        found[tick_s] = abs(e - score).max() / abs(np.array(score)).max()
    assert found[2e-5] < 2e-3
    assert found[2e-5] < 0.3 * found[2e-4] < 0.3 * 0.3 * max(found[2e-3], 1e-9) + 1e-3


def test_weight_change_is_rate_times_success_times_e():
    rule = RMax(learning_rate=0.5, tau_eligibility_s=0.1, weight_max=4.3)
    loop = OneNeuron(rule, 1e-3, [4.0, 4.0])
    loop.tick([1, 0], 0, v=5.0)
    loop.tick([0, 0], 1, v=-5.0)
    e = loop.field("e")[:, 0]
    assert e[0] > 0
    assert e[1] == 0
    assert list(loop.field("weight")[:, 0]) == [4.0, 4.0]
    loop.tick([0, 0], 0, v=-1e6, signal=-0.25)
    assert loop.field("weight")[0, 0] == pytest.approx(4.0 - 0.5 * 0.25 * e[0] * math.exp(-0.01), rel=1e-12)
    loop.tick([0, 0], 0, v=-1e6, signal=1e3)
    assert loop.field("weight")[0, 0] == 4.3


def test_potential_is_the_neurons_own():
    c, s = NEURON.constants(1e-3), NEURON.initial()
    loop = OneNeuron(SUM, 1e-3, [1.0])
    for t in range(60):
        s, _ = escape_lif.step(c, s, float(t in (0, 7)), 0.0, 1.0)
        loop.tick([t in (0, 7)], 0, v=s.v)
        assert loop.field("eps")[0, 0] == pytest.approx(s.v, rel=1e-12)


def test_a_membrane_far_over_threshold_stays_finite():
    loop = OneNeuron(SUM, 1e-3, [1.0])
    loop.tick([1], 0, v=1e9)
    assert np.isfinite(loop.field("e")).all()


def test_a_neuron_learns_by_reward_to_fire_for_one_pattern():
    """Two patterns of 10 inputs each; +1 for every spike in the first, -1 in the second, less the running mean."""
    random = np.random.default_rng(7)
    tick_s, rule = 2e-3, RMax(tau_eligibility_s=0.1, learning_rate=0.3, weight_min=0.0, weight_max=12.0)
    c, loop = NEURON.constants(tick_s), OneNeuron(rule, tick_s, np.full(20, 5.0))
    mean, counts = {0: 0.0, 1: 0.0}, []
    for episode in range(160):
        pattern, fired, s = episode % 2, 0, NEURON.initial()
        loop.rules[0].extra = [(0.0, 0.0, 0.0)] * 20
        for t in range(25):
            arrivals = np.zeros(20, np.uint8)
            arrivals[10 * pattern : 10 * pattern + 10] = random.random(10) < 0.06
            s, spike = escape_lif.step(c, s, float(loop.field("weight")[:, 0] @ arrivals), 0.0, random.random())
            fired += int(spike)
            reward = fired * (1 - 2 * pattern)
            loop.tick(arrivals, spike, v=s.v, signal=reward - mean[pattern] if t == 24 else 0.0)
        mean[pattern] = follow(mean[pattern], reward, 0.1)
        counts.append(fired)
    first, second = np.mean(counts[-40::2]), np.mean(counts[-39::2])
    assert loop.field("weight")[:10].mean() > loop.field("weight")[10:].mean() + 1.0
    assert first > second


def test_running_mean():
    assert follow(2.0, 4.0, 0.25) == 2.5
