"""Parts by name, as ``list``, ``show``, ``check`` and ``plot`` need them: neuron models, plasticity rules, codes, ...

Surrogate derivatives, critics, trainers, wrappers and chip families are imported only where no other part has the name.
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from snnctl import config, library, slots
from snnctl.errors import InputError, NotFoundError, Problem, nearest
from snnctl.slots import Slot

Kind = Literal["neuron", "rule", "code", "derivative", "critic", "trainer", "modulator", "wrapper", "family"]
PLURALS: dict[str, Kind] = {
    "neurons": "neuron",
    "rules": "rule",
    "codes": "code",
    "derivatives": "derivative",
    "critics": "critic",
    "trainers": "trainer",
    "modulators": "modulator",
    "wrappers": "wrapper",
    "families": "family",
}
KINDS: tuple[Kind, ...] = tuple(PLURALS.values())
SLOTS: dict[Kind, tuple[Slot, ...]] = {
    "neuron": (slots.NEURONS,),
    "rule": (slots.RULES,),
    "code": (slots.ENCODERS, slots.DECODERS),
    "derivative": (slots.DERIVATIVES,),
    "critic": (slots.CRITICS,),
    "trainer": (slots.TRAINERS,),
    "modulator": (slots.MODULATORS,),
    "wrapper": (slots.WRAPPERS,),
    "family": (slots.FAMILIES,),
}
_FIRST, _LAST = KINDS[:3], KINDS[3:]  # the last take long to import
_KEYS = {slot.key for some in SLOTS.values() for slot in some}  # fields that hold a name
CHOICES = (*KINDS, "encoder", "decoder")  # of --kind; an encoder and a decoder may have the same name
_NOUNS = {
    "neuron": "neuron model",
    "rule": "plasticity rule",
    "derivative": "surrogate derivative",
    "critic": "form of critics",
    "wrapper": "wrapper of environments",
    "family": "chip family",
}

# What a required parameter without a default is in a check, by its unit.
_GUESSES = {"s": 0.02, "Hz": 20.0, "": 1.0}


class Word(NamedTuple):
    """A part: a model, a rule, a code, ..."""

    kind: Kind
    name: str
    cls: Any  # of a chip family the object
    slot: Slot

    @property
    def about(self) -> str:
        """Its definition in a line."""
        return self.text.split("\n")[0].rstrip(".")

    @property
    def text(self) -> str:
        """The docstring of the file that holds the class, which has the equation; else that of the class."""
        shared = self.kind in ("derivative", "critic", "wrapper")  # one file holds several
        own = "" if shared else sys.modules[self.cls.__module__].__doc__
        return inspect.cleandoc(own or self.cls.__doc__ or "")

    @property
    def place(self) -> str:
        """Its import path."""
        module = self.cls.__module__
        if isinstance(self.cls, type):
            return f"{module}:{self.cls.__qualname__}"
        if ":" in self.name:
            return self.name
        named = [name for name, value in vars(sys.modules[module]).items() if value is self.cls]
        return f"{module}:{(named or [type(self.cls).__qualname__])[0]}"

    @property
    def keys(self) -> list[str]:
        """Names of its parameters; none if it is not a dataclass."""
        return [field.name for field in dataclasses.fields(self.cls) if field.init] if self.has_parameters else []

    @property
    def has_parameters(self) -> bool:
        """Whether it is a configuration; a chip family has its numbers in a chip file instead."""
        return isinstance(self.cls, type) and dataclasses.is_dataclass(self.cls)


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
    known: list[Word] = []
    for some in (_FIRST, _LAST):
        wanted = [one for one in some if kind in ("", one, *(slot.noun for slot in SLOTS[one]))]
        known += [word for one in wanted for word in words(one) if kind in ("", one, word.slot.noun)]
        if found := [word for word in known if word.name == name]:
            break
    if len(found) > 1:
        several = len({word.kind for word in found}) == len(found)
        kinds = " or ".join(f"--kind {word.kind if several else word.slot.noun}" for word in found)
        raise InputError(Problem(f"'{name[:80]}'", f"is the name of {len(found)} things", f"add {kinds}"))
    if not found:
        what = _NOUNS.get(kind, kind) or "neuron model, rule, code, derivative, critic, trainer, wrapper or chip family"
        raise NotFoundError(
            Problem(f"'{name[:80]}'", f"is not a known {what}", nearest(name, [word.name for word in known]))
        )
    return found[0]


def _slot_of(cls: Any, kind: str) -> Slot:
    """Where a class that the user names goes: what it is derived from or has, whether it is sound or not."""
    allowed = [slot for one in KINDS for slot in SLOTS[one] if kind in ("", one, slot.noun)]
    for slot in allowed:
        if not slot.defects(cls):
            return slot
    is_class = isinstance(cls, type)
    bases = {f"{base.__module__}.{base.__name__}" for base in getattr(cls, "__mro__", ())}
    likely = {
        slots.ENCODERS: "snnctl.coding.code.Encoder" in bases,
        slots.DECODERS: "snnctl.coding.code.Decoder" in bases,
        slots.CRITICS: "snnctl.surrogate.critics.Critic" in bases,
        slots.TRAINERS: "snnctl.training.algorithm.Trainer" in bases,
        slots.MODULATORS: "snnctl.agent.modulator.ModulatorConfig" in bases,
        slots.WRAPPERS: is_class and callable(getattr(cls, "wrap", None)),
        slots.RULES: is_class and (hasattr(sys.modules[cls.__module__], "Synapse") or "rule" in _names(cls)),
        slots.DERIVATIVES: is_class and callable(getattr(cls, "replace", None)),
        slots.FAMILIES: not is_class and not callable(cls),
    }
    return next((slot for slot in allowed if likely.get(slot)), allowed[0])


def _names(cls: type) -> set[str]:
    return {name for base in cls.__mro__ for name in vars(base).get("__annotations__", {})}


def instead(name: str, error: NotFoundError) -> None:
    """Nothing if ``name``, which is not an entry, is a part.

    Raises:
        NotFoundError: it is not; the message names the nearest of both.
    """
    known: list[str] = []
    for kinds in (_FIRST, _LAST):
        known += [word.name for one in kinds for word in words(one)]
        if name in known:
            return
    if "did you mean" in error.problems[0].remedy or library.as_path(name).exists():
        raise error

    known += [entry.name for one in library.KINDS for entry in library.entries(one)]
    parts = "neuron model, rule, code, derivative, critic, trainer, wrapper or family"
    what = f"is not a known {', '.join(library.KINDS)}, {parts}"
    raise NotFoundError(Problem(f"'{name[:80]}'", what, nearest(name, known)))


def parameters(cls: type) -> list[dict[str, Any]]:
    """Name, type, bounds and default of every parameter."""
    found: list[dict[str, Any]] = []
    for field, hint in _hints(cls):
        if field.name in _KEYS and get_origin(hint) is Literal:
            continue
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        made = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):  # a table
            found += [{**below, "name": f"{field.name}.{below['name']}"} for below in parameters(hint)]
            continue
        row: dict[str, Any] = {"name": field.name, "type": _type(hint), "required": required}
        found.append({**row, "default": None if required else _plain(made)})
    return found


def _plain(value: Any) -> Any:
    return config.to_data(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value


def shared_out(chosen: Sequence[Word], assignments: Sequence[str]) -> list[list[str]]:
    """Of the ``name=value`` assignments, those for each word: every one goes to all that have such a parameter.

    Raises:
        InputError: none of them has it; not where one of them is unsound, which may have lost a parameter.
    """
    names = [assignment.partition("=")[0].strip().partition(".")[0] for assignment in assignments]
    known = {key for word in chosen for key in word.keys}
    message = " of ".join(["is not a known key", *filter(None, [", ".join(word.name for word in chosen)])])
    problems = [Problem(name, message, nearest(name, known)) for name in names if name not in known]
    if problems and not any(word.slot.defects(word.cls) for word in chosen):
        raise InputError(*problems)
    return [[a for a, name in zip(assignments, names, strict=True) if name in word.keys] for word in chosen]


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
    if nouns := [mark.noun for mark in _marks(hint) if isinstance(mark, Slot)]:
        return nouns[0]
    unit = "".join(f" ({mark.symbol})" for mark in _marks(hint) if isinstance(mark, config.Unit))
    signs = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
    bounds = [f"{signs[k]} {getattr(mark, k):g}" for mark in _marks(hint) for k in signs if hasattr(mark, k)]
    return ", ".join([getattr(bare, "__name__", str(bare)) + unit, *bounds])
