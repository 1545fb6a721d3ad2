import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnctl.coding import event_files, event_frames, events
from snnctl.errors import InputError

SHAPE = (5, 7)


def stream(seed, count=40, last=20_000, first=0):
    random = np.random.default_rng(seed)
    t = np.sort(random.integers(first, last, count))
    return events.from_arrays(
        t, random.integers(0, 7, count), random.integers(0, 5, count), random.integers(0, 2, count)
    )


streams = st.builds(stream, st.integers(0, 2**32 - 1), st.integers(0, 60))


def test_polarities_of_other_tools_are_understood():
    t, x, y = [1, 2, 3], [0, 1, 2], [2, 1, 0]
    found = events.from_arrays(t, x, y, [-1, 1, 1])
    assert found["p"].tolist() == [0, 1, 1]
    assert events.signs(found).tolist() == [-1, 1, 1]
    for p in ([0, 1, 1], [False, True, True], [-1.0, 1.0, 1.0]):
        assert np.array_equal(events.from_arrays(np.array(t), x, y, p), found)
    assert found.dtype.names == ("t_us", "x", "y", "p")
    assert found.dtype.itemsize == 16


def test_tonic_s_type():
    found = events.to_tonic(stream(0))
    assert found.dtype.names == ("x", "y", "t", "p")
    assert np.array_equal(found["t"], stream(0)["t_us"])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([1, 2], [0, 0], [0], [1, 1]), "have shapes"),
        (([2, 1], [0, 0], [0, 0], [1, 1]), r"events\[1\]: is earlier"),
        (([1], [-1], [0], [1]), "x: does not fit uint16"),
        (([1], [0], [65536], [1]), "y: does not fit uint16"),
        (([1], [0.5], [0], [1]), "x: is not whole"),
        (([np.nan], [0], [0], [1]), "t_us: does not fit int64"),
        ((["a"], [0], [0], [1]), "t_us: does not fit int64"),
        (([1], [0], [0], [2]), "p: has the values"),
        (([1, 1, 1], [0, 0, 0], [0, 0, 0], [-1, 0, 1]), "p: has the values"),
    ],
)
def test_what_is_no_stream_is_refused(columns, message):
    with pytest.raises(InputError, match=message):
        events.from_arrays(*columns)


def test_check_names_the_event_outside_the_sensor():
    found = events.from_arrays([1, 2], [0, 6], [0, 4], [1, 1])
    assert events.check(found, SHAPE) is found
    with pytest.raises(InputError, match=r"events\[1\]: is at x 6, y 4; the sensor has 6 x 5 pixels"):
        events.check(found, (5, 6))
    with pytest.raises(InputError, match="not EVENT"):
        events.check(np.zeros(3))


def test_unsorted_arrays_can_be_sorted():
    found = events.from_arrays([5, 1, 5], [0, 1, 2], [0, 0, 0], [1, 0, 1], sort=True)
    assert found["t_us"].tolist() == [1, 5, 5]
    assert found["x"].tolist() == [1, 0, 2]


@given(streams, streams)
def test_merge_keeps_every_event_in_order(a, b):
    both = events.merge(a, b)
    events.check(both, SHAPE)
    rows = sorted(map(tuple, np.concatenate([a, b]).tolist()))
    assert sorted(map(tuple, both.tolist())) == rows
    assert events.merge().size == 0


@given(streams)
def test_crop_in_parts_loses_nothing(a):
    left = events.crop(a, x=(0, 3))
    right = events.crop(a, x=(3, 7))
    assert left.size + right.size == a.size
    assert left.size == 0 or left["x"].max() <= 2
    assert right.size == 0 or right["x"].max() <= 3
    early, late = events.crop(a, t_us=(0, 9000)), events.crop(a, t_us=(9000, 20_000))
    assert np.array_equal(np.concatenate([early, late]), a)
    middle = events.crop(a, y=(1, 4), x=(2, 6))
    assert np.array_equal(middle["y"] + 1, a["y"][(a["y"] >= 1) & (a["y"] < 4) & (a["x"] >= 2) & (a["x"] < 6)])


@given(streams)
def test_frame_counts_every_event(a):
    frame = event_frames.to_frame(a, SHAPE)
    expected = np.zeros((2, *SHAPE), int)
    for _, x, y, p in a.tolist():
        expected[p, y, x] += 1
    assert np.array_equal(frame, expected)


@given(streams, st.integers(2, 6))
def test_voxel_grid_follows_its_equation(a, bins):
    grid = event_frames.to_voxel(a, SHAPE, bins, (0, 20_000))
    expected = np.zeros((bins, *SHAPE))
    for t, x, y, p in a.tolist():
        for b in range(bins):
            expected[b, y, x] += (2 * p - 1) * max(0.0, 1 - abs(b - (bins - 1) * t / 20_000))
    np.testing.assert_allclose(grid, expected, atol=1e-5)


def test_voxel_grid_refuses_events_outside_its_span():
    with pytest.raises(InputError, match="leaves out events"):
        event_frames.to_voxel(stream(1), SHAPE, 3, (0, 10_000))
    with pytest.raises(InputError, match="bins, t_us"):
        event_frames.to_voxel(stream(1), SHAPE, 1, (0, 20_000))


@given(streams, st.sampled_from(["separate", "merged", "on", "off"]))
def test_raster_puts_an_event_into_the_tick_that_ends_with_it(a, polarity):
    raster = event_frames.to_raster(a, SHAPE, 1e-3, 21, polarity=polarity)
    expected = np.zeros((21, 35 * (2 if polarity == "separate" else 1)), np.uint8)
    for t, x, y, p in a.tolist():
        tick = 0 if t == a["t_us"][0] == 0 else -(-t // 1000) - 1
        wanted = {"separate": True, "merged": True, "on": p == 1, "off": p == 0}[polarity]
        if wanted and tick >= 0:
            expected[tick, y * 7 + x + (35 * p if polarity == "separate" else 0)] = 1
    assert np.array_equal(raster, expected)


def test_raster_of_a_later_window_and_of_awkward_ticks():
    found = events.from_arrays([99, 100, 400, 401, 700], [0, 0, 1, 2, 3], [0] * 5, [1] * 5)
    raster = event_frames.to_raster(found, (1, 4), 3e-4, 2, t_start_us=100, polarity="merged")
    assert np.argwhere(raster).tolist() == [[0, 1], [1, 2], [1, 3]]
    for k in range(1, 2000):  # every tick end k * 0.1 ms belongs to tick k - 1, whatever the rounding of 1e-4
        one = events.from_arrays([100 * k], [0], [0], [1])
        assert event_frames.to_raster(one, (1, 1), 1e-4, k, polarity="on")[-1, 0] == 1
    with pytest.raises(InputError, match="tick_s, ticks"):
        event_frames.to_raster(found, (1, 4), 0.0, 2)


@pytest.mark.parametrize("start", [0, 100, -300])
@pytest.mark.parametrize("polarity", ["separate", "merged", "on", "off"])
def test_what_a_stream_begins_with_is_in_the_first_tick(start, polarity):
    found = events.from_arrays(np.array([0, 0, 0, 1000, 2000]) + start, [0, 1, 2, 0, 1], [0] * 5, [1, 0, 1, 1, 0])
    raster = event_frames.to_raster(found, (1, 3), 1e-3, 2, t_start_us=start, polarity=polarity)
    expected = {
        "separate": [[0, 1, 0, 1, 0, 1], [0, 1, 0, 0, 0, 0]],
        "merged": [[1, 1, 1], [0, 1, 0]],
        "on": [[1, 0, 1], [0, 0, 0]],
        "off": [[0, 1, 0], [0, 1, 0]],
    }
    assert raster.tolist() == expected[polarity]


def test_windows_that_follow_each_other_have_every_event_once():
    times = np.arange(0, 6001, 500)  # in every half tick of 1 ms, the start and the end of all windows included
    found = events.from_arrays(times, np.arange(times.size), [0] * times.size, [1] * times.size)
    windows = [
        event_frames.to_raster(found, (1, times.size), 1e-3, 2, t_start_us=start, polarity="merged")
        for start in (0, 2000, 4000)
    ]
    assert np.concatenate(windows).sum(axis=0).tolist() == [1] * times.size


@pytest.mark.parametrize("ending", [".npz", ".h5"])
@pytest.mark.parametrize("case", [stream(3), events.empty(), stream(4, first=2**40, last=2**40 + 5000)])
def test_files_give_back_what_was_saved(tmp_path, ending, case):
    path = tmp_path / f"seen{ending}"
    event_files.save(path, case)
    found = event_files.load(path)
    assert found.dtype == events.EVENT
    assert np.array_equal(found, case)


def test_h5_has_the_layout_of_dsec(tmp_path):
    a = stream(5, count=300, last=50_000)
    event_files.save(tmp_path / "a.h5", a)
    with h5py.File(tmp_path / "a.h5") as h5:
        t, index = h5["events/t"][()], h5["ms_to_idx"][()]
        assert (h5["events/t"].dtype, h5["events/x"].dtype, h5["events/p"].dtype) == (np.uint32, np.uint16, np.uint8)
        assert h5["t_offset"][()] == 0
        for ms, k in enumerate(index):
            assert t[k] >= 1000 * ms
            assert k == 0 or t[k - 1] < 1000 * ms
        assert len(index) == t[-1] // 1000 + 1


def test_a_foreign_h5_is_read_with_its_offset(tmp_path):
    with h5py.File(tmp_path / "theirs.h5", "w") as h5:
        for name, values in (("t", [0, 7]), ("x", [1, 2]), ("y", [3, 4]), ("p", [0, 1])):
            h5[f"events/{name}"] = np.array(values, np.uint32)
        h5["t_offset"] = 1_000_000
    assert event_files.load(tmp_path / "theirs.h5").tolist() == [(1_000_000, 1, 3, 0), (1_000_007, 2, 4, 1)]


def test_bad_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="unknown ending"):
        event_files.save(tmp_path / "a.txt", stream(0))
    with pytest.raises(InputError, match="cannot be read"):
        event_files.load(tmp_path / "absent.h5")
    for ending in (".npz", ".h5"):
        (tmp_path / f"junk{ending}").write_bytes(b"no such thing")
        with pytest.raises(InputError, match="cannot be read"):
            event_files.load(tmp_path / f"junk{ending}")
    np.savez(tmp_path / "half.npz", t_us=[1], x=[1])
    with pytest.raises(InputError, match="lacks an array"):
        event_files.load(tmp_path / "half.npz")
    with h5py.File(tmp_path / "half.h5", "w") as h5:
        h5["events/t"] = [1]
    with pytest.raises(InputError, match="lacks an array"):
        event_files.load(tmp_path / "half.h5")
    np.savez(tmp_path / "pickled.npz", t_us=np.array([object()]), x=[1], y=[1], p=[1])
    with pytest.raises(InputError, match="cannot be read"):
        event_files.load(tmp_path / "pickled.npz")
    np.savez(tmp_path / "unsorted.npz", t_us=[2, 1], x=[1, 1], y=[1, 1], p=[1, 1])
    with pytest.raises(InputError, match=r"unsorted\.npz:events\[1\]"):
        event_files.load(tmp_path / "unsorted.npz")
    long = events.from_arrays([0, 2**33], [0, 0], [0, 0], [1, 1])
    with pytest.raises(InputError, match="71 minutes"):
        event_files.save(tmp_path / "long.h5", long)
