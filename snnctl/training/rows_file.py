"""Rows of a training that only ever come to be added: a file beside the checkpoint, appended to and never rewritten.

    byte n * (bytes of a row) = row n        rows that were overwritten before they were saved stay a hole

A checkpoint says how many rows belong to it. The file is synced before the checkpoint is written, so after a kill at
any moment it holds at least these rows: rows beyond them are cut off, and a shorter file is refused.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.errors import InputError, OutputError, Problem
from snnctl.storage import failed, write_all
from snnctl.training.algorithm import Rows


def append(path: Path, rows: Rows, since: int) -> None:
    """Write all rows from number ``since`` on, as far as they are still in the ring, and sync.

    Raises:
        StorageError: disk full, folder gone.
    """
    ring = np.ascontiguousarray(rows.ring)  # a ring is contiguous: no copy
    row_bytes = ring[0].nbytes
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if os.fstat(handle).st_size < since * row_bytes:  # the rest would be taken for rows of zeros
                raise FileNotFoundError(errno.ENOENT, "the rows before are gone")
            first = max(since, rows.total - len(ring))
            while first < rows.total:
                start = first % len(ring)
                count = min(rows.total - first, len(ring) - start)
                os.lseek(handle, first * row_bytes, os.SEEK_SET)
                write_all(handle, ring[start : start + count].data.cast("B"))
                first += count
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise failed(path, error, "the last checkpoint is intact") from None


def cut(path: Path, total: int, width: int, dtype: str) -> Rows:
    """Cut the file back to ``total`` rows and return them, read when they are needed.

    Raises:
        InputError: it is shorter, or absent.
        OutputError: it cannot be opened.
    """
    needed = total * width * np.dtype(dtype).itemsize
    try:
        found = path.stat().st_size if path.exists() else 0
        if found < needed:
            message = f"has {found} bytes, the checkpoint needs {needed}"
            raise InputError(Problem(str(path), message, "restore it, or train anew"))
        if found > needed:
            os.truncate(path, needed)
        empty: NDArray[Any] = np.zeros((0, width), dtype=dtype)
        ring = np.memmap(path, dtype=dtype, mode="r", shape=(total, width)) if total else empty
    except OSError as error:
        raise OutputError(
            Problem(str(path), f"cannot be opened ({error.strerror})", "make it a file that you may write")
        ) from None
    return Rows(total, ring)
