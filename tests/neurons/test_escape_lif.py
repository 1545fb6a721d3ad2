"""Escape noise: the potential of a spike, measured rates against rho, what a spike resets."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from snnctl.network.isolated import simulate
from snnctl.neurons.escape_lif import EscapeLif


def test_potential_of_a_spike_of_weight_one() -> None:
    drives = np.zeros((600, 1))
    drives[0] = 1.0
    v = simulate(EscapeLif(rho_0_hz=1e-9), 1e-4, np.zeros((600, 1)), drives).traces["v"][:, 0]
    t = np.arange(1, 601) * 0.1
    assert v == pytest.approx(20 / 15 * (np.exp(-t / 20) - np.exp(-t / 5)), abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("distance", [-4.0, -2.0, 0.0, 2.0, 4.0])
def test_measured_rate_is_the_escape_rate(distance: float, dtype: type) -> None:
    """A clamped membrane: current at the reset's level and v_reset there too. 4 standard errors, fixed seed."""
    level, tick_s, n, ticks = 16.0 + distance, 1e-3, 200, 2000
    neuron = EscapeLif(v_reset_mv=level)
    run = simulate(
        neuron, tick_s, np.full((ticks, n), level), initial={"v": level}, record=("expected",), dtype=dtype, seed=7
    )
    expected = -math.expm1(-60 * math.exp(distance / 2) * tick_s)
    assert run.traces["expected"] == pytest.approx(expected, rel=1e-5 if dtype is np.float32 else 1e-12)
    error = math.sqrt(expected * (1 - expected) / (n * ticks))
    assert run.spikes.mean() == pytest.approx(expected, abs=4 * error)


def test_spikes_minus_expected_have_mean_zero_and_the_binomial_variance() -> None:
    """What makes (spike - expected) a score: its sum is a martingale, also with varying input."""
    rng = np.random.default_rng(0)
    drives = (rng.random((3000, 100)) < 0.05) * 15.0
    run = simulate(EscapeLif(refractory_s=2e-3), 1e-3, np.full((3000, 100), 4.0), drives, record=("expected",), seed=5)
    p = run.traces["expected"]
    assert run.spikes.sum() > 1000
    z = (run.spikes - p).sum(axis=0) / np.sqrt((p * (1 - p)).sum(axis=0))  # one number a neuron
    assert stats.kstest(z, "norm").pvalue > 0.05


def test_what_a_spike_resets() -> None:
    drives = np.zeros((3, 1))
    drives[0] = 5.0
    for reset, after in (("srm0", 0.0), ("value", 1.0 * math.exp(-1 / 5))):
        neuron = EscapeLif(reset=reset, rho_0_hz=1e12)  # type: ignore[arg-type]
        run = simulate(neuron, 1e-3, np.zeros((3, 1)), drives, record=("v", "i"))
        assert run.spikes[0, 0] == 1
        assert run.traces["v"][0, 0] == -5.0
        assert run.traces["i"][0, 0] == pytest.approx(after, abs=1e-15)


def test_the_reset_kernel_is_an_exponential() -> None:
    v = simulate(EscapeLif(), 1e-3, np.zeros((40, 1)), initial={"v": -5.0}).traces["v"][:, 0]
    assert v == pytest.approx(-5 * np.exp(-np.arange(1, 41) / 20), abs=1e-12)


def test_refractory_ticks_have_no_expected_spike() -> None:
    run = simulate(EscapeLif(refractory_s=3e-3, rho_0_hz=1e12), 1e-3, np.full((8, 1), 30.0), record=("v", "expected"))
    assert run.spikes[:, 0].tolist() == [1, 0, 0, 0, 1, 0, 0, 0]
    assert run.traces["expected"][:, 0].tolist() == [1, 0, 0, 0, 1, 0, 0, 0]
    assert np.all(run.traces["v"] == -5)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_membrane_far_above_threshold_neither_overflows_nor_fails(dtype: type) -> None:
    run = simulate(EscapeLif(), 1e-3, np.full((5, 1), 1e6), record=("expected",), dtype=dtype)
    assert np.all(run.spikes == 1) and np.all(run.traces["expected"] == 1)
