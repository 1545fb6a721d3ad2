"""Events of an event camera: one type, and the forms that networks and other tools read.

    EVENT = (t_us int64, x uint16, y uint16, p uint8)        a stream is an array of EVENT, (events,), sorted by t_us

``t_us`` is in microseconds, x counts columns from the left, y rows from the top, and ``p`` is 1 for ON (brighter) and
0 for OFF (darker): the convention of DSEC, Metavision and Tonic. :func:`signs` gives -1 / +1, which v2e, ESIM and
RPG's text files use; :func:`from_arrays` accepts both. A sensor's ``shape`` is (height, width).
They become frames, voxel grids and rasters in :mod:`event_frames` and files in :mod:`event_files`.
Source: Gehrig, Aarents, Gehrig & Scaramuzza, DSEC, IEEE RA-L 6:4947 (2021), data format.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnctl.errors import InputError, Problem

EVENT = np.dtype([("t_us", np.int64), ("x", np.uint16), ("y", np.uint16), ("p", np.uint8)], align=True)
FIELDS = ("t_us", "x", "y", "p")

Events = NDArray[np.void]


def empty() -> Events:
    """A stream without events.  # (0,)"""
    return np.zeros(0, EVENT)


def from_arrays(t_us: ArrayLike, x: ArrayLike, y: ArrayLike, p: ArrayLike, *, sort: bool = False) -> Events:
    """A stream of four arrays (events,); ``p`` is 0 / 1, -1 / +1 or bool; ``sort`` orders it by time, stably.

    Raises:
        InputError: lengths differ, a value does not fit its field, another polarity, or not sorted.
    """
    columns = [np.asarray(column) for column in (t_us, x, y, p)]
    if len({column.shape for column in columns}) > 1 or columns[0].ndim != 1:
        raise InputError(
            Problem("t_us, x, y, p", f"have shapes {', '.join(str(c.shape) for c in columns)}", "need one")
        )
    events = np.zeros(columns[0].size, EVENT)
    for name, column in zip(FIELDS[:3], columns[:3], strict=True):
        events[name] = _fitting(name, column)
    polarity = columns[3]
    if not np.isin(polarity, (-1, 0, 1)).all() or ((polarity < 0).any() and (polarity == 0).any()):
        raise InputError(Problem("p", f"has the values {np.unique(polarity)[:5]}", "write 0 / 1, -1 / +1 or bool"))
    events["p"] = polarity > 0
    if sort:
        events = events[np.argsort(events["t_us"], kind="stable")]
    return check(events)


def _fitting(name: str, column: NDArray[Any]) -> NDArray[Any]:
    kind = np.dtype(EVENT[name])
    if column.size == 0:
        return column.astype(kind)
    limits = np.iinfo(kind)
    rounded = np.rint(column) if column.dtype.kind == "f" else column
    if column.dtype.kind not in "iuf" or not ((rounded >= limits.min) & (rounded <= limits.max)).all():
        raise InputError(Problem(name, f"does not fit {kind}", f"{name} is {limits.min} ... {limits.max}"))
    if name != "t_us" and not (rounded == column).all():
        raise InputError(Problem(name, "is not whole", "a pixel has an integer address"))
    return rounded.astype(kind)


def check(events: Events, shape: tuple[int, int] | None = None, name: str = "events") -> Events:
    """``events`` itself if it is a sorted stream of :data:`EVENT` inside ``shape`` (height, width).

    Raises:
        InputError: another type or dimension, not sorted by time, a polarity other than 0 or 1, or outside the sensor.
    """
    if getattr(events, "dtype", None) != EVENT or events.ndim != 1:
        kind = f"{getattr(events, 'dtype', type(events).__name__)}"
        raise InputError(Problem(name, f"is {kind}, not EVENT (events,)", "make it with events.from_arrays"))
    late = np.diff(events["t_us"]) < 0
    if late.any():
        k = int(np.argmax(late)) + 1
        raise InputError(Problem(f"{name}[{k}]", "is earlier than the event before it", "sort by t_us (sort=True)"))
    if (events["p"] > 1).any():
        k = int(np.argmax(events["p"] > 1))
        raise InputError(Problem(f"{name}[{k}]", f"has polarity {events['p'][k]}", "must be 0 (OFF) or 1 (ON)"))
    if shape is not None:
        outside = (events["y"] >= shape[0]) | (events["x"] >= shape[1])
        if outside.any():
            k = int(np.argmax(outside))
            at = f"x {events['x'][k]}, y {events['y'][k]}"
            raise InputError(Problem(f"{name}[{k}]", f"is at {at}", f"the sensor has {shape[1]} x {shape[0]} pixels"))
    return events


def signs(events: Events) -> NDArray[np.int8]:
    """Polarity as -1 (OFF) and +1 (ON).  # (events,)"""
    return (2 * events["p"].astype(np.int8) - 1).astype(np.int8)


def to_tonic(events: Events) -> NDArray[np.void]:
    """The same events as Tonic's structured type: x, y, t (us), p (0 / 1), all int64.  # (events,)"""
    found = np.zeros(events.size, [("x", np.int64), ("y", np.int64), ("t", np.int64), ("p", np.int64)])
    for theirs, ours in (("x", "x"), ("y", "y"), ("t", "t_us"), ("p", "p")):
        found[theirs] = events[ours]
    return found


def crop(
    events: Events,
    *,
    t_us: tuple[int, int] | None = None,
    x: tuple[int, int] | None = None,
    y: tuple[int, int] | None = None,
) -> Events:
    """The events in half-open ranges (from, until); addresses then count from the corner of the cut, times stay."""
    kept = np.ones(events.size, np.bool_)  # (events,)
    for name, span in (("t_us", t_us), ("x", x), ("y", y)):
        if span is not None:
            kept &= (events[name] >= span[0]) & (events[name] < span[1])
    found = events[kept]
    found["x"] -= np.uint16(max(0, x[0])) if x is not None else np.uint16(0)
    found["y"] -= np.uint16(max(0, y[0])) if y is not None else np.uint16(0)
    return found


def merge(*streams: Events) -> Events:
    """All events of sorted streams in one, sorted; at equal times those of the earlier argument come first."""
    together = np.concatenate([empty(), *(check(s, name=f"streams[{i}]") for i, s in enumerate(streams))])
    return together[np.argsort(together["t_us"], kind="stable")]
