"""The files of compiled kernels are a convenience: a process that cannot write or read them compiles and goes on.

numba lets the error of a full disk, of a read-only folder or of a file that a crash left empty end the work that only
wanted to call a kernel. Its caches are replaced by ones that say a :class:`~snnctl.errors.Notice` once and do without.
A process that was killed while it wrote a kernel leaves ``*.tmp.*``; whoever writes the next one removes old ones.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
import time
import warnings
from pathlib import Path
from typing import Any

from snnctl.errors import Notice

_DISPATCHERS = "numba.core.dispatcher"
_ABANDONED_S = 3600.0  # the age of a temporary file that nobody writes any more; numba writes one in milliseconds


def replace(caching: Any) -> None:
    """Have numba, whose module of caches this is, use these. Called once, when it is imported."""

    class Forgiving(caching.FunctionCache):  # type: ignore[misc]  # numba has no types
        """A cache whose files may fail."""

        def load_overload(self, sig: Any, target_context: Any) -> Any:
            try:
                _prepare_runtime(target_context)
                with self._guard_against_spurious_io_errors():
                    return self._load_overload(sig, target_context)
            except (OSError, EOFError, pickle.UnpicklingError) as error:
                _tell("read", error)
                with contextlib.suppress(OSError):
                    self.flush()  # a damaged index would be read again by every save
                return None

        def save_overload(self, sig: Any, data: Any) -> None:
            try:
                super().save_overload(sig, data)
            except (OSError, EOFError, pickle.UnpicklingError) as error:
                _tell("kept", error)
            _remove_abandoned(Path(self.cache_path))

    def cache(function: Any) -> Any:
        try:
            return Forgiving(function)
        except RuntimeError as error:  # no folder at all can be written to
            _tell("kept", error)
            return caching.NullCache()

    holders: list[Any] = [caching, *([sys.modules[_DISPATCHERS]] if _DISPATCHERS in sys.modules else [])]
    for module in holders:
        module.FunctionCache = cache


def _prepare_runtime(target_context: Any) -> None:
    """What compiled code calls: memory of arrays, secrets of hashes.

    numba would make the compiler ready as well, all that it knows of arrays, strings and containers, which takes longer
    than all kernels of a run. Compiling does that by itself, once there is something to compile.
    """
    from numba.core.runtime.nrt import rtsys
    from numba.cpython import hashing  # noqa: F401 - it tells the linker of them

    rtsys.initialize(target_context)


def _tell(verb: str, error: Exception) -> None:
    """Say it in the same words for every kernel: Python shows such a warning once."""
    folder = os.environ.get("NUMBA_CACHE_DIR", "any folder")
    reason = error.strerror if isinstance(error, OSError) else type(error).__name__
    warnings.warn(
        f"compiled kernels cannot be {verb} in {folder} ({reason}), so they are compiled anew; "
        "make room there, or name another folder in NUMBA_CACHE_DIR",
        Notice,
        stacklevel=1,
    )


def _remove_abandoned(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for path in folder.glob("*.tmp.*"):
            if time.time() - path.stat().st_mtime > _ABANDONED_S:
                path.unlink()
