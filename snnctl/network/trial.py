"""Tries the functions of one model alone, to name their mistake in a line.

A kernel that does not compile explains itself in a page of its own insides. Here each function of the model is called
once as Python and once compiled, with numbers of the types that the engine uses.
"""

from __future__ import annotations

import functools
import itertools
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit, types
from numba.core.errors import NumbaError

from snnctl.errors import NetworkError, Problem
from snnctl.models import HOOK_ARGUMENTS, value_defects
from snnctl.network.population import drive_of, is_stochastic, state_of, step_of
from snnctl.network.rules import functions, part
from snnctl.slots import NEURONS, RULES, is_users

# Of a message of the compiler: lines that name a place in the compiler, not the mistake.
_NOISE = ("Failed in nopython", "File ", "During", "Overload", ">>>", "-", "<source", "There are", "raised from", "^")


def calls(constants: Any, dtype: Any = np.float64) -> Iterator[tuple[Callable[..., Any], tuple[Any, ...]]]:
    """Functions of the model or rule of these constants, with arguments as the engine gives them."""
    scalar = np.dtype(dtype).type
    cls: Any = type(constants)
    c = cls(*(scalar(x) for x in constants))

    def filled(made: Any, value: float) -> Any:
        return made(*(scalar(value) for _ in made._fields))

    if not hasattr(sys.modules[cls.__module__], "Synapse"):
        drive = drive_of(cls)
        given = (c, filled(state_of(cls), 0.0), scalar(0.1) if drive is None else filled(drive, 0.1), scalar(0.1))
        yield step_of(cls), (*given, scalar(0.5)) if is_stochastic(cls) else given
        return
    values = {"c": c, "signal": scalar(0.5), "v": scalar(0.5), "spike": scalar(1.0), "teach": scalar(1.0)}
    values |= {n: filled(part(cls, p), 0.5) for n, p in zip(("m", "syn", "pre", "post"), _PARTS, strict=True)}
    for name, function in functions(cls).items():
        yield function, tuple(values[argument] for argument in HOOK_ARGUMENTS[name])


@functools.cache
def _compiled(function: Callable[..., Any]) -> Any:
    return njit(function, error_model="numpy")


_NUMBERS = ("weight", "rests")  # functions that return a number
_PARTS = ("Shared", "Synapse", "Pre", "Post")
_RESULTS = {"modulate": 0, "settle": 0, "arrive": 1, "fire": 1, "instruct": 1, "consolidate": 1, "relax_pre": 2}
_RESULTS |= {"mark_pre": 2, "relax_post": 3, "observe": 3, "mark_post": 3}


def mistake(function: Callable[..., Any], arguments: tuple[Any, ...], compiled: bool) -> str:
    """What is wrong with one function, and in which line; empty if nothing is."""
    name, file = function.__name__, function.__code__.co_filename
    called: Any = _compiled(function) if compiled else function
    try:
        with np.errstate(all="ignore"):
            result = called(*arguments)
    except NumbaError as error:
        return f"{name}: {_said(str(error), file)}"
    except Exception as error:  # whatever a user's function does
        if compiled:
            return f"{name}: the compiler fails: {type(error).__name__}: {_one_line(error)}"
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
        place = f"{Path(file).name}, line {lines[-1]}: " if lines else ""
        return f"{name}: {place}{type(error).__name__}: {_one_line(error)}"
    return _result_mistake(name, result, arguments) or (compiled and _kind_mistake(name, called)) or ""


def _kind_mistake(name: str, compiled: Any) -> str:
    """A result that is not always of one type, such as None in some branch."""
    if not hasattr(compiled, "overloads"):
        return ""
    kind: Any = compiled.overloads[compiled.signatures[-1]].signature.return_type
    own = kind[0] if name not in HOOK_ARGUMENTS else kind
    fits = name in _NUMBERS or isinstance(own, types.NamedTuple | types.NamedUniTuple)
    return "" if fits else f"{name}: its result is not of one type in all cases: {own}"


def widened(function: Callable[..., Any], arguments: tuple[Any, ...]) -> list[str]:
    """Fields of the result of a compiled function that have another type than its float32 arguments."""
    compiled = _compiled(function)
    compiled(*arguments)
    if not hasattr(compiled, "overloads"):
        return []
    result: Any = compiled.overloads[compiled.signatures[-1]].signature.return_type
    if function.__name__ not in HOOK_ARGUMENTS:
        result = result[0]
    if not hasattr(result, "fields"):
        return [] if str(result) == "float32" else [f"the result ({result})"]
    kinds = zip(result.fields, result.types, strict=True)
    return [f"{field} ({kind})" for field, kind in kinds if str(kind) != "float32"]


def require(value: Any, key: str, tick_s: float, where: str) -> None:
    """Raise NetworkError with everything that keeps a user's model from running; nothing for one of the package."""
    slot = NEURONS if key == "model" else RULES
    if is_users(type(value)) and (found := value_defects(value, key, tick_s)):
        raise NetworkError(*(Problem(f"{where} '{slot.name_of(value)}'", defect) for defect in found))


def explained(error: Exception, examples: Iterable[Any]) -> Exception:
    """``error`` of a kernel, or one that names the user's function which is to blame.

    Args:
        error: what the kernel raised
        examples: the constants of the models in it
    """
    for constants in examples:
        if is_users(type(constants)):
            for (function, given), compiled in itertools.product(list(calls(constants)), (False, True)):
                if said := mistake(function, given, compiled):
                    module = type(constants).__module__
                    return NetworkError(Problem(f"'{module}'", f"cannot run: {said}", "`snnctl check` tries it alone"))
    return error


def _result_mistake(name: str, result: Any, arguments: tuple[Any, ...]) -> str:
    if name in _NUMBERS:
        wanted: Any = float
        fits = np.ndim(result) == 0 and isinstance(result, int | float | np.number)
    elif name in _RESULTS:
        by_name = dict(zip(HOOK_ARGUMENTS[name], arguments, strict=True))
        wanted = type(by_name[("m", "syn", "pre", "post")[_RESULTS[name]]])
        fits = type(result) is wanted
    else:
        wanted = type(arguments[1])
        fits = isinstance(result, tuple) and len(result) == 2 and type(result[0]) is wanted
        if not fits:
            return f"{name}: returns a {type(result).__name__}; it must return ({wanted.__qualname__}, spike)"
        if result[1] not in (0, 1):
            return f"{name}: the spike is {result[1]!r}; it must be true or false"
    return "" if fits else f"{name}: returns a {type(result).__name__}; it must return a {wanted.__qualname__}"


def _said(message: str, file: str) -> str:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    place, code = "", ""
    for k, line in enumerate(lines):
        if line.startswith('File "') and Path(line[6:].partition('"')[0]).name == Path(file).name:
            place = f"{Path(file).name}, line {line.rpartition('line ')[2].rstrip(':')}: "
            marks = [n for n in range(k, len(lines)) if lines[n] == "^"]
            code = f" in `{lines[marks[0] - 1]}`" if marks else ""
    said = [line for line in lines if not line.startswith(_NOISE)]
    call = [line[4:] for line in lines if line.startswith(">>>")]
    what = said[0] if said else lines[0]
    if call and what.startswith("No implementation of function"):
        what = f"the compiler has no {call[-1]}"
    if plain := re.match(r"Untyped global name '(\w+)'.*<class 'function'>", what):
        what = f"'{plain[1]}' is not compiled; decorate it with numba.extending.register_jitable"
    return f"{place}{_one_line(what)}{code}"


def _one_line(text: object) -> str:
    return " ".join(str(text).split())[:300]
