"""Poisson sources: counts against the binomial law of their ticks, independence, modulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from snnctl.network.isolated import simulate
from snnctl.neurons.poisson import Poisson


def counts(
    rate_hz: float, ticks: int, n: int, seed: int, tick_s: float = 1e-3, dtype: type = np.float64
) -> NDArray[np.int64]:
    run = simulate(Poisson(rate_hz=rate_hz), tick_s, np.zeros((ticks, n)), record=(), seed=seed, dtype=dtype)
    return run.spikes.sum(axis=0).astype(np.int64)


@pytest.mark.needs_compiler
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_count_distribution_over_200_seeds(dtype: type) -> None:
    """Chi-squared of the counts of each seed against the exact law; the 200 p-values must be uniform."""
    ticks, n, p = 50, 1000, -math.expm1(-0.1)
    edges = np.array([-1, 1, 2, 3, 4, 5, 6, 7, 8, ticks])  # every class has an expected count above 5
    expected = n * np.diff(stats.binom.cdf(edges, ticks, p))
    assert expected.min() > 5
    p_values = []
    for seed in range(200):
        found = np.histogram(counts(100.0, ticks, n, seed, dtype=dtype), edges + 0.5)[0]
        p_values.append(stats.chisquare(found, expected * n / expected.sum()).pvalue)
    assert stats.kstest(p_values, "uniform").pvalue > 0.05


@pytest.mark.needs_compiler
def test_fano_factor_is_one_in_short_ticks() -> None:
    found = counts(40.0, 5000, 4000, seed=1, tick_s=1e-4)  # 0.5 s
    fano, exact = found.var() / found.mean(), math.exp(-40 * 1e-4)
    assert fano == pytest.approx(1.0, abs=4 * math.sqrt(2 / 4000))
    assert fano == pytest.approx(exact, abs=4 * math.sqrt(2 / 4000))
    assert found.mean() == pytest.approx(5000 * -math.expm1(-4e-3), abs=4 * math.sqrt(20 / 4000))


def test_intervals_are_geometric() -> None:
    run = simulate(Poisson(rate_hz=100.0), 1e-3, np.zeros((200_000, 1)), record=(), seed=3)
    intervals = np.diff(np.flatnonzero(run.spikes[:, 0]))
    p = -math.expm1(-0.1)
    assert intervals.mean() == pytest.approx(1 / p, rel=0.03)
    assert intervals.std() / intervals.mean() == pytest.approx(math.sqrt(1 - p), rel=0.03)


def test_trains_are_independent() -> None:
    run = simulate(Poisson(rate_hz=100.0), 1e-3, np.zeros((20_000, 8)), record=(), seed=4)
    within = np.corrcoef(run.spikes.T)[np.triu_indices(8, 1)]
    lagged = [np.corrcoef(run.spikes[1:, j], run.spikes[:-1, j])[0, 1] for j in range(8)]
    assert np.abs(np.concatenate([within, lagged])).max() < 4 / math.sqrt(20_000)


def test_rates_per_neuron_and_extremes() -> None:
    rates = [0.0, 10.0, 1000.0, 1e6]
    run = simulate(Poisson(rate_hz=1.0), 1e-3, np.zeros((10_000, 4)), parameters={"rate_hz": rates}, record=(), seed=5)
    found, p = run.spikes.mean(axis=0), -np.expm1(-np.array(rates) * 1e-3)
    assert np.all(np.abs(found - p) <= 4 * np.sqrt(p * (1 - p) / 10_000))
    assert found[0] == 0 and found[3] == 1


def test_current_modulates_the_rate() -> None:
    currents = np.tile([-20.0, -10.0, 0.0, 30.0], (20_000, 1))
    found = simulate(Poisson(rate_hz=10.0), 1e-3, currents, record=(), seed=6).spikes.mean(axis=0)
    p = np.array([0.0, 0.0, -math.expm1(-0.01), -math.expm1(-0.04)])
    assert np.all(np.abs(found - p) <= 4 * np.sqrt(p * (1 - p) / 20_000))


def test_same_seed_same_spikes() -> None:
    first, again, other = (counts(50.0, 200, 20, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
