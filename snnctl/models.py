"""Neuron models and plasticity rules by name, entry point or import path.

In a configuration a model is a table with its name under a key (``model`` or ``rule``) and its parameters:

    neuron = { model = "lif", tau_mem_s = "20ms" }              one of the package
    neuron = { model = "resonator", frequency_hz = 5.0 }        an entry point of the group "snnctl.neurons"
    neuron = { model = "mylab.neurons:Resonator", ... }         an import path

A user's model is a dataclass (:func:`snnctl.config.schema`) in a file of its own, beside its functions. What such a
file must contain is what :func:`defects` looks for; written back, the model is named by its import path.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import importlib.metadata
import inspect
import math
import sys
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, cast, get_args, get_type_hints

from snnctl.errors import nearest

# Arguments of the functions of a rule, in the order of a tick.
HOOK_ARGUMENTS = {
    "modulate": ("c", "m", "signal"),
    "relax_pre": ("c", "pre"),
    "relax_post": ("c", "post"),
    "weight": ("c", "m", "syn", "pre", "post"),
    "arrive": ("c", "m", "syn", "pre", "post"),
    "mark_pre": ("c", "m", "pre"),
    "observe": ("c", "m", "post", "v", "spike", "teach"),
    "fire": ("c", "m", "syn", "pre", "post"),
    "mark_post": ("c", "m", "post"),
    "instruct": ("c", "m", "syn", "pre", "post", "teach"),
    "consolidate": ("c", "m", "syn", "pre", "post"),
    "settle": ("c", "m"),
}
_F = TypeVar("_F", bound=Callable[..., Any])
_STEP = "step(c: Constants, s: State, drive, current)"


def cached(function: _F) -> _F:
    """``functools.cache`` for functions of classes, with their types."""
    return cast(_F, functools.cache(function))


@dataclasses.dataclass(frozen=True)
class Named:
    """Annotation marker: a value of one of these classes, or of a user's, chosen by a key of its table."""

    key: str  # "model" or "rule"
    group: str  # entry points
    classes: tuple[type, ...]  # of the package; each has ``key`` as a Literal field

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        from pydantic import ValidationError
        from pydantic_core import core_schema

        choices = {literal(cls, self.key): handler(cls) for cls in self.classes}
        by_name = {literal(cls, self.key): cls for cls in self.classes}
        known = core_schema.tagged_union_schema(choices=choices, discriminator=self.key)

        def validate(value: Any, validate_known: Callable[[Any], Any]) -> Any:
            if dataclasses.is_dataclass(value) and not isinstance(value, type):
                return value
            name = value.get(self.key) if isinstance(value, dict) else None
            cls = None if name in choices or not isinstance(name, str) else self.find(name)
            try:
                return validate_known(value) if cls is None else _validated(cls, value, self.key)
            except ValidationError as error:
                raise _readable(error, cls or by_name.get(str(name)), str(name)) from None

        return core_schema.no_info_wrap_validator_function(
            validate, known, serialization=core_schema.plain_serializer_function_ser_schema(self.dump)
        )

    def dump(self, value: Any) -> Any:
        """The table that :meth:`find` and the class turn back into ``value``."""
        from pydantic import TypeAdapter

        table = TypeAdapter(type(value)).dump_python(value, mode="json")
        if type(value) not in self.classes:
            table[self.key] = f"{type(value).__module__}:{type(value).__qualname__}"
        return table

    def find(self, name: str) -> type | None:
        """The user's class called ``name``; None if no entry point or import path says so.

        Raises:
            ValueError: it cannot be imported, or what is imported is no such model: all that is wrong in one line.
        """
        if ":" not in name:
            points = importlib.metadata.entry_points(group=self.group, name=name)
            if not points:
                return None
            name = next(iter(points)).value
        cls = imported(name)
        if found := defects(cls, self.key):
            raise ValueError(f"'{name}' is no {_noun(self.key)}: {'; '.join(found)}")
        return cls


def imported(name: str) -> type:
    """The class at the import path ``package.module:Class``.

    Raises:
        ValueError: it cannot be imported or is no class.
    """
    module, _, attribute = name.partition(":")
    try:
        value: Any = importlib.import_module(module)
        for part in attribute.split("."):
            value = getattr(value, part)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(error.name + ".")):
            message = f"there is no module '{error.name}' here; install its package, or add its folder to PYTHONPATH"
            raise ValueError(f"'{name}' cannot be imported: {message}") from None
        raise ValueError(f"'{name}' cannot be imported: {error}") from None
    except AttributeError:
        names = [n for n, v in vars(sys.modules.get(module, module)).items() if dataclasses.is_dataclass(v)]
        hint = nearest(attribute, names)
        raise ValueError(f"'{name}' cannot be imported: {module} has no '{attribute}'; {hint}") from None
    except Exception as error:  # whatever a user's module does when it is imported
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise ValueError(f"'{name}' cannot be imported ({what}); write 'package.module:Class'") from None
    if not isinstance(value, type):
        raise ValueError(f"'{name}' is no class; write 'package.module:Class'")
    return value


def is_users(cls: type) -> bool:
    """Whether a class is from outside the package."""
    return cls.__module__.partition(".")[0] != "snnctl"


def literal(cls: type, key: str) -> str:
    """The name of a class of the package: the value of its Literal field ``key``."""
    hint = get_type_hints(cls)[key]
    assert hint == Literal[hint.__args__[0]]
    return str(get_args(hint)[0])


def name_of(value: Any, key: str) -> str:
    """What errors call a model: its name, or the import path of a user's."""
    cls = type(value)
    return f"{cls.__module__}:{cls.__qualname__}" if is_users(cls) else str(getattr(value, key, cls.__name__))


# --------------------------------------------------------------------------- what a model must have


def defects(cls: type, key: str) -> list[str]:
    """Everything that keeps ``cls`` (and its module) from being a neuron model (key "model") or a rule ("rule")."""
    if not isinstance(cls, type) or not dataclasses.is_dataclass(cls):
        return ["it is no dataclass; decorate it with snnctl.config.schema"]
    found: list[str] = []
    if getattr(cls, "__pydantic_config__", {}).get("extra") != "forbid":
        found.append("it is a plain dataclass, which lets unknown keys pass; decorate it with snnctl.config.schema")
    wanted = ("constants(self, tick_s)", "initial(self)") if key == "model" else ("constants(self, tick_s)",)
    for method in wanted:
        name, _, arguments = method.partition("(")
        own = getattr(cls, name, None)
        if not callable(own):
            found.append(f"it has no method {method}")
        elif len(inspect.signature(own).parameters) != len(arguments.split(",")):
            found.append(f"its method must be {method}")
    module = sys.modules[cls.__module__]
    return found + (_step_defects(module) if key == "model" else _rule_defects(module))


def value_defects(value: Any, key: str, tick_s: float) -> list[str]:
    """As :func:`defects`, for a configuration: also what its ``constants`` and ``initial`` return.

    A ValueError of ``constants`` is the model's own opinion on ``tick_s``, and none of these.
    """
    found = [d for d in defects(type(value), key) if "plain dataclass" not in d]
    if found:
        return found
    try:
        constants = value.constants(tick_s)
    except ValueError:
        return []
    except Exception as error:  # whatever a user's method does
        return [f"constants({tick_s:g}) raises {type(error).__name__}: {error}"]
    found = _number_defects(f"constants({tick_s:g})", constants)
    module = sys.modules[type(value).__module__]
    if key == "rule":
        if not found and type(constants).__module__ != module.__name__:
            found.append(
                f"constants() returns a {type(constants).__qualname__} of another module than the rule's functions"
            )
        return found + _synapse_defects(value, module)
    steps = [] if found else [f for f in _steps(module) if get_type_hints(f)["c"] is type(constants)]
    if not found and not steps:
        name = type(constants).__qualname__
        return [f"no function of {module.__name__} takes what constants() returns; write step(c: {name}, s: ...)"]
    try:
        initial = value.initial()
    except Exception as error:  # whatever a user's method does
        return [*found, f"initial() raises {type(error).__name__}: {error}"]
    found += _number_defects("initial()", initial)
    for function in steps:
        state = get_type_hints(function)["s"]
        if type(initial) is not state:
            told = f"{function.__name__} takes a {state.__qualname__}"
            found.append(f"initial() returns a {type(initial).__qualname__} where {told}")
    return found


def _noun(key: str) -> str:
    return "neuron model" if key == "model" else "plasticity rule"


def is_namedtuple(cls: Any) -> bool:
    """Whether ``cls`` is a class of NamedTuples with at least one field."""
    return isinstance(cls, type) and issubclass(cls, tuple) and bool(getattr(cls, "_fields", ()))


def functions(module: Any) -> Iterator[Callable[..., Any]]:
    """The functions that a module defines; of compiled ones the Python function."""
    for value in list(vars(module).values()):
        own = getattr(value, "py_func", value)
        if inspect.isfunction(own) and own.__module__ == module.__name__:
            yield own


def _hints(function: Any) -> dict[str, Any]:
    try:
        return get_type_hints(function)
    except Exception:  # a name that does not exist, or worse
        return {}


def _steps(module: Any) -> list[Callable[..., Any]]:
    """Functions whose ``c`` and ``s`` are annotated with NamedTuples."""
    return [f for f in functions(module) if all(is_namedtuple(_hints(f).get(name)) for name in ("c", "s"))]


def _step_defects(module: Any) -> list[str]:
    found: list[str] = []
    steps = _steps(module)
    for function in steps:
        arguments = list(inspect.signature(function).parameters)
        if arguments[:3] != ["c", "s", "drive"] or len(arguments) not in (4, 5):
            given = f"{function.__name__}({', '.join(arguments)})"
            found.append(f"{given} is no {_STEP}, with `uniform` as a fifth argument of stochastic models")
    if steps:
        return found
    candidates = [f for f in functions(module) if f.__name__.startswith("step")]
    if not candidates:
        return [f"{module.__name__} has no function {_STEP}"]
    for function in candidates:
        hints, declared = _hints(function), inspect.signature(function).parameters
        for name, what in (("c", "constants"), ("s", "the state")):
            if name not in declared:
                found.append(f"{function.__name__} has no argument '{name}'; write {_STEP}")
            elif not is_namedtuple(hints.get(name)):
                kind = declared[name].annotation
                shown = "nothing" if kind is inspect.Parameter.empty else getattr(kind, "__name__", str(kind))
                found.append(
                    f"{function.__name__}: '{name}' must be annotated with the NamedTuple of {what}, not {shown}"
                )
    return found


def _rule_defects(module: Any) -> list[str]:
    found: list[str] = []
    for name in ("Synapse", "Pre", "Post", "Shared"):
        if not is_namedtuple(getattr(module, name, None)):
            found.append(
                f"{module.__name__} has no NamedTuple {name} with a field (one called `none` if it needs none)"
            )
    if is_namedtuple(getattr(module, "Synapse", None)) and module.Synapse._fields[0] != "weight":
        found.append(f"the first field of Synapse must be weight, not {module.Synapse._fields[0]}")
    hooks = {name: getattr(module, name) for name in HOOK_ARGUMENTS if hasattr(module, name)}
    for name, function in hooks.items():
        arguments = tuple(inspect.signature(getattr(function, "py_func", function)).parameters)
        if len(arguments) != len(HOOK_ARGUMENTS[name]):
            found.append(f"{name}({', '.join(arguments)}) must be {name}({', '.join(HOOK_ARGUMENTS[name])})")
    for function in functions(module):
        name, arguments = function.__name__, tuple(inspect.signature(function).parameters)
        if name not in hooks and not name.startswith("_") and arguments[:1] == ("c",):
            close = get_close_matches(name, HOOK_ARGUMENTS, n=1, cutoff=0.7)
            if close:
                remedy = f"did you mean '{close[0]}'? (begin the name of a helper with _)"
                found.append(f"{name} is no function that the engine calls; {remedy}")
    if not hooks:
        found.append(f"{module.__name__} has none of the functions {', '.join(HOOK_ARGUMENTS)}")
    return found


def _synapse_defects(value: Any, module: Any) -> list[str]:
    if not hasattr(value, "initial_synapse"):
        return []
    fields = module.Synapse._fields[1:]
    try:
        initial = tuple(value.initial_synapse())
    except Exception as error:  # whatever a user's method does
        return [f"initial_synapse() raises {type(error).__name__}: {error}"]
    if len(initial) != len(fields):
        return [f"initial_synapse() returns {len(initial)} numbers for the fields {', '.join(fields) or 'none'}"]
    return []


def _number_defects(what: str, value: Any) -> list[str]:
    if not is_namedtuple(type(value)):
        return [f"{what} returns a {type(value).__name__}; it must be a NamedTuple of numbers"]
    found = []
    for field, number in zip(value._fields, value, strict=True):
        if isinstance(number, bool) or not isinstance(number, int | float):
            found.append(f"{what}.{field} is {number!r}, no number")
        elif math.isnan(number):  # infinity is an absent limit
            found.append(f"{what}.{field} is not a number (nan)")
    return found


# --------------------------------------------------------------------------- reading tables


def _validated(cls: type, table: dict[str, Any], key: str) -> Any:
    from pydantic import TypeAdapter
    from pydantic_core import to_json

    values = dict(table)
    if key not in get_type_hints(cls):
        values.pop(key)
    elif get_args(get_type_hints(cls)[key]):
        values[key] = literal(cls, key)
    return TypeAdapter(cls).validate_json(to_json(values, inf_nan_mode="constants"), strict=True)


def _readable(error: Any, cls: type | None, name: str) -> Any:
    """The mistakes of a table under its own keys, without the union's tag; unknown keys with the nearest known one."""
    from pydantic import ValidationError
    from pydantic_core import InitErrorDetails, PydanticCustomError

    fields = [f.name for f in dataclasses.fields(cls)] if cls is not None else []
    lines: list[InitErrorDetails] = []
    for mistake in error.errors(include_url=False):
        loc = mistake["loc"][1:] if mistake["loc"][:1] == (name,) else mistake["loc"]
        line = InitErrorDetails(type=mistake["type"], loc=loc, input=mistake["input"], ctx=mistake.get("ctx", {}))
        if mistake["type"] in {"unexpected_keyword_argument", "extra_forbidden"}:
            line["type"] = PydanticCustomError("value_error", f"is not a known key; {nearest(str(loc[-1]), fields)}")
        lines.append(line)
    return ValidationError.from_exception_data(error.title, lines, input_type="json")
