"""Round trips within the stated resolution, the stated costs, and what bad input gives, of every deterministic code."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snnctl import config, streams
from snnctl.coding import (
    Bernoulli,
    Burst,
    GaussianPopulation,
    Latency,
    Phase,
    Poisson,
    SendOnDelta,
    bernoulli,
    burst,
    direct_current,
    latency,
    memoryless_delta,
    phase,
    poisson,
    send_on_delta,
)
from snnctl.coding.gaussian_encoder import GaussianEncoder
from snnctl.coding.intensity import IntensityEncoder, intensity
from snnctl.coding.send_on_delta import SendOnDeltaEncoder
from snnctl.errors import ConfigError

STATE = np.zeros(4, np.uint64)
UNIT = arrays(np.float64, st.integers(1, 12), elements=st.floats(0, 1))
quick = settings(max_examples=60, deadline=None)


@quick
@given(
    UNIT, st.integers(1, 16), st.integers(1, 3), st.sampled_from(["most_significant_first", "least_significant_first"])
)
def test_phase_loses_less_than_its_last_digit(u: Any, period: int, periods: int, order: Any) -> None:
    raster = phase.encode(u, period * periods, period, order)
    error = np.minimum(u, 1 - 2.0**-period) - phase.decode(raster, period, order)
    assert (error >= 0).all() and (error < 2.0**-period).all()
    ones = [bin(min(int(v * 2**period), 2**period - 1)).count("1") for v in u]
    assert raster.sum() == periods * sum(ones)


def test_phase_is_the_greedy_expansion() -> None:
    u = np.linspace(0, 1 - 2**-6, 200)
    rest, raster = u.copy(), phase.encode(u, 12, 6)
    for t in range(6):
        fired = rest >= 2.0 ** -(1 + t)
        rest -= fired * 2.0 ** -(1 + t)
        np.testing.assert_array_equal(raster[t], fired)
    np.testing.assert_array_equal(raster[6:], raster[:6])


def test_a_membrane_that_halves_reads_the_least_significant_digit_first() -> None:
    u = np.array([0.3, 0.85, 0.0, 1.0])
    raster, v = phase.encode(u, 8, 8, "least_significant_first"), np.zeros(4)
    for row in raster:
        v = (v + row) / 2
    np.testing.assert_array_equal(v, np.minimum(np.floor(u * 256), 255) / 256)


@quick
@given(UNIT, st.integers(2, 64))
def test_linear_latency_resolves_half_a_step(u: Any, ticks: int) -> None:
    raster = latency.spikes_at(latency.linear(u, ticks - 1), ticks)
    assert (raster.sum(axis=0) == 1).all()  # the cost: one spike each
    decoded = latency.decode_linear(latency.first_ticks(raster), ticks - 1)
    assert (np.abs(decoded - u) <= 0.5 / (ticks - 1) + 1e-12).all()


@quick
@given(UNIT, st.integers(2, 30))
def test_logarithmic_latency_resolves_half_a_tick(u: Any, ticks: int) -> None:
    times = latency.logarithmic(u, ticks - 1)
    assert (times >= 0).all() and (times <= ticks - 1).all()
    np.testing.assert_allclose(latency.decode_logarithmic(times, ticks - 1), u, atol=1e-9)
    first = latency.first_ticks(latency.spikes_at(times, ticks))
    assert (np.abs(first - times) <= 0.5).all()


def test_logarithmic_latency_does_not_overflow() -> None:
    np.testing.assert_allclose(latency.logarithmic(np.array([0.0, 0.5, 1.0]), 5000.0), [5000.0, np.log(2), 0.0])


@quick
@given(arrays(np.float64, 8, elements=st.floats(0.02, 1)), st.floats(0.5, 50))
def test_charging_time_is_that_of_the_capacitor(u: Any, tau: float) -> None:
    times = latency.charging(u, tau, 0.01)
    np.testing.assert_allclose(u * (1 - np.exp(-times / tau)), 0.01, rtol=1e-9)
    np.testing.assert_allclose(latency.decode_charging(times, tau, 0.01), u, rtol=1e-9)


def test_latency_clips_to_the_last_tick_or_stays_silent() -> None:
    encoder = IntensityEncoder(Latency(law="charging", tau_s=5e-3, theta=0.2, low=0.0, high=1.0), 1e-3)
    spikes = encoder.encode(np.array([0.0, 0.21, 1.0]), 10, STATE)
    assert spikes.argmax(axis=0).tolist() == [9, 9, 1] and spikes.sum() == 3
    quiet = IntensityEncoder(Latency(theta=0.3, silent=True, low=0.0, high=1.0), 1e-3)
    assert quiet.encode(np.array([0.29, 0.31]), 11, STATE).sum(axis=0).tolist() == [0, 1]


@quick
@given(UNIT, st.integers(1, 9), st.integers(1, 4), st.integers(0, 8))
def test_burst_round_trip_and_cost(u: Any, most: int, isi_min: int, more: int) -> None:
    isi_max = isi_min + more
    ticks = burst.span(most, isi_min, isi_max)
    raster = burst.encode(u, ticks, most, isi_min, isi_max)
    assert raster.sum() == burst.spike_counts(u, most).sum()  # nothing is cut off
    decoded = burst.decode(raster, most, isi_min, isi_max)
    assert (np.abs(decoded - u) <= 0.5 / most + 1e-8).all()


def test_burst_span_is_the_longest_of_all_bursts() -> None:
    u = np.linspace(0, 1, 20_001)
    for most, isi_min, isi_max in itertools.product((1, 2, 5, 7), (1, 3), (3, 6, 11)):
        longest = ((burst.spike_counts(u, most) - 1) * burst.intervals(u, isi_min, isi_max)).max() + 1
        assert burst.span(most, isi_min, isi_max) == longest


def test_intervals_make_a_burst_finer_than_its_count() -> None:
    u = np.linspace(0.4001, 1, 500)
    ticks = burst.span(2, 1, 17)
    error = np.abs(burst.decode(burst.encode(u, ticks, 2, 1, 17), 2, 1, 17) - u)
    assert error.max() <= 0.5 / 2 and error[u > 0.51].max() <= 0.5 / 16 + 1e-8


@quick
@given(arrays(np.float64, (40, 3), elements=st.floats(-1, 1)), st.floats(0.01, 0.5))
def test_send_on_delta_follows_within_a_threshold(x: Any, threshold: float) -> None:
    events = send_on_delta.encode(x, threshold, most=1000)
    level = send_on_delta.decode(events, threshold, x[0])
    assert (np.abs(level - x) < threshold * (1 + 1e-9)).all()


def test_send_on_delta_sends_a_drift_that_the_memoryless_code_loses() -> None:
    ramp = np.linspace(0, 1, 1001)[:, None]  # 0.001 a sample
    assert memoryless_delta.encode(ramp, 0.1, off=True).sum() == 0
    events = send_on_delta.encode(ramp, 0.099)
    assert events.sum() == 10 == np.abs(events).sum()  # |change| / threshold, as the cost says


def test_send_on_delta_sends_the_rest_of_a_jump_later() -> None:
    x = np.array([0.0, 1.0, 1.0, 1.0, 1.0])[:, None]
    assert send_on_delta.encode(x, 0.24, most=2)[:, 0].tolist() == [0, 2, 2, 0, 0]
    encoder = SendOnDeltaEncoder(SendOnDelta(threshold=0.24))
    rasters = [encoder.encode(v, 3, STATE) for v in np.array([[0.0, 0.0], [1.0, -0.5], [1.0, -0.5]])]
    assert [r.sum(axis=0).tolist() for r in rasters] == [[0, 0, 0, 0], [3, 0, 0, 2], [1, 0, 0, 0]]
    assert rasters[1][:, 3].tolist() == [1, 1, 0]
    encoder.reset()
    assert encoder.encode(np.array([5.0, 5.0]), 3, STATE).sum() == 0  # a first observation again


def test_direct_current_is_the_observation_in_every_tick() -> None:
    x = np.array([0.5, -2.0])
    current = direct_current.encode(x, 4, gain=3.0)
    assert current.shape == (4, 2) and (current == 3.0 * x).all()
    np.testing.assert_array_equal(direct_current.decode(current, 3.0), x)


def test_bohte_placement_and_spike_times() -> None:
    config_ = GaussianPopulation(placement="bohte", neurons_per_dim=8, low=0.0, high=6.0, spikes="latency")
    mean, width = config_.fields(2)
    np.testing.assert_allclose(mean[1], [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5])  # (2 i - 3) / 2, i = 1 ... 8
    np.testing.assert_allclose(width, 1 / 1.5)
    encoder = GaussianEncoder(config_, {"encoder.mean": mean, "encoder.width": width}, np.float64)
    x, ticks = np.array([2.5, 6.0]), 11
    spikes = encoder.encode(x, ticks, STATE).reshape(ticks, 2, 8)
    a = np.exp(-((x[:, None] - mean) ** 2) / (2 * width**2))
    for d, j in itertools.product(range(2), range(8)):
        expected = [] if a[d, j] < 0.1 else [round(10 * (1 - a[d, j]))]
        assert np.flatnonzero(spikes[:, d, j]).tolist() == expected
    assert spikes[0, 0, 3] == 1  # the neuron at the observation is the first


def test_uniform_placement_is_the_default_and_what_it_was() -> None:
    mean, width = GaussianPopulation().fields(3)
    np.testing.assert_array_equal(mean, np.tile(np.linspace(-3, 3, 10), (3, 1)))
    assert (width == 0.3872983346207417).all()
    assert GaussianPopulation(neurons_per_dim=1, low=1.0).fields(1)[0] == 2.0


def test_deterministic_population_costs_the_spikes_that_it_says() -> None:
    config_ = GaussianPopulation()
    mean, width = config_.fields(1)
    encoder = GaussianEncoder(config_, {"encoder.mean": mean, "encoder.width": width}, np.float64)
    for x in np.linspace(-3, 3, 50):
        sums = 20 * np.exp(-((x - mean) ** 2) / (2 * width**2)).ravel() / 0.999
        counts = encoder.encode(np.array([x]), 20, STATE).sum(axis=0)
        sure = np.abs(sums - np.round(sums)) > 1e-6
        np.testing.assert_array_equal(counts[sure], np.minimum(np.floor(sums), 20)[sure])


def test_random_codes_cost_the_spikes_that_they_say() -> None:
    state = streams.kernel_state(1, "encoder")
    u, ticks = np.linspace(0, 1, 11), 4000
    for p, spikes in (
        (u, IntensityEncoder(Bernoulli(low=0.0, high=1.0), 1e-3).encode(u, ticks, state)),
        (1 - np.exp(-0.5 * u), IntensityEncoder(Poisson(low=0.0, high=1.0), 1e-3).encode(u, ticks, state)),
    ):
        bound = 4 * np.sqrt(ticks * (p * (1 - p)).sum())
        assert abs(int(spikes.sum()) - ticks * p.sum()) < bound
        assert spikes[:, 0].sum() == 0
    assert bernoulli.encode(np.ones(3), 100, state).all()
    assert np.isfinite(poisson.decode(np.ones((10, 1), np.uint8), 1e-3)).all()


def test_intensity_clips_what_is_out_of_range() -> None:
    x = np.array([-np.inf, -4.0, -3.0, 0.0, 3.0, 9.0, np.inf])
    np.testing.assert_array_equal(intensity(x, -3.0, 3.0), [0, 0, 0, 0.5, 1, 1, 1])
    assert poisson.probability(np.array([-5.0, np.inf]), 1e-3).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    "encode",
    [
        lambda x: intensity(x, -1.0, 1.0),
        lambda x: bernoulli.encode(x, 5, STATE),
        lambda x: poisson.encode(x, 1e-3, 5, STATE),
        lambda x: latency.linear(x, 5.0),
        lambda x: latency.logarithmic(x, 5.0),
        lambda x: latency.charging(x, 5.0, 0.1),
        lambda x: phase.encode(x, 8),
        lambda x: burst.encode(x, 10),
        lambda x: send_on_delta.encode(x[None], 0.1),
        lambda x: memoryless_delta.encode(x, 0.1),
        lambda x: direct_current.encode(x, 5),
    ],
)
def test_nan_is_refused_by_its_place(encode: Any) -> None:
    with pytest.raises(ValueError, match=r"\[.*1\] is nan"):
        encode(np.array([0.5, np.nan, 0.1]))


def test_infinity_is_refused_where_it_has_no_meaning() -> None:
    for encode in (lambda x: direct_current.encode(x, 5), lambda x: send_on_delta.encode(x[None], 0.1)):
        with pytest.raises(ValueError, match="inf"):
            encode(np.array([np.inf]))
    with pytest.raises(ValueError, match="threshold"):
        send_on_delta.encode(np.zeros((2, 1)), 0.0)


@pytest.mark.parametrize(
    ("cls", "data", "message"),
    [
        (Poisson, {"low": 1.0, "high": 1.0}, "low 1"),
        (Poisson, {"max_rate_hz": 0.0}, "max_rate_hz"),
        (Latency, {"law": "charging", "theta": 0.0}, "theta 0"),
        (Latency, {"law": "exponential"}, "law"),
        (Burst, {"isi_min": 5, "isi_max": 4}, "isi_max 4"),
        (Phase, {"period": 0}, "period"),
        (SendOnDelta, {"threshold": -1.0}, "threshold"),
        (GaussianPopulation, {"placement": "bohte", "neurons_per_dim": 2}, "neurons_per_dim 2"),
    ],
)
def test_a_wrong_configuration_is_named(cls: Any, data: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config.resolve(cls, data, "encoder.toml")
