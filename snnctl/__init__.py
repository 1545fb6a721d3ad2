"""snnctl: train spiking controllers for robots, run them in closed loop, evaluate them on chips.

``snnctl.load``, ``snnctl.train``, ``snnctl.evaluate`` and ``snnctl.compile`` are those of :mod:`snnctl.api`.
"""

from snnctl import search_path

search_path.leave_current_folder()  # before a module of that folder can take the place of one of those below

from typing import TYPE_CHECKING, Any  # noqa: E402

from snnctl import kernel_files, runtime  # noqa: E402

if TYPE_CHECKING:
    from snnctl.api import compile, evaluate, load, train

__all__ = ["__version__", "compile", "evaluate", "load", "train"]
__version__ = "0.1.0"

runtime.prepare()
kernel_files.prepare()


def __getattr__(name: str) -> Any:
    """The verbs, imported when they are asked for."""
    if name in __all__:
        from importlib import import_module

        return getattr(import_module("snnctl.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
