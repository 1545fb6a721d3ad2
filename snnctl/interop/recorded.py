"""Actions that were recorded with a policy in its own library, and how far those of the imported agent are from them.

A recording is a file of numpy (``numpy.savez``) with the arrays ``obs`` (decisions, dims), raw observations, and
``action`` (decisions, actions), or (decisions,) where an action is one number or an index.
"""

from __future__ import annotations

import io
import tokenize
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.agent import controllers
from snnctl.agent.folder import Agent
from snnctl.errors import DifferenceError, Problem
from snnctl.interop import files
from snnctl.interop.files import Zip, refusal

TOLERANCE = 1e-5  # largest difference of an action
MAX_DECISIONS = 100_000
REMEDY = "write it with numpy.savez(file, obs=..., action=...)"
_HEADER_BYTES = 1000
_BROKEN = (ValueError, KeyError, TypeError, SyntaxError, OverflowError, RecursionError, MemoryError, EOFError)


class Recorded(NamedTuple):
    """Observations and the actions that followed."""

    observations: NDArray[np.float64]  # (decisions, dims)
    actions: NDArray[np.float64]  # (decisions, actions)


class Difference(NamedTuple):
    """Between recorded and imported actions."""

    largest: float
    decision: int  # where it is
    decisions: int


def read(path: Path) -> Recorded:
    """A recording.

    Raises:
        PolicyError: it lacks one of the arrays, they are not numbers or not of equal length, or it is damaged.
    """
    members = Zip(files.read(path), str(path))
    observations, actions = (_array(members, name) for name in ("obs", "action"))
    if observations.ndim < 2 or not 1 <= actions.ndim <= 2 or len(observations) != len(actions) or not len(actions):
        message = f"has obs {observations.shape} and action {actions.shape}"
        raise refusal(str(path), message, "give a row for each decision, at least one")
    if len(actions) > MAX_DECISIONS:
        raise refusal(str(path), f"has {len(actions)} decisions", f"give at most {MAX_DECISIONS}")
    rows = len(actions)
    return Recorded(observations.reshape(rows, -1), actions.reshape(rows, -1))


def _array(members: Zip, name: str) -> NDArray[np.float64]:
    where = f"{members.where}:{name}"
    if f"{name}.npy" not in members.names:
        raise refusal(members.where, f"has no array '{name}'", REMEDY)
    raw = members.read(f"{name}.npy")
    try:
        file = io.BytesIO(raw)
        version = np.lib.format.read_magic(file)
        reader = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
        shape, fortran, dtype = reader(file, _HEADER_BYTES)
        data = raw[file.tell() :]
    except (*_BROKEN, tokenize.TokenError):
        raise refusal(where, "is not an array of numpy", REMEDY) from None
    if dtype.kind not in "fiub" or dtype.itemsize > 8 or len(shape) > 8:
        raise refusal(where, f"is an array of {files.shown(dtype)}, not of numbers", REMEDY)
    count = 1
    for n in shape:
        count *= n
    if count < 0 or count * dtype.itemsize != len(data):
        raise refusal(where, f"has {len(data)} bytes, its shape takes others", REMEDY)
    array = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C").astype(np.float64)
    if not np.isfinite(array).all():
        raise refusal(where, "has a number that is not finite", "record finite observations and actions")
    return array


def difference(agent: Agent, recorded: Recorded, where: str) -> Difference:
    """The largest difference between the agent's actions and the recorded ones.

    Raises:
        PolicyError: the recording is of other numbers of observations or actions.
    """
    controller = controllers.make(agent)
    task = agent.description.task
    width = len(task.action_choices) or (task.action_size if task.action_kind == "continuous" else 1)
    got = recorded.observations.shape[1], recorded.actions.shape[1]
    if got != (task.observation_size, width):
        message = f"has {got[0]} observations and {got[1]} actions a row, the agent {task.observation_size} and {width}"
        raise refusal(where, message, "record raw observations and the actions of the environment")
    controller.reset(0)
    apart = np.zeros(len(recorded.actions))
    for k, (observation, action) in enumerate(zip(*recorded, strict=True)):
        apart[k] = np.abs(np.atleast_1d(controller.act(observation)) - action).max()
    worst = int(apart.argmax())
    return Difference(float(apart[worst]), worst, len(apart))


def require_close(found: Difference, where: str) -> None:
    """Refuse a difference above the tolerance.

    Raises:
        DifferenceError: tells it, and where it is.
    """
    if not found.largest <= TOLERANCE:
        message = f"decision {found.decision}: an action differs by {found.largest:.3g}, allowed is {TOLERANCE:g}"
        remedy = "give the normaliser of the training (--normaliser), or its activation and squash; nothing was written"
        raise DifferenceError(Problem(where, message, remedy))
