"""Files of events: ``.npz``, and ``.h5`` in the layout of the DSEC data set. No pickle in either.

    .npz   t_us, x, y, p
    .h5    events/t uint32, events/x, events/y uint16, events/p uint8 (0 / 1), t_offset int64, ms_to_idx uint64

A time is events/t + t_offset, in microseconds; ms_to_idx[k] is the first event at or after millisecond k of events/t.
Source: Gehrig, Aarents, Gehrig & Scaramuzza, DSEC, IEEE RA-L 6:4947 (2021), data format.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.coding.events import FIELDS, Events, check, from_arrays
from snnctl.errors import InputError, Problem
from snnctl.storage import write_atomic

_DSEC = {"t_us": "events/t", "x": "events/x", "y": "events/y", "p": "events/p"}


def save(path: Path, events: Events) -> None:
    """Write a stream as ``.npz`` or ``.h5`` (DSEC's layout), by the ending of ``path``; an old file is replaced whole.

    Raises:
        InputError: no sorted stream, another ending, or (h5) negative times or more than 71 minutes of events.
        OutputError, StorageError: the file cannot be written.
    """
    check(events)
    file = io.BytesIO()
    if path.suffix == ".npz":
        np.savez_compressed(file, t_us=events["t_us"], x=events["x"], y=events["y"], p=events["p"])
    elif path.suffix in (".h5", ".hdf5"):
        _write_dsec(file, events)
    else:
        raise InputError(Problem(str(path), "has an unknown ending", "events are saved as .npz or .h5"))
    write_atomic(path, file.getvalue())


def _write_dsec(file: io.BytesIO, events: Events) -> None:
    import h5py

    # readers that overlook t_offset are right as long as the times fit without one
    fits = events.size == 0 or (events["t_us"][0] >= 0 and events["t_us"][-1] <= np.iinfo(np.uint32).max)
    offset = 0 if fits else int(events["t_us"][0])
    t = events["t_us"] - offset  # (events,)
    if t.size and t[-1] > np.iinfo(np.uint32).max:
        raise InputError(Problem("events", "last longer than 2^32 us (71 minutes)", "save .npz, or crop"))
    milliseconds = np.arange(int(t[-1]) // 1000 + 1 if t.size else 0, dtype=np.int64) * 1000
    with h5py.File(file, "w") as h5:
        h5["events/t"] = t.astype(np.uint32)
        for name in FIELDS[1:]:
            h5[_DSEC[name]] = np.ascontiguousarray(events[name])
        h5["ms_to_idx"] = np.searchsorted(t, milliseconds).astype(np.uint64)  # first event at or after each millisecond
        h5["t_offset"] = np.int64(offset)


def load(path: Path) -> Events:
    """Read what :func:`save` wrote, or another tool's ``.h5`` of the DSEC layout.

    Raises:
        InputError: missing, damaged, without one of the four arrays, or not a sorted stream.
    """
    if path.suffix not in (".npz", ".h5", ".hdf5"):
        raise InputError(Problem(str(path), "has an unknown ending", "events are loaded from .npz or .h5"))
    try:
        columns = _read_npz(path) if path.suffix == ".npz" else _read_dsec(path)
    except KeyError as error:
        layout = "t_us, x, y, p" if path.suffix == ".npz" else "events/{t,x,y,p}"
        message = str(error).strip("\"'").split("\n")[0]
        raise InputError(Problem(str(path), f"lacks an array ({message})", f"needs {layout}")) from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(Problem(str(path), f"cannot be read ({str(error).splitlines()[0][:120]})")) from None
    try:
        return from_arrays(*(columns[name] for name in FIELDS))
    except InputError as error:
        raise InputError(*(Problem(f"{path}:{p.where}", p.message, p.remedy) for p in error.problems)) from None


def _read_npz(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in FIELDS}


def _read_dsec(path: Path) -> dict[str, NDArray[Any]]:
    import h5py

    with h5py.File(path, "r") as h5:
        columns = {name: h5[key][()] for name, key in _DSEC.items()}
        offset = int(h5["t_offset"][()]) if "t_offset" in h5 else 0
    columns["t_us"] = columns["t_us"].astype(np.int64) + offset
    return columns
