"""Decoders against independent formulas, their resolution, their ties and their errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl import streams
from snnctl.coding import (
    GaussianPopulation,
    PopulationVectorDecoder,
    bernoulli,
    filtered_rate,
    first_spike,
    membrane,
    population_vector,
    rate,
    winner_take_all,
)
from snnctl.coding.gaussian_encoder import GaussianEncoder


def train(*ticks: int, length: int) -> np.ndarray:
    raster = np.zeros((length, 1), np.uint8)
    raster[list(ticks)] = 1
    return raster


def test_rate_is_the_count_over_the_ticks() -> None:
    raster = np.array([[1, 0, 1], [1, 0, 0]], np.uint8)
    np.testing.assert_array_equal(rate.decode(raster), [1.0, 0.0, 0.5])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 2000))
def test_rate_of_bernoulli_spikes_is_within_four_deviations(seed: int, ticks: int) -> None:
    p = np.linspace(0, 1, 9)
    decoded = rate.decode(bernoulli.encode(p, ticks, streams.kernel_state(seed, "encoder")))
    # 4.5 deviations and the discreteness of a count
    assert (np.abs(decoded - p) <= 4.5 * np.sqrt(p * (1 - p) / ticks) + 4.0 / ticks).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.lists(st.integers(1, 9), min_size=1, max_size=6), st.floats(1e-3, 0.1))
def test_filtered_rate_is_the_recursion_however_it_is_cut(seed: int, cuts: list[int], tau_s: float) -> None:
    raster = (np.random.default_rng(seed).random((sum(cuts), 3)) < 0.4).astype(np.uint8)
    a = np.exp(-1e-3 / tau_s)
    r = np.zeros(3)
    for row in raster:
        r = a * r + (1 - a) * row
    expected = r / (1 - a ** len(raster))
    state, first = filtered_rate.start((3,)), 0
    for ticks in cuts:
        state = filtered_rate.advance(state, raster[first : first + ticks], a)
        first += ticks
    np.testing.assert_allclose(filtered_rate.rate(state, a), expected, rtol=1e-9)
    np.testing.assert_allclose(filtered_rate.decode(raster, tau_s, 1e-3), expected, rtol=1e-9)


def test_filtered_rate_of_a_constant_train_is_right_from_the_first_tick() -> None:
    np.testing.assert_allclose(filtered_rate.decode(np.ones((1, 2), np.uint8), 0.02, 1e-3), 1.0)
    assert (filtered_rate.rate(filtered_rate.start((2,)), 0.9) == 0).all()


@pytest.mark.needs_compiler
def test_filtered_rate_has_the_deviation_of_its_window() -> None:
    tau_s, p = 20e-3, 0.3
    a = np.exp(-1e-3 / tau_s)
    raster = bernoulli.encode(np.full(4000, p), 300, streams.kernel_state(2, "encoder"))
    found = filtered_rate.decode(raster, tau_s, 1e-3)
    assert found.mean() == pytest.approx(p, abs=0.003)
    assert found.std() == pytest.approx(np.sqrt(p * (1 - p) * (1 - a) / (1 + a)), rel=0.05)


def test_filtered_rate_lags_by_its_time_constant() -> None:
    a = np.exp(-1e-3 / 20e-3)
    state = filtered_rate.advance(filtered_rate.start((1,)), np.zeros((1000, 1), np.uint8), a)
    state = filtered_rate.advance(state, np.ones((20, 1), np.uint8), a)
    assert filtered_rate.rate(state, a)[0] == pytest.approx(1 - np.exp(-1), rel=1e-9)


def test_first_spike_counts_only_the_first() -> None:
    raster = np.concatenate([train(0, length=5), train(4, length=5), train(2, 3, 4, length=5), train(length=5)], axis=1)
    np.testing.assert_allclose(first_spike.decode(raster), [1.0, 0.2, 0.6, 0.0])


def test_membrane_last_mean_and_maximum() -> None:
    v = np.array([[0.0, 3.0], [2.0, 1.0], [1.0, -1.0]])
    np.testing.assert_array_equal(membrane.decode(v), [1.0, -1.0])
    np.testing.assert_array_equal(membrane.decode(v, "mean"), [1.0, 1.0])
    np.testing.assert_array_equal(membrane.decode(v, "maximum"), [2.0, 3.0])
    np.testing.assert_array_equal(membrane.decode(v[-1]), [1.0, -1.0])
    with pytest.raises(ValueError, match="every tick"):
        membrane.decode(v[-1], "mean")
    with pytest.raises(ValueError, match=r"membrane\[0, 1\] is nan"):
        membrane.decode(np.array([[0.0, np.nan]]))


@settings(max_examples=80, deadline=None)
@given(st.floats(-2, 2), st.integers(20, 200))
def test_a_population_code_comes_back_between_its_centres(x: float, ticks: int) -> None:
    config = GaussianPopulation(width=0.6)  # centres 2/3 apart from -3 to 3
    mean, width = config.fields(1)
    encoder = GaussianEncoder(config, {"encoder.mean": mean, "encoder.width": width}, np.float64)
    raster = encoder.encode(np.array([x]), ticks, np.zeros(4, np.uint64))
    decoded = float(population_vector.decode(raster, mean[0]))
    assert abs(decoded - x) < 2 / 3 / 2 / 2 + 3.0 / ticks  # a quarter of the spacing, and the rounding of the counts


def test_population_vector_of_long_trains_is_nearly_unbiased() -> None:
    config = GaussianPopulation(width=0.6)
    mean, width = config.fields(1)
    x = np.linspace(-1.5, 1.5, 61)
    a = np.exp(-((x[:, None] - mean) ** 2) / (2 * width**2))
    encoder = GaussianEncoder(config, {"encoder.mean": mean, "encoder.width": width}, np.float64)
    rasters = [encoder.encode(np.array([v]), 3000, np.zeros(4, np.uint64)) for v in x]
    found = np.array([float(population_vector.decode(r, mean[0])) for r in rasters])
    np.testing.assert_allclose(found, (a * mean).sum(axis=1) / a.sum(axis=1), atol=2e-3)
    assert np.abs(found - x).max() < 0.06


def test_population_vector_silence_shape_and_limits() -> None:
    silent = np.zeros((4, 2, 5), np.uint8)
    preferred = PopulationVectorDecoder(neurons_per_action=5).preferred(np.array([-1.0, 0.0]), np.array([1.0, 8.0]))
    np.testing.assert_array_equal(preferred, [[-1, -0.5, 0, 0.5, 1], [0, 2, 4, 6, 8]])
    np.testing.assert_array_equal(population_vector.decode(silent, preferred, np.array([0.0, 4.0])), [0.0, 4.0])
    assert np.isnan(population_vector.decode(silent, preferred)).all()
    single = PopulationVectorDecoder(neurons_per_action=1).preferred(np.array([-1.0]), np.array([2.0]))
    np.testing.assert_array_equal(single, [[0.5]])


def test_direction_wraps_around() -> None:
    preferred = np.linspace(-np.pi, np.pi, 12, endpoint=False)
    raster = np.zeros((3, 12), np.uint8)
    raster[:, [0, 1, 11]] = 1  # around +-pi
    raster[0, 1] = 0
    votes = raster.sum(axis=0)
    expected = np.angle((votes * np.exp(1j * preferred)).sum())
    assert float(population_vector.direction(raster, preferred)) == pytest.approx(expected)
    assert abs(expected) > 2.9
    opposite = np.zeros((1, 12), np.uint8)
    opposite[0, [0, 6]] = 1
    assert np.isnan(population_vector.direction(opposite, preferred))


def test_the_winner_and_its_ties() -> None:
    raster = np.array([[0, 0, 1, 0, 0, 0], [1, 0, 1, 0, 0, 1], [1, 1, 0, 0, 1, 1]], np.uint8)  # 3 actions of 2
    assert winner_take_all.spikes(raster, 3).argmax() == 0  # 3, 2, 3: the lowest of equals
    assert winner_take_all.earliness(raster, 3).argmax() == 1
    assert winner_take_all.earliness(raster[1:], 3).argmax() == 0  # all in the same tick
    v = np.array([0.1, 0.2, 0.9, -1.0, 0.9, 0.3])
    assert winner_take_all.highest_membranes(v, 3).argmax() == 1
    assert winner_take_all.highest_membranes(np.stack([v[::-1], v]), 3).argmax() == 1
    silent = np.zeros((4, 6), np.uint8)
    assert winner_take_all.spikes(silent, 3).argmax() == winner_take_all.earliness(silent, 3).argmax() == 0
    with pytest.raises(ValueError, match=r"membrane\[2\] is nan"):
        winner_take_all.highest_membranes(np.array([0.0, 1.0, np.nan]), 3).argmax()
