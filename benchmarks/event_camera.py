"""Event camera: snnctl's compiled pixels against the same equations in plain numpy, in one run and one thread.

    python benchmarks/event_camera.py

Film: uint8 frames of a texture that moves by one pixel a frame, 10 ms apart. Settings: ideal; low-pass filter and
refractory period; v2e's "noisy" preset (all of that, mismatch, leak and shot noise). The numpy form is v2e's scheme:
whole-frame arrays, one pass per common time stamp. Without noise both must give the same events; with noise their
numbers must agree within 5 %. Blocks of the two alternate; the fastest block of each counts, as others share
the machine. Not counted: drawing the frames.
"""

from __future__ import annotations

import dataclasses
import os
import platform
import time
from collections.abc import Callable
from typing import Any, NamedTuple

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402
from decision_latency import cpu_model  # noqa: E402

from snnctl.coding import event_camera  # noqa: E402
from snnctl.coding.event_camera import EventCamera, Sensor  # noqa: E402

FRAMES, DT_S, BLOCKS = 30, 0.01, 15
SIZES = ((64, 64), (260, 346))
SETTINGS = {
    "ideal": event_camera.ideal(),
    "low-pass, refractory": dataclasses.replace(event_camera.ideal(), cutoff_hz=100.0, refractory_s=1e-3),
    "noisy": event_camera.noisy(),
}


class Run(NamedTuple):
    """One film: seconds and events (events, 4) as t_us, y, x, p in order."""

    wall_s: float
    events: Any


def film(shape: tuple[int, int]) -> Any:
    """A smooth random texture that moves to the right.  # (frames, height, width) uint8"""
    random = np.random.default_rng(1)
    wide = random.random((shape[0] // 8 + 2, (shape[1] + FRAMES) // 8 + 2))
    smooth = np.kron(wide, np.ones((8, 8)))
    smooth = sum(np.roll(smooth, (i, j), (0, 1)) for i in range(-3, 4) for j in range(-3, 4)) / 49
    texture = (20 + 215 * smooth).astype(np.uint8)
    return np.stack([texture[: shape[0], FRAMES - k : FRAMES - k + shape[1]] for k in range(FRAMES)])


def ours(sensor: Sensor, frames: Any) -> Run:
    """The library's."""
    start = time.perf_counter()
    state, found = event_camera.initial(sensor, frames[0]), []
    for k in range(1, FRAMES):
        state, some = event_camera.step(sensor, state, frames[k], k * DT_S)
        found.append(some)
    wall = time.perf_counter() - start
    rows = np.concatenate(found)
    return Run(wall, np.stack([rows[name].astype(np.int64) for name in ("t_us", "y", "x", "p")], axis=1))


def plain(sensor: Sensor, frames: Any) -> Run:
    """The same in numpy arrays of whole frames."""
    c: EventCamera = sensor.config
    random = np.random.default_rng(2)
    on, off = sensor.threshold_on, sensor.threshold_off
    table = event_camera.lin_log(np.arange(256))
    start = time.perf_counter()
    level = table[frames[0]].copy()
    filtered, last, found = level.copy(), np.full(level.shape, -np.inf), []
    for k in range(1, FRAMES):
        log = table[frames[k]]
        bright = (frames[k].astype(np.float32) + np.float32(20)) / np.float32(275)
        if c.cutoff_hz > 0:
            eps = np.minimum(bright * np.float32(DT_S * 2 * np.pi * c.cutoff_hz), np.float32(1))
            filtered = (1 - eps) * filtered + eps * log
        else:
            filtered = log
        if c.leak_rate_hz > 0:
            jitter = 1 - np.float32(c.leak_jitter) * random.standard_normal(level.shape, np.float32)
            level = level - np.float32(DT_S) * sensor.leak_hz * jitter * on
        difference = filtered - level
        n_on = np.floor_divide(np.maximum(difference, 0), on).astype(np.int32)
        n_off = np.floor_divide(np.maximum(-difference, 0), off).astype(np.int32)
        most = max(1, int(n_on.max()), int(n_off.max()))
        emitted_on, emitted_off = np.zeros_like(n_on), np.zeros_like(n_off)
        for i in range(most):
            t = (k - 1) * DT_S + (k * DT_S - (k - 1) * DT_S) * (i + 1) / most
            is_on, is_off = n_on > i, n_off > i
            if c.refractory_s > 0:
                if c.refractory_s > DT_S / most:
                    free = t - last > c.refractory_s
                    is_on, is_off = is_on & free, is_off & free
                last = np.where(is_on | is_off, t, last)
            emitted_on += is_on
            emitted_off += is_off
            y, x = np.nonzero(is_on | is_off)
            found.append(np.stack([np.full(y.size, np.rint(t * 1e6), np.int64), y, x, is_on[y, x]], axis=1))
        level = level + emitted_on.astype(np.float32) * on - emitted_off.astype(np.float32) * off
        if c.shot_noise_hz > 0:
            u = random.random(level.shape)
            p = DT_S * c.shot_noise_hz / 2 * (1 - 0.75 * bright)
            is_on, is_off = u > 1 - p * (c.threshold_on / on), u < p * (c.threshold_off / off)
            y, x = np.nonzero(is_on | is_off)
            found.append(np.stack([np.full(y.size, np.rint(k * DT_S * 1e6), np.int64), y, x, is_on[y, x]], axis=1))
            level = np.where(is_on | is_off, filtered, level)
    return Run(time.perf_counter() - start, np.concatenate(found))


def measure(call: Callable[[], Run], times: list[float]) -> Run:
    """One block."""
    found = call()
    times.append(found.wall_s)
    return found


def main() -> None:
    """Measure and print the table."""
    print(f"{cpu_model()}, {os.cpu_count()} CPUs seen, one thread; ", end="")
    print(f"Python {platform.python_version()}, numpy {np.__version__}\n")
    print("| pixels | setting | events per frame | snnctl frames/s | Mevents/s | numpy frames/s | Mevents/s | times |")
    print("|---|---|---|---|---|---|---|---|")
    for shape in SIZES:
        frames = film(shape)
        for name, config in SETTINGS.items():
            sensor = event_camera.sensor(config, shape)
            a, b = ours(sensor, frames), plain(sensor, frames)  # compiles
            if name == "noisy":
                assert abs(len(a.events) / len(b.events) - 1) < 0.05, (len(a.events), len(b.events))
            else:
                assert np.array_equal(a.events, b.events), name
            walls: tuple[list[float], list[float]] = ([], [])
            for _ in range(BLOCKS):
                measure(lambda s=sensor, f=frames: ours(s, f), walls[0])
                measure(lambda s=sensor, f=frames: plain(s, f), walls[1])
            mine, theirs = (min(w) for w in walls)
            count, steps = len(a.events), FRAMES - 1
            print(
                f"| {shape[1]} x {shape[0]} | {name} | {count / steps:.0f} "
                f"| {steps / mine:.0f} | {count / mine / 1e6:.1f} "
                f"| {steps / theirs:.0f} | {count / theirs / 1e6:.1f} | {theirs / mine:.1f} |"
            )


if __name__ == "__main__":
    main()
