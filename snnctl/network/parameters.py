"""Constants of a population's neurons, the same for all or with parameters that differ from neuron to neuron."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnctl.errors import NetworkError, Problem, nearest
from snnctl.models import cached
from snnctl.network.kernel_cache import distinct


def constants_table(
    neuron: Any, tick_s: float, size: int, parameters: Mapping[str, ArrayLike], where: str, dtype: Any
) -> tuple[Any, NDArray[Any], bool]:
    """Constants of one step for ``size`` neurons.

    Args:
        neuron: configuration of the model
        tick_s: duration of a tick (s)
        size: number of neurons n
        parameters: fields of the configuration that differ from neuron to neuron, each (n,)
        where: name of the population in errors
        dtype: float type of the engine

    Returns:
        An example of the constants; the table, one set of them or field-major (fields * n,); and whether
        all neurons share one set.

    Raises:
        NetworkError: a parameter is unknown, of wrong shape, not finite, or refused by the model.
    """
    scalar = np.dtype(dtype).type
    fields = [f.name for f in dataclasses.fields(neuron)]
    columns: dict[str, NDArray[Any]] = {}
    found: list[Problem] = []
    for name, given in parameters.items():
        column = np.asarray(given)
        if name not in fields or not isinstance(getattr(neuron, name), int | float | None):
            found.append(Problem(f"{where}.{name}", "is not a parameter of this neuron model", nearest(name, fields)))
        elif column.shape != (size,):
            found.append(Problem(f"{where}.{name}", f"has the shape {column.shape}, expected ({size},)"))
        elif not np.isfinite(column).all():
            found.append(Problem(f"{where}.{name}", f"has {np.count_nonzero(~np.isfinite(column))} values not finite"))
        else:
            columns[name] = column
    if found:
        raise NetworkError(*found)
    rows: dict[tuple[Any, ...], Any] = {}

    def constants(values: tuple[Any, ...]) -> Any:
        if values not in rows:
            try:
                own = dataclasses.replace(neuron, **dict(zip(columns, values, strict=True)))
                rows[values] = checked(own).constants(tick_s)
            except ValueError as error:
                raise NetworkError(*value_problems(error, where)) from None
        return rows[values]

    if not columns:
        shared = constants(())
        distinct(type(shared))
        return type(shared)(*(scalar(x) for x in shared)), np.array(shared, dtype), True
    listed = [constants(tuple(row)) for row in zip(*(c.tolist() for c in columns.values()), strict=True)]
    distinct(type(listed[0]))
    example = type(listed[0])(*(scalar(x) for x in listed[0]))
    return example, np.ascontiguousarray(np.array(listed, dtype).T).ravel(), False


def initial_values(neuron: Any, size: int, parameters: Mapping[str, ArrayLike], dtype: Any) -> NDArray[Any]:
    """State before the first tick, field-major (fields * n,), for parameters that :func:`constants_table` took."""
    if not parameters:
        return np.repeat(np.array(neuron.initial(), dtype), size)
    columns = [np.asarray(column).tolist() for column in parameters.values()]
    rows: dict[tuple[Any, ...], Any] = {}
    for values in zip(*columns, strict=True):
        if values not in rows:
            own = checked(dataclasses.replace(neuron, **dict(zip(parameters, values, strict=True))))
            rows[values] = own.initial()
    return np.array([rows[values] for values in zip(*columns, strict=True)], dtype).T.ravel()


def checked(model: Any) -> Any:
    """The configuration of a neuron or a rule after validation: neither its class nor ``replace`` checks bounds."""
    fields = {f.name: getattr(model, f.name) for f in dataclasses.fields(model)}
    return _adapter(type(model)).validate_python(fields, strict=False)


@cached
def _adapter(cls: type) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(cls)


def value_problems(error: ValueError, where: str) -> list[Problem]:
    """What a configuration was refused for, each with the name of its field where it has one."""
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        return [
            Problem(".".join((where, *map(str, e["loc"]))), f"{e['msg']}, got {e['input']!r}") for e in error.errors()
        ]
    return [Problem(where, str(error))]
