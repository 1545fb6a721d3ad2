import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnctl.errors import InputError
from snnctl.spike_trains import pairwise
from snnctl.spike_trains.van_rossum import distance

from .recordings import METRICS, TRAINS
from .strategies import trains

taus = st.sampled_from([0.3, 5.0, 100.0])


def test_equals_elephant_on_all_pairs_and_time_constants():
    for k, tau in enumerate(METRICS["vr_tau_ms"].tolist()):
        found = pairwise.matrix(TRAINS, lambda a, b, tau=tau: distance(a, b, tau))
        np.testing.assert_allclose(found, METRICS["vr_elephant"][k], rtol=0, atol=1e-9)


@pytest.mark.parametrize("tau", [4.0, 30.0])
def test_original_normalisation_is_the_publication_s_integral(tau):
    grid = np.arange(0, 1000 + 15 * tau, 0.005)

    def smooth(train):
        lags = np.zeros(grid.size)
        for t in train:
            lags += np.where(grid >= t, np.exp(-np.maximum(grid - t, 0) / tau), 0.0)
        return lags

    for i, j in ((0, 1), (2, 3), (3, 4)):
        squared = np.sum((smooth(TRAINS[i]) - smooth(TRAINS[j])) ** 2) * 0.005 / tau
        assert distance(TRAINS[i], TRAINS[j], tau, "original") == pytest.approx(math.sqrt(squared), rel=2e-3)


@given(trains(), trains(), trains(), taus)
def test_is_a_metric(a, b, c, tau):
    ab = distance(a, b, tau)
    assert distance(b, a, tau) == pytest.approx(ab, abs=1e-12)
    assert distance(a, a, tau) == 0
    assert ab <= distance(a, c, tau) + distance(c, b, tau) + 1e-9
    if not np.array_equal(a, b):
        assert ab > 0
    assert distance(a, b, tau, "original") == pytest.approx(ab / math.sqrt(2), abs=1e-12)


@given(trains(), trains())
def test_limits_count_coincidences_and_spikes(a, b):
    assert distance(a, b, 1e-3) == pytest.approx(math.sqrt(a.size + b.size - 2 * np.intersect1d(a, b).size), abs=1e-9)
    assert distance(a, b, 1e9) == pytest.approx(abs(a.size - b.size), abs=1e-2)


@given(trains(), trains(), taus, st.integers(0, 500))
def test_a_common_shift_changes_nothing(a, b, tau, shift):
    assert distance(a + shift, b + shift, tau) == pytest.approx(distance(a, b, tau), abs=1e-9)


def test_one_spike_against_none_names_the_normalisation():
    assert distance([5.0], [], 10.0) == 1
    assert distance([5.0], [], 10.0, "original") == math.sqrt(0.5)
    assert distance([5.0], [8.0], 10.0) == pytest.approx(math.sqrt(2 - 2 * math.exp(-0.3)), rel=1e-12)


def test_impossible_arguments_are_refused():
    for tau in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(InputError, match="tau_ms"):
            distance([1.0], [2.0], tau)
    with pytest.raises(InputError, match="normalisation"):
        distance([1.0], [2.0], 1.0, "half")
    with pytest.raises(InputError, match=r"b_ms\[1\]: comes before"):
        distance([1.0], [2.0, 1.0], 1.0)
