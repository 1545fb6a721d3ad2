"""Neuron models, plasticity rules and codes by name, as ``list``, ``show``, ``check`` and ``plot`` need them."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from snnctl import config, models
from snnctl.errors import InputError, NotFoundError, Problem, nearest

Kind = Literal["neuron", "rule", "code"]
PLURALS: dict[str, Kind] = {"neurons": "neuron", "rules": "rule", "codes": "code"}
KINDS: tuple[Kind, ...] = tuple(PLURALS.values())
KEYS = {"neuron": "model", "rule": "rule", "code": "kind"}  # the field of a configuration that holds the name
GROUPS = {"neuron": "snnctl.neurons", "rule": "snnctl.plasticity"}  # entry points

# What a required parameter without a default is in a check, by its unit.
_GUESSES = {"s": 0.02, "Hz": 20.0, "": 1.0}


class Word(NamedTuple):
    """A model, a rule or a code."""

    kind: Kind
    name: str
    cls: type

    @property
    def about(self) -> str:
        """Its definition in a line."""
        return text(self.cls).split("\n")[0].rstrip(".")


def words(kind: Kind) -> list[Word]:
    """All of a kind, those of the package first; installed ones that cannot be used are left out."""
    import importlib.metadata

    found = [Word(kind, _literal(cls, KEYS[kind]), cls) for cls in _classes(kind)]
    for point in importlib.metadata.entry_points(group=GROUPS.get(kind, "")) if kind in GROUPS else ():
        try:
            found.append(Word(kind, point.name, models.imported(point.value)))
        except ValueError:
            continue
    return sorted(found, key=lambda word: (models.is_users(word.cls), word.name))


def find(name: str, kind: str = "") -> Word:
    """The one that ``name`` means: a name of :func:`words`, or an import path ``package.module:Class``.

    Raises:
        NotFoundError: none has this name.
        InputError: it cannot be imported, or several kinds have this name.
    """
    if ":" in name:
        try:
            cls = models.imported(name)
        except ValueError as error:
            raise InputError(str(error)) from None
        is_rule = hasattr(sys.modules[cls.__module__], "Synapse") or "rule" in get_type_hints(cls)
        return Word("rule" if (kind or ("rule" if is_rule else "neuron")) == "rule" else "neuron", name, cls)
    wanted = [one for one in KINDS if kind in ("", one)]
    known = [word for one in wanted for word in words(one)]
    found = [word for word in known if word.name == name]
    if len(found) > 1:
        kinds = " or ".join(f"--kind {word.kind}" for word in found)
        raise InputError(Problem(f"'{name[:80]}'", f"is the name of {len(found)} things", f"add {kinds}"))
    if not found:
        what = " or ".join({"neuron": "neuron model", "rule": "plasticity rule", "code": "code"}[one] for one in wanted)
        raise NotFoundError(Problem(f"'{name[:80]}'", f"is no {what}", nearest(name, [word.name for word in known])))
    return found[0]


def instead(name: str, error: NotFoundError) -> None:
    """Nothing if ``name``, which is no entry, is a model, a rule or a code.

    Raises:
        NotFoundError: it is not; the message names the nearest of both.
    """
    known = [word.name for one in KINDS for word in words(one)]
    if name in known:
        return
    if "did you mean" in error.problems[0].remedy:
        raise error
    from snnctl import library

    known += [entry.name for one in library.KINDS for entry in library.entries(one)]
    what = "is no env, agent, recipe, chip, budget, space, neuron model, rule or code"
    raise NotFoundError(Problem(f"'{name[:80]}'", what, nearest(name, known)))


def text(cls: type) -> str:
    """The docstring of the file that holds the class, which has the equation; else that of the class."""
    own = sys.modules[cls.__module__].__doc__ or cls.__doc__ or ""
    return inspect.cleandoc(own)


def parameters(cls: type) -> list[dict[str, Any]]:
    """Name, type, bounds and default of every parameter."""
    found: list[dict[str, Any]] = []
    for field, hint in _hints(cls):
        if field.name in KEYS.values() and get_origin(hint) is Literal:
            continue
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        made = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        row: dict[str, Any] = {"name": field.name, "type": _type(hint), "required": required}
        found.append({**row, "default": None if required else made})
    return found


def configured(cls: type, assignments: Sequence[str]) -> tuple[Any, dict[str, Any]]:
    """A configuration of ``cls`` with ``name=value`` assignments, and the values guessed for the others it requires.

    Raises:
        ConfigError: all that is wrong with the assignments.
    """
    given, _ = config.apply_overrides({}, assignments)
    guessed = {}
    for field, hint in _hints(cls):
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            guessed[field.name] = given.get(field.name, _guess(hint))
    value: Any = config.validate(cls, {**guessed, **given}, cls.__name__)
    return value, {name: guess for name, guess in guessed.items() if name not in given}


def _classes(kind: Kind) -> tuple[type, ...]:
    if kind == "neuron":
        from snnctl.neurons import MODELS

        return MODELS
    if kind == "rule":
        from snnctl.plasticity import RULES

        return RULES
    from snnctl import coding

    public = (getattr(coding, name) for name in coding.__all__)
    return tuple(cls for cls in public if isinstance(cls, type) and "kind" in get_type_hints(cls))


def _literal(cls: type, key: str) -> str:
    return str(get_args(get_type_hints(cls)[key])[0])


def _hints(cls: type) -> list[tuple[Any, Any]]:
    hints = get_type_hints(cls, include_extras=True)
    fields: Any = dataclasses.fields(cls)
    return [(field, hints[field.name]) for field in fields if field.init]


def _marks(hint: Any) -> tuple[Any, ...]:
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()


def _guess(hint: Any) -> Any:
    unit = next((mark.symbol for mark in _marks(hint) if isinstance(mark, config.Unit)), "")
    return _GUESSES.get(unit, 1.0)


def _type(hint: Any) -> str:
    """``float (s), > 0`` for Annotated[Seconds, Gt(0)]."""
    bare = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if get_origin(bare) is Literal:
        return " | ".join(repr(value) for value in get_args(bare))
    if get_args(bare):
        return " | ".join("none" if one is type(None) else _type(one) for one in get_args(bare))
    unit = "".join(f" ({mark.symbol})" for mark in _marks(hint) if isinstance(mark, config.Unit))
    signs = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
    bounds = [f"{signs[k]} {getattr(mark, k):g}" for mark in _marks(hint) for k in signs if hasattr(mark, k)]
    return ", ".join([getattr(bare, "__name__", str(bare)) + unit, *bounds])
