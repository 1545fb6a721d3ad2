"""The event camera as compiled functions; the equations are in :mod:`event_camera`.

All arithmetic on levels is float32, one rounding per operation in the order of v2e's tensors.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.coding.xoshiro import following

_RED, _GREEN, _BLUE, _HALF, _BITS = 4899, 9617, 1868, 1 << 13, 14  # 0.299, 0.587, 0.114 in 14 bits
_ONE = np.float32(1.0)


@functools.cache
def normal_quantiles() -> NDArray[np.float32]:
    """The standard normal at 2^16 equal steps of probability: 16 random bits choose a number, up to 4.3.  # (65536,)"""
    from scipy.special import ndtri

    return np.asarray(ndtri((np.arange(65536) + 0.5) / 65536), np.float32)


@njit(cache=True, nogil=True, error_model="numpy")
def luma(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Gray of an RGB picture (height, width, 3).  # (height, width)"""
    gray = np.empty(frame.shape[:2], np.uint8)
    for y in range(frame.shape[0]):
        for x in range(frame.shape[1]):
            # int: interpreted, uint8 scalars would wrap around
            red, green, blue = int(frame[y, x, 0]), int(frame[y, x, 1]), int(frame[y, x, 2])
            gray[y, x] = (_RED * red + _GREEN * green + _BLUE * blue + _HALF) >> _BITS
    return gray


@njit(cache=True, nogil=True, error_model="numpy")
def look_up(table: Any, gray: NDArray[np.uint8]) -> Any:
    """table[gray], several times faster than numpy's indexing by bytes.  # (height, width)"""
    out = np.empty(gray.shape, np.float32)
    for y in range(gray.shape[0]):
        for x in range(gray.shape[1]):
            out[y, x] = table[gray[y, x]]
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def low_pass(filtered: Any, log: Any, bright: Any, rate: Any) -> Any:
    """The photoreceptor after one frame; ``rate`` = 2 pi cutoff dt.  # (height, width)"""
    out = np.empty_like(log)
    for y in range(log.shape[0]):
        for x in range(log.shape[1]):
            eps = min(bright[y, x] * rate, _ONE)
            out[y, x] = (_ONE - eps) * filtered[y, x] + eps * log[y, x]
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def leak(
    level: Any, leak_hz: Any, threshold_on: Any, dt: Any, jitter: Any, normal: Any, random: NDArray[np.uint64]
) -> None:
    """Lower every level in place; ``normal`` is :func:`normal_quantiles`, ``random`` (4,) is advanced."""
    levels, rates, thresholds = level.ravel(), leak_hz.ravel(), threshold_on.ravel()  # views
    s0, s1, s2, s3 = random[0], random[1], random[2], random[3]
    word = s0
    for k in range(levels.size):
        rate = rates[k]
        if jitter > 0:
            if k % 4 == 0:
                word, s0, s1, s2, s3 = following(s0, s1, s2, s3)
            rate = rate * (_ONE - jitter * normal[np.int64(word & np.uint64(0xFFFF))])
            word = word >> np.uint64(16)
        levels[k] -= dt * rate * thresholds[k]
    random[0], random[1], random[2], random[3] = s0, s1, s2, s3


@njit(cache=True, nogil=True, error_model="numpy")
def count(
    filtered: Any,
    level: Any,
    threshold_on: Any,
    threshold_off: Any,
    bright: Any,
    shot: Any,
    nominal_on: Any,
    nominal_off: Any,
    shot_in_white: Any,
    random: NDArray[np.uint64],
    pixels: NDArray[np.int32],
    counts: NDArray[np.int32],
    noise: NDArray[np.int8],
) -> tuple[int, int, int, int]:
    """Find the pixels with events.

    ``filtered``, ``level``, the thresholds and ``bright`` are (height, width). ``shot`` is the expected number of noise
    events of one polarity of a dark pixel in this interval; ``random`` (4,) is advanced if the camera has noise.
    Written to: ``pixels`` (pixels,), addresses y width + x in increasing order; ``counts`` (pixels,), their n_on or
    -n_off; ``noise`` (pixels,) by address, +1 for ON and -1 for OFF noise, zeros before, (0,) for a camera without.

    Returns:
        pixels with events, signal events, noise events, and the most signal events of a pixel.
    """
    active, signal, shots, most = 0, 0, 0, 0
    height, width = level.shape
    noisy = noise.size > 0
    s0, s1, s2, s3 = random[0], random[1], random[2], random[3]
    for y in range(height):
        for x in range(width):
            difference = filtered[y, x] - level[y, x]
            n = 0
            # a float32 quotient can be rounded up to a whole number; in double precision it cannot.
            # numba's float() would leave float32 what it is
            if difference >= threshold_on[y, x]:
                n = math.floor(np.float64(difference) / np.float64(threshold_on[y, x]))
            elif -difference >= threshold_off[y, x]:
                n = -math.floor(-np.float64(difference) / np.float64(threshold_off[y, x]))
            shot_here = 0
            if noisy:
                word, s0, s1, s2, s3 = following(s0, s1, s2, s3)
                u = (np.float64(word >> np.uint64(12)) + 0.5) * 2.0**-52
                p = shot * ((shot_in_white - 1.0) * np.float64(bright[y, x]) + 1.0)
                if u > 1.0 - p * (nominal_on / np.float64(threshold_on[y, x])):
                    shot_here = 1
                elif u < p * (nominal_off / np.float64(threshold_off[y, x])):
                    shot_here = -1
            if n != 0 or shot_here != 0:
                pixels[active] = y * width + x
                counts[active] = n
                active += 1
                signal += abs(n)
                most = max(most, abs(n))
                if shot_here != 0:
                    noise[y * width + x] = shot_here
                    shots += 1
    if noisy:
        random[0], random[1], random[2], random[3] = s0, s1, s2, s3
    return active, signal, shots, most


@njit(cache=True, nogil=True, error_model="numpy")
def emit(
    filtered: Any,
    level: Any,
    threshold_on: Any,
    threshold_off: Any,
    last: NDArray[np.float64],
    pixels: NDArray[np.int32],
    counts: NDArray[np.int32],
    noise: NDArray[np.int8],
    most: int,
    t_previous: float,
    t: float,
    refractory: float,
    out_t: NDArray[np.int64],
    out_x: NDArray[np.uint16],
    out_y: NDArray[np.uint16],
    out_p: NDArray[np.uint8],
) -> int:
    """Write the events in order and move the levels; returns how many there are.

    ``filtered``, ``level`` and the thresholds are (height, width), ``level`` is changed; so is ``last``,
    (height, width), or (0, 0) for a camera without a refractory period. ``pixels``, ``counts`` and ``noise`` are those
    of :func:`count`, ``most`` is the number of common times in this interval, at least 1; ``t_previous`` and ``t`` are
    the times of the frames and ``refractory`` the period, 0 where it cannot act in this interval, all in seconds.
    The events go into ``out_t``, ``out_x``, ``out_y``, ``out_p`` (events,), from the start.
    """
    width = level.shape[1]
    remembers = last.size > 0
    emitted = np.zeros(pixels.size, np.int32)
    waiting = np.arange(pixels.size)  # indices into pixels of those that still have events
    left, k = pixels.size, 0
    for i in range(most):
        t_event = t_previous + (t - t_previous) * (i + 1) / most
        t_us = np.int64(np.rint(t_event * 1e6))
        kept = 0
        for j in range(left):
            a = waiting[j]
            y, x = pixels[a] // width, pixels[a] % width
            n = counts[a]
            if abs(n) > i and (refractory == 0.0 or t_event - last[y, x] > refractory):
                out_t[k], out_x[k], out_y[k], out_p[k] = t_us, x, y, n > 0
                k += 1
                emitted[a] += 1
                if remembers:
                    last[y, x] = t_event
            shot = noise[pixels[a]] if noise.size > 0 else np.int8(0)
            if shot != 0 and i == most - 1:
                out_t[k], out_x[k], out_y[k], out_p[k] = t_us, x, y, shot > 0
                k += 1
            if abs(n) > i + 1 or shot != 0:
                waiting[kept] = a
                kept += 1
        left = kept
    for a in range(pixels.size):
        y, x = pixels[a] // width, pixels[a] % width
        if noise.size > 0 and noise[pixels[a]] != 0:
            level[y, x] = filtered[y, x]
        elif counts[a] > 0:
            level[y, x] += np.float32(emitted[a]) * threshold_on[y, x]
        else:
            level[y, x] -= np.float32(emitted[a]) * threshold_off[y, x]
    return k
