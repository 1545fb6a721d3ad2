"""Checkpoints: an agent folder plus the state from which training continues bit for bit.

    last/  agent.toml · weights.safetensors      the agent as it was
           state.safetensors                     arrays of the state
           state.json                            values, and the SHA-256 of both

A checkpoint is replaced as a whole (:func:`snnctl.storage.replace_folder`), so one exists at every moment.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.agent import folder as agent_folder
from snnctl.agent.folder import Agent
from snnctl.errors import AgentError, InputError, Problem
from snnctl.storage import read_json, replace_folder

ARRAYS = "state.safetensors"
VALUES = "state.json"
REMEDY = "restore it, or train anew"


class Checkpoint(NamedTuple):
    """The agent, and everything that the next update depends on; ``values["update"]`` counts updates."""

    agent: Agent
    arrays: dict[str, NDArray[Any]]
    values: dict[str, Any]


def save(checkpoint: Checkpoint, folder: Path) -> None:
    """Replace the checkpoint in ``folder`` as a whole; ``state.json`` vouches for the rest.

    Raises:
        StorageError: disk full, folder gone; the previous checkpoint is whole.
    """
    from safetensors.numpy import save as to_bytes

    files, agent = agent_folder.files(checkpoint.agent, str(folder))
    arrays = to_bytes({name: np.require(a, requirements="C") for name, a in sorted(checkpoint.arrays.items())})
    # What iterates over a state must meet it in the order that it had: safetensors sorts, so the order is kept here.
    values = json.dumps({"order": list(checkpoint.arrays), "values": checkpoint.values})
    sha256 = {
        "weights": agent.description.provenance.weights_sha256,
        "arrays": hashlib.sha256(arrays).hexdigest(),
        "values": hashlib.sha256(values.encode()).hexdigest(),
    }
    replace_folder(folder, {**files, ARRAYS: arrays, VALUES: json.dumps({"sha256": sha256, "values": values})})


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
    """The checkpoint in ``folder``; None when there is none yet.

    Raises:
        AgentError, ConfigError: it is damaged.
    """
    return load(folder) if folder.is_dir() else None
