"""Stochastic encoders have the claimed distribution: chi-squared in each of 200 runs, then uniform p-values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from snnctl import streams
from snnctl.coding import GaussianPopulation, PlaceCells, bernoulli, poisson
from snnctl.coding.gaussian_encoder import GaussianEncoder
from snnctl.coding.place_cell_encoder import PlaceCellEncoder

SEEDS, TICKS = 200, 2000
U = np.linspace(0.05, 0.95, 24)

Draw = Callable[[NDArray[np.uint64]], NDArray[np.uint8]]


def bernoulli_code() -> tuple[NDArray[np.float64], Draw]:
    return U, lambda state: bernoulli.encode(U, TICKS, state)


def poisson_code() -> tuple[NDArray[np.float64], Draw]:
    return 1 - np.exp(-800.0 * U * 1e-3), lambda state: poisson.encode(800.0 * U, 1e-3, TICKS, state)


def gaussian_code() -> tuple[NDArray[np.float64], Draw]:
    config = GaussianPopulation(neurons_per_dim=5, spikes="poisson", width=1.2)
    x = np.array([-1.7, 0.1, 0.8, 2.1])
    mean, width = config.fields(4)
    encoder = GaussianEncoder(config, {"encoder.mean": mean, "encoder.width": width}, np.float32)
    p = np.exp(-((x[:, None] - mean) ** 2) / (2 * width**2)).ravel()
    return p, lambda state: encoder.encode(x, TICKS, state)


def place_code() -> tuple[NDArray[np.float64], Draw]:
    cells = PlaceCells(grid=(4, 5), spikes="poisson", spread=1.0)
    centre, width = cells.fields()
    x = np.array([0.3, -0.2])
    encoder = PlaceCellEncoder(cells, {"encoder.centre": centre, "encoder.width": width}, np.float32)
    p = np.exp(-0.5 * (((x - centre) / width) ** 2).sum(axis=1))
    return p, lambda state: encoder.encode(x, TICKS, state)


def p_values(p: NDArray[np.float64], draw: Draw) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of the counts of all neurons, and of the pairs of ticks that follow each other (independence in time)."""
    usable = (p > 0.1) & (p < 0.9)  # where the normal limit holds for counts and pairs of this many ticks
    q = p[usable]
    counted, paired = [], []
    for seed in range(SEEDS):
        spikes = draw(streams.kernel_state(seed, "encoder"))[:, usable].astype(np.int64)
        deviation = (spikes.sum(axis=0) - TICKS * q) ** 2 / (TICKS * q * (1 - q))
        counted.append(stats.chi2.sf(deviation.sum(), q.size))
        product = ((spikes[0::2] - q) * (spikes[1::2] - q)).sum(axis=0) / (np.sqrt(TICKS / 2) * q * (1 - q))
        paired.append(stats.chi2.sf((product**2).sum(), q.size))
    return np.array(counted), np.array(paired)


@pytest.mark.needs_compiler
@pytest.mark.parametrize("code", [bernoulli_code, poisson_code, gaussian_code, place_code])
def test_p_values_of_200_runs_are_uniform(code: Callable[[], tuple[NDArray[np.float64], Draw]]) -> None:
    p, draw = code()
    counted, paired = p_values(p, draw)
    assert stats.kstest(counted, "uniform").pvalue > 0.05
    assert stats.kstest(paired, "uniform").pvalue > 0.05


@pytest.mark.needs_compiler
def test_the_test_sees_a_rate_that_is_two_percent_wrong() -> None:
    counted, _ = p_values(U, lambda state: bernoulli.encode(0.98 * U, TICKS, state))
    assert stats.kstest(counted, "uniform").pvalue < 1e-6


@pytest.mark.needs_compiler
def test_the_test_sees_repeated_draws() -> None:
    def sticky(state: NDArray[np.uint64]) -> NDArray[np.uint8]:
        return np.repeat(bernoulli.encode(U, TICKS // 2, state), 2, axis=0)

    assert stats.kstest(p_values(U, sticky)[1], "uniform").pvalue < 1e-6


@pytest.mark.needs_compiler
def test_poisson_train_has_the_fano_factor_and_interval_variation_of_its_bins() -> None:
    rate_hz, tick_s, ticks = 200.0, 1e-3, 400_000
    train = poisson.encode(np.array([rate_hz]), tick_s, ticks, streams.kernel_state(3, "encoder"))[:, 0]
    p = 1 - np.exp(-rate_hz * tick_s)
    counts = train.reshape(-1, 100).sum(axis=1)
    assert counts.var() / counts.mean() == pytest.approx(1 - p, abs=4 * np.sqrt(2 / counts.size))
    intervals = np.diff(np.flatnonzero(train))
    assert intervals.std() / intervals.mean() == pytest.approx(np.sqrt(1 - p), abs=0.02)
    decoded = poisson.decode(train[:, None], tick_s)[0]
    assert decoded == pytest.approx(rate_hz, rel=4 / np.sqrt(train.sum()))


def test_the_same_state_gives_the_same_spikes() -> None:
    a, b = (poisson.encode(U * 300, 1e-3, 50, streams.kernel_state(9, "encoder")) for _ in range(2))
    assert a.tobytes() == b.tobytes()
    assert a.tobytes() != poisson.encode(U * 300, 1e-3, 50, streams.kernel_state(10, "encoder")).tobytes()
