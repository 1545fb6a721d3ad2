"""Write files so that a crash, a full disk or a kill leaves either the old file or the new one, whole.

Temporary file in the same folder, fsync, rename, fsync of the folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

from snnctl.errors import InputError, OutputError, Problem, StorageError

RESTORE = "restore it, or make it again"
MAX_TEXT_BYTES = 256_000_000  # of metrics, evaluations and states: what long trainings write


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


def read_text(path: Path, remedy: str = RESTORE) -> str:
    """The text of a regular file in UTF-8.

    Raises:
        InputError: absent, a folder, a device, larger than MAX_TEXT_BYTES, not UTF-8; tells the ``remedy``.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe could hang, a device never ends
            raise InputError(Problem(str(path), "is no regular file", remedy))
        with path.open("rb") as file:
            raw = file.read(MAX_TEXT_BYTES + 1)
    except OSError as error:
        raise InputError(Problem(str(path), f"cannot be read ({error.strerror})", remedy)) from None
    if len(raw) > MAX_TEXT_BYTES:
        raise InputError(Problem(str(path), f"is larger than {MAX_TEXT_BYTES} bytes", remedy))
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(Problem(str(path), f"is not UTF-8 (byte {error.start})", remedy)) from None


def read_json(path: Path) -> Any:
    """The value of a file of JSON. Raises InputError as :func:`read_text`, or it is not JSON."""
    return parse_json(read_text(path), str(path))


def parse_json(text: str, where: str, what: str = "JSON") -> Any:
    """The value of JSON text; ``where`` names it in errors, ``what`` says what it should be.

    Raises:
        InputError: it is not JSON, or nested too deeply.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InputError(Problem(where, f"is not {what}", RESTORE)) from None


def require_own(folder: Path) -> None:
    """Refuse a folder that will be written to and has links in it: they could lead to any other file.

    Raises:
        InputError: names the first that is neither a folder nor a regular file.
    """
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            kind = "a link" if stat.S_ISLNK(mode) else "a device or a pipe"
            raise InputError(Problem(str(path), f"is {kind}", "put the file itself in its place"))


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
