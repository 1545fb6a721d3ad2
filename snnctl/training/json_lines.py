"""A file of JSON lines that a training writes: appended line by line, cut back to a checkpoint's length on resume."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from snnctl.errors import InputError, OutputError, Problem, StorageError


class JsonLines:
    """The open file; what is beyond ``keep_bytes`` was written after the checkpoint and is cut off."""

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
            raise OutputError(
                Problem(str(path), f"cannot be opened ({error.strerror})", "make it a file that you may write")
            ) from None

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
