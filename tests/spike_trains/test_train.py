import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnctl.errors import InputError
from snnctl.spike_trains import train


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([3.0, 1.0], r"mine\[1\]: comes before the spike at 3 ms \(1 ms\); sort"),
        ([1.0, np.nan], r"mine\[1\]: is nan"),
        ([1.0, np.inf], r"mine\[1\]: is inf"),
        ([-0.5, 2.0], r"mine\[0\]: is negative \(-0\.5 ms\)"),
        ([1.0, 2.0, 2.0], r"mine\[2\]: repeats the spike at 2 ms"),
        ([1.0, 300.0], r"mine\[1\]: is at 300 ms, after the end of the recording \(200 ms\)"),
        ([[1.0, 2.0]], r"mine: has shape \(1, 2\)"),
        (5.0, r"mine: has shape \(\)"),
        (["soon"], r"mine: is not an array of numbers"),
        ([[1.0], [1.0, 2.0]], r"mine: is not an array of numbers"),
    ],
)
def test_what_is_not_a_train_is_refused_with_the_spike_that_is_wrong(times, message):
    with pytest.raises(InputError, match=message):
        train.check(times, "mine", t_end_ms=200.0)


def test_pooled_trains_may_coincide():
    assert train.check([1, 2, 2], coincident=True).tolist() == [1.0, 2.0, 2.0]


@given(st.integers(0, 30), st.integers(0, 5), st.sampled_from([1e-4, 5e-4, 1e-3, 0.02]), st.integers(0, 2**32 - 1))
def test_raster_and_trains_are_each_other_s_inverse(ticks, n, tick_s, seed):
    raster = (np.random.default_rng(seed).random((ticks, n)) < 0.3).astype(np.uint8)
    found = train.from_raster(raster, tick_s)
    assert len(found) == n
    assert np.array_equal(train.to_raster(found, tick_s, ticks), raster)


def test_a_spike_is_at_the_end_of_its_tick():
    assert train.from_raster(np.array([[1], [0], [1]], np.uint8), 1e-3)[0].tolist() == [1.0, 3.0]


def test_spikes_outside_the_raster_are_refused():
    with pytest.raises(InputError, match="train 1: has a spike outside the ticks"):
        train.to_raster([[1.0], [7.0]], 1e-3, 5)
    with pytest.raises(InputError, match="train 0: has a spike outside the ticks"):
        train.to_raster([[0.0]], 1e-3, 0)


@pytest.mark.parametrize("first_ms", [0.0, 0.1, 0.5, 1.0, 1.4])
def test_a_spike_at_the_start_of_a_recording_is_in_the_first_tick(first_ms):
    assert np.argwhere(train.to_raster([[first_ms, 3.0], [2.0]], 1e-3, 4)).tolist() == [[0, 0], [1, 1], [2, 0]]
