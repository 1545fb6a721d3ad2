"""Write files and folders so that a crash, a full disk or a kill leaves either the old one or the new one, whole.

    file     a temporary file in the same folder, fsync, rename over the old one, fsync of the folder
    folder   a temporary folder beside it, its files each synced, exchanged with the old one, fsync of the parent

Temporary files and folders are called ``.NAME.RANDOM.partial``. A process that fails removes its own; what a killed
one left is removed by :func:`tidy`, which whoever holds the lock of a folder calls before working in it.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from snnctl.errors import InputError, OutputError, Problem, StorageError

RESTORE = "restore it, or make it again"
MAX_TEXT_BYTES = 256_000_000  # of metrics, evaluations and states: what long trainings write

PARTIAL = ".partial"  # ending of the names of files that are being written
_PREVIOUS = ".previous"  # and that of the old folder, where two folders cannot be exchanged


def write_atomic(path: Path, data: bytes | str) -> None:
    """Replace ``path`` by ``data``. A device or a pipe (``/dev/null``) is written to, never replaced.

    Raises:
        StorageError: the write failed half-way; the previous file is untouched.
    """
    raw = _raw(data)
    temporary: str | None = None
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(raw)
            return
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=PARTIAL)
        _write_synced(handle, raw)
        os.replace(temporary, path)
        temporary = None
        sync_folder(path.parent)
    except OSError as error:
        raise failed(path, error, "the old file is intact", f"{len(raw)} bytes") from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def replace_folder(folder: Path, files: Mapping[str, bytes | str | None]) -> None:
    """Replace ``folder`` as a whole by one that has ``files``; its parent must exist.

    Args:
        folder: at every moment it is the old one or the new one.
        files: name -> content; None: the new folder has no such file. Other files of the old one stay.

    Raises:
        OutputError: it is a file, or there is a folder in it, which cannot be in both.
        StorageError: disk full, parent gone; the old folder is untouched.
    """
    folder = Path(os.path.realpath(folder))
    beside: Path | None = None
    try:
        if folder.exists() and not folder.is_dir():
            raise OutputError(Problem(str(folder), "is not a folder", "choose another name"))
        kept = [entry for entry in os.scandir(folder) if entry.name not in files] if folder.exists() else []
        for entry in kept:
            if entry.is_dir(follow_symlinks=False):
                message = f"cannot be replaced while the folder '{entry.name[:80]}' is in it"
                raise OutputError(Problem(str(folder), message, "move that, or choose another folder"))
        beside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=PARTIAL))
        beside.chmod(0o755)
        for name, data in files.items():
            if data is not None:
                _write_synced(os.open(beside / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), _raw(data))
        for entry in kept:
            os.link(entry.path, beside / entry.name, follow_symlinks=False)
        sync_folder(beside)
        _put(beside, folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise failed(folder, error, "the old one is intact") from None
    finally:
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)  # the old one, or one that is not whole


def tidy(folder: Path) -> None:
    """Remove what killed processes left in ``folder``, in which nobody else may be writing."""
    with contextlib.suppress(OSError):
        for entry in sorted(folder.glob(f".*{_PREVIOUS}")):
            name = folder / entry.name[1 : -len(_PREVIOUS)]
            if name.exists():
                shutil.rmtree(entry, ignore_errors=True)
            else:  # killed between two renames
                entry.rename(name)
        for entry in sorted(folder.glob(f".*{PARTIAL}")):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink()


def failed(path: Path, error: OSError, intact: str, detail: str = "") -> StorageError:
    """The error of a write to ``path``; ``intact`` names the earlier content that is still whole, if there was any."""
    reason = f"{error.strerror}, {detail}" if detail else f"{error.strerror}"
    try:
        known = path.exists() or path.parent.is_dir()
        if error.errno == errno.ENOENT or not known:
            intact = "it, or its folder, was deleted or moved during the work"
        elif not path.exists():
            intact = ""
    except OSError:  # such a name cannot even be looked for
        intact = "choose another name"
    return StorageError(Problem(str(path), f"could not be written ({reason})", intact))


def write_all(handle: int, data: bytes | memoryview) -> None:
    """Write all of ``data`` to an open file, however many calls it takes. Raises OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def read_text(path: Path, remedy: str = RESTORE) -> str:
    """The text of a regular file in UTF-8.

    Raises:
        InputError: absent, a folder, a device, larger than MAX_TEXT_BYTES, not UTF-8; tells the ``remedy``.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe could hang, a device never ends
            raise InputError(Problem(str(path), "is not a regular file", remedy))
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


def _raw(data: bytes | str) -> bytes:
    return data.encode("utf-8") if isinstance(data, str) else data


def _write_synced(handle: int, raw: bytes) -> None:
    """Write, sync and close a new file."""
    try:
        write_all(handle, raw)
        os.fchmod(handle, 0o644)
        os.fsync(handle)
    finally:
        os.close(handle)


def _put(new: Path, folder: Path) -> None:
    """Let ``new`` take the name of ``folder``, and the old one, where there is one, that of ``new``."""
    if not folder.exists():
        new.rename(folder)
        return
    try:
        _exchange()(new, folder)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
            raise
        previous = folder.parent / f".{folder.name}{_PREVIOUS}"
        shutil.rmtree(previous, ignore_errors=True)
        folder.rename(previous)  # killed here, a reader finds no folder until `tidy` has put the old one back
        new.rename(folder)
        shutil.rmtree(previous, ignore_errors=True)


@functools.cache
def _exchange() -> Callable[[Path, Path], None]:
    """Linux's renameat2 with RENAME_EXCHANGE; it raises OSError, of ENOSYS where there is none."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if os.name == "posix" else None
    at_cwd, exchange_flag = -100, 2  # AT_FDCWD, RENAME_EXCHANGE of linux/fs.h

    def exchange(one: Path, other: Path) -> None:
        if call is None:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        if call(at_cwd, os.fsencode(one), at_cwd, os.fsencode(other), exchange_flag) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    return exchange
