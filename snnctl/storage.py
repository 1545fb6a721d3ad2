"""Write files so that a crash, a full disk or a kill leaves either the old file or the new one, whole.

Temporary file in the same folder, fsync, rename, fsync of the folder.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from snnctl.errors import OutputError, Problem, StorageError


def write_atomic(path: Path, data: bytes | str) -> None:
    """Replace ``path`` by ``data``. A device or a pipe (``/dev/null``) is written to, never replaced.

    Raises:
        StorageError: the write failed half-way; the previous file is untouched.
    """
    raw = data.encode("utf-8") if isinstance(data, str) else data
    temporary: str | None = None
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(raw)
            return
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise StorageError(
            Problem(
                str(path),
                f"could not be written ({error.strerror}, {len(raw)} bytes)",
                "the old file is intact",
            )
        ) from None


def sync_folder(folder: Path) -> None:
    """Make renames inside ``folder`` durable (where the platform can open a folder)."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def ensure_writable(folder: Path, remedy: str = "choose another folder") -> Path:
    """Create ``folder`` if needed and prove that files can be made in it, before any long work.

    Raises:
        OutputError: says why not.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(Problem(str(folder), f"cannot be written to ({error.strerror})", remedy)) from None
    return folder
