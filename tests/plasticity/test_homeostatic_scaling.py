from __future__ import annotations

import numpy as np
import pytest

from snnctl.network.network import Network
from snnctl.neurons.delta_lif import DeltaLif
from snnctl.neurons.poisson import Poisson
from snnctl.plasticity.homeostatic_scaling import HomeostaticScaling
from tests.reference import replay

from .replayed import replayed

QUICK = HomeostaticScaling(target_hz=20.0, tau_s=1.0, beta=0.02, gamma=0.0, every_s=0.1)


def test_the_running_rate_is_the_mean_of_a_regular_train():
    ticks = np.arange(20_000)
    post = (ticks % 40 == 0)[:, None]  # 25 Hz
    final = replay(QUICK, 1e-3, [[1.0]], np.zeros((20_000, 1)), post).final
    last_40_ms = [1 / (1 - np.exp(-0.04)) * (1 - np.exp(-1e-3)) / 1e-3 * np.exp(-k * 1e-3) for k in range(40)]
    assert np.mean(last_40_ms) == pytest.approx(25.0, rel=1e-12)
    assert final.rules[0].post[0].excess + 20.0 == pytest.approx(last_40_ms[39], rel=1e-6)


def test_the_factor_is_that_of_the_equation():
    rule = HomeostaticScaling(target_hz=10.0, tau_s=0.5, beta=0.03, gamma=0.2, every_s=5e-3)
    final = replay(rule, 1e-3, [[2.0]], np.zeros((5, 1)), [[1], [0], [0], [0], [0]]).final
    a = np.exp(-1e-3 / 0.5)
    excess = [(1 - a) * (1000 - 10)]
    for _ in range(4):
        excess.append(a * excess[-1] - (1 - a) * 10)
    expected = 2.0 * np.exp(-5e-3 * (0.03 * excess[-1] + 0.2 * 1e-3 * sum(excess)))
    assert final.field("weight")[0, 0] == pytest.approx(expected, rel=1e-13)


def scaled(scale: float, seconds: float, rule: HomeostaticScaling) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First and last weights, and the rates of 5 neurons in the last 30 s; 50 Poisson inputs of 20 Hz."""
    network = Network(1e-3, seed=2)
    inputs = network.population("inputs", 50, Poisson(rate_hz=20.0))
    cells = network.population("cells", 5, DeltaLif())
    first = scale * np.random.default_rng(5).uniform(0.5, 1.5, (50, 5))
    projection = network.project(inputs, cells, weight=first, plasticity=rule)
    network.run(seconds - 30)
    network.record(cells, "spikes")
    network.run(30.0)
    return first, network.weights(projection), np.bincount(network.spikes(cells).neurons, minlength=5) / 30


@pytest.mark.needs_compiler
@pytest.mark.parametrize("scale", [0.3, 3.0])  # mV: silent, and far above the target
def test_converges_to_the_target_and_keeps_the_ratios(scale):
    first, last, rates = scaled(scale, 80.0, QUICK)
    assert rates == pytest.approx(20.0, rel=0.06)
    ratio = last / first
    assert ratio == pytest.approx(np.broadcast_to(ratio[0], ratio.shape), rel=1e-12)
    assert np.abs(np.log(ratio[0])).min() > 0.3


@pytest.mark.needs_compiler
def test_without_the_rule_the_rates_are_far_from_the_target():
    for scale in (0.3, 3.0):
        _, _, rates = scaled(scale, 31.0, HomeostaticScaling(beta=0.0, gamma=0.0))
        assert np.abs(np.log2(np.maximum(rates, 0.1) / 20)).min() > 1


def test_zeros_and_signs_stay_and_limits_hold():
    pre = np.zeros((2000, 3))
    rule = HomeostaticScaling(target_hz=50.0, tau_s=0.2, beta=0.1, every_s=0.01, weight_max=2.0)
    last = replay(rule, 1e-3, [[0.0], [-1.0], [1.0]], pre, np.zeros((2000, 1))).final.field("weight")[:, 0]
    assert last[0] == 0.0
    assert last[1] < -1.0
    assert last[2] == 2.0


def test_a_neuron_at_its_target_is_left_alone_before_it_was_observed():
    first = replay(HomeostaticScaling(every_s=1e-3), 1e-3, [[1.0]], [[0]], [[0]]).final.field("weight")[0, 0]
    assert first == pytest.approx(1.0, abs=1e-8)


def test_the_engine_equals_the_reference_loop():
    found = replayed(HomeostaticScaling(target_hz=30.0, tau_s=0.1, beta=0.05, gamma=0.1, every_s=7e-3))
    assert found.spikes > 20
    assert np.abs(found.engine - found.reference).max() <= 1e-13
    assert np.abs(found.engine - found.first).max() > 0.05


def test_refuses_a_period_below_a_tick():
    with pytest.raises(ValueError, match="shorter than a tick"):
        HomeostaticScaling(every_s=1e-4).constants(1e-3)
