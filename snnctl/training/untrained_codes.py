"""Encoders and decoders that local rules leave alone: place cells that span the observations, decoders without weights.

Trainers of local rules learn between them. A recipe gives what the cells span, or the task's own bounds do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snnctl import slots
from snnctl.errors import Problem
from snnctl.training.blueprint import Blueprint

Ends = tuple[float, ...] | None


def problems(blueprint: Blueprint, low: Ends, high: Ends) -> list[Problem]:
    """A decoder whose tensors would have to be trained, observations without bounds."""
    found = []
    if blueprint.description.decoder.fixed(blueprint.task.action_size, blueprint.limits) is None:
        kind = slots.DECODERS.name_of(blueprint.description.decoder)
        message = f"is '{kind}', whose tensors would have to be trained"
        remedy = f"use one that needs no training: {', '.join(_decoders(blueprint))}"
        found.append(Problem(f"{blueprint.name}:decoder.kind", message, remedy))
    return [*found, *span(blueprint, low, high)[2]]


def _decoders(blueprint: Blueprint) -> list[str]:
    """Names of the package's decoders that the task could do with."""
    task, parts = blueprint.task, {name: part() for name, part in slots.DECODERS.parts.items()}
    fitting = {n: d for n, d in parts.items() if d.action_kind == task.action_kind and d.reads == "spikes"}
    return [n for n, decoder in fitting.items() if decoder.fixed(task.action_size, blueprint.limits) is not None]


def span(blueprint: Blueprint, low: Ends, high: Ends) -> tuple[NDArray[np.float64], NDArray[np.float64], list[Problem]]:
    """Lower and upper ends of the observations (dims,) that place cells span, and what is wrong with them."""
    ends, found = [], list[Problem]()
    given_ends = {"observation_low": low, "observation_high": high}
    for (key, given), own in zip(given_ends.items(), blueprint.bounds, strict=True):
        where = f"{blueprint.name}:trainer.{key}"
        end = own if given is None else np.array(given, np.float64)
        if end.size != own.size:
            remedy = f"needs one for each of {own.size} observations"
            found.append(Problem(where, f"has {end.size} entries", remedy))
        elif not (np.abs(end) < 1e30).all():  # some environments declare the largest float instead of infinity
            which = ", ".join(str(d) for d in np.flatnonzero(~(np.abs(end) < 1e30)))
            message = f"is missing, and the task declares no bound for observation {which}"
            found.append(Problem(where, message, "give what the inputs are to span, one number for each observation"))
        ends.append(end)
    if not found and not (ends[0] < ends[1]).all():
        which = ", ".join(str(d) for d in np.flatnonzero(~(ends[0] < ends[1])))
        message = f"is not below observation_high for observation {which}"
        found.append(Problem(f"{blueprint.name}:trainer.observation_low", message, "exchange or widen them"))
    return ends[0], ends[1], found
