"""The metrics of a training, ``metrics.jsonl`` in its run folder: one JSON object an update.

Every line has ``steps`` (environment steps so far) and ``mean_return`` (of the last training episodes; null until one
has finished). ``selection_return`` is there where a selection was due; the other keys are the algorithm's.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from snnctl.errors import InputError, OutputError, Problem, StorageError

METRICS = "metrics.jsonl"

Row = dict[str, Any]


def read(folder: Path) -> list[Row]:
    """The lines of a run folder, in order; steps are numbers, returns are numbers or None.

    Raises:
        InputError: a line is something else.
    """
    path = folder / METRICS
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        try:
            row = json.loads(line)
            for value in (row["steps"], row["mean_return"] or 0, row.get("selection_return") or 0):
                float(value)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InputError(Problem(f"{path}:{number}", "is not a line of training metrics")) from None
        rows.append(row)
    return rows


def returns(rows: list[Row]) -> list[tuple[float, float]]:
    """Steps and mean return of the updates with a finished episode."""
    return [(row["steps"], row["mean_return"]) for row in rows if row["mean_return"] is not None]


def selections(rows: list[Row]) -> list[tuple[float, float]]:
    """Steps and return of the selections."""
    return [(row["steps"], row["selection_return"]) for row in rows if row.get("selection_return") is not None]


class MetricLog:
    """The file while a training writes it: appended line by line, cut back to a checkpoint's length on resume."""

    def __init__(self, path: Path, keep_bytes: int) -> None:
        self.path = path
        try:
            self._file: IO[bytes] = path.open("ab")
            if self._file.tell() < keep_bytes:
                raise InputError(
                    Problem(str(path), f"is shorter than when the checkpoint was made ({keep_bytes} bytes)",
                            "restore it, or train anew")
                )  # fmt: skip
            self._file.truncate(keep_bytes)
            self._file.seek(keep_bytes)
        except OSError as error:
            raise OutputError(Problem(str(path), f"cannot be opened ({error.strerror})")) from None

    def append(self, row: Mapping[str, Any]) -> None:
        """Write one line. Raises StorageError."""
        with self._guard():
            self._file.write((json.dumps(row) + "\n").encode())
            self._file.flush()

    def sync(self) -> int:
        """Make all lines durable; returns the length in bytes."""
        with self._guard():
            os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Close the file; what could not be written has been reported already."""
        with contextlib.suppress(OSError):
            self._file.close()

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                Problem(str(self.path), f"could not be written ({error.strerror})", "the last checkpoint is intact")
            ) from None
