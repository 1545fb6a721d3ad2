import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnctl.errors import InputError
from snnctl.spike_trains.schreiber import similarity

from .recordings import TRAINS
from .strategies import trains

sigmas = st.sampled_from([0.5, 2.0, 20.0])


@pytest.mark.parametrize("sigma", [2.0, 10.0])
def test_equals_the_correlation_of_filtered_trains(sigma):
    """The definition, on a grid: the trapezium rule converges faster than any power for Gaussians."""
    grid = np.arange(-8 * sigma, 1000 + 8 * sigma, sigma / 8)
    filtered = [np.exp(-(((grid[:, None] - t) / sigma) ** 2) / 2).sum(axis=1) for t in TRAINS]
    for i in range(1, 15):
        for j in range(1, 15):
            s_a, s_b = filtered[i], filtered[j]
            expected = s_a @ s_b / np.sqrt((s_a @ s_a) * (s_b @ s_b))
            assert similarity(TRAINS[i], TRAINS[j], sigma) == pytest.approx(expected, abs=1e-12)


@given(trains(smallest=1), trains(smallest=1), sigmas)
def test_is_symmetric_bounded_and_one_for_equal_trains(a, b, sigma):
    assert similarity(a, a, sigma) == pytest.approx(1.0, abs=1e-12)
    found = similarity(a, b, sigma)
    assert 0 <= found <= 1
    assert similarity(b, a, sigma) == pytest.approx(found, abs=1e-12)
    assert similarity(a + 70.0, b + 70.0, sigma) == pytest.approx(found, abs=1e-9)


@pytest.mark.parametrize("lag", [0.0, 1.0, 3.0, 8.0])
def test_two_single_spikes(lag):
    assert similarity([50.0], [50.0 + lag], 2.0) == pytest.approx(np.exp(-(lag**2) / 16), rel=1e-12)


def test_trains_without_spikes():
    assert similarity([], [], 2.0) == 1.0
    assert similarity([], [3.0], 2.0) == 0.0


@pytest.mark.parametrize("sigma", [0.0, -2.0, np.nan, np.inf])
def test_impossible_width_is_refused(sigma):
    with pytest.raises(InputError, match="sigma_ms"):
        similarity([1.0], [2.0], sigma)
