"""snnctl: train spiking controllers for robots, run them in closed loop, evaluate them on chips.

``snnctl.load``, ``snnctl.train``, ``snnctl.evaluate`` and ``snnctl.compile`` are those of :mod:`snnctl.api`.
"""

from snnctl import search_path

search_path.leave_current_folder()  # before a module of that folder can take the place of one of those below

from snnctl import compiler, runtime  # noqa: E402

TYPE_CHECKING = False  # that of typing takes longer to import than all that is imported here
if TYPE_CHECKING:
    from typing import Any

    from snnctl.api import compile, evaluate, load, train

__all__ = ["__version__", "compile", "evaluate", "load", "train"]
__version__ = "0.1.0"

runtime.prepare()
compiler.await_import()


def __getattr__(name: str) -> "Any":
    """The verbs, imported when they are asked for."""
    if name in __all__:
        from importlib import import_module

        return getattr(import_module("snnctl.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
