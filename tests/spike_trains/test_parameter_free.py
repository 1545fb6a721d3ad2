"""ISI distance, SPIKE distance and SPIKE synchronization: those that need no time constant."""

import numpy as np
import pytest
from hypothesis import given

from snnctl.errors import InputError
from snnctl.spike_trains import isi_distance, pairwise, spike_distance, spike_synchronization

from .recordings import END_MS, METRICS, TRAINS
from .strategies import END_MS as SHORT_MS
from .strategies import trains

MEASURES = {
    "isi_distance": isi_distance.distance,
    "spike_distance": spike_distance.distance,
    "spike_sync": spike_synchronization.synchronization,
}


@pytest.mark.parametrize("name", list(MEASURES))
def test_equals_pyspike_on_all_pairs(name):
    found = pairwise.matrix(TRAINS, lambda a, b: MEASURES[name](a, b, END_MS))
    np.testing.assert_allclose(found, METRICS[name], rtol=0, atol=1e-9)


def test_many_trains_equal_pyspike():
    several = TRAINS[2:8]
    for name in ("isi_distance", "spike_distance"):
        found = pairwise.mean(several, lambda a, b, name=name: MEASURES[name](a, b, END_MS))
        assert found == pytest.approx(float(METRICS[f"{name}_multi"]), abs=1e-9)
    assert spike_synchronization.of_many(several, END_MS) == pytest.approx(float(METRICS["spike_sync_multi"]), abs=1e-9)


def test_profiles_equal_pyspike():
    x, y = isi_distance.profile(TRAINS[4], TRAINS[5], END_MS)
    np.testing.assert_allclose(x, METRICS["isi_profile_x"], atol=1e-12)
    np.testing.assert_allclose(y, METRICS["isi_profile_y"], atol=1e-12)
    x, begin, end = spike_distance.profile(TRAINS[4], TRAINS[5], END_MS)
    np.testing.assert_allclose(x, METRICS["spike_profile_x"], atol=1e-12)
    np.testing.assert_allclose(begin, METRICS["spike_profile_y1"], atol=1e-12)
    np.testing.assert_allclose(end, METRICS["spike_profile_y2"], atol=1e-12)


@pytest.mark.parametrize("name", list(MEASURES))
@given(a=trains(), b=trains())
def test_is_bounded_symmetric_and_knows_equal_trains(name, a, b):
    measure = MEASURES[name]
    found = measure(a, b, SHORT_MS)
    assert -1e-12 <= found <= 1 + 1e-12
    assert measure(b, a, SHORT_MS) == pytest.approx(found, abs=1e-12)
    assert measure(a, a, SHORT_MS) == (1 if name == "spike_sync" else 0)


@pytest.mark.parametrize("name", list(MEASURES))
@given(a=trains(), b=trains())
def test_time_may_run_backwards_and_in_other_units(name, a, b):
    found = MEASURES[name](a, b, SHORT_MS)
    mirrored = MEASURES[name](SHORT_MS - a[::-1], SHORT_MS - b[::-1], SHORT_MS)
    assert mirrored == pytest.approx(found, abs=1e-9)
    assert MEASURES[name](a * 1024, b * 1024, SHORT_MS * 1024) == pytest.approx(found, abs=1e-9)


@given(trains(), trains(), trains())
def test_isi_distance_obeys_the_triangle_inequality(a, b, c):
    ab, ac, cb = (isi_distance.distance(x, y, SHORT_MS) for x, y in ((a, b), (a, c), (c, b)))
    assert ab <= ac + cb + 1e-9


@given(trains(), trains())
def test_synchronization_equals_its_definition(a, b):
    def tau(x, i, y, j):
        around = [x[i] - x[i - 1] if i else SHORT_MS, x[i + 1] - x[i] if i + 1 < x.size else SHORT_MS]
        around += [y[j] - y[j - 1] if j else SHORT_MS, y[j + 1] - y[j] if j + 1 < y.size else SHORT_MS]
        return min(around) / 2

    def partners(x, y):
        return sum(any(abs(x[i] - y[j]) < tau(x, i, y, j) for j in range(y.size)) for i in range(x.size))

    expected = (partners(a, b) + partners(b, a)) / (a.size + b.size) if a.size + b.size else 1
    assert spike_synchronization.synchronization(a, b, SHORT_MS) == expected


def test_regular_trains_out_of_step():
    a = np.arange(10) * 100.0 + 50.0
    assert isi_distance.distance(a, a + 10, 1000.0) == pytest.approx(0, abs=0.02)  # nearly the same intervals
    near, far = (spike_distance.distance(a, a + lag, 1000.0) for lag in (5.0, 40.0))
    assert near < far
    assert near == pytest.approx(0.05, abs=0.005)  # lag / interval
    assert spike_synchronization.synchronization(a, a + 40, 1000.0) == 1
    halved = isi_distance.distance(np.arange(100) * 10.0 + 5, np.arange(50) * 20.0 + 5, 1000.0)
    assert halved == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("name", list(MEASURES))
def test_bad_trains_are_refused(name):
    measure = MEASURES[name]
    for a, message in (
        ([2.0, 1.0], r": comes before"),
        ([1.0, 1.0], r": repeats"),
        ([-1.0], r": is negative"),
        ([np.nan], r": is nan"),
        ([201.0], r": is at 201 ms, after the end"),
    ):
        with pytest.raises(InputError, match=message):
            measure(a, [1.0], 200.0)
    for end in (0.0, -5.0, np.nan, np.inf):
        with pytest.raises(InputError, match="t_end_ms"):
            measure([], [], end)


def test_a_mean_needs_two_trains():
    with pytest.raises(InputError, match="a pair needs two"):
        pairwise.mean([[1.0]], lambda a, b: 0.0)
