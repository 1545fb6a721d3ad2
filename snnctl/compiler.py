"""What has to happen when the compiler, numba, is imported, and not before: a command may not need it.

    numba                    the folder of compiled kernels is chosen (:mod:`snnctl.kernel_folder`)
    numba.core.caching       its caches become those of :mod:`snnctl.kernel_files`
    numba.np.arraymath       it finds scipy's BLAS loaded, and does not import all of scipy's linear algebra for it

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
_BLAS = "scipy.linalg.cython_blas"


def await_import() -> None:
    """Prepare numba now, or as soon as it is imported. Called once, by ``import snnctl``."""
    if "numba" in sys.modules:
        _choose_folder()
    if _CACHES in sys.modules:
        _replace(sys.modules[_CACHES])
    sys.meta_path.insert(0, _Finder())


class _Finder:
    """Finds no module by itself: it waits for those above."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name == "numba":
            _choose_folder()
        elif name == "numba.np.arraymath":
            _load_blas()
        if name != _CACHES:
            return None
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(name, path)
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


def _load_blas() -> None:
    """Load the module of BLAS pointers without the package around it, which whoever needs it imports as ever."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    if _BLAS in sys.modules:
        return
    try:
        import scipy

        spec = PathFinder.find_spec(_BLAS, [f"{folder}/linalg" for folder in scipy.__path__])
        if spec is None or spec.loader is None:
            return
        module = sys.modules[_BLAS] = module_from_spec(spec)
        spec.loader.exec_module(module)
    except Exception:  # a scipy that is built in another way: numba imports all of it
        sys.modules.pop(_BLAS, None)
