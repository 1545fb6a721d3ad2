"""Files that are read in two stages, all their mistakes told at once.

    stage 1    keys, types and ranges (snnctl.config)       file -> value, or problems
    stage 2    what only the whole value can contradict     value -> more problems

Where stage 1 finds mistakes, stage 2 looks at the rest without the wrong keys, with their defaults, as far
as that is a value; what it says of those keys is left out.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from snnctl import config
from snnctl.errors import ConfigError, Problem, SnnctlError

T = TypeVar("T")
Second = Callable[[T], Sequence[Problem]]


def load(cls: type[T], path: Path, second: Second[T], overrides: Sequence[str] = ()) -> T:
    """Read ``path`` as a ``cls``; ``second`` is asked only about a file with mistakes.

    Raises:
        ConfigError: with one problem for every mistake of both stages.
    """
    return resolve(cls, config.read_toml(path), str(path), second, overrides)


def resolve(cls: type[T], data: Mapping[str, Any], where: str, second: Second[T], overrides: Sequence[str] = ()) -> T:
    """Validate parsed ``data``, as :func:`load` does; ``where`` names it in errors."""
    try:
        return config.resolve(cls, data, where, overrides)
    except ConfigError as error:
        wrong = [_key(problem, where) for problem in error.problems]
        rest = _without(cls, data, where, overrides, wrong)
        if rest is None:
            raise
        more = [p for p in _found(second, rest) if not any(_concern(p.where.partition(":")[2], key) for key in wrong)]
        raise ConfigError(*dict.fromkeys([*error.problems, *more])) from None


def _found(second: Second[T], value: T) -> Sequence[Problem]:
    try:
        return second(value)
    except SnnctlError as error:  # what it reads cannot be read
        return error.problems


def _key(problem: Problem, where: str) -> str:
    """The dotted key that a problem of stage 1 is about."""
    return problem.where.removeprefix(f"{where}:").removeprefix("override ")


def _without(
    cls: type[T], data: Mapping[str, Any], where: str, overrides: Sequence[str], wrong: Sequence[str]
) -> T | None:
    """The value that is left without these keys."""
    try:
        merged, _ = config.apply_overrides(data, overrides)
        rest = copy.deepcopy(merged)
        for key in wrong:
            _remove(rest, key.split("."))
        return config.validate(cls, rest, where)
    except ConfigError:
        return None


def _remove(data: dict[str, Any], parts: Sequence[str]) -> None:
    """Remove a key of a table if it is there; the whole array where one of its numbers or words is wrong."""
    node: Any = data
    innermost: tuple[dict[str, Any], str] | None = None
    for part in parts:
        if isinstance(node, list) and part.isdigit() and int(part) < len(node):
            node = node[int(part)]
        elif isinstance(node, dict) and part in node:
            innermost = node, part
            node = node[part]
        else:
            return
    if innermost is not None:
        table, key = innermost
        del table[key]


def _concern(key: str, other: str) -> bool:
    """Whether one key is the other, or a table of it."""
    return key == other or key.startswith(f"{other}.") or other.startswith(f"{key}.")
