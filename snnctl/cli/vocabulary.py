"""Neuron models, plasticity rules and codes by name, as ``list``, ``show``, ``check`` and ``plot`` need them."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from snnctl import config, slots
from snnctl.errors import InputError, NotFoundError, Problem, nearest
from snnctl.slots import Slot

Kind = Literal["neuron", "rule", "code"]
PLURALS: dict[str, Kind] = {"neurons": "neuron", "rules": "rule", "codes": "code"}
KINDS: tuple[Kind, ...] = tuple(PLURALS.values())
SLOTS: dict[Kind, tuple[Slot, ...]] = {
    "neuron": (slots.NEURONS,),
    "rule": (slots.RULES,),
    "code": (slots.ENCODERS, slots.DECODERS),
}
_KEYS = {slot.key for some in SLOTS.values() for slot in some}  # fields that hold a name
CHOICES = (*KINDS, "encoder", "decoder")  # of --kind; an encoder and a decoder may have the same name
_NOUNS = {"neuron": "neuron model", "rule": "plasticity rule"}

# What a required parameter without a default is in a check, by its unit.
_GUESSES = {"s": 0.02, "Hz": 20.0, "": 1.0}


class Word(NamedTuple):
    """A model, a rule or a code."""

    kind: Kind
    name: str
    cls: type
    slot: Slot

    @property
    def about(self) -> str:
        """Its definition in a line."""
        return text(self.cls).split("\n")[0].rstrip(".")


def words(kind: Kind) -> list[Word]:
    """All of a kind, those of the package first; installed ones that cannot be used are left out."""
    found = []
    for slot in SLOTS[kind]:
        found += [Word(kind, name, cls, slot) for name, cls in slot.parts.items()]
        for name, path in slot.installed.items():
            try:
                found.append(Word(kind, name, slots.imported(path), slot))
            except ValueError:
                continue
    return sorted(found, key=lambda word: (slots.is_users(word.cls), word.name))


def find(name: str, kind: str = "") -> Word:
    """The one that ``name`` means: a name of :func:`words`, or an import path ``package.module:Class``.

    Args:
        name: of it
        kind: one of :data:`CHOICES`; any if empty

    Raises:
        NotFoundError: none has this name.
        InputError: it cannot be imported, or several kinds have this name.
    """
    if ":" in name:
        try:
            cls = slots.imported(name)
        except ValueError as error:
            raise InputError(str(error)) from None
        slot = _slot_of(cls, kind)
        return Word(next(one for one in KINDS if slot in SLOTS[one]), name, cls, slot)
    known = [word for one in KINDS for word in words(one) if kind in ("", one, word.slot.noun)]
    found = [word for word in known if word.name == name]
    if len(found) > 1:
        several = len({word.kind for word in found}) == len(found)
        kinds = " or ".join(f"--kind {word.kind if several else word.slot.noun}" for word in found)
        raise InputError(Problem(f"'{name[:80]}'", f"is the name of {len(found)} things", f"add {kinds}"))
    if not found:
        what = _NOUNS.get(kind, kind) or "neuron model, plasticity rule or code"
        raise NotFoundError(
            Problem(f"'{name[:80]}'", f"is not a known {what}", nearest(name, [word.name for word in known]))
        )
    return found[0]


def _slot_of(cls: Any, kind: str) -> Slot:
    """Where a class that the user names goes: what it is derived from or has, whether it is sound or not."""
    allowed = [slot for one in KINDS for slot in SLOTS[one] if kind in ("", one, slot.noun)]
    fitting = [slot for slot in allowed if not slot.defects(cls)]
    if not fitting:
        is_rule = isinstance(cls, type) and (hasattr(sys.modules[cls.__module__], "Synapse") or "rule" in _names(cls))
        bases = {base.__name__ for base in getattr(cls, "__mro__", ()) if base.__module__ == "snnctl.coding.code"}
        likely = {slots.ENCODERS: "Encoder" in bases, slots.DECODERS: "Decoder" in bases, slots.RULES: is_rule}
        fitting = [slot for slot in allowed if likely.get(slot)]
    return (fitting or allowed)[0]


def _names(cls: type) -> set[str]:
    return {name for base in cls.__mro__ for name in vars(base).get("__annotations__", {})}


def instead(name: str, error: NotFoundError) -> None:
    """Nothing if ``name``, which is not an entry, is a model, a rule or a code.

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
    what = "is not a known env, agent, recipe, chip, budget, space, neuron model, rule or code"
    raise NotFoundError(Problem(f"'{name[:80]}'", what, nearest(name, known)))


def text(cls: type) -> str:
    """The docstring of the file that holds the class, which has the equation; else that of the class."""
    own = sys.modules[cls.__module__].__doc__ or cls.__doc__ or ""
    return inspect.cleandoc(own)


def parameters(cls: type) -> list[dict[str, Any]]:
    """Name, type, bounds and default of every parameter."""
    found: list[dict[str, Any]] = []
    for field, hint in _hints(cls):
        if field.name in _KEYS and get_origin(hint) is Literal:
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


def _hints(cls: type) -> list[tuple[Any, Any]]:
    hints = get_type_hints(cls, include_extras=True)
    fields: Any = dataclasses.fields(cls)
    return [(field, hints[field.name]) for field in fields if field.init]


def _marks(hint: Any) -> tuple[Any, ...]:
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()


def _guess(hint: Any) -> Any:
    bare = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if bare is int:
        return 2
    if get_origin(bare) is tuple:
        return [_guess(get_args(bare)[0])]
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
