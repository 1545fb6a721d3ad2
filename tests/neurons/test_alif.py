"""Adaptive threshold: the equations, adaptation of the rate, the limit without adaptation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from snnctl.network.isolated import simulate
from snnctl.neurons.alif import Alif
from snnctl.neurons.lif import Lif


def test_equals_its_equations_written_out() -> None:
    rng = np.random.default_rng(1)
    drives = rng.normal(0.15, 0.4, (500, 6))
    run = simulate(
        Alif(tau_mem_s=20e-3, tau_adapt_s=0.2, beta=0.3), 1e-3, np.zeros_like(drives), drives, record=("v", "a")
    )
    alpha, rho = math.exp(-1 / 20), math.exp(-1 / 200)
    v, a = np.zeros(6), np.zeros(6)
    for t, drive in enumerate(drives):
        v = alpha * v + drive
        z = v > 1 + 0.3 * a
        v = v - z
        a = rho * a + z
        assert np.array_equal(run.spikes[t], z)
        np.testing.assert_allclose(run.traces["v"][t], v, atol=1e-12)
        np.testing.assert_allclose(run.traces["a"][t], a, atol=1e-12)
    assert run.spikes.sum() > 100


def test_without_beta_it_is_the_lif() -> None:
    drives = np.random.default_rng(2).normal(0.1, 0.5, (300, 4))
    plain = simulate(Lif(tau_mem_s=2e-2, reset="subtract", refractory_ticks=2), 1e-3, 0 * drives, drives)
    adaptive = simulate(Alif(tau_mem_s=2e-2, tau_adapt_s=0.1, beta=0.0, refractory_ticks=2), 1e-3, 0 * drives, drives)
    assert np.array_equal(plain.spikes, adaptive.spikes)
    assert np.array_equal(plain.traces["v"], adaptive.traces["v"])


def test_intervals_grow_by_adaptation_towards_a_steady_rate() -> None:
    neuron = Alif(tau_mem_s=20e-3, tau_adapt_s=0.3, beta=0.1)
    run = simulate(neuron, 1e-3, np.full((3000, 1), 0.3), record=("a",))
    intervals = np.diff(np.flatnonzero(run.spikes[:, 0]))
    assert intervals[0] < 0.5 * intervals[-1]
    assert intervals[-20:].max() - intervals[-20:].min() <= 2
    # a is the sum of rho^k over its own spikes: its mean is the rate over 1 - rho
    rate = run.spikes[1500:].mean()
    assert run.traces["a"][1500:].mean() == pytest.approx(rate / -math.expm1(-1 / 300), rel=0.02)


def test_reset_to_value_and_refractory() -> None:
    neuron = Alif(tau_mem_s=20e-3, tau_adapt_s=0.1, beta=1.0, reset="value", v_reset=-0.5, refractory_ticks=3)
    run = simulate(neuron, 1e-3, np.full((6, 1), 1.5), record=("v", "a"))
    assert run.spikes[:, 0].tolist() == [1, 0, 0, 0, 0, 1]
    assert run.traces["v"][:4, 0].tolist() == [-0.5] * 4
    assert run.traces["a"][:4, 0] == pytest.approx(np.exp(-np.arange(4) / 100))
