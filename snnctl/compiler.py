"""What has to happen when the compiler, numba, is imported, and not before: a command may not need it.

    numba                    the folder of compiled kernels is chosen (:mod:`snnctl.kernel_folder`)
    numba.core.caching       its caches become those of :mod:`snnctl.kernel_files`

Imports nothing but what Python itself has loaded.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

_CACHES = "numba.core.caching"


def await_import() -> None:
    """Prepare numba now, or as soon as it is imported. Called once, by ``import snnctl``."""
    if "numba" in sys.modules:
        _choose_folder()
    if _CACHES in sys.modules:
        _replace(sys.modules[_CACHES])
    else:
        sys.meta_path.insert(0, _Finder())


class _Finder:
    """Finds no module by itself: it waits for the two above."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name == "numba":
            _choose_folder()
        if name != _CACHES:
            return None
        import importlib.util

        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            execute = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                _replace(module)

            loader.exec_module = exec_module
        return spec


def _choose_folder() -> None:
    from snnctl import kernel_folder

    folder = kernel_folder.choose()
    if folder is not None and "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_DIR = folder


def _replace(caching: ModuleType) -> None:
    from snnctl import kernel_files

    kernel_files.replace(caching)
