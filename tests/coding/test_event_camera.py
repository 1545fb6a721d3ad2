"""Event camera: equal to v2e, its noise distributed as stated, its state complete."""

import dataclasses
import math
import os
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from snnctl import config
from snnctl.coding import event_camera, events
from snnctl.coding.event_camera import EventCamera, ideal, initial, lin_log, noisy, sensor, step
from snnctl.errors import ConfigError, InputError

REPOSITORY = Path(__file__).resolve().parents[2]
SELECTION = np.load(REPOSITORY / "tests" / "data" / "snn" / "dvs_v2e.npz")
COMPLETE = Path(os.environ.get("SNNCTL_VECTORS", REPOSITORY.parent / "shared" / "vectors")) / "snn" / "dvs_v2e.npz"
TIE_FREE = ideal(0.2137, 0.1871)
VARIANTS = {
    "ideal": ideal(),
    "tiefree": TIE_FREE,
    "asym": ideal(0.25, 0.15),
    "refr": dataclasses.replace(TIE_FREE, refractory_s=7.31e-3),
    "lp": dataclasses.replace(ideal(), cutoff_hz=30.0),
}
SEEDS = 200


def film(camera, frames, times, seed=0):
    """All events of a film, and the last state."""
    eye = sensor(camera, frames[0].shape[:2], seed)
    state = initial(eye, frames[0], times[0], seed)
    found = [events.empty()]
    for frame, t in zip(frames[1:], times[1:], strict=True):
        state, some = step(eye, state, frame, t)
        found.append(some)
    return np.concatenate(found), state


def compare(scene, variant, recorded, t, xyp, base):
    found, state = film(VARIANTS[variant], recorded[f"{scene}_frames"], recorded["t_frames_s"])
    events.check(found, (12, 16))
    assert np.array_equal(np.stack([found["x"], found["y"], events.signs(found)], axis=1), xyp)
    np.testing.assert_allclose(found["t_us"] * 1e-6, t, rtol=0, atol=1e-6)
    # the recording's levels are float64 where the low-pass filter is on
    np.testing.assert_allclose(state.level, base, rtol=0, atol=1e-5 if variant == "lp" else 0)


@pytest.mark.parametrize("name", [key[:-2] for key in SELECTION.files if key.endswith("_t")])
def test_equals_v2e(name):
    scene, variant = name.split("_")
    compare(scene, variant, SELECTION, *(SELECTION[f"{name}_{part}"] for part in ("t", "xyp", "base")))


@pytest.mark.needs_compiler
@pytest.mark.skipif(not COMPLETE.exists(), reason="needs the complete recordings (SNNCTL_VECTORS)")
@pytest.mark.parametrize("scene", ["dot", "bar", "flicker", "noise", "dark"])
def test_equals_v2e_on_the_complete_recordings(scene):
    with np.load(COMPLETE) as recorded:
        for variant in VARIANTS:
            rows = recorded[f"{scene}_{variant}_events"]
            compare(scene, variant, recorded, rows[:, 0], rows[:, 1:], recorded[f"{scene}_{variant}_base"])


def test_lin_log_equals_v2e():
    assert np.array_equal(lin_log(SELECTION["linlog_x"]), SELECTION["linlog_y"].astype(np.float32))


def test_uint8_float_and_gray_rgb_frames_are_the_same_picture():
    random = np.random.default_rng(1)
    gray = random.integers(0, 256, (6, 10, 12), dtype=np.uint8)
    times = np.arange(6) * 0.01
    camera = dataclasses.replace(noisy(), cutoff_hz=40.0)
    expected, _ = film(camera, gray, times)
    assert expected.size > 100
    for frames in (gray.astype(np.float64), np.repeat(gray[..., None], 3, axis=-1), gray.astype(np.int64)):
        assert np.array_equal(film(camera, frames, times)[0], expected)


def test_colour_becomes_luma():
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 200, 77]]], np.uint8)
    assert event_camera.event_kernels.luma(colours).tolist() == [[76, 150, 29, 129]]  # .299 R + .587 G + .114 B


def test_first_frame_sets_the_reference_and_the_remainder_is_kept():
    eye = sensor(ideal(), (1, 1))
    state = initial(eye, np.array([[100.0]]))
    emitted = []
    for k in range(1, 41):  # 0.06 of log intensity a frame: an event every 3.33 frames
        state, found = step(eye, state, np.array([[100.0 * math.exp(0.06 * min(k, 15))]]), 0.01 * k)
        emitted += [k] * found.size
    assert emitted == [4, 7, 10, 14]
    assert state.level[0, 0] == pytest.approx(math.log(100) + 0.8, abs=1e-6)


def test_several_events_of_an_interval_share_its_times():
    eye = sensor(ideal(), (1, 2))
    state = initial(eye, np.array([[100.0, 100.0]]))
    _, found = step(eye, state, 100.0 * np.exp([[0.85, -0.45]]), 0.01)
    assert found["t_us"].tolist() == [2500, 2500, 5000, 5000, 7500, 10000]
    assert found["x"].tolist() == [0, 1, 0, 1, 0, 0]
    assert found["p"].tolist() == [1, 0, 1, 0, 1, 1]


def test_no_two_events_of_a_pixel_are_closer_than_the_refractory_period():
    frames = np.random.default_rng(5).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    times = np.cumsum(np.random.default_rng(6).choice([0.001, 0.004, 0.02], 60))
    for refractory in (0.0005, 0.003, 0.015):
        found, _ = film(dataclasses.replace(ideal(), refractory_s=refractory), frames, times)
        free, _ = film(ideal(), frames, times)
        assert 50 < found.size < free.size
        for pixel in range(64):
            own = found["t_us"][found["y"] * 8 + found["x"] == pixel]
            assert (np.diff(own) >= refractory * 1e6 - 1).all()


@pytest.mark.needs_compiler
def test_low_pass_follows_a_step_exponentially_and_faster_in_the_light():
    eye = sensor(dataclasses.replace(ideal(10.0, 10.0), cutoff_hz=5.0), (1, 2))
    state = initial(eye, np.array([[40.0, 200.0]]))
    target = np.array([[50.0, 250.0]])
    start, final = state.filtered.astype(float), lin_log(target).astype(float)
    for k in range(1, 201):
        state, _ = step(eye, state, target, 1e-4 * k)
    tau = 1 / (2 * np.pi * 5.0) / ((target + 20) / 275)
    np.testing.assert_allclose((final - state.filtered) / (final - start), np.exp(-0.02 / tau), rtol=3e-3)


def uniform(p_values):
    """Whether p-values look uniform: Kolmogorov-Smirnov p > 0.05."""
    return stats.kstest(p_values, "uniform").pvalue > 0.05


def chi_squared(counts, probabilities):
    expected = np.asarray(probabilities) * counts.sum()
    assert expected.min() > 5
    return stats.chisquare(counts, expected).pvalue


def test_thresholds_are_normal_and_fixed_for_a_seed():
    camera = EventCamera(threshold_on=0.3, threshold_off=0.25, threshold_spread=0.03)
    edges = stats.norm.ppf(np.linspace(0, 1, 17))
    on, off = [], []
    for seed in range(SEEDS):
        eye = sensor(camera, (32, 32), seed)
        for field, mean, found in ((eye.threshold_on, 0.3, on), (eye.threshold_off, 0.25, off)):
            z = (field.astype(np.float64) - mean) / 0.03
            found.append(chi_squared(np.histogram(z, edges)[0], np.full(16, 1 / 16)))
        assert abs(np.corrcoef(eye.threshold_on.ravel(), eye.threshold_off.ravel())[0, 1]) < 0.15
    assert uniform(on)
    assert uniform(off)
    assert np.array_equal(sensor(camera, (32, 32), 7).threshold_on, sensor(camera, (32, 32), 7).threshold_on)
    assert not np.array_equal(sensor(camera, (32, 32), 7).threshold_on, sensor(camera, (32, 32), 8).threshold_on)
    assert sensor(EventCamera(threshold_spread=1.0), (32, 32)).threshold_on.min() == np.float32(0.01)


@pytest.mark.needs_compiler
def test_leak_makes_on_events_at_its_log_normal_rate():
    """Without jitter a pixel has floor(rate T) events, rate = 2 Hz 10^(0.1 N): the counts follow from the normal."""
    camera = dataclasses.replace(ideal(), leak_rate_hz=2.0, leak_jitter=0.0)
    gray, seconds, found = np.full((24, 24), 90, np.uint8), 2.03, []
    limits = np.array([0.0, 3, 4, 5, np.inf]) / (2.0 * seconds)
    with np.errstate(divide="ignore"):
        probabilities = np.diff(stats.norm.cdf(np.log10(limits) / 0.1))
    for seed in range(SEEDS):
        leaked, _ = film(camera, [gray] * 8, np.linspace(0, seconds, 8), seed)
        assert leaked["p"].all()
        counts = np.bincount(leaked["y"].astype(int) * 24 + leaked["x"], minlength=576)
        found.append(chi_squared(np.histogram(counts, [0, 3, 4, 5, 1000])[0], probabilities))
    assert uniform(found)


@pytest.mark.needs_compiler
def test_leak_jitter_is_normal_from_frame_to_frame():
    camera = dataclasses.replace(ideal(50.0, 50.0), leak_rate_hz=1.0, leak_spread=0.0, leak_jitter=0.3)
    edges, found = stats.norm.ppf(np.linspace(0, 1, 17)), []
    gray = np.zeros((32, 32), np.uint8)
    for seed in range(SEEDS):
        eye = sensor(camera, (32, 32), seed)
        state, _ = step(eye, initial(eye, gray, 0.0, seed), gray, 0.01)
        z = (1 - (0.0 - state.level.astype(np.float64)) / (0.01 * 50.0)) / 0.3
        found.append(chi_squared(np.histogram(z, edges)[0], np.full(16, 1 / 16)))
    assert uniform(found)


@pytest.mark.needs_compiler
@pytest.mark.parametrize("intensity", [0, 255])
def test_shot_noise_has_its_rate_both_polarities_and_less_of_it_in_the_light(intensity):
    camera = dataclasses.replace(ideal(0.3, 0.3), shot_noise_hz=5.0)
    gray, dt, found = np.full((16, 16), intensity, np.uint8), 0.01, []
    p = dt * 5.0 / 2 * (1 - 0.75 * (intensity + 20) / 275)  # of each polarity, pixel and frame
    # five times the seeds: of the blocks of 200 among the first 4000, three of forty lie below 0.05, the first included
    for seed in range(5 * SEEDS):
        noise, _ = film(camera, [gray] * 41, np.arange(41) * dt, seed)
        on, off, trials = int(noise["p"].sum()), int((noise["p"] == 0).sum()), 40 * 256
        found.append(chi_squared(np.array([on, off, trials - on - off]), [p, p, 1 - 2 * p]))
    assert uniform(found)


def test_shot_noise_favours_sensitive_pixels_and_forgets_the_remainder():
    camera = dataclasses.replace(ideal(), shot_noise_hz=40.0)
    eye = sensor(camera, (64, 64))
    eye = eye._replace(
        threshold_on=np.where(np.arange(64) < 32, 0.1, 0.4).astype(np.float32) * np.ones((64, 1), np.float32)
    )
    first, second = np.full((64, 64), 60.0), np.full((64, 64), 60.0 * math.exp(0.09))
    state, noise = step(eye, initial(eye, first), second, 0.01)
    on = noise[noise["p"] == 1]
    sensitive, dull = (on["x"] < 32).sum(), (on["x"] >= 32).sum()
    assert stats.binomtest(int(sensitive), int(sensitive + dull), 0.8).pvalue > 0.01  # 0.2 / 0.1 against 0.2 / 0.4
    hit = np.zeros((64, 64), bool)
    hit[noise["y"], noise["x"]] = True
    assert (state.level[hit] == state.filtered[hit]).all()
    assert (state.level[~hit] == lin_log(first)[~hit]).all()


def test_steps_are_pure_and_continue_bit_for_bit():
    frames = np.random.default_rng(2).integers(0, 256, (12, 9, 7, 3), dtype=np.uint8)
    camera = dataclasses.replace(noisy(), refractory_s=0.004)
    eye = sensor(camera, (9, 7), 3)
    state = initial(eye, frames[0], 0.0, 3)
    for k in range(1, 12):
        before = [np.array(field) for field in state]
        after, found = step(eye, state, frames[k], 0.01 * k)
        again, same = step(eye, state, frames[k], 0.01 * k)
        assert all(np.array_equal(old, np.array(field)) for old, field in zip(before, state, strict=True))
        assert found.tobytes() == same.tobytes()
        assert all(np.array_equal(a, b) for a, b in zip(after, again, strict=True))
        events.check(found, (9, 7))
        key = np.lexsort((found["x"], found["y"], found["t_us"]))
        assert (key == np.arange(found.size)).all()
        state = after
    _, other = film(camera, frames[:3], np.arange(3) * 0.01, seed=4)
    assert not np.array_equal(other.random, state.random)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int64])
def test_pictures_of_0_to_1_are_refused_with_a_hint(kind):
    eye = sensor(ideal(), (2, 2))
    black, light = np.zeros((2, 2), kind), np.array([[0, 1], [1, 0]], kind)
    halves = [] if kind is np.int64 else [np.full((2, 2), 0.5, kind)]
    for frame in (light, *halves):
        with pytest.raises(InputError, match=r"frame: has no value above (1|0.5), .*multiply it by 255"):
            initial(eye, frame)
        with pytest.raises(InputError, match="multiply it by 255"):
            step(eye, initial(eye, black), frame, 0.01)
    _, found = step(eye, initial(eye, black), light * 255, 0.01)  # black is a picture of either range
    assert found.size > 0
    assert step(eye, initial(eye, black), light.astype(np.uint8), 0.01)[1].size == 0


def test_bad_frames_times_and_parameters_are_refused():
    eye = sensor(ideal(), (4, 5))
    good = np.zeros((4, 5))
    state = initial(eye, good, 1.0)
    for frame, message in (
        (np.zeros((5, 4)), r"frame: has shape \(5, 4\)"),
        (np.full((4, 5), np.nan), "NaN or values outside"),
        (np.full((4, 5), 256.0), "NaN or values outside"),
        (np.full((4, 5), -1), "NaN or values outside"),
        (np.zeros((4, 5, 3)), "frame: is float64"),
        (np.zeros((4, 5), bool), "frame: is bool"),
    ):
        with pytest.raises(InputError, match=message):
            step(eye, state, frame, 2.0)
    for t in (1.0, 0.5, math.nan, math.inf):
        with pytest.raises(InputError, match="t_s: is"):
            step(eye, state, good, t)
    for shape in ((0, 4), (4,), (70000, 1)):
        with pytest.raises(InputError, match="shape: is"):
            sensor(ideal(), shape)
    with pytest.raises(ConfigError, match=r"x:threshold_on"):
        config.resolve(EventCamera, {"threshold_on": 0.0}, "x")
    assert config.resolve(EventCamera, {"refractory_s": "1ms"}, "x").refractory_s == 0.001
