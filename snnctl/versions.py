"""Versions of the package, of Python and of the packages that the bits of a result depend on."""

from __future__ import annotations

import contextlib
import platform
from importlib import metadata

import snnctl

PACKAGES = ("numpy", "scipy", "numba", "llvmlite", "gymnasium", "mujoco", "safetensors")


def installed() -> dict[str, str]:
    """Name to version, without the packages that are not installed."""
    found = {"snnctl": snnctl.__version__, "python": platform.python_version()}
    for package in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found
