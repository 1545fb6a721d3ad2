"""The agent that a training begins with, instead of random first weights.

Its tensors must have the names and shapes of those that the recipe's network, codes and normaliser have. What else
differs (ticks, time constants, environment) is the recipe's and is told: a change of it is what the training is for.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl import config
from snnctl.agent.description import AgentDescription, tensor_shapes
from snnctl.agent.folder import Agent, digest
from snnctl.errors import Notice, Problem
from snnctl.training.run_folder import differences
from snnctl.training.running_statistics import RunningStatistics

PARTS = ("encoder", "network", "decoder")
_SHOWN = 4  # differences that a message lists


def problems(start: Agent, description: AgentDescription, name: str) -> list[Problem]:
    """Every tensor of the recipe ``name`` that the agent lacks or has in another shape."""
    found = []
    for tensor, (shape, required, _) in tensor_shapes(description).items():
        given = start.tensors.get(tensor)
        if required and (given is None or given.shape != shape):
            has = "is absent" if given is None else f"is {given.shape}"
            message = f"{has} in the agent '{start.description.name}', the recipe needs {shape}"
            found.append(Problem(f"{name}: start: {tensor}", message))
    if found:
        remedy = f"train with what the agent has: {_told(start, description)}"
        found[-1] = found[-1]._replace(remedy=remedy)
    return found


def tell_differences(start: Agent, description: AgentDescription) -> None:
    """Notice where the agent's network or codes are other ones than those that are trained."""
    if differs := _told(start, description):
        warnings.warn(Notice(f"the agent '{start.description.name}' had {differs}"), stacklevel=2)


def begin(start: Agent, tensors: Mapping[str, NDArray[Any]]) -> RunningStatistics:
    """Write the agent's weights into tensors of its names; its statistics, as those of the steps that it saw."""
    for name, tensor in tensors.items():
        tensor[:] = start.tensors[name]
    mean = np.array(start.tensors["normaliser.mean"], np.float64)  # (dims,)
    seen = np.full(1, max(1.0, float(start.description.provenance.steps)))
    return RunningStatistics(seen, mean, seen * np.square(start.tensors["normaliser.std"], dtype=np.float64))


def label(start: Agent) -> str:
    """Name and hash, for the provenance of an agent that is trained from it."""
    return f"{start.description.name}, weights {digest(start.tensors)[:16]}"


def _told(start: Agent, description: AgentDescription) -> str:
    before, after = (_parts(d) for d in (start.description, description))
    told = [
        f"{key} = {old!r:.60} (the recipe {new!r:.60})"
        for key, old, new in differences(before, after)
        if not _same(old, new)
    ]
    more = f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    return "; ".join(told[:_SHOWN]) + more


def _same(old: Any, new: Any) -> bool:
    """Whether two numbers differ in the last digits alone, as time constants of the decays of a chip do."""
    return isinstance(old, float) and isinstance(new, float) and math.isclose(old, new, rel_tol=1e-9)


def _parts(description: AgentDescription) -> dict[str, Any]:
    return {part: _tables(config.to_data(getattr(description, part))) for part in PARTS}


def _tables(node: Any) -> Any:
    """The same with arrays as tables of their numbers, so that each difference has a key."""
    if isinstance(node, list):
        node = {str(number): item for number, item in enumerate(node)}
    return {key: _tables(value) for key, value in node.items()} if isinstance(node, dict) else node
