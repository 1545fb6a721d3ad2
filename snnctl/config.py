"""TOML to frozen dataclasses: load, validate (all errors at once), override, write back.

Nothing here knows what a network or a robot is. A part of the package declares what it can be told
with :func:`schema` dataclasses; this module reads them from TOML, names every mistake in one go as
``file:key``, and writes the resolved values back.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import math
import re
import tomllib
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar, dataclass_transform

from snnctl import nesting
from snnctl.errors import ConfigError, Problem, brief, nearest
from snnctl.nesting import MAX_NESTING

T = TypeVar("T")

MAX_FILE_BYTES = 1_000_000
MAX_PROBLEMS = 50  # told of one file; a file with more is another kind of file

SCHEMA_VERSION = 1

_NAMING = ("kind", "model", "rule", "family")  # keys that say which part a table describes, and so its other keys
_UNKNOWN = "is not a known key"


@dataclass_transform(frozen_default=True, kw_only_default=True)
def schema(cls: type[T]) -> type[T]:
    """Make ``cls`` a frozen keyword-only dataclass that refuses unknown keys, nan and inf."""
    # A plain dict is what pydantic's ConfigDict is; the numeric core need not import pydantic.
    cls.__pydantic_config__ = {"extra": "forbid", "strict": True, "allow_inf_nan": False}  # type: ignore[attr-defined]
    return dataclasses.dataclass(frozen=True, kw_only=True)(cls)


# --------------------------------------------------------------------------- quantities

_PREFIX = {
    "": 1.0,
    "p": 1e-12,
    "n": 1e-9,
    "u": 1e-6,
    "µ": 1e-6,
    "μ": 1e-6,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
}
_QUANTITY = re.compile(r"^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*([A-Za-zµμ]*)\s*$")
_KIND = {"s": "time", "W": "power", "J": "energy", "Hz": "frequency"}
_ARTICLE = {"s": "a", "W": "a", "J": "an", "Hz": "a"}
_EXAMPLE = {"s": "5ms", "W": "100mW", "J": "20uJ", "Hz": "50Hz"}


def quantity(text: str | float, unit: str) -> float:
    """Read ``5ms``, ``20 uJ``, ``0.1W`` as a finite float in SI ``unit`` (``s``, ``W``, ``J``, ``Hz``).

    A bare number in a TOML file is already SI; a bare number in a string is refused, because on the
    command line nobody can tell whether ``--power 100`` was meant in watts or milliwatts.

    Raises:
        ValueError: not a number, not finite, no unit, or the unit of another kind of quantity.
    """
    hint = f"write {_ARTICLE[unit]} {_KIND[unit]} like {_EXAMPLE[unit]}"
    if isinstance(text, bool):
        raise ValueError(f"expected {_ARTICLE[unit]} {_KIND[unit]}, got {text}; {hint}")
    if isinstance(text, int | float):
        value = float(text) if isinstance(text, float) or abs(text) < 2**1000 else math.inf  # no float is as large
    elif not isinstance(text, str):
        raise ValueError(f"expected one number, got {text!r:.60}; values that differ go to population(..., name=array)")
    else:
        match = _QUANTITY.match(text)
        if match is None:
            raise ValueError(f"'{text[:60]}' is not {_ARTICLE[unit]} {_KIND[unit]}; {hint}")
        number, suffix = match.groups()
        if not suffix:
            raise ValueError(f"'{text[:60]}' has no unit; {hint}")
        prefix = suffix.removesuffix(unit)
        if not suffix.endswith(unit) or prefix not in _PREFIX:
            raise ValueError(f"'{text[:60]}' is not {_ARTICLE[unit]} {_KIND[unit]}; {hint}")
        value = float(number) * _PREFIX[prefix]
    if not math.isfinite(value):
        raise ValueError(f"{_ARTICLE[unit]} {_KIND[unit]} must be finite, got {str(text)[:60]}; {hint}")
    return value + 0.0  # -0 is 0


@dataclasses.dataclass(frozen=True)
class Unit:
    """Annotation marker: a float field that also accepts ``"5ms"``-like strings of this SI unit."""

    symbol: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(
            lambda value: quantity(value, self.symbol), handler(source)
        )


Seconds = Annotated[float, Unit("s")]
Watts = Annotated[float, Unit("W")]
Joules = Annotated[float, Unit("J")]
Hertz = Annotated[float, Unit("Hz")]


# --------------------------------------------------------------------------- reading


def read_toml(path: Path) -> dict[str, Any]:
    """Parse one TOML file of at most 1 MB.

    Raises:
        ConfigError: unreadable, not UTF-8, too large, nested too deeply, or not TOML.
    """
    where = str(path)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        message = f"cannot be read ({error.strerror})"
        raise ConfigError(Problem(where, message, "give a file that you may read")) from None
    if len(raw) > MAX_FILE_BYTES:
        raise ConfigError(Problem(where, f"is larger than {MAX_FILE_BYTES} bytes", "a config is small"))
    try:
        text = raw.decode("utf-8-sig")  # some editors begin a file with a byte order mark
    except UnicodeDecodeError as error:
        raise ConfigError(Problem(where, f"is not UTF-8 (byte {error.start})", "save it as UTF-8")) from None
    return parse_toml(text, where)


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """Parse TOML text; ``where`` names it in errors. Raises ConfigError as :func:`read_toml`."""
    if (line := nesting.too_deep(text)) is not None:
        raise ConfigError(Problem(f"{where}:{line}", "is nested too deeply or has too long a key", "flatten it"))
    try:
        data = _parsed(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(Problem(where, f"is not valid TOML: {brief(error)}", "correct the line")) from None
    except RecursionError:
        raise ConfigError(Problem(where, "is nested too deeply", "flatten it")) from None
    except ValueError:
        raise ConfigError(Problem(where, "has a number or a date that cannot be read", "shorten it")) from None
    if _depth(data) > MAX_NESTING:
        raise ConfigError(Problem(where, "is nested too deeply", "flatten it"))
    return data


def _parsed(text: str) -> dict[str, Any]:
    """TOML text as data; -0.0 is read as 0.0, since a number that is not below 0 would still have its sign."""
    return tomllib.loads(text, parse_float=lambda number: float(number) + 0.0)


def _depth(data: Any) -> int:
    """Levels of tables and arrays; one more than allowed at most, as it stops there."""
    depth, level = 0, [data]
    while level and depth <= MAX_NESTING:
        level = [v for n in level for v in (n.values() if isinstance(n, dict) else n) if isinstance(v, dict | list)]
        depth += 1
    return depth


def load(cls: type[T], path: Path, overrides: Sequence[str] = ()) -> T:
    """Read ``path`` as a ``cls``, after applying dotted overrides such as ``trainer.lr=3e-4``.

    Raises:
        ConfigError: with one problem for every mistake in the file and in the overrides.
    """
    return resolve(cls, read_toml(path), str(path), overrides)


def resolve(cls: type[T], data: Mapping[str, Any], where: str, overrides: Sequence[str] = ()) -> T:
    """Validate already parsed ``data`` as a ``cls``; ``where`` names it in errors."""
    merged, touched = apply_overrides(data, overrides)
    problems: list[Problem] = []
    version = merged.get("schema", SCHEMA_VERSION)
    if version != SCHEMA_VERSION or isinstance(version, bool):
        problems.append(
            Problem(f"{where}:schema", f"is {version!r:.60}", f"this version reads schema = {SCHEMA_VERSION}")
        )
    try:
        value = validate(cls, merged, where, touched)
    except ConfigError as error:
        known = {p.where for p in problems}
        found = _left_over(error.problems, data, merged, where, touched)
        raise ConfigError(*problems, *(p for p in found if p.where not in known)) from None
    if problems:
        raise ConfigError(*problems)
    return value


def _left_over(
    problems: Sequence[Problem], data: Any, merged: Any, where: str, touched: Sequence[str]
) -> list[Problem]:
    """The problems, those of a table whose part an override replaced as one: its other keys are of the part before."""
    found = list(problems)
    for key in touched:
        table, _, last = key.rpartition(".")
        before, now = _at(data, key), _at(merged, key)
        if last not in _NAMING or not table or before in (None, now) or not isinstance(now, str):
            continue
        unknown = [p for p in found if p.where.startswith(f"{where}:{table}.") and p.message.startswith(_UNKNOWN)]
        if unknown:
            names = ", ".join(p.where.removeprefix(f"{where}:{table}.") for p in unknown)
            message = f"leaves what belongs to {last} = '{before}' in the table: {names}"
            remedy = f"""replace the whole table: '{table}={{{last}="{now}"}}'"""
            place = found.index(unknown[0])
            found = [p for p in found if p not in unknown]
            found.insert(place, Problem(f"override {key}", message, remedy))
    return found


def _at(data: Any, key: str) -> Any:
    for part in key.split("."):
        data = data.get(part) if isinstance(data, Mapping) else None
    return data


def validate(cls: type[T], data: Any, where: str, overridden: Iterable[str] = ()) -> T:
    """Turn plain data into ``cls``. All mistakes are reported together."""
    import pydantic
    from pydantic_core import to_json

    touched = tuple(overridden)
    if dates := _dates(data, where):
        raise ConfigError(*(Problem(place, "is a date or a time", "write text in quotes") for place in dates))
    adapter: pydantic.TypeAdapter[T] = _adapter(cls)  # type: ignore[arg-type]  # every class is hashable
    try:
        # JSON mode is strict about types (true is not 1) and still lets an array be a tuple.
        return adapter.validate_json(to_json(data, inf_nan_mode="constants"), strict=True)
    except pydantic.ValidationError as error:
        mistakes = error.errors(include_url=False)
        found = [_problem(cls, e, where, touched) for e in mistakes[:MAX_PROBLEMS]]
        if len(mistakes) > MAX_PROBLEMS:
            found.append(Problem(where, f"has {len(mistakes) - MAX_PROBLEMS} more mistakes", "mend these first"))
        raise ConfigError(*found) from None


def _dates(node: Any, place: str) -> list[str]:
    """Places of dates and times, which TOML has and no file here: JSON would make text of them."""
    if isinstance(node, datetime.date | datetime.time):
        return [place]
    items = node.items() if isinstance(node, Mapping) else enumerate(node) if isinstance(node, list) else ()
    mark = "." if ":" in place else ":"
    return [found for key, value in items for found in _dates(value, f"{place}{mark}{key}")]


@functools.lru_cache(maxsize=64)
def _adapter(cls: Any) -> Any:
    """What reads and writes ``cls``; making it takes longer than all that it does to a file."""
    import pydantic

    return pydantic.TypeAdapter(cls)


_REMEDIES = {  # by the beginning of the type of pydantic's error
    "string": "write text in quotes",
    "int": "write a whole number",
    "float": "write a number",
    "finite": "write a finite number",
    "bool": "write true or false",
    "tuple": "write a list of that length",
    "too_": "write a list of that length",
    "list": "write a list",
    "dict": "write a table",
    "dataclass": "write a table",
    "greater": "raise it",
    "less": "lower it",
}


def _problem(cls: Any, error: Any, where: str, touched: tuple[str, ...]) -> Problem:
    loc, fields = _locate(cls, error["loc"])
    key = ".".join(loc)
    place = f"{where}:{key}" if key else where
    if any(key == t or key.startswith(t + ".") or t.startswith(key + ".") for t in touched) and key:
        place = f"override {key}"
    kind, context = error["type"], error.get("ctx", {})
    if kind in {"unexpected_keyword_argument", "extra_forbidden"}:
        return Problem(place, _UNKNOWN, nearest(loc[-1], fields))
    if kind in {"missing", "missing_argument", "missing_keyword_only_argument"}:
        return Problem(place, "is required and absent", "add it")
    if kind in {"literal_error", "union_tag_invalid"}:
        expected = context.get("expected") or context.get("expected_tags", "")
        value = error["input"] if kind == "literal_error" else context.get("tag")
        names = re.findall(r"'([^']*)'", str(expected)) or [str(expected)]
        return Problem(place, f"is {str(value)[:60]!r}", nearest(str(value), names))
    if kind == "union_tag_not_found":
        return Problem(place, f"needs the key {context.get('discriminator', '')}", "add it")
    if kind == "value_error":
        message, _, remedy = str(context.get("error", error["msg"])).partition("; ")
        return Problem(place, message, remedy or "correct it")
    if error["input"] is None:
        return Problem(place, "is none, but cannot be absent", "give a value, or leave it out for the default")
    message = error["msg"][0].lower() + error["msg"][1:]
    shown = repr(error["input"])
    remedy = next((told for start, told in _REMEDIES.items() if kind.startswith(start)), "correct it")
    if isinstance(error["input"], Mapping | list):
        return Problem(place, message, remedy)
    return Problem(place, f"{message}, got {shown[:60]}", remedy)


def _locate(cls: Any, loc: tuple[Any, ...]) -> tuple[list[str], list[str]]:
    """Drop pydantic's union tags from ``loc``; also return the keys allowed beside its last part."""
    path: list[str] = []
    node: Any = cls
    fields: list[str] = []
    for part in loc:
        node = _strip(node)
        members = [_strip(m) for m in typing.get_args(node)] if _is_union(node) else [node]
        members = [m for m in members if m is not type(None)]
        if _is_union(node) and not isinstance(part, int):
            members = [_strip(n) for m in members for n in (typing.get_args(m) if _is_union(m) else [m])]
            tagged = [m for m in members if part in {getattr(m, "__name__", None), *_tags(m)}]
            if tagged:  # pydantic put the chosen member's tag here; it is not a key of the file
                node = tagged[0]
                continue
        path.append(str(part))
        node, fields = _child(members, part)
    return path, fields


def _child(members: list[Any], part: Any) -> tuple[Any, list[str]]:
    fields: list[str] = []
    found: Any = Any
    for member in members:
        if dataclasses.is_dataclass(member):
            hints = typing.get_type_hints(member, include_extras=True)
            names = [f.name for f in dataclasses.fields(member)]
            fields += names
            if part in names:
                found = hints[part]
        elif typing.get_origin(member) in {tuple, list}:
            found = typing.get_args(member)[0]
        elif typing.get_origin(member) in {dict, Mapping}:
            found = typing.get_args(member)[1]
    return found, fields


def _strip(node: Any) -> Any:
    while typing.get_origin(node) is Annotated:
        node = typing.get_args(node)[0]
    return node


def _is_union(node: Any) -> bool:
    return typing.get_origin(node) in {typing.Union, types.UnionType}


def _tags(member: Any) -> set[str]:
    """All values of a union member's Literal fields: these are what a discriminator may hold."""
    if not dataclasses.is_dataclass(member):
        return set()
    hints = typing.get_type_hints(member)
    return {str(v) for h in hints.values() if typing.get_origin(h) is typing.Literal for v in typing.get_args(h)}


# --------------------------------------------------------------------------- overrides


def apply_overrides(data: Mapping[str, Any], overrides: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Return a copy of ``data`` with each ``a.b=value`` set, and the dotted keys that were set.

    The value is TOML (``3e-4``, ``[64, 64]``, ``true``); ``none`` switches off what may be absent, as TOML has no word
    for it; a value that is not TOML is taken as a string.
    """
    merged = _copy(data)
    touched: list[str] = []
    problems: list[Problem] = []
    for override in overrides:
        key, equals, text = override.partition("=")
        parts = key.strip().split(".")
        if not equals or not all(parts) or len(parts) > MAX_NESTING:
            problems.append(Problem(f"override '{override[:60]}'", "is not key=value", "write e.g. trainer.lr=3e-4"))
            continue
        try:
            value = _parsed(f"value = {text}")["value"]
        except (tomllib.TOMLDecodeError, RecursionError, ValueError):
            value = None if text.strip() == "none" else text.strip()
        node: Any = merged
        for part in parts[:-1]:
            node = node.setdefault(part, {}) if isinstance(node, dict) else None
        if not isinstance(node, dict):
            problems.append(
                Problem(f"override {key}", "goes through a key that is not a table", "replace the whole table")
            )
            continue
        node[parts[-1]] = value
        touched.append(".".join(parts))
    if problems:
        raise ConfigError(*problems)
    return merged, touched


def _copy(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {k: _copy(v) for k, v in node.items()}
    return [_copy(v) for v in node] if isinstance(node, list) else node


# --------------------------------------------------------------------------- writing


def to_data(value: Any) -> dict[str, Any]:
    """Plain nested data of a schema dataclass; absent (None) values are left out, as TOML has no null."""
    data = _adapter(type(value)).dump_python(value, mode="json")  # type: ignore[arg-type]
    return typing.cast("dict[str, Any]", without_none(data))


def without_none(node: Any) -> Any:
    """Plain data without its absent values, as TOML can hold it."""
    if isinstance(node, dict):
        return {k: without_none(v) for k, v in node.items() if v is not None}
    return [without_none(v) for v in node] if isinstance(node, list) else node


def to_toml(value: Any) -> str:
    """Write a schema dataclass as TOML, ``schema = 1`` first; ``load`` of it gives an equal value."""
    import tomli_w

    data = to_data(value)
    data.pop("schema", None)
    return tomli_w.dumps({"schema": SCHEMA_VERSION, **data})
