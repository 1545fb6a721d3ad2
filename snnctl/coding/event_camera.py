"""Event camera: every pixel reports, at its own time, that log intensity has changed by a threshold.

    L         = I ln(20) / 20 where I <= 20, else ln I              I is 0 ... 255; rounded to 1e-8, then float32
    filtered += min(1, bright dt 2 pi cutoff) (L - filtered)        bright = (I + 20) / 275; filtered = L if cutoff = 0
    level    -= dt leak threshold_on (1 - leak_jitter N(0, 1))      leak = leak_rate 10^(leak_spread N(0, 1)), fixed
    n_on      = floor((filtered - level) / threshold_on),  n_off = floor((level - filtered) / threshold_off),  or 0
    m         = largest n of any pixel;  event i of a pixel is at  t_previous + dt (i + 1) / m
    level    += emitted_on threshold_on - emitted_off threshold_off                the remainder is kept
    shot noise: ON and OFF with probability dt shot_noise / 2 (1 - 0.75 bright) nominal / own threshold each, at t;
              then level = filtered

The first frame sets ``level`` and ``filtered`` and makes no events. Thresholds are normal with ``threshold_spread``,
at least 0.01, fixed for a seed. With a refractory period longer than dt / m, an event passes only if the pixel's last
one is further back; a suppressed event does not move the level, so it comes later if the change lasts. As in v2e, shot
noise ignores the refractory period. ``level`` and the thresholds are float32: a pixel that returns to an old intensity
sits exactly on a threshold, and another precision decides such ties differently.
Different from v2e: the time of an event is always remembered, where v2e forgets those of intervals in which the period
could not act and then lets the next event pass too early; times are float64 and come out in whole microseconds.
Cost: two passes over the pixels that numba compiles; memory: 8 bytes of state a pixel, 16 with a refractory period.
Source: v2e, Hu, Liu & Delbruck, CVPR Workshops 2021, emulator of commit cac63844 (MIT); colour: ITU-R BT.601 luma in
14-bit integers as OpenCV rounds it.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from annotated_types import Ge, Gt, Le
from numpy.typing import NDArray

from snnctl import streams
from snnctl.coding import event_kernels
from snnctl.coding.events import EVENT, Events, empty
from snnctl.config import Hertz, Seconds, schema
from snnctl.errors import InputError, Problem

LINEAR_BELOW = 20.0  # intensity at which the scale turns from linear to logarithmic
DARK, WHITE = 20.0, 275.0  # bright = (I + DARK) / WHITE: no pixel has an infinite time constant
SHOT_NOISE_IN_WHITE = 0.25  # of the shot noise in the dark
MIN_THRESHOLD = 0.01

Floats = NDArray[np.float32]


@schema
class EventCamera:
    """Parameters of an event camera; the defaults are those of v2e's emulator, :func:`noisy` its noisy preset."""

    camera: Literal["v2e"] = "v2e"
    threshold_on: Annotated[float, Gt(0)] = 0.2  # change of ln I
    threshold_off: Annotated[float, Gt(0)] = 0.2
    threshold_spread: Annotated[float, Ge(0)] = 0.03  # standard deviation over pixels
    cutoff_hz: Annotated[Hertz, Ge(0)] = 0.0  # of the photoreceptor at I = 255; 0 = none
    refractory_s: Annotated[Seconds, Ge(0)] = 0.0
    leak_rate_hz: Annotated[Hertz, Ge(0)] = 0.1  # ON events a pixel of a constant scene
    leak_spread: Annotated[float, Ge(0), Le(1)] = 0.1  # decades, over pixels
    leak_jitter: Annotated[float, Ge(0)] = 0.1  # fraction, from frame to frame
    shot_noise_hz: Annotated[Hertz, Ge(0)] = 0.0  # events a pixel in the dark, ON and OFF together


def ideal(threshold_on: float = 0.2, threshold_off: float = 0.2) -> EventCamera:
    """A camera without mismatch, leak or noise."""
    return EventCamera(threshold_on=threshold_on, threshold_off=threshold_off, threshold_spread=0.0, leak_rate_hz=0.0)


def noisy() -> EventCamera:
    """v2e's preset "noisy": dim light, slow pixels."""
    return EventCamera(threshold_spread=0.05, cutoff_hz=30.0, refractory_s=0.01, leak_rate_hz=0.1, shot_noise_hz=5.0)


class Sensor(NamedTuple):
    """What is fixed for one camera: its parameters and the pattern of its pixels."""

    config: EventCamera
    threshold_on: Floats  # (height, width)
    threshold_off: Floats  # (height, width)
    leak_hz: Floats  # (height, width)

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.threshold_on.shape[0], self.threshold_on.shape[1]


class CameraState(NamedTuple):
    """What a camera remembers between frames. No array of it is ever written to."""

    t_s: float  # of the last frame
    level: Floats  # (height, width) log intensity at the last event
    filtered: Floats  # (height, width) output of the photoreceptor
    last_s: NDArray[np.float64]  # (height, width) time of the last event; (0, 0) without a refractory period
    random: NDArray[np.uint64]  # (4,) xoshiro256++


def sensor(config: EventCamera, shape: tuple[int, int], seed: int = 0) -> Sensor:
    """A camera of ``shape`` (height, width) with the fixed pattern that belongs to ``seed``.

    Raises:
        InputError: the shape is not two positive numbers of at most 65536.
    """
    if len(shape) != 2 or not all(1 <= k <= 65536 for k in shape):
        raise InputError(Problem("shape", f"is {shape}", "must be (height, width), each 1 ... 65536"))
    random = streams.generator(seed, "camera", 0)
    spread = random.standard_normal((3, *shape))  # always drawn, so that one setting does not move another's pattern
    on = np.maximum(config.threshold_on + config.threshold_spread * spread[0], MIN_THRESHOLD)
    off = np.maximum(config.threshold_off + config.threshold_spread * spread[1], MIN_THRESHOLD)
    if config.threshold_spread == 0:  # a smaller threshold is meant, not the tail of a distribution
        on, off = np.full(shape, config.threshold_on), np.full(shape, config.threshold_off)
    leak = config.leak_rate_hz * 10.0 ** (config.leak_spread * spread[2])
    return Sensor(config, on.astype(np.float32), off.astype(np.float32), leak.astype(np.float32))


def lin_log(intensity: NDArray[Any]) -> Floats:
    """L of intensities 0 ... 255, any shape."""
    x = np.asarray(intensity, np.float64)
    log = np.where(x <= LINEAR_BELOW, x * (1 / LINEAR_BELOW * math.log(LINEAR_BELOW)), np.log(np.maximum(x, 1.0)))
    return (np.rint(log * 1e8) / 1e8).astype(np.float32)


_LIN_LOG = lin_log(np.arange(256))  # (256,)
_BRIGHT = ((np.arange(256, dtype=np.float32) + np.float32(DARK)) / np.float32(WHITE)).astype(np.float32)  # (256,)


_NOTHING = np.empty((0, 0), np.float32)


def _read(frame: NDArray[Any], shape: tuple[int, int], needs_bright: bool) -> tuple[Floats, Floats]:
    """L and, where it is needed, bright of a frame.  # (height, width) each"""
    if frame.shape not in (shape, (*shape, 3)):
        wanted = f"the sensor takes {shape} gray or {(*shape, 3)} RGB"
        raise InputError(Problem("frame", f"has shape {frame.shape}", wanted))
    if frame.dtype == np.uint8:
        gray = np.ascontiguousarray(frame)
        gray = event_kernels.luma(gray) if frame.ndim == 3 else gray
        bright = event_kernels.look_up(_BRIGHT, gray) if needs_bright else _NOTHING
        return event_kernels.look_up(_LIN_LOG, gray), bright
    if frame.ndim == 3 or frame.dtype.kind not in "fiu":
        raise InputError(Problem("frame", f"is {frame.dtype} {frame.shape}", "give uint8, or gray numbers 0 ... 255"))
    numbers = np.ascontiguousarray(frame, np.float32)
    if not (np.isfinite(numbers).all() and numbers.min() >= 0 and numbers.max() <= 255):
        raise InputError(Problem("frame", "has NaN or values outside 0 ... 255", "scale the picture to 0 ... 255"))
    if 0 < (brightest := float(numbers.max())) <= 1:  # all of it is black: no change would ever reach a threshold
        message = f"has no value above {brightest:g}, as pictures of 0 ... 1 have"
        remedy = "multiply it by 255; a picture that is meant to be so dark can be given as uint8"
        raise InputError(Problem("frame", message, remedy))
    return lin_log(numbers), (numbers + np.float32(DARK)) / np.float32(WHITE)


def initial(sensor: Sensor, frame: NDArray[Any], t_s: float = 0.0, seed: int = 0) -> CameraState:
    """The state after the first frame, which makes no events.

    Args:
        sensor: the camera
        frame: (height, width) uint8 or numbers 0 ... 255 (not 0 ... 1), or (height, width, 3) uint8 RGB
        t_s: its time
        seed: of the noise in time; the fixed pattern has its own

    Raises:
        InputError: the frame does not fit the sensor, has values outside 0 ... 255, or seems to be one of 0 ... 1.
    """
    log, _ = _read(frame, sensor.shape, False)
    last = np.full(sensor.shape if sensor.config.refractory_s > 0 else (0, 0), -np.inf)
    return CameraState(float(t_s), log, log, last, streams.kernel_state(seed, "camera", 1))


def step(sensor: Sensor, state: CameraState, frame: NDArray[Any], t_s: float) -> tuple[CameraState, Events]:
    """The events between the last frame and this one, sorted by time, then y, then x, and the new state.

    Args:
        sensor: the camera
        state: after the frame before; it is not changed
        frame: as in :func:`initial`
        t_s: time of the frame, later than the one before

    Raises:
        InputError: the frame does not fit, or its time is not later.
    """
    config = sensor.config
    dt = t_s - state.t_s
    if not (math.isfinite(t_s) and dt > 0):
        raise InputError(Problem("t_s", f"is {t_s}", f"must be later than the frame before ({state.t_s} s)"))
    log, bright = _read(frame, sensor.shape, config.cutoff_hz > 0 or config.shot_noise_hz > 0)
    filtered = log
    if config.cutoff_hz > 0:
        # as v2e computes it, so that rounding is the same: dt over the time constant in double precision
        filtered = event_kernels.low_pass(
            state.filtered, log, bright, np.float32(dt / (1 / (2 * math.pi * config.cutoff_hz)))
        )
    random, level = state.random, state.level.copy()
    if config.leak_rate_hz > 0 or config.shot_noise_hz > 0:
        random = random.copy()
    pixels = np.empty(level.size, np.int32)  # those with events
    counts = np.empty(level.size, np.int32)  # their n_on or -n_off
    noise = np.zeros(level.size if config.shot_noise_hz > 0 else 0, np.int8)
    with np.errstate(over="ignore"):  # random words wrap around, which numpy scalars complain of where not compiled
        if config.leak_rate_hz > 0:
            event_kernels.leak(
                level, sensor.leak_hz, sensor.threshold_on, np.float32(dt), np.float32(config.leak_jitter),
                event_kernels.normal_quantiles(), random,
            )  # fmt: skip
        active, signal, shots, most = event_kernels.count(
            filtered, level, sensor.threshold_on, sensor.threshold_off, bright,
            np.float64(dt * config.shot_noise_hz / 2), config.threshold_on, config.threshold_off, SHOT_NOISE_IN_WHITE,
            random, pixels, counts, noise,
        )  # fmt: skip
    if active == 0:
        return CameraState(float(t_s), level, filtered, state.last_s, random), empty()
    refractory = config.refractory_s if config.refractory_s > dt / max(most, 1) else 0.0
    last = state.last_s.copy() if config.refractory_s > 0 else state.last_s
    events = np.zeros(signal + shots, EVENT)
    total = event_kernels.emit(
        filtered, level, sensor.threshold_on, sensor.threshold_off, last, pixels[:active], counts[:active], noise,
        max(most, 1), state.t_s, t_s, refractory, events["t_us"], events["x"], events["y"], events["p"],
    )  # fmt: skip
    return CameraState(float(t_s), level, filtered, last, random), events[:total]
