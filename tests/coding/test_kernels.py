"""Exponential, random generator, encoders, normaliser and decoders against independent formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest

from snnctl import streams
from snnctl.coding import GaussianPopulation, PlaceCells
from snnctl.coding.exponential import exp_float32, exp_nonpositive
from snnctl.coding.gaussian_encoder import GaussianEncoder
from snnctl.coding.place_cell_encoder import PlaceCellEncoder
from snnctl.coding.readout import choose, linear, normalise, squash
from snnctl.coding.xoshiro import next_word, uniform

NO_STATE = np.zeros(4, np.uint64)


def test_exponential_is_within_one_and_a_half_units_in_the_last_place() -> None:
    x = -np.logspace(-9, math.log10(87), 1000).astype(np.float32)
    exact = np.exp(x.astype(np.float64))
    found = np.array([exp_float32(v) for v in x])
    assert np.max(np.abs(found - exact) / np.spacing(exact.astype(np.float32))) < 1.5
    assert exp_float32(np.float32(0)) == 1.0
    assert 0 < exp_float32(np.float32(-1e30)) < 2e-38
    assert np.isnan(exp_float32(np.float32(np.nan))) or exp_float32(np.float32(np.nan)) < 2e-38
    assert exp_nonpositive(np.float64(-0.3)) == math.exp(-0.3)


def test_generator_equals_the_reference_code() -> None:
    state = np.array([1, 2, 3, 4], np.uint64)
    words = [int(next_word(state)) for _ in range(5)]
    assert words == [41943041, 58720359, 3588806011781223, 3591011842654386, 9228616714210784205]


def test_uniform_numbers_are_uniform() -> None:
    state = streams.kernel_state(0, "encoder")
    u = np.array([uniform(state) for _ in range(3000)])
    assert u.min() > 0 and u.max() < 1
    assert u.mean() == pytest.approx(0.5, abs=0.02)
    assert u.var() == pytest.approx(1 / 12, abs=0.006)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_deterministic_population_code(dtype: type) -> None:
    config = GaussianPopulation(neurons_per_dim=5)
    rng = np.random.default_rng(0)
    mean, width = rng.normal(size=(3, 5)), rng.uniform(0.2, 1, (3, 5))
    encoder = GaussianEncoder(config, {"encoder.mean": mean, "encoder.width": width}, dtype)
    x = rng.normal(size=3)
    spikes = encoder.encode(x, 50, NO_STATE)
    a = np.exp(-((x[:, None] - mean) ** 2) / (2 * width**2)).ravel()
    assert spikes.shape == (50, 15) and spikes.dtype == np.uint8
    # soft reset loses nothing: the count is what the integrated activation holds
    np.testing.assert_allclose(spikes.sum(axis=0), 50 * a / 0.999, atol=1.0)
    peak = GaussianEncoder(config, {"encoder.mean": mean, "encoder.width": width}, dtype).encode(
        mean[:, 2], 4, NO_STATE
    )
    assert peak.reshape(4, 3, 5)[:, :, 2].all()  # A = 1 fires every tick


def test_poisson_population_code_has_the_probability_of_the_activation() -> None:
    config = GaussianPopulation(neurons_per_dim=2, spikes="poisson")
    tensors = {"encoder.mean": np.array([[0.0, 1.0]]), "encoder.width": np.array([[0.5, 0.8]])}
    encoder = GaussianEncoder(config, tensors, np.float32)
    state = streams.kernel_state(1, "encoder")
    spikes = encoder.encode(np.array([0.4]), 1500, state)
    a = np.exp(-np.array([0.4**2 / (2 * 0.25), 0.6**2 / (2 * 0.64)]))
    np.testing.assert_allclose(spikes.mean(axis=0), a, atol=4 * 0.5 / math.sqrt(1500))
    assert not np.array_equal(state, streams.kernel_state(1, "encoder"))


def test_place_cells_are_densest_at_their_centre() -> None:
    config = PlaceCells(grid=(3, 4))
    centre, width = config.fields()
    encoder = PlaceCellEncoder(config, {"encoder.centre": centre, "encoder.width": width}, np.float64)
    x = np.array([0.2, -0.3])
    spikes = encoder.encode(x, 200, NO_STATE)
    a = np.exp(-0.5 * (((x - centre) / width) ** 2).sum(axis=1))
    np.testing.assert_allclose(spikes.sum(axis=0), 200 * a / 0.999, atol=1.0)
    poisson = PlaceCellEncoder(
        PlaceCells(grid=(3, 4), spikes="poisson"), {"encoder.centre": centre, "encoder.width": width}, np.float32
    )
    drawn = poisson.encode(x, 2000, streams.kernel_state(0, "encoder"))
    np.testing.assert_allclose(drawn.mean(axis=0), a, atol=0.05)


def test_normaliser_clips_and_keeps_nan() -> None:
    out = np.empty(4)
    normalise(np.array([1.0, 100.0, -100.0, np.nan]), np.zeros(4), np.full(4, 2.0), 3.0, out)
    np.testing.assert_array_equal(out, [0.5, 3.0, -3.0, np.nan])


def test_rate_decoder_reaches_its_limits_and_never_passes_them() -> None:
    y = np.empty(2)
    linear(np.array([5, 0, 5, 5]), 5, np.array([1.0, 2.0, -3.0, 0.5]), np.array([0.25, 0.5]), y)
    np.testing.assert_allclose(y, [1.25, -2.0])
    low, high = np.array([-0.1, 0.3]), np.array([0.7, 0.9])
    squash(y, low, high)
    np.testing.assert_allclose(y, low + (np.tanh([1.25, -2.0]) + 1) / 2 * (high - low))
    y[:] = 1e9, -1e9
    squash(y, low, high)
    np.testing.assert_array_equal(y, [0.7, 0.3])


def test_choice_takes_the_lowest_of_equals() -> None:
    assert choose(np.array([0.1, 0.5, 0.5])) == 1
    assert choose(np.array([0.0])) == 0
