"""Spaces: which values the keys of a recipe may take in a sweep, in one TOML file of ``configs/sweeps``.

    [keys]
    "trainer.lr" = { low = 1e-4, high = 1e-2, log = true }    a range; also integer = true, steps = 5
    "network.ticks" = [3, 5, 8]                               choices, of any type that the key takes

**Grid**: every combination, the last key fastest. A range counts as its ``steps`` evenly spaced values, on a
logarithmic scale with ``log``; one of integers without ``log`` and ``steps`` as each of them.

**Random**: with u uniform in [0, 1) from the stream ``sweep`` of (seed, trial, key),

    choices, steps, integer   the floor(n u)-th of n values
    range                     low + (high - low) u,   log: low (high / low)^u,   rounded to 4 significant digits
    integer and log           floor(low ((high + 1) / low)^u)

so the value of a key in a trial depends on the seed, the number of the trial, the name of the key and what the
key may be, and on nothing else: not on other keys, not on how many trials there are, not on when one ends.
"""

from __future__ import annotations

import itertools
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Le
from pydantic import Field

from snnctl import config, library, slots, streams
from snnctl.config import schema
from snnctl.errors import ConfigError, InputError, NotFoundError, Problem
from snnctl.training.recipe import Recipe

Search = Literal["grid", "random"]
MAX_TRIALS = 2000  # each is tried on the recipe before the first begins
MAX_INTEGER = 2**53  # floats cannot tell larger whole numbers apart
_DIGITS = 4


@schema
class Choices:
    """A list of values."""

    kind: Literal["choices"] = "choices"
    values: Annotated[tuple[Any, ...], slots.PYTHON]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("has no values; list at least one, or remove the key")


@schema
class Range:
    """All numbers from ``low`` to ``high``, both included."""

    kind: Literal["range"] = "range"
    low: float
    high: float
    log: bool = False  # evenly spread over orders of magnitude
    integer: bool = False
    steps: Annotated[int, Ge(2), Le(MAX_TRIALS)] | None = None  # only so many values, evenly spaced

    def __post_init__(self) -> None:
        if self.low >= self.high:
            raise ValueError(f"low = {self.low:g} is not below high = {self.high:g}; exchange them, or write a list")
        if self.log and self.low <= 0:
            raise ValueError(f"low = {self.low:g} has no logarithm; choose low > 0, or leave out log")
        if self.integer and (self.low % 1 or self.high % 1):
            raise ValueError(f"low = {self.low:g} and high = {self.high:g} must be whole numbers with integer = true")
        if self.integer and max(-self.low, self.high) > MAX_INTEGER:
            raise ValueError(f"low = {self.low:g} and high = {self.high:g} are beyond 2^53; write smaller ones")
        if not math.isfinite(self.high / self.low if self.log else self.high - self.low):
            raise ValueError(f"low = {self.low:g} and high = {self.high:g} are too far apart; bring them together")


Values = Annotated[Choices | Range, Field(discriminator="kind")]


@schema
class Space:
    """One file of ``configs/sweeps``."""

    schema: Literal[1] = 1
    name: str = ""
    description: str = ""
    recipe: str = ""  # that it was made for; `snnctl check` tries the space on it
    seed: Annotated[int, Ge(0), Le(2**32 - 1)] = 0  # of random search
    keys: dict[str, Values]

    def __post_init__(self) -> None:
        if not self.keys:
            raise ValueError('varies nothing; write [keys] with e.g. "trainer.lr" = [1e-3, 1e-2]')
        if (count := _listed(self.keys)) > MAX_TRIALS:
            raise ValueError(f"lists {count:,} values, at most {MAX_TRIALS:,}; write ranges, or leave some out")


def _listed(keys: Mapping[str, Choices | Range]) -> int:
    """Values that a space tries on a recipe."""
    return sum(len(_candidates(values)) for values in keys.values())


def load(path: Path, recipe: Mapping[str, Any] | None = None, search: Search = "random") -> Space:
    """Read a space, and try it on the data of a recipe.

    Raises:
        ConfigError: one problem for every mistake: in the file, in a key or a value that the recipe does not take, in
            a range that a grid cannot count.
    """
    where = str(path)
    data = _with_kinds(config.read_toml(path))
    found: list[Problem] = []
    space: Space | None = None
    try:
        space = config.resolve(Space, data, where)
    except ConfigError as error:
        found += error.problems
    sound = _sound(data)
    if search == "grid":
        found += [
            Problem(f"{where}:keys.{key}", "is a continuous range, which no grid can hold",
                    "add steps = 5, write a list, or use --search random")
            for key, values in sound.items() if _points(values) is None
        ]  # fmt: skip
    if recipe is not None and _listed(sound) <= MAX_TRIALS:
        found += _refusals(sound, recipe, where)
    if found or space is None:
        raise ConfigError(*found)
    return space


def load_alone(path: Path) -> Space:
    """Read a space, and try it on the recipe that it names, if any.

    Raises:
        ConfigError: as :func:`load`; or the recipe does not exist.
    """
    name = config.read_toml(path).get("recipe")
    if not isinstance(name, str) or not name:
        return load(path)
    absent: tuple[Problem, ...] = ()
    recipe: dict[str, Any] | None = None
    try:
        recipe = config.read_toml(library.find("recipe", name).path)
    except NotFoundError as error:
        absent = tuple(p._replace(where=f"{path}:recipe", message=f"{p.where} {p.message}") for p in error.problems)
    try:
        space = load(path, recipe)
    except ConfigError as error:
        raise ConfigError(*absent, *error.problems) from None
    if absent:
        raise ConfigError(*absent)
    return space


def settings(space: Space, search: Search, trials: int) -> list[dict[str, Any]]:
    """The values of the keys in each trial: all combinations, or ``trials`` random ones.

    Raises:
        InputError: the grid has more than MAX_TRIALS combinations.
    """
    if search == "random":
        return [{key: _drawn(values, space.seed, k, key) for key, values in space.keys.items()} for k in range(trials)]
    columns = [_points(values) or () for values in space.keys.values()]
    if (count := math.prod(map(len, columns))) > MAX_TRIALS:
        raise InputError(
            Problem("--search grid", f"has {count:,} combinations, at most {MAX_TRIALS:,}", "use --search random")
        )
    return [dict(zip(space.keys, combination, strict=True)) for combination in itertools.product(*columns)]


def overrides(values: Mapping[str, Any]) -> list[str]:
    """``key=value`` for each, as the recipe loader and the command line take them."""
    return [f"{key}={_toml(value)}" for key, value in values.items()]


def _with_kinds(data: dict[str, Any]) -> dict[str, Any]:
    """The file with nested tables under [keys] as dotted keys, lists as choices and tables of numbers as ranges."""
    keys = data.get("keys")
    if not isinstance(keys, dict):
        return data
    flat: dict[str, Any] = {}
    level = [(str(name), value) for name, value in keys.items()]
    while level:
        name, value = level.pop(0)
        if isinstance(value, list):
            flat[name] = {"kind": "choices", "values": value}
        elif isinstance(value, dict) and value and all(isinstance(v, dict | list) for v in value.values()):
            level = [(f"{name}.{inner}", v) for inner, v in value.items()] + level  # keys written without quotes
        else:
            flat[name] = {"kind": "range", **value} if isinstance(value, dict) else value
    return {**data, "keys": flat}


def _sound(data: Mapping[str, Any]) -> dict[str, Choices | Range]:
    """The keys that have no mistake of their own."""
    found: dict[str, Choices | Range] = {}
    keys = data.get("keys")
    for key, table in keys.items() if isinstance(keys, dict) else ():
        cls: type[Choices | Range] = Choices if isinstance(table, dict) and table.get("kind") == "choices" else Range
        try:
            found[key] = config.validate(cls, table, key)
        except ConfigError:
            continue
    return found


def _refusals(sound: Mapping[str, Choices | Range], recipe: Mapping[str, Any], where: str) -> list[Problem]:
    """What the recipe says to each key at each of its values (of a range: its ends), the others at their first."""
    found: dict[tuple[str, str], Problem] = {}
    first = {key: _candidates(values)[0] for key, values in sound.items()}
    for key, values in sound.items():
        place = f"{where}:keys.{key}"
        if key.split(".")[0] in ("schema", "seed"):
            found[place, key] = Problem(place, "cannot be varied", "name the seeds of training with --seeds")
            continue
        for value in _candidates(values):
            for problem in _said(recipe, {**first, key: value}, key):
                inner = problem.where.removeprefix("override ").removeprefix(key)
                at = place + inner if inner.startswith(".") else place
                found.setdefault((at, problem.message), problem._replace(where=at))
    return [*found.values()]


def _said(recipe: Mapping[str, Any], values: Mapping[str, Any], key: str) -> list[Problem]:
    """The problems that the recipe has with ``key`` when all ``values`` are set, itself as an override.

    Not those of a table that holds it (two keys that contradict each other): other combinations may have none.
    """
    try:
        merged, _ = config.apply_overrides(recipe, overrides({k: v for k, v in values.items() if k != key}))
    except ConfigError:
        merged = dict(recipe)  # another key is at fault, and is told of on its own
    try:
        config.resolve(Recipe, merged, "recipe", overrides({key: values[key]}))
    except ConfigError as error:
        own = f"override {key}"
        unknown_kind = f"is {str(values[key])[:60]!r}"  # this the loader says of the table
        return [p for p in error.problems if f"{p.where}.".startswith(f"{own}.") or p.message == unknown_kind]
    return []


def _candidates(values: Choices | Range) -> Sequence[Any]:
    if isinstance(values, Choices):
        return values.values
    return [int(values.low), int(values.high)] if values.integer else [values.low, values.high]


def _points(values: Choices | Range) -> Sequence[Any] | None:
    """The values that can be counted; None of a continuous range."""
    if isinstance(values, Choices):
        return values.values
    if values.steps is None:
        return range(int(values.low), int(values.high) + 1) if values.integer and not values.log else None
    spaced = (np.geomspace if values.log else np.linspace)(values.low, values.high, values.steps)
    if values.integer:
        return [*dict.fromkeys(round(float(x)) for x in spaced)]
    return [_rounded(float(x), values) for x in spaced]


def _drawn(values: Choices | Range, seed: int, trial: int, key: str) -> Any:
    u = float(streams.generator(seed, "sweep", trial, zlib.crc32(key.encode())).random())
    points = _points(values)
    if points is not None:
        return points[int(len(points) * u)]
    assert isinstance(values, Range)
    low, high = values.low, values.high + (1 if values.integer else 0)
    x = low * (high / low) ** u if values.log else low + (high - low) * u
    return min(int(values.high), math.floor(x)) if values.integer else _rounded(x, values)


def _rounded(x: float, values: Range) -> float:
    """``x`` as it can be typed again, within the range."""
    return min(max(float(f"{x:.{_DIGITS}g}"), values.low), values.high)


def _toml(value: Any) -> str:
    """One value as TOML on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
