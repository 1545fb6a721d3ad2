"""Set-up of matrix products, before numpy is imported.

- ``OPENBLAS_CORETYPE=SkylakeX``, only on a CPU with AVX-512 F, BW, DQ and VL: OpenBLAS takes some of these CPUs
  for Haswell, and its single-precision products then run at half their speed.
- ``OPENBLAS_NUM_THREADS=1``: the package has its own two-way parallelism; nested pools that spin are far slower
  than one thread. It uses neither OpenMP nor numba's thread pool and leaves their settings alone.

A variable that the user has set is left as it is. Last bits of results depend on the first of them, so
:func:`report` belongs into the record of a run. Every command imports this file, so it imports next to nothing.
"""

from __future__ import annotations

import os
import sys

_AVX512 = frozenset({"avx512f", "avx512bw", "avx512dq", "avx512vl"})
_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "NUMBA_CACHE_DIR")


def prepare() -> None:
    """Set what the user has not set. Called once, by ``import snnctl``."""
    if "numpy" not in sys.modules:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        if cpu_flags() >= _AVX512:
            os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")


def single_threaded_blas() -> None:
    """Give matrix products one thread from here on, also where numpy was imported before this package.

    Trainings call it: with BLAS threads of its own beside theirs a small update takes up to a hundred times as long,
    and its last bits depend on the machine.
    """
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, user_api="blas")


def report() -> dict[str, str]:
    """The settings in force, for ``doctor`` and for the record of a run."""
    from snnctl import kernel_folder

    kernel_folder.choose()
    return {name: os.environ.get(name, "not set") for name in _VARIABLES}


def cpu_flags(cpuinfo: str | os.PathLike[str] = "/proc/cpuinfo") -> frozenset[str]:
    """Instruction set extensions of the first CPU; empty where the system does not list them."""
    try:
        with open(cpuinfo, encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("flags"):
                    return frozenset(line.partition(":")[2].split())
    except OSError:
        pass
    return frozenset()
