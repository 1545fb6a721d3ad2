"""Checkpoints: an agent folder plus the state from which training continues bit for bit.

    last/  agent.toml · weights.safetensors      the agent as it was
           state.safetensors                     arrays of the state
           state.json                            values, and the SHA-256 of both

A checkpoint is replaced as a whole: the new one is written and synced in ``.last.next``, then ``last``
is renamed to ``.last.previous`` and ``.last.next`` to ``last``. At every moment at least one of the three is
whole, and :func:`newest` takes the whole one with the most updates.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.agent import folder as agent_folder
from snnctl.agent.folder import Agent
from snnctl.errors import AgentError, ConfigError, InputError, Problem, StorageError
from snnctl.storage import read_json, sync_folder, write_atomic

ARRAYS = "state.safetensors"
VALUES = "state.json"
REMEDY = "restore it, or train anew"


class Checkpoint(NamedTuple):
    """The agent, and everything that the next update depends on; ``values["update"]`` counts updates."""

    agent: Agent
    arrays: dict[str, NDArray[Any]]
    values: dict[str, Any]


def save(checkpoint: Checkpoint, folder: Path) -> None:
    """Replace the checkpoint in ``folder``.

    Raises:
        StorageError: disk full, folder gone; the previous checkpoint is whole.
    """
    following, previous = _siblings(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(following, ignore_errors=True)
        write(checkpoint, following)
        if folder.exists():
            shutil.rmtree(previous, ignore_errors=True)
            os.replace(folder, previous)
        os.replace(following, folder)
        sync_folder(folder.parent)
    except OSError as error:
        raise StorageError(
            Problem(str(folder), f"could not be replaced ({error.strerror})", "the previous checkpoint is intact")
        ) from None
    finally:
        # Ours is in place, or it is not whole: either way nothing else is needed.
        if folder.exists():
            shutil.rmtree(following, ignore_errors=True)
            shutil.rmtree(previous, ignore_errors=True)


def write(checkpoint: Checkpoint, folder: Path) -> None:
    """Write a checkpoint into a folder that nobody reads yet; ``state.json`` last, as it vouches for the rest."""
    from safetensors.numpy import save as to_bytes

    agent = agent_folder.save(checkpoint.agent, folder)
    arrays = to_bytes({name: np.require(a, requirements="C") for name, a in sorted(checkpoint.arrays.items())})
    write_atomic(folder / ARRAYS, arrays)
    # What iterates over a state must meet it in the order that it had: safetensors sorts, so the order is kept here.
    values = json.dumps({"order": list(checkpoint.arrays), "values": checkpoint.values})
    sha256 = {
        "weights": agent.description.provenance.weights_sha256,
        "arrays": hashlib.sha256(arrays).hexdigest(),
        "values": hashlib.sha256(values.encode()).hexdigest(),
    }
    write_atomic(folder / VALUES, json.dumps({"sha256": sha256, "values": values}))


def load(folder: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        AgentError, ConfigError: a part is absent, damaged or belongs to another checkpoint.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    where = str(folder / VALUES)
    agent = agent_folder.load(folder)
    try:
        content = read_json(folder / VALUES)
        arrays = (folder / ARRAYS).read_bytes()
        sha256, values = content["sha256"], content["values"]
        found = {
            "weights": agent.description.provenance.weights_sha256,
            "arrays": hashlib.sha256(arrays).hexdigest(),
            "values": hashlib.sha256(values.encode()).hexdigest(),
        }
        if sha256 != found:
            changed = ", ".join(k for k in found if sha256.get(k) != found[k])
            raise AgentError(Problem(where, f"does not vouch for this checkpoint ({changed} differ)", REMEDY))
        known, inner = from_bytes(arrays), json.loads(values)
        checkpoint = Checkpoint(agent, {name: known[name] for name in inner["order"]}, dict(inner["values"]))
        if not isinstance(checkpoint.values["update"], int):
            raise TypeError("update is not a whole number")
        return checkpoint
    except InputError as error:  # of state.json
        raise AgentError(*error.problems) from None
    except OSError as error:
        raise AgentError(Problem(where, f"cannot be read ({error.strerror})", REMEDY)) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, SafetensorError) as error:
        message = f"is not a whole checkpoint ({str(error)[:200]})"
        raise AgentError(Problem(where, message, REMEDY)) from None


def newest(folder: Path) -> Checkpoint | None:
    """The whole checkpoint with the most updates; None when there is none yet.

    Raises:
        AgentError: there are checkpoints and none is whole.
    """
    whole: list[Checkpoint] = []
    damage: Mapping[str, Problem] = {}
    for candidate in (folder, *_siblings(folder)):
        if candidate.is_dir():
            try:
                whole.append(load(candidate))
            except (AgentError, ConfigError) as error:
                damage = {**damage, candidate.name: error.problems[0]}
    if whole:
        return max(whole, key=lambda c: int(c.values["update"]))
    if folder.name in damage:
        raise AgentError(*damage.values())
    return None  # a first checkpoint was cut off while it was written


def _siblings(folder: Path) -> tuple[Path, Path]:
    return folder.parent / f".{folder.name}.next", folder.parent / f".{folder.name}.previous"
