"""What a user names when a verb takes any network: an agent, or a function of a module that returns one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnctl.errors import InputError, Problem, SnnctlError

if TYPE_CHECKING:
    from snnctl.network.program import Program


def load(name: str) -> tuple[str, Program]:
    """What it is called, and its program.

    The function of ``module:function`` takes nothing and returns a
    :class:`snnctl.network.Network`, a program, or a description with its tensors.

    Raises:
        NotFoundError: there is no agent of this name.
        InputError: the function cannot be imported, fails, or returns something else.
        NetworkError: the network is not sound.
    """
    from snnctl import api
    from snnctl.library import as_path

    if ":" in name and not as_path(name).exists():
        return name, _built(name)
    agent = api.agent(name)
    return agent.description.name, api.program(agent)


def _built(path: str) -> Program:
    from snnctl import api, slots

    try:
        made = slots.imported(path)()
    except ValueError as error:
        raise InputError(Problem(path, str(error))) from None
    except SnnctlError:
        raise
    except Exception as error:  # whatever a user's function does
        what = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        remedy = "name a function without arguments that builds and returns the network"
        raise InputError(Problem(path, f"cannot be called ({what})", remedy)) from error
    if isinstance(made, str):
        raise InputError(Problem(path, "returns str, not a network", "return a Network or a Program"))
    try:
        return api.program(made)
    except InputError as error:
        raise InputError(*(p._replace(where=path) if p.where == "network" else p for p in error.problems)) from None
