"""Set-up of the process, before numpy and numba are imported: BLAS and the cache of compiled kernels.

- ``OPENBLAS_CORETYPE=SkylakeX``, only on a CPU with AVX-512 F, BW, DQ and VL: OpenBLAS takes some of these CPUs
  for Haswell, and its single-precision products then run at half their speed.
- ``OPENBLAS_NUM_THREADS=1``: the package has its own two-way parallelism; nested pools that spin are far slower
  than one thread. It uses neither OpenMP nor numba's thread pool and leaves their settings alone.
- ``NUMBA_CACHE_DIR``: a folder under the user's cache folder named by a hash of the sources that kernels are made
  of. numba does not notice an edit in a function that a kernel calls from another file; with the hash in the
  name an edited neuron model is compiled anew, and a read-only installation works. Kernels made of a user's model
  go to a folder of their own inside it (:func:`user_kernels`), named by a hash of the user's sources.

A variable that the user has set is left as it is. Last bits of results depend on the first of them, so
:func:`report` belongs into the record of a run. Imports nothing heavy.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import time
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_WITHOUT_KERNELS = frozenset({"cli", "evaluation", "report", "_bundle", "__pycache__"})
_AVX512 = frozenset({"avx512f", "avx512bw", "avx512dq", "avx512vl"})
_OURS = "SNNCTL_KERNEL_CACHE"  # remembers, for child processes, that NUMBA_CACHE_DIR was chosen here
_USERS = "user-"  # what the names of the folders of users' kernels begin with
_KEPT_FOLDERS = 8
_KEPT_S = 24 * 3600.0
_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "NUMBA_CACHE_DIR")


def prepare() -> None:
    """Set what the user has not set. Called once, by ``import snnctl``."""
    if "numpy" not in sys.modules:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        if cpu_flags() >= _AVX512:
            os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen is None or chosen == os.environ.get(_OURS):
        folder = _cache_folder(kernel_hash(_PACKAGE))
        if folder is not None:
            os.environ["NUMBA_CACHE_DIR"] = os.environ[_OURS] = str(folder)
            if "numba" in sys.modules:
                sys.modules["numba"].config.CACHE_DIR = str(folder)


def single_threaded_blas() -> None:
    """Give matrix products one thread from here on, also where numpy was imported before this package.

    Trainings call it: with BLAS threads of its own beside theirs a small update takes up to a hundred times as long,
    and its last bits depend on the machine.
    """
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")


def report() -> dict[str, str]:
    """The settings in force, for ``doctor`` and for the record of a run."""
    return {name: os.environ.get(name, "not set") for name in _VARIABLES}


def kernels_cached() -> bool:
    """Whether compiled kernels of exactly these sources exist (or none are needed)."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return True
    folder = os.environ.get("NUMBA_CACHE_DIR")
    return folder is not None and next(Path(folder).rglob("*.nbi"), None) is not None


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """Instruction set extensions of the first CPU; empty where the system does not list them."""
    with contextlib.suppress(OSError), cpuinfo.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith("flags"):
                return frozenset(line.partition(":")[2].split())
    return frozenset()


def kernel_hash(package: Path) -> str:
    """Hash over names and contents of every source file that kernels may be made of."""
    digest = hashlib.blake2b(digest_size=12)
    for folder in sorted(p for p in package.iterdir() if p.is_dir() and p.name not in _WITHOUT_KERNELS):
        for file in sorted(folder.rglob("*.py")):
            digest.update(f"{file.relative_to(package).as_posix()}|{sys.implementation.cache_tag}|".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def user_kernels(tag: str) -> Path | None:
    """The folder for kernels made of a user's models, whose sources have the hash ``tag``; None without a cache."""
    parent = os.environ.get("NUMBA_CACHE_DIR")
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
