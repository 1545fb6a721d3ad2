"""What the file of a neuron model or of a plasticity rule must contain.

A model is a dataclass (:func:`snnctl.config.schema`) in a file of its own, beside its functions. How a configuration
names one is in :mod:`snnctl.slots`.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import math
import sys
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any, TypeVar, cast, get_type_hints

from snnctl.slots import schema_defects

# Arguments of the functions of a rule, in the order of a tick; the last one is asked before ``consolidate``.
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
    "rests": ("c", "pre"),
}
_F = TypeVar("_F", bound=Callable[..., Any])
_STEP = "step(c: Constants, s: State, drive, current)"


def cached(function: _F) -> _F:
    """``functools.cache`` for functions of classes, with their types."""
    return cast(_F, functools.cache(function))


# --------------------------------------------------------------------------- what a model must have


def neuron_defects(cls: Any) -> list[str]:
    """Everything that keeps a class (and its module) from being a neuron model."""
    return defects(cls, "model")


def rule_defects(cls: Any) -> list[str]:
    """Everything that keeps a class (and its module) from being a plasticity rule."""
    return defects(cls, "rule")


def defects(cls: type, key: str) -> list[str]:
    """Everything that keeps ``cls`` (and its module) from being a neuron model (key "model") or a rule ("rule")."""
    found = schema_defects(cls)
    if found and not dataclasses.is_dataclass(cls):
        return found
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
        named = arguments[:2] == ["c", "s"] and arguments[2:3] in (["drive"], ["_drive"])
        if not named or len(arguments) not in (4, 5):
            given = f"{function.__name__}({', '.join(arguments)})"
            told = "with `uniform` as a fifth argument of stochastic models, `_drive` for sources that take no synapses"
            found.append(f"{given} is not {_STEP}, {told}")
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
                found.append(f"{name} is not a function that the engine calls; {remedy}")
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
            found.append(f"{what}.{field} is {number!r}, not a number")
        elif math.isnan(number):  # infinity is an absent limit
            found.append(f"{what}.{field} is not a number (nan)")
    return found
