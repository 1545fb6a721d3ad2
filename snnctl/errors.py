"""Every exception that snnctl raises on purpose, on one page.

Each carries *problems*: one line apiece that names the mistake, its place and the remedy.
The command line prints them and leaves with ``exit_code``:
1 a check or a budget failed, 2 bad input or usage, 3 the run itself failed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple

LONGEST = 700  # characters of each part of a problem


class Problem(NamedTuple):
    """One thing that is wrong: where it is (``file:key`` or a name), what, and how to mend it."""

    where: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}; {self.remedy}" if self.remedy else text


def _shortened(text: str) -> str:
    """Begin and end of a text, about LONGEST characters: files may hold keys and names of any length."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} ... {text[-LONGEST // 4 :]}"


class SnnctlError(Exception):
    """Base of all. ``str(error)`` is one line per problem."""

    exit_code: ClassVar[int] = 3

    def __init__(self, *problems: Problem | str) -> None:
        told = (p if isinstance(p, Problem) else Problem("", p) for p in problems)
        self.problems: tuple[Problem, ...] = tuple(Problem(*map(_shortened, p)) for p in told)
        super().__init__(*self.problems)

    def __str__(self) -> str:
        return "\n".join(str(p) for p in self.problems)

    def __reduce__(self) -> tuple[type[SnnctlError], tuple[Problem, ...]]:
        return type(self), self.problems


class InputError(SnnctlError):
    """What the user gave cannot be used; nothing was changed."""

    exit_code = 2


class ConfigError(InputError):
    """A TOML file, an override or a quantity is not valid."""


class NotFoundError(InputError):
    """No environment, agent, recipe, chip, budget, space, run or sweep has this name."""


class NetworkError(InputError):
    """A network description or its tensors contradict themselves."""


class AgentError(InputError):
    """An agent folder is incomplete, damaged or does not fit its own description."""


class PolicyError(InputError):
    """A policy of another library cannot be imported: damaged, not of a known kind, or with what no reader allows."""


class SpaceError(InputError):
    """An environment's observation or action space cannot be connected to a spiking controller."""


class RobotError(InputError):
    """A robot folder (robot.xml, task.toml) cannot be made into an environment."""


class OutputError(InputError):
    """The output folder or file cannot be written, or another process is using it."""


class MissingExtraError(InputError):
    """An optional dependency is needed and absent; the message says what to install."""


class MappingError(SnnctlError):
    """A network does not fit a chip: every violated design rule, with used, limit and remedy."""

    exit_code = 1


class DifferenceError(SnnctlError):
    """An imported policy does not give the actions that were recorded with it."""

    exit_code = 1


class DivergedError(SnnctlError):
    """A simulation or a training left the finite numbers."""


class ContractError(SnnctlError):
    """An environment broke the contract of Gymnasium: it failed, or returned something else than was agreed."""

    post_mortem: Any = None  # how it came to that (snnctl.robots.trail.PostMortem)


class StorageError(SnnctlError):
    """Writing failed half-way (disk full, folder gone); the previous checkpoint is untouched."""


class Notice(UserWarning):
    """What a user should know although nothing failed; the command line prints it as a note."""


_SHOWN = 30  # names listed in one message
_MOST_CHARS = 200


def brief(error: BaseException) -> str:
    """The first line of what an exception of others says, short enough for a message of ours; else its type."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # somebody's own class
        lines = []
    return lines[0][:_MOST_CHARS] if lines else type(error).__name__


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return ``did you mean 'x'?`` or the list of allowed names, for the end of a message."""
    names = sorted(set(allowed))
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    more = f", ... ({len(names)} in all)" if len(names) > _SHOWN else ""
    return "allowed: " + ", ".join(names[:_SHOWN]) + more if names else "none exist"
