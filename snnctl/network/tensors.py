"""What is wrong with the tensors of a network: names, shapes, types and values that would lead out of an array."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.errors import Problem, nearest
from snnctl.network.description import MAX_DELAY_TICKS, NetworkDescription, Projection

Tensors = Mapping[str, NDArray[Any]]


def problems(description: NetworkDescription, tensors: Tensors) -> list[Problem]:
    """All that keeps a sound description from running with these tensors; tensors of other parts are left alone."""
    found: list[Problem] = []
    shapes = description.tensor_shapes()
    for name in sorted(set(tensors) - set(shapes)):
        if name.startswith(("population.", "projection.")):
            found += _unknown(description, name)
    for name, spec in shapes.items():
        if name not in tensors:
            if spec.required:
                remedy = "give one number a neuron" if name.endswith(".bias") else ""
                found.append(Problem(name, "is missing", remedy))
            continue
        array = tensors[name]
        if spec.integer and array.dtype.kind not in "iu":
            found.append(Problem(name, f"has the type {array.dtype}", "expected integers"))
        elif not spec.fits(array.shape):
            found.append(Problem(name, f"has the shape {array.shape}, expected {_shown(spec.shape)}"))
        elif array.dtype.kind == "f" and not np.isfinite(array).all():
            found.append(Problem(name, f"has {np.count_nonzero(~np.isfinite(array))} values not finite"))
    return found + synapse_problems(description, tensors, {problem.where for problem in found})


def synapse_problems(description: NetworkDescription, tensors: Tensors, told: Collection[str] = ()) -> list[Problem]:
    """What lists and delays of synapses point to that does not exist; not of projections that ``told`` is about."""
    return [
        problem
        for projection in description.projections
        if not any(where.startswith(f"{projection.prefix}.") for where in told)
        for problem in _synapse_problems(description, projection, tensors)
    ]


def _unknown(description: NetworkDescription, name: str) -> list[Problem]:
    """A tensor of a population or projection that the network does not have, or that its model does not know."""
    for population in description.driven:
        field = name.removeprefix(population.parameter_name(""))
        if field != name:
            remedy = nearest(field, ["bias", *population.parameter_fields])
            return [Problem(name, "is not a parameter of this neuron model", remedy)]
    return [Problem(name, "is a tensor that the network does not name", nearest(name, description.tensor_shapes()))]


def _synapse_problems(description: NetworkDescription, projection: Projection, tensors: Tensors) -> list[Problem]:
    found: list[Problem] = []
    weight = tensors[projection.weight_name]
    if projection.connectivity == "sparse":
        targets = description.population(projection.target).size
        indptr, indices = tensors[projection.indptr_name], tensors[projection.indices_name]
        rising = indptr[0] == 0 and bool((np.diff(indptr) >= 0).all())
        if not rising or indptr[-1] != indices.size:
            message = f"must rise from 0 to the {indices.size} entries of .indices"
            found.append(Problem(projection.indptr_name, message))
        if indices.shape != weight.shape:
            message = f"has {weight.size} entries, .indices has {indices.size}"
            found.append(Problem(projection.weight_name, message))
        if indices.size and (indices.min() < 0 or indices.max() >= targets):
            found.append(Problem(projection.indices_name, f"name neurons outside 0 ... {targets - 1}"))
    delays = tensors.get(projection.delay_name)
    if delays is not None:
        least = 1 if description.decision == "streaming" else min(1, projection.delay_ticks)
        if delays.shape != weight.shape:
            message = f"has the shape {delays.shape}, the weights {weight.shape}"
            found.append(Problem(projection.delay_name, message))
        elif delays.size and (delays.min() < least or delays.max() > MAX_DELAY_TICKS):
            message = f"must lie between {least} and {MAX_DELAY_TICKS} ticks"
            found.append(Problem(projection.delay_name, message))
    return found


def _shown(shape: tuple[int | None, ...]) -> str:
    return f"({', '.join('any' if s is None else str(s) for s in shape)}{',' if len(shape) == 1 else ''})"
