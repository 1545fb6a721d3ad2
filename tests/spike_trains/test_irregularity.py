import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnctl.errors import InputError
from snnctl.spike_trains import counts
from snnctl.spike_trains.irregularity import cv, cv2, lv, lvr

from .recordings import METRICS, TRAINS
from .strategies import trains


@pytest.mark.parametrize(("name", "measure"), [("cv_isi", cv), ("cv2", cv2), ("lv", lv), ("lvr_5ms", lvr)])
def test_equals_elephant(name, measure):
    np.testing.assert_allclose([measure(train) for train in TRAINS], METRICS[name], rtol=0, atol=1e-12)


@given(trains(smallest=3), st.floats(0.1, 10), st.integers(0, 100))
def test_neither_shift_nor_scale_matters(train, scale, shift):
    for measure in (cv, cv2, lv):
        assert measure(train * scale + shift) == pytest.approx(measure(train), abs=1e-9)
    assert lvr(train, 0.0) == pytest.approx(lv(train), abs=1e-9)
    assert lvr(train, 5.0) >= lvr(train, 0.0) - 1e-12
    assert 0 <= lv(train) <= 3
    assert 0 <= cv2(train) <= 2


def test_known_processes():
    regular = np.arange(1, 100) * 7.0
    assert [round(f(regular), 12) for f in (cv, cv2, lv, lvr)] == [0, 0, 0, 0]
    poisson = np.cumsum(np.random.default_rng(3).exponential(20.0, 100_000))
    for measure in (cv, cv2, lv):
        assert measure(poisson) == pytest.approx(1.0, abs=0.02)
    gamma = np.cumsum(np.random.default_rng(4).gamma(3.0, 5.0, 100_000))
    assert cv(gamma) == pytest.approx(1 / math.sqrt(3), abs=0.01)
    assert lv(gamma) == pytest.approx(3 / (2 * 3 + 1), abs=0.01)  # LV of a gamma process of order k is 3 / (2 k + 1)


def test_too_few_spikes_have_no_irregularity():
    for train in ([], [3.0]):
        assert all(math.isnan(f(train)) for f in (cv, cv2, lv, lvr))
    assert cv([3.0, 8.0]) == 0
    assert all(math.isnan(f([3.0, 8.0])) for f in (cv2, lv, lvr))


def test_impossible_refractoriness_is_refused():
    for value in (-1.0, math.nan, math.inf):
        with pytest.raises(InputError, match="refractoriness_ms"):
            lvr([1.0, 2.0, 3.0], value)
    with pytest.raises(InputError, match=r"train\[1\]: repeats"):
        cv([1.0, 1.0, 3.0])


def test_rates_and_counts_equal_elephant_s():
    np.testing.assert_allclose([counts.mean_rate_hz(t, 1000.0) for t in TRAINS], METRICS["mean_rate_hz"], atol=1e-12)
    fano = [counts.fano(counts.in_windows(t, 100.0, 1000.0)) for t in TRAINS]
    np.testing.assert_allclose(fano, METRICS["fano_counts100ms"], atol=1e-12)
    trials = np.array([t.size for t in TRAINS[2:8]])
    assert counts.fano(trials) == pytest.approx(float(METRICS["fano_elephant_first6"]), abs=1e-9)


@given(trains(), st.sampled_from([0.5, 10.0, 40.0, 200.0]))
def test_every_spike_is_in_one_window(train, window):
    found = counts.in_windows(train, window, 200.0)
    assert found.size == round(200 / window)
    assert found.sum() == train.size
    k = np.minimum((train / window).astype(int), found.size - 1)
    assert np.array_equal(found, np.bincount(k, minlength=found.size))


def test_bad_windows_and_counts_are_refused():
    with pytest.raises(InputError, match="whole number of windows"):
        counts.in_windows([1.0], 30.0, 100.0)
    with pytest.raises(InputError, match="after the end"):
        counts.in_windows([101.0], 50.0, 100.0)
    for bad in ([-1, 2], [[1, 2]], [], [np.nan]):
        with pytest.raises(InputError, match="counts"):
            counts.fano(np.array(bad))
    assert math.isnan(counts.fano(np.zeros(4)))
