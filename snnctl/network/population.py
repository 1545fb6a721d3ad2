"""Advances the neurons of one population by one tick, whatever their model.

A neuron model is one file of :mod:`snnctl.neurons`, or any importable module, with

- a configuration with ``constants(tick_s)``, a NamedTuple of numbers, and ``initial()``, the state before the
  first tick,
- a NamedTuple of the state of one neuron, and
- ``step(c, s, drive, current) -> (state, spike)``, annotated with the types of constants and state: plain
  Python on scalars, which is compiled here. ``drive`` is the summed weight of the spikes that are due; a model with
  several receptors annotates it with a NamedTuple that has a field a receptor. ``current`` is the bias of the neuron
  plus injected currents. A stochastic model takes a fifth argument, ``uniform``, a fresh number in (0, 1).

A model with several schemes has a class of constants and a step function for each of them.

The compiled kernels call :func:`advance`. The loop over the neurons is resolved by the *class* of the constants: it is
compiled once for each model, and found again in the kernel cache.
"""

from __future__ import annotations

import inspect
import sys
import typing
from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import binding
from numba import from_dtype, njit, types
from numba.extending import overload, register_jitable

from snnctl.coding.xoshiro import uniforms
from snnctl.models import cached
from snnctl.network.kernel_cache import separated
from snnctl.network.model_kernel import address, caller

ONE_RECEPTOR = ("input",)
_CHECKS = "snnctl_overlap_checks"


def _allow_overlap_checks() -> None:
    """Let the loop over the neurons become vector code for models with many fields.

    LLVM has to make sure before the loop that none of its arrays overlap, and gives up beyond 8 such checks; a model
    with two receptors and four fields needs 25. They cost nothing beside a loop. The option may be set only once in a
    process.
    """
    if not hasattr(binding, _CHECKS):
        binding.set_option("snnctl", "-runtime-memory-check-threshold=128")
        setattr(binding, _CHECKS, True)


_allow_overlap_checks()


@cached
def step_of(constants_class: type) -> Any:
    """The step function whose parameter ``c`` is annotated with this class, in the module of the class."""
    module = sys.modules[constants_class.__module__]
    for function in vars(module).values():
        if inspect.isfunction(function) and function.__module__ == module.__name__:
            hints = typing.get_type_hints(function)
            if hints.get("c") is constants_class and "s" in hints:
                return function
    raise TypeError(f"{module.__name__} has no function step(c: {constants_class.__name__}, s: ..., drive, current)")


@cached
def state_of(constants_class: type) -> Any:
    """The class of the state of one neuron of this model."""
    return typing.get_type_hints(step_of(constants_class))["s"]


@cached
def drive_of(constants_class: type) -> Any:
    """The NamedTuple of receptors of this model; None if it has a single one."""
    hint = typing.get_type_hints(step_of(constants_class)).get("drive")
    return hint if hasattr(hint, "_fields") else None


@cached
def takes_synapses(constants_class: type) -> bool:
    """Whether spikes have an effect on this model: not on a source, whose step calls its third argument ``_drive``."""
    return list(inspect.signature(step_of(constants_class)).parameters)[2] != "_drive"


def receptors_of(constants_class: type) -> tuple[str, ...]:
    """Names of the receptors of this model, the first being the default."""
    receptors = drive_of(constants_class)
    return ONE_RECEPTOR if receptors is None else tuple(receptors._fields)


@cached
def is_stochastic(constants_class: type) -> bool:
    """Whether the step of this model takes a random number."""
    return len(inspect.signature(step_of(constants_class)).parameters) == 5


# The helpers below are unrolled over the fields of NamedTuples. numba has no loop over fields that keeps views of
# one array each, and without such views LLVM cannot turn the loop over neurons into vector code.


def unrolled(arguments: str, result: str, **names: Any) -> Any:
    """A function made of one expression."""
    scope = dict(names)
    exec(f"def implementation({arguments}):\n    return {result}", scope)
    return scope["implementation"]


def views(count: Any, values: Any, first: Any, size: Any) -> Any:
    """``len(count)`` consecutive pieces of ``values`` of ``size`` each, from ``first``."""
    return tuple(values[first + size * f : first + size * (f + 1)] for f in range(len(count)))


@overload(views, strict=False)
def _views(count: Any, values: Any, first: Any, size: Any) -> Any:
    pieces = ", ".join(f"values[first + size * {f} : first + size * {f + 1}]" for f in range(len(count)))
    return unrolled("count, values, first, size", f"({pieces},)")


def constant_views(model: Any, pool: Any, first: Any, size: Any) -> Any:
    """The constants of ``size`` neurons of ``model``'s kind, field-major in ``pool`` from ``first``."""
    return views(type(model)._fields, pool, first, size)


@overload(constant_views, strict=False)
def _constant_views(model: Any, pool: Any, first: Any, size: Any) -> Any:
    count = (0,) * len(model.instance_class._fields)

    def implementation(model: Any, pool: Any, first: Any, size: Any) -> Any:
        return views(count, pool, first, size)

    return implementation


def constants_at(model: Any, fields: Any, j: Any) -> Any:
    """The constants of neuron ``j``."""
    return type(model)(*(field[j] for field in fields))


@overload(constants_at, strict=False)
def _constants_at(model: Any, fields: Any, j: Any) -> Any:
    parts = ", ".join(f"fields[{f}][j]" for f in range(len(fields)))
    return unrolled("model, fields, j", f"made({parts})", made=model.instance_class)


def scatter(value: Any, fields: Any, j: Any) -> None:
    """Make ``value``, a NamedTuple, element ``j`` of every field."""
    for field, part in zip(fields, value, strict=True):
        field[j] = part


@overload(scatter, strict=False)
def _scatter(value: Any, fields: Any, j: Any) -> Any:
    scope: dict[str, Any] = {}
    body = "\n".join(f"    fields[{f}][j] = value[{f}]" for f in range(len(fields)))
    exec(f"def implementation(value, fields, j):\n{body}", scope)
    return scope["implementation"]


def constants_from(model: Any, pool: Any, first: Any) -> Any:
    """The constants of ``model``'s class that ``pool`` holds from ``first``."""
    return type(model)(*pool[first : first + len(model)])


@overload(constants_from, strict=False)
def _constants_from(model: Any, pool: Any, first: Any) -> Any:
    parts = ", ".join(f"pool[first + {f}]" for f in range(len(model.instance_class._fields)))
    return unrolled("model, pool, first", f"made({parts})", made=model.instance_class)


def new_state(model: Any, fields: Any, j: Any) -> Any:
    """The state of neuron ``j`` of ``model``'s kind."""
    return state_of(type(model))(*(field[j] for field in fields))


@overload(new_state, strict=False)
def _new_state(model: Any, fields: Any, j: Any) -> Any:
    state_class = state_of(model.instance_class)
    parts = ", ".join(f"fields[{f}][j]" for f in range(len(state_class._fields)))
    return unrolled("model, fields, j", f"made({parts})", made=state_class)


def state_views(model: Any, values: Any, first: Any, size: Any) -> Any:
    """The fields of the states of ``size`` neurons of ``model``'s kind, field-major in ``values``."""
    return views(state_of(type(model))._fields, values, first, size)


@overload(state_views, strict=False)
def _state_views(model: Any, values: Any, first: Any, size: Any) -> Any:
    count = (0,) * len(state_of(model.instance_class)._fields)

    def implementation(model: Any, values: Any, first: Any, size: Any) -> Any:
        return views(count, values, first, size)

    return implementation


def drive_views(model: Any, drive: Any, size: Any) -> Any:
    """The drive of each receptor; ``drive`` is (receptors * size,)."""
    return views(receptors_of(type(model)), drive, 0, size)


@overload(drive_views, strict=False)
def _drive_views(model: Any, drive: Any, size: Any) -> Any:
    count = (0,) * len(receptors_of(model.instance_class))

    def implementation(model: Any, drive: Any, size: Any) -> Any:
        return views(count, drive, 0, size)

    return implementation


def drive_at(model: Any, fields: Any, j: Any) -> Any:
    """What neuron ``j`` is driven by: a number, or a NamedTuple of the model's receptors."""
    receptors = drive_of(type(model))
    return fields[0][j] if receptors is None else receptors(*(field[j] for field in fields))


@overload(drive_at, strict=False)
def _drive_at(model: Any, fields: Any, j: Any) -> Any:
    receptors = drive_of(model.instance_class)
    if receptors is None:
        return unrolled("model, fields, j", "fields[0][j]")
    parts = ", ".join(f"fields[{f}][j]" for f in range(len(receptors._fields)))
    return unrolled("model, fields, j", f"made({parts})", made=receptors)


def clear(model: Any, fields: Any, j: Any) -> None:
    """Nothing drives neuron ``j`` any more: the next tick begins with sums of zero."""
    for field in fields:
        field[j] = 0


@overload(clear, strict=False)
def _clear(model: Any, fields: Any, j: Any) -> Any:
    scope: dict[str, Any] = {}
    body = "\n".join(f"    fields[{f}][j] = 0" for f in range(len(receptors_of(model.instance_class))))
    exec(f"def implementation(model, fields, j):\n{body}", scope)
    return scope["implementation"]


def noise_of(model: Any, random: Any, drive: Any, size: Any) -> Any:
    """A fresh number in (0, 1) for each of ``size`` neurons of a stochastic model; nothing for others."""
    if not is_stochastic(type(model)):
        return drive
    numbers = np.empty(size, drive.dtype)
    uniforms(random, numbers)
    return numbers


@overload(noise_of, strict=False)
def _noise_of(model: Any, random: Any, drive: Any, size: Any) -> Any:
    def some(model: Any, random: Any, drive: Any, size: Any) -> Any:
        numbers = np.empty(size, drive.dtype)
        uniforms(random, numbers)
        return numbers

    def none(model: Any, random: Any, drive: Any, size: Any) -> Any:
        return drive

    return some if is_stochastic(model.instance_class) else none


def step(c: Any, s: Any, drive: Any, current: Any, noise: Any = None, j: Any = 0) -> Any:
    """One tick of one neuron of the model that ``c`` belongs to; ``noise[j]`` is for stochastic models."""
    if is_stochastic(type(c)):
        return step_of(type(c))(c, s, drive, current, noise[j])
    return step_of(type(c))(c, s, drive, current)


@overload(step, strict=False)
def _step(c: Any, s: Any, drive: Any, current: Any, noise: Any = None, j: Any = 0) -> Any:
    model_step = register_jitable(step_of(c.instance_class))

    def with_noise(c: Any, s: Any, drive: Any, current: Any, noise: Any = None, j: Any = 0) -> Any:
        return model_step(c, s, drive, current, noise[j])

    def without_noise(c: Any, s: Any, drive: Any, current: Any, noise: Any = None, j: Any = 0) -> Any:
        return model_step(c, s, drive, current)

    return with_noise if is_stochastic(c.instance_class) else without_noise


@separated
@njit(cache=True, nogil=True, error_model="numpy")
def _advance_one(
    model: Any,
    pool: Any,
    constant: Any,
    is_shared: Any,
    values: Any,
    first: Any,
    drive: Any,
    current: Any,
    random: Any,
    spikes: Any,
) -> int:
    size = spikes.size
    state = state_views(model, values, first, size)
    receptors = drive_views(model, drive, size)
    noise = noise_of(model, random, drive, size)
    if is_shared and current.size == 1:
        constants, same = constants_from(model, pool, constant), current[0]
        for j in range(size):
            before, arrived = new_state(model, state, j), drive_at(model, receptors, j)
            after, spike = step(constants, before, arrived, same, noise, j)
            scatter(after, state, j)
            clear(model, receptors, j)
            spikes[j] = spike
    elif is_shared:
        constants = constants_from(model, pool, constant)
        for j in range(size):
            before, arrived = new_state(model, state, j), drive_at(model, receptors, j)
            after, spike = step(constants, before, arrived, current[j], noise, j)
            scatter(after, state, j)
            clear(model, receptors, j)
            spikes[j] = spike
    else:
        table = constant_views(model, pool, constant, size)
        for j in range(size):
            before, arrived = new_state(model, state, j), drive_at(model, receptors, j)
            own = current[j] if current.size > 1 else current[0]
            after, spike = step(constants_at(model, table, j), before, arrived, own, noise, j)
            scatter(after, state, j)
            clear(model, receptors, j)
            spikes[j] = spike
    return 0


def _arguments(number: Any) -> tuple[Any, ...]:
    """Types of the arguments of :func:`_advance_one` after the model."""
    floats, place = types.Array(number, 1, "C"), types.int64
    random, spikes = types.Array(types.uint64, 1, "C"), types.Array(types.uint8, 1, "C")
    return floats, place, types.boolean, floats, place, floats, floats, random, spikes


_call: Any = caller(_arguments, types.int64, 9)


def population_kernels(examples: Sequence[Any], dtype: Any) -> Any:
    """What :func:`advance` takes for networks of these models: addresses, or without a compiler the examples.

    Args:
        examples: one instance of the constants of every model
        dtype: float type of the network
    """
    if not hasattr(_advance_one, "compile"):
        return tuple(examples)
    arguments = _arguments(from_dtype(np.dtype(dtype)))
    return np.array([address(_advance_one, type(example), arguments) for example in examples], np.int64)


def advance(
    models: Any,
    kind: Any,
    pool: Any,
    constant: Any,
    is_shared: Any,
    values: Any,
    first: Any,
    drive: Any,
    current: Any,
    random: Any,
    spikes: Any,
) -> None:
    """One tick of a population, in place.

    Args:
        models: what :func:`population_kernels` returns
        kind: index in ``models`` of this population's model
        pool: constants of all populations; this one's begin at ``constant``, one set if ``is_shared``,
            otherwise field-major with an element a neuron
        constant: index in ``pool``
        is_shared: whether all neurons have the same constants
        values: state of all populations; this one's is field-major from ``first``
        first: index in ``values``
        drive: summed weights of the spikes that are due, receptor-major (receptors * n,); zero afterwards, since
            whoever reads it has it at hand and a pass of its own would fetch it once more
        current: bias and injected current (n,), or (1,) if all neurons have the same
        random: generator state (4,) uint64, advanced by stochastic models
        spikes: (n,) uint8, overwritten
    """
    _advance_one(models[kind], pool, constant, is_shared, values, first, drive, current, random, spikes)


@overload(advance, strict=False)
def _advance(
    models: Any,
    kind: Any,
    pool: Any,
    constant: Any,
    is_shared: Any,
    values: Any,
    first: Any,
    drive: Any,
    current: Any,
    random: Any,
    spikes: Any,
) -> Any:
    arguments = "pool, constant, is_shared, values, first, drive, current, random, spikes"
    return unrolled(f"models, kind, {arguments}", f"call(models[kind], {arguments})", call=_call)
