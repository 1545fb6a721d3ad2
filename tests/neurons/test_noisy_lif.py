"""A noisy threshold: measured rates against rho, refractoriness, and the plain neuron where there is no noise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from snnctl.network.isolated import simulate
from snnctl.neurons import CurrentLif, NoisyLif


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("distance", [-0.8, -0.2, 0.0, 0.3])
def test_measured_rate_is_the_escape_probability(distance: float, dtype: type) -> None:
    """A membrane held at its value by v_reset and current. 4 standard errors, fixed seed."""
    level, n, ticks = 1.0 + distance, 100, 1000
    neuron = NoisyLif(v_reset=level, noise=0.4)
    current = np.full((ticks, n), level * (1 - math.exp(-1 / 8)))
    run = simulate(neuron, 1e-3, current, initial={"v": level}, record=("expected",), dtype=dtype, seed=3)
    rho = 1 / (1 + math.exp(-distance / 0.4))
    assert run.traces["expected"] == pytest.approx(rho, rel=1e-5 if dtype is np.float32 else 1e-12)
    assert run.spikes.mean() == pytest.approx(rho, abs=4 * math.sqrt(rho * (1 - rho) / (n * ticks)))


def test_nothing_is_expected_of_a_refractory_neuron() -> None:
    neuron = NoisyLif(refractory_ticks=2)
    run = simulate(neuron, 1e-3, np.full((9, 1), 50.0), record=("expected",))
    assert run.spikes[:, 0].tolist() == [1, 0, 0] * 3
    assert run.traces["expected"][:, 0].tolist() == pytest.approx([1, 0, 0] * 3)


@pytest.mark.parametrize("reset", ["value", "subtract"])
def test_without_noise_it_is_the_portable_neuron(reset: Any) -> None:
    random = np.random.default_rng(0)
    drives, currents = (random.random((300, 20)) < 0.3) * 0.35, np.full((300, 20), 0.02)
    common = {"tau_mem_s": 8e-3, "tau_syn_s": 2e-3, "reset": reset, "refractory_ticks": 1}
    plain, noisy = (simulate(n, 1e-3, currents, drives) for n in (CurrentLif(**common), NoisyLif(noise=1e-6, **common)))
    assert plain.spikes.sum() > 100
    np.testing.assert_array_equal(noisy.spikes, plain.spikes)
