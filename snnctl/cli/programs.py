"""What a user names when a verb takes any network: an agent, a network of a module, or a function that returns one."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnctl.cli import console
from snnctl.errors import InputError, Problem, SnnctlError

if TYPE_CHECKING:
    from snnctl.network.program import Program


def load(name: str) -> tuple[str, Program]:
    """What it is called, and its program.

    ``module:name`` is a :class:`snnctl.network.Network` or a program, or a function that takes nothing and returns one
    of these or a description with its tensors.

    An agent may name Python that nobody allowed where the network does not depend on it; that is told.

    Raises:
        NotFoundError: no agent has this name.
        InputError: it cannot be imported, fails, or returns something else; or its network needs what nobody allowed.
        NetworkError: the network is not sound.
    """
    from snnctl import api, slots
    from snnctl.agent.description import left_unresolved
    from snnctl.library import as_path

    if ":" in name and not as_path(name).exists():
        return name, _built(name)
    with slots.unresolved():
        agent = api.agent(name)
    found = [p._replace(where=f"{name}:{p.where}") for p in slots.untrusted(agent.description)]
    if left_unresolved(agent.description):
        raise InputError(*found)
    for problem in found:  # of the environment, which is not opened
        console.note(f"note: left unchecked: {problem}")
    return agent.description.name, api.program(agent)


def _built(path: str) -> Program:
    from snnctl import api, slots
    from snnctl.network.network import Network
    from snnctl.network.program import Program

    try:
        named = slots.imported(path)
    except ValueError as error:
        raise InputError(Problem(path, str(error))) from None
    try:
        made = named if isinstance(named, Network | Program) else _called(path, named)
        if isinstance(made, str):  # it would be taken for the name of an agent
            raise InputError(Problem("network", "returns str, not a network", "return a Network or a Program"))
        return api.program(made)
    except SnnctlError as error:
        raise type(error)(*(p._replace(where=_place(path, p.where)) for p in error.problems)) from error


def _called(path: str, function: Callable[[], Any]) -> Any:
    """What the user's function returns."""
    remedy = "name a function without arguments that builds and returns the network"
    if not callable(function):
        raise InputError(Problem("", f"is {type(function).__name__}, not a network", remedy))
    try:
        inspect.signature(function).bind()
    except TypeError as error:
        raise InputError(Problem("", f"cannot be called ({error})", remedy)) from None
    except ValueError:  # a function written in C may have no signature
        pass
    try:
        return function()
    except SnnctlError:
        raise
    except Exception as error:  # whatever a user's function does
        frames = traceback.extract_tb(error.__traceback__)[1:]
        file = getattr(sys.modules[path.partition(":")[0]], "__file__", None)
        own = [frame for frame in frames if frame.filename == file] or frames  # not the depths of a library
        where = f" in {Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""
        what = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise InputError(Problem("", f"raised {what}{where}")) from error


def _place(path: str, where: str) -> str:
    """Where a problem is, beginning with what the user named."""
    if where.partition(".")[0] == "network":
        return path + where.removeprefix("network")
    return path if not where or where == path else f"{path}: {where}"
