"""Slots: the places of a configuration where a named part goes, and who may name one from outside the package.

A part is chosen by a key of its table, in each slot in the same three ways:

    neuron = { model = "lif", tau_mem_s = "20ms" }              one of the package's table
    neuron = { model = "resonator", frequency_hz = 5.0 }        an entry point of the slot's group, installed
    neuron = { model = "mylab.neurons:Resonator", ... }         an import path

A part of most slots is a dataclass (:func:`snnctl.config.schema`) whose fields are the other keys of the table; a chip
family is an object. Tables are named by import path and read when they are needed, so a slot imports nothing.

**Trust.** An import path runs code. What the user types on the command line is trusted, installed entry points are,
and the modules that :func:`trust` was told of (``--trust mylab``, ``trust = ["mylab"]`` in ``settings.toml`` of
:func:`settings_folder`); a word covers a module and all below it. What a file says is not trusted: it is refused with
the way to allow it, or, inside :func:`unresolved`, kept as an :class:`Unresolved` part, to be shown and not used.
The trusted names are in the environment variable ``SNNCTL_TRUST``, so that worker processes have them too.
Other fields that may name Python are marked: ``function: Annotated[str, PYTHON]``. :func:`untrusted` finds all that is
not allowed in a configuration, whatever kind of name it is.
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import importlib
import importlib.metadata
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

from snnctl import config
from snnctl.errors import ConfigError, InputError, Problem, nearest
from snnctl.plain_table import plain

_TRUST = "SNNCTL_TRUST"
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_TYPED = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w./:-]*")  # environment ids, too


@dataclasses.dataclass(frozen=True)
class Slot:
    """One kind of part. As an annotation, ``Annotated[Any, slot]``, it reads and writes a table of a configuration."""

    noun: str  # what one part is called in messages
    key: str  # of a table, holds the name
    group: str  # entry points
    table: str  # import path of the package's own: a tuple of parts, or name -> import path, imported when asked for
    check: str = ""  # import path of a function (part) -> list of what keeps it from being such a part
    # import path of a class (name, part, arguments) that stands for a part which is not a configuration itself, and has
    # the table that it was read from
    stand_in: str = ""

    @property
    def parts(self) -> dict[str, Any]:
        """The package's own parts by name."""
        return {name: _part(part) for name, part in self._own().items()}

    def _own(self) -> dict[str, Any]:
        """The package's parts, or their import paths, by name."""
        table: tuple[type, ...] | dict[str, str] = _value(self.table)
        return table if isinstance(table, dict) else {literal(part, self.key): part for part in table}

    @property
    def installed(self) -> dict[str, str]:
        """Import paths of the parts that installed packages bring, by name."""
        return {point.name: point.value for point in importlib.metadata.entry_points(group=self.group)}

    def names(self) -> list[str]:
        """Every name that needs no import path."""
        return [*self._own(), *sorted(set(self.installed) - set(self._own()))]

    def find(self, name: str) -> Any:
        """The part called ``name``.

        Raises:
            ValueError: there is none; it is not trusted; or it cannot be imported or is not such a part: all in a line.
        """
        if (own := self._own()).get(name) is not None:
            return _part(own[name])
        if ":" in name:
            require_trust(name)
            return self.imported(name)
        if name in (installed := self.installed):
            return self.imported(installed[name])
        raise ValueError(f"is {name[:60]!r}; {nearest(name, self.names())}")

    def imported(self, path: str) -> Any:
        """The part at an import path that the user typed or installed.

        Raises:
            ValueError: it cannot be imported, or it is not such a part.
        """
        part = imported(path)
        if found := self.defects(part):
            raise ValueError(f"'{path}' is not a {self.noun}: {'; '.join(found)}")
        return part

    def defects(self, part: Any) -> list[str]:
        """Everything that keeps ``part`` from being one of this slot."""
        if self.check:
            found: list[str] = _value(self.check)(part)
            return found
        return schema_defects(part)

    def name_of(self, value: Any) -> str:
        """What messages and files call a part: its name, or the import path of a user's that is not installed."""
        if isinstance(value, Unresolved):
            return value.name
        cls = type(value)
        own = getattr(value, self.key, None) if not is_users(cls) else None
        return str(own or getattr(value, "name", None) or self._users_name(cls))

    def _users_name(self, cls: type) -> str:
        for name, path in self.installed.items():
            if name not in self._own() and path.partition(":")[0] in sys.modules and imported(path) is cls:
                return name
        return f"{cls.__module__}:{cls.__qualname__}"

    # ------------------------------------------------------------------ as an annotation of a field

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            self.read, serialization=core_schema.plain_serializer_function_ser_schema(self.dump)
        )

    def read(self, table: Any) -> Any:
        """The part that a table describes (a part is returned as it is).

        Raises:
            ValueError, pydantic.ValidationError: every mistake of the table, under its own keys.
        """
        if dataclasses.is_dataclass(table) and not isinstance(table, type):
            return table
        if not isinstance(table, dict):
            raise ValueError(f"must be a table with the key '{self.key}', not {table!r:.60}")
        name = table.get(self.key)
        if not isinstance(name, str):
            raise ValueError(f"needs the key {self.key}; {nearest('', self.names())}")
        if stays_unresolved(name):
            return Unresolved(self.key, name, table)
        try:
            cls = self.find(name)
        except ValueError as error:
            raise _mistakes(self.noun, [((self.key,), str(error), name)]) from None
        values = dict(table)
        if self.stand_in and not dataclasses.is_dataclass(cls):
            try:
                return _value(self.stand_in)(name, cls, plain(values))
            except ValueError as error:
                raise _mistakes(self.noun, [((), str(error), name)]) from None
        if self.key not in (hints := get_type_hints(cls)):
            values.pop(self.key)
        elif get_args(hints[self.key]):
            values[self.key] = literal(cls, self.key)
        try:
            return config.validate(cls, values, "")
        except ConfigError as error:
            lines = [_split(problem) for problem in error.problems]
            raise _mistakes(self.noun, [(where, message, None) for where, message in lines]) from None

    def dump(self, value: Any) -> Any:
        """The table that :meth:`read` turns back into ``value``."""
        if isinstance(value, Unresolved) or (self.stand_in and isinstance(value, _value(self.stand_in))):
            return dict(value.table)
        table = config.to_data(value)
        if is_users(type(value)):
            table[self.key] = self._users_name(type(value))
        return table


@dataclasses.dataclass(frozen=True)
class Unresolved:
    """A part that a file names and that nobody allowed to import: its table, which can be shown and written back."""

    key: str
    name: str
    table: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Named:
    """Marks a field whose text may be an import path, or a field of plain values any text of which may be one."""

    known: tuple[str, ...] = ()  # modules that are imported in any case

    def untrusted(self, value: Any, place: str) -> Iterator[Problem]:
        """A problem for each import path in ``value`` that nobody allowed."""
        if isinstance(value, str):
            while value.partition(":")[0] in self.known:
                value = value.partition(":")[2]
            if _TYPED.fullmatch(value) and not is_trusted(value):
                yield Problem(place, *_refusal(value))
        for key, item in _items(value):
            yield from self.untrusted(item, _below(place, key))


@dataclasses.dataclass(frozen=True)
class Trusted:
    """Marks a field that is refused where it names Python that nobody allowed; within :func:`unresolved` it is not."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self.read, handler(source))

    def read(self, value: Any) -> Any:
        """The value as it is; pydantic.ValidationError with a mistake for each name."""
        if not _LENIENT.get() and (found := untrusted(value)):
            raise _mistakes("environment", [((p.where,), f"{p.message}; {p.remedy}", None) for p in found])
        return value


TRUSTED = Trusted()
PYTHON = Named()
ENVIRONMENT = Named(("gymnasium", "snnctl.robots"))  # module:Env-v0, Gymnasium's form; these two are imported anyway


NEURONS = Slot("neuron model", "model", "snnctl.neurons", "snnctl.neurons:MODELS", "snnctl.models:neuron_defects")
RULES = Slot("plasticity rule", "rule", "snnctl.plasticity", "snnctl.plasticity:RULES", "snnctl.models:rule_defects")
ENCODERS = Slot("encoder", "kind", "snnctl.encoders", "snnctl.coding:ENCODERS", "snnctl.coding.code:encoder_defects")
DECODERS = Slot("decoder", "kind", "snnctl.decoders", "snnctl.coding:DECODERS", "snnctl.coding.code:decoder_defects")
DERIVATIVES = Slot(
    "surrogate derivative",
    "kind",
    "snnctl.derivatives",
    "snnctl.surrogate.derivatives:DERIVATIVES",
    "snnctl.surrogate.derivatives:defects",
)
CRITICS = Slot(
    "form of critics", "kind", "snnctl.critics", "snnctl.surrogate.critics:CRITICS", "snnctl.surrogate.critics:defects"
)
TRAINERS = Slot("trainer", "kind", "snnctl.trainers", "snnctl.training:TRAINERS", "snnctl.training.algorithm:defects")
WRAPPERS = Slot(
    "wrapper",
    "name",
    "snnctl.wrappers",
    "snnctl.robots.wrappers:WRAPPERS",
    "snnctl.robots.wrappers:defects",
    "snnctl.robots.wrappers:Foreign",
)
MODULATORS = Slot(
    "modulator", "kind", "snnctl.modulators", "snnctl.agent.modulators:MODULATORS", "snnctl.agent.modulator:defects"
)
FAMILIES = Slot("chip family", "family", "snnctl.chips", "snnctl.hardware:FAMILIES", "snnctl.hardware.family:defects")


# --------------------------------------------------------------------------- trust

_LENIENT: contextvars.ContextVar[bool] = contextvars.ContextVar("lenient", default=False)


def settings_folder() -> Path:
    """Where the user's own ``settings.toml`` lies: ``$XDG_CONFIG_HOME/snnctl`` or ``~/.config/snnctl``."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "snnctl"


def trust(*modules: str) -> None:
    """Allow files to name parts of these modules and of all below them, in this process and those that it starts.

    Raises:
        InputError: a word is not the name of a module.
    """
    for module in modules:
        if not _MODULE.fullmatch(module):
            raise InputError(Problem("--trust", f"'{module[:60]}' is not the name of a module", "write --trust mylab"))
    known = [*filter(None, os.environ.get(_TRUST, "").split(os.pathsep))]
    os.environ[_TRUST] = os.pathsep.join(dict.fromkeys([*known, *modules]))


def trust_typed(words: Sequence[str]) -> None:
    """Allow the modules of all import paths that the user typed, also in ``key=value`` and inline tables."""
    for text in words:
        for word in (text.rpartition("=")[2].strip(), *_QUOTED.findall(text)):
            if _TYPED.fullmatch(word := word.strip("'\"")):
                trust(word.partition(":")[0])


def is_trusted(path: str) -> bool:
    """Whether a file may name this import path."""
    module = path.partition(":")[0]
    words = [*filter(None, os.environ.get(_TRUST, "").split(os.pathsep)), *_settings()]
    return any(module == word or module.startswith(word + ".") for word in words)


def require_trust(path: str) -> None:
    """Refuse an import path that a file gives and that nobody allowed.

    Raises:
        ValueError: says how to allow it.
    """
    if not is_trusted(path):
        raise ValueError("; ".join(_refusal(path)))


def _refusal(path: str) -> tuple[str, str]:
    """What is said of an import path that nobody allowed, and how to allow it."""
    word = path.partition(":")[0].partition(".")[0]
    message = f"names Python code outside snnctl, '{path[:80]}', which is not imported"
    return message, f"if you trust it, add --trust {word}"


def stays_unresolved(name: str) -> bool:
    """Whether a name is only shown and not used: an import path that nobody allowed, within :func:`unresolved`."""
    return ":" in name and _LENIENT.get() and not is_trusted(name)


@contextlib.contextmanager
def unresolved() -> Iterator[None]:
    """Within the block, parts that are not trusted are read as :class:`Unresolved` instead of being refused."""
    token = _LENIENT.set(True)
    try:
        yield
    finally:
        _LENIENT.reset(token)


def left_unresolved(value: Any) -> list[Unresolved]:
    """Every unresolved part anywhere in a configuration."""
    if isinstance(value, Unresolved):
        return [value]
    return [u for _, item in _items(value) for u in left_unresolved(item)]


def untrusted(value: Any, place: str = "") -> list[Problem]:
    """A problem for each import path in a configuration that nobody allowed, under its key; unresolved parts too."""
    if isinstance(value, Unresolved):
        return [Problem(f"{place}.{value.key}", *_refusal(value.name))]
    found = list[Problem]()
    hints = get_type_hints(type(value), include_extras=True) if dataclasses.is_dataclass(value) else {}
    for key, item in _items(value):
        below = _below(place, key)
        marks = [mark for mark in getattr(hints.get(str(key)), "__metadata__", ()) if isinstance(mark, Named)]
        found += [p for mark in marks for p in mark.untrusted(item, below)] if marks else untrusted(item, below)
    return found


def _below(place: str, key: str | int) -> str:
    return f"{place}[{key}]" if isinstance(key, int) else f"{place}.{key}" if place else key


def _items(value: Any) -> list[tuple[str | int, Any]]:
    """What a part of a configuration holds, by key or number."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(f.name, getattr(value, f.name)) for f in dataclasses.fields(value)]
    if isinstance(value, dict):
        return [(str(key), item) for key, item in value.items()]
    return [*enumerate(value)] if isinstance(value, tuple | list) else []


def _settings() -> tuple[str, ...]:
    path = settings_folder() / "settings.toml"
    if not path.is_file():
        return ()
    words = config.read_toml(path).get("trust", [])
    if not isinstance(words, list) or not all(isinstance(w, str) and _MODULE.fullmatch(w) for w in words):
        raise ConfigError(Problem(f"{path}:trust", "is not a list of names of modules", 'write trust = ["mylab"]'))
    return tuple(words)


# --------------------------------------------------------------------------- parts


def imported(path: str) -> Any:
    """The object at the import path ``package.module:Name``.

    Raises:
        ValueError: it cannot be imported.
    """
    module, _, attribute = path.partition(":")
    if not _PATH.fullmatch(path):
        raise ValueError(f"'{path[:80]}' is not an import path; write 'package.module:Name'")
    try:
        value: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(error.name + ".")):
            message = f"there is no module '{error.name}' here; install its package, or add its folder to PYTHONPATH"
            raise ValueError(f"'{path}' cannot be imported: {message}") from None
        raise ValueError(f"'{path}' cannot be imported: {error}") from None
    except Exception as error:  # whatever a user's module does when it is imported
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(f"'{path}' cannot be imported ({what}); write 'package.module:Name'") from None
    try:
        for part in attribute.split("."):
            value = getattr(value, part)
    except AttributeError:
        hint = nearest(attribute, _defined(sys.modules[module]))
        raise ValueError(f"'{path}' cannot be imported: {module} has no '{attribute}'; {hint}") from None
    return value


def _defined(module: Any) -> list[str]:
    """Names of the classes, functions and objects of its classes that a module, or one below it, defines."""
    inside = (module.__name__, f"{module.__name__}.")
    made = {name: str(getattr(value, "__module__", "")) for name, value in vars(module).items() if name[0] != "_"}
    return [name for name, where in made.items() if where == inside[0] or where.startswith(inside[1])]


def is_users(cls: type) -> bool:
    """Whether a class is from outside the package."""
    return cls.__module__.partition(".")[0] != "snnctl"


def literal(cls: type, key: str) -> str:
    """The name of a class of the package: the value of its Literal field ``key``."""
    hint = get_type_hints(cls)[key]
    assert hint == Literal[hint.__args__[0]]
    return str(get_args(hint)[0])


def schema_defects(part: Any) -> list[str]:
    """What keeps ``part`` from being a configuration; empty when nothing does."""
    if not isinstance(part, type):
        return ["it is not a class"]
    if not dataclasses.is_dataclass(part):
        return ["it is not a dataclass; decorate it with snnctl.config.schema"]
    if getattr(part, "__pydantic_config__", {}).get("extra") != "forbid":
        return ["it is a plain dataclass, which lets unknown keys pass; decorate it with snnctl.config.schema"]
    return []


def missing(part: Any, members: dict[str, str]) -> list[str]:
    """The members that ``part`` lacks, of ``{name: how it is written}``."""
    return [f"it has no {written}" for name, written in members.items() if not hasattr(part, name)]


def exports(package: str, *tables: dict[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package: it exports the classes of its tables, each imported when it is asked for."""
    paths = {path.partition(":")[2]: path for table in tables for path in table.values()}

    def find(name: str) -> Any:
        if name not in paths:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return _value(paths[name])

    return find


def _part(part: Any) -> Any:
    """A part of a table: itself, or at its import path."""
    return _value(part) if isinstance(part, str) else part


def _value(path: str) -> Any:
    module, _, attribute = path.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _split(problem: Problem) -> tuple[tuple[str, ...], str]:
    """Keys and text of a problem of a table that was validated as ``where = ""``."""
    keys = problem.where.removeprefix(":")
    text = f"{problem.message}; {problem.remedy}" if problem.remedy else problem.message
    return tuple(keys.split(".")) if keys else (), text


def _mistakes(title: str, lines: list[tuple[tuple[str, ...], str, Any]]) -> Any:
    """One pydantic error a line (keys, text, input), which the configuration around it tells with its own keys."""
    from pydantic import ValidationError
    from pydantic_core import InitErrorDetails, PydanticCustomError

    details = [
        InitErrorDetails(type=PydanticCustomError("value_error", "{text}", {"text": text}), loc=keys, input=given)
        for keys, text, given in lines
    ]
    return ValidationError.from_exception_data(title, details, input_type="json")
