"""The folder of compiled kernels: ``NUMBA_CACHE_DIR``, under the user's cache folder, named by a hash of the sources.

numba does not notice an edit in a function that a kernel calls from another file; with the hash in the name an edited
neuron model is compiled anew, and a read-only installation works. Kernels made of a user's model go to a folder of
their own inside it (:func:`user_kernels`), named by a hash of the user's sources. A folder that the user has set is
left as it is.

The sources are read when the compiler is imported (:mod:`snnctl.compiler`) or somebody asks: a command that needs no
kernel does not wait for that. Imports nothing heavy.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_VARIABLE = "NUMBA_CACHE_DIR"
_OURS = "SNNCTL_KERNEL_CACHE"  # remembers, for child processes, that NUMBA_CACHE_DIR was chosen here
_WITHOUT_KERNELS = frozenset({"cli", "evaluation", "report", "_bundle", "__pycache__"})
_USERS = "user-"  # what the names of the folders of users' kernels begin with
_KEPT_FOLDERS = 8
_KEPT_S = 24 * 3600.0


def choose() -> str | None:
    """Set ``NUMBA_CACHE_DIR`` if the user has not, and return it; None where no folder can be written to."""
    chosen = os.environ.get(_VARIABLE)
    if chosen is None or chosen == os.environ.get(_OURS):
        folder = _cache_folder(kernel_hash(_PACKAGE))
        if folder is not None:
            os.environ[_VARIABLE] = os.environ[_OURS] = str(folder)
    return os.environ.get(_VARIABLE)


def has_kernels() -> bool:
    """Whether compiled kernels of exactly these sources exist (or none are needed)."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return True
    folder = choose()
    return folder is not None and next(Path(folder).rglob("*.nbi"), None) is not None


@functools.cache
def kernel_hash(package: Path) -> str:
    """Hash over names and contents of every source file that kernels may be made of, as this process found them."""
    digest = hashlib.blake2b(digest_size=12)
    start = len(os.fspath(package)) + 1
    for folder in sorted(p.path for p in os.scandir(package) if p.is_dir() and p.name not in _WITHOUT_KERNELS):
        for file in sorted(_sources(folder)):
            digest.update(f"{file[start:].replace(os.sep, '/')}|{sys.implementation.cache_tag}|".encode())
            with open(file, "rb", buffering=0) as source:
                digest.update(source.read())
    return digest.hexdigest()


def _sources(folder: str) -> Iterator[str]:
    for entry in os.scandir(folder):
        if entry.name.endswith(".py"):
            yield entry.path
        elif entry.is_dir() and entry.name != "__pycache__":
            yield from _sources(entry.path)


def user_kernels(tag: str) -> Path | None:
    """The folder for kernels made of a user's models, whose sources have the hash ``tag``; None without a cache."""
    parent = choose()
    if not parent:
        return None
    folder = Path(parent) / f"{_USERS}{tag}"
    try:
        is_new = not folder.is_dir()
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
        if is_new:
            _prune(folder.parent, _USERS)
    except OSError:
        return None
    return folder


def _cache_folder(name: str) -> Path | None:
    for root in (_user_cache, _temporary_cache):
        with contextlib.suppress(OSError, RuntimeError):  # RuntimeError: a user without a home folder
            folder = root() / "kernels" / name
            is_new = not folder.is_dir()
            folder.mkdir(parents=True, exist_ok=True)
            os.utime(folder)  # also proves that it can be written to
            if not os.access(folder, os.W_OK):
                continue
            if is_new:
                _prune(folder.parent)
            return folder
    return None


def _user_cache() -> Path:
    home = Path("~").expanduser()
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "snnctl"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home)) / "snnctl" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "snnctl"


def _temporary_cache() -> Path:
    import tempfile

    user = str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return Path(tempfile.gettempdir()) / f"snnctl-{user}"


def _prune(parent: Path, prefix: str = "") -> None:
    """Remove the cache folders of old sources: all but the newest few, and only those long unused."""
    import shutil

    own = (p for p in parent.iterdir() if p.is_dir() and p.name.startswith(prefix))
    folders = sorted(own, key=lambda p: p.stat().st_mtime, reverse=True)
    for folder in folders[_KEPT_FOLDERS:]:
        if time.time() - folder.stat().st_mtime > _KEPT_S:
            shutil.rmtree(folder, ignore_errors=True)
