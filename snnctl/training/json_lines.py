"""A file of JSON lines that a training writes: appended line by line, cut back to a checkpoint's length on resume."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from snnctl.errors import InputError, OutputError, Problem
from snnctl.storage import failed, write_all


class JsonLines:
    """The open file; bytes beyond ``keep_bytes`` were written after the checkpoint and are cut off."""

    def __init__(self, path: Path, keep_bytes: int) -> None:
        self.path, self._bytes = path, keep_bytes
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            if os.fstat(self._handle).st_size < keep_bytes:
                os.close(self._handle)
                raise InputError(
                    Problem(str(path), f"is shorter than when the checkpoint was made ({keep_bytes} bytes)",
                            "restore it, or train anew")
                )  # fmt: skip
            os.ftruncate(self._handle, keep_bytes)
        except OSError as error:
            raise OutputError(
                Problem(str(path), f"cannot be opened ({error.strerror})", "make it a file that you may write")
            ) from None

    def append(self, row: Mapping[str, Any]) -> None:
        """Write one line. Raises StorageError."""
        line = (json.dumps(row) + "\n").encode()
        with self._guard():
            write_all(self._handle, line)
            self._bytes += len(line)

    def sync(self) -> int:
        """Make all lines durable; returns the length in bytes. Raises StorageError."""
        with self._guard():
            os.fsync(self._handle)
        return self._bytes

    def close(self) -> None:
        """Close the file; what could not be written has been reported already."""
        with contextlib.suppress(OSError):
            os.close(self._handle)

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            # A file that was deleted or moved can still be written to, to nobody's use.
            if not os.path.samestat(os.fstat(self._handle), self.path.stat()):
                raise FileNotFoundError(errno.ENOENT, "another file has its name")
            yield
        except OSError as error:
            raise failed(self.path, error, "the last checkpoint is intact") from None
