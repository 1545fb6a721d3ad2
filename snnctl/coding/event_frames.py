"""Events as arrays that networks read: counts per pixel, voxel grids, rasters of spikes.

Source of the voxel grid: Zhu, Yuan, Chaney & Daniilidis, CVPR 2019, eq. 1-2.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from snnctl.coding.events import Events, check, signs
from snnctl.errors import InputError, Problem

Polarity = Literal["separate", "merged", "on", "off"]


def to_frame(events: Events, shape: tuple[int, int]) -> NDArray[np.int32]:
    """Number of OFF and of ON events of every pixel.  # (2, height, width)"""
    check(events, shape)
    address = (events["p"].astype(np.int64) * shape[0] + events["y"]) * shape[1] + events["x"]
    return np.bincount(address, minlength=2 * shape[0] * shape[1]).astype(np.int32).reshape(2, *shape)


def to_voxel(events: Events, shape: tuple[int, int], bins: int, t_us: tuple[float, float]) -> NDArray[np.float32]:
    """Signed events shared linearly between the two nearest of ``bins`` times, spread over ``t_us`` with both ends.

        V[b, y, x] = sum over events of (+-1) max(0, 1 - |b - (bins - 1) (t - t0) / (t1 - t0)|)    (bins, height, width)

    Raises:
        InputError: fewer than 2 bins, an empty span, or events outside it.
    """
    check(events, shape)
    start, end = t_us
    if bins < 2 or not end > start:
        raise InputError(
            Problem("bins, t_us", f"are {bins}, {t_us}", "need 2 bins or more and a span that has a length")
        )
    if events.size and (events["t_us"][0] < start or events["t_us"][-1] > end):
        raise InputError(Problem("t_us", "leaves out events", "crop the events first, or widen the span"))
    at = (bins - 1) * (events["t_us"] - start) / (end - start)  # (events,)
    lower = np.minimum(at.astype(np.int64), bins - 2)
    upper_share = at - lower
    pixel = events["y"].astype(np.int64) * shape[1] + events["x"]
    size = shape[0] * shape[1]
    address = np.concatenate([lower * size + pixel, (lower + 1) * size + pixel])
    share = np.concatenate([1 - upper_share, upper_share]) * np.tile(signs(events), 2)
    return np.bincount(address, share, bins * size).astype(np.float32).reshape(bins, *shape)


def to_raster(
    events: Events,
    shape: tuple[int, int],
    tick_s: float,
    ticks: int,
    t_start_us: int = 0,
    polarity: Polarity = "separate",
) -> NDArray[np.uint8]:
    """Spikes for a network: 1 where a pixel had an event in the tick.  # (ticks, n)

    Tick k covers t_start_us + (k, k + 1] ticks: an event belongs to the tick that ends with or after it, so the last
    event of a camera's frame interval falls inside. An event at t_start_us belongs to the tick before; if ``events``
    begin with it there is none, and it belongs to the first. So windows that follow each other have every event once,
    and the first of them has what is at 0. Neuron (p height + y) width + x for "separate" (n = 2 height
    width: all OFF, then all ON), y width + x for "merged", "on" and "off". Several events of a pixel in a tick are one
    spike; events outside the ticks are left out.

    Raises:
        InputError: no stream of this sensor, or a tick that is not positive.
    """
    check(events, shape)
    if not (np.isfinite(tick_s) and tick_s > 0 and ticks >= 0):
        raise InputError(
            Problem("tick_s, ticks", f"are {tick_s}, {ticks}", "need a positive tick and no negative count")
        )
    size = shape[0] * shape[1]
    begins = events.size > 0 and events["t_us"][0] == t_start_us
    if polarity in ("on", "off"):
        events = events[events["p"] == (polarity == "on")]
    raster = np.zeros((ticks, 2 * size if polarity == "separate" else size), np.uint8)
    # a millionth of a tick absorbs the rounding of tick_s, which events at tick ends would feel
    tick = np.ceil((events["t_us"] - t_start_us) / (tick_s * 1e6) - 1e-6).astype(np.int64) - 1
    if begins:
        tick[events["t_us"] == t_start_us] = 0
    inside = (tick >= 0) & (tick < ticks)
    neuron = events["y"].astype(np.int64) * shape[1] + events["x"]
    if polarity == "separate":
        neuron += events["p"].astype(np.int64) * size
    raster[tick[inside], neuron[inside]] = 1
    return raster
