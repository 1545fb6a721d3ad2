"""Agent folders: load one with every check, replace one as a whole. No pickle, no code."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import stat
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl import allocation, config, stages
from snnctl.agent.description import AgentDescription, left_unresolved, problems, tensor_shapes
from snnctl.agent.needs import needs
from snnctl.errors import AgentError, Problem, brief, nearest
from snnctl.network import tensors as network_tensors
from snnctl.network.description import NetworkDescription
from snnctl.storage import ensure_writable, replace_folder

Tensors = Mapping[str, NDArray[Any]]

DESCRIPTION = "agent.toml"
WEIGHTS = "weights.safetensors"
CARD = "README.md"
EVALUATION = "eval.json"

_MAX_WEIGHT_BYTES = 1 << 30


class Agent(NamedTuple):
    """A description and the tensors that it names."""

    description: AgentDescription
    tensors: Tensors


def digest(tensors: Tensors) -> str:
    """SHA-256 over names, types, shapes and bytes, in the order of the names."""
    sha = hashlib.sha256()
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        sha.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        sha.update(array.tobytes())
    return sha.hexdigest()


def save(agent: Agent, folder: Path, *, card: str = "", evaluation: Mapping[str, Any] | None = None) -> Agent:
    """Replace an agent folder as a whole: after a kill it is the old one or the new one.

    Returns:
        The agent as written, its ``provenance.weights_sha256`` filled in.

    Raises:
        AgentError: the tensors do not fit the description.
        OutputError, StorageError: the folder cannot be written.
    """
    content, stamped = files(agent, str(folder), card=card, evaluation=evaluation)
    ensure_writable(folder.parent)
    replace_folder(folder, content)
    return stamped


def files(
    agent: Agent, where: str, *, card: str = "", evaluation: Mapping[str, Any] | None = None
) -> tuple[dict[str, bytes | str | None], Agent]:
    """Name -> content of the files of an agent folder (None: absent), and the agent as :func:`save` returns it.

    Raises:
        AgentError: the tensors do not fit the description; ``where`` names the folder.
    """
    from safetensors.numpy import save as to_bytes

    stamped = dataclasses.replace(
        agent.description,
        provenance=dataclasses.replace(agent.description.provenance, weights_sha256=digest(agent.tensors)),
    )
    _refuse(_tensor_problems(stamped, agent.tensors, f"{where}/{WEIGHTS}"))
    arrays = {name: np.ascontiguousarray(array) for name, array in sorted(agent.tensors.items())}
    content: dict[str, bytes | str | None] = {
        WEIGHTS: to_bytes(arrays),
        CARD: card or None,
        EVALUATION: None if evaluation is None else json.dumps(evaluation, indent=2, sort_keys=True) + "\n",
        DESCRIPTION: config.to_toml(stamped),
    }
    return content, Agent(stamped, arrays)


def load(folder: Path) -> Agent:
    """Read an agent folder, refusing whatever could not be run exactly as it was saved.

    Raises:
        AgentError, ConfigError: one problem for every missing, extra, truncated, mis-shaped or
            non-finite tensor and for every mistake in the description.
    """
    if not (folder / DESCRIPTION).is_file():
        raise AgentError(Problem(str(folder), f"has no {DESCRIPTION}", "an agent is a folder with one"))
    _require_regular(folder / DESCRIPTION)
    where, weights = str(folder / DESCRIPTION), folder / WEIGHTS

    def second(described: AgentDescription) -> list[Problem]:
        return problems(described, where) or _tensor_problems(described, read_tensors(weights), str(weights))

    description = stages.load(AgentDescription, folder / DESCRIPTION, second)
    _refuse(problems(description, where))
    tensors = read_tensors(weights)
    _refuse(_tensor_problems(description, tensors, str(weights)))
    expected = description.provenance.weights_sha256
    if expected and digest(tensors) != expected:
        message = "was changed after it was saved (its SHA-256 differs)"
        raise AgentError(Problem(str(weights), message, "take a fresh copy"))
    return Agent(description, tensors)


def require_sound(agent: Agent, description_place: str, tensors_place: str) -> None:
    """Refuse what could not be run: contradictions of the description, tensors that do not fit it.

    Raises:
        AgentError: one problem for each.
    """
    _refuse(problems(agent.description, description_place))
    _refuse(_tensor_problems(agent.description, agent.tensors, tensors_place))


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Read a safetensors file after comparing its header with its real size.

    Raises:
        AgentError: absent, truncated, oversized or not safetensors.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    where = str(path)
    try:
        _require_regular(path)
        size = path.stat().st_size
        if size > _MAX_WEIGHT_BYTES:
            message = f"has {size} bytes, more than any controller needs"
            raise AgentError(Problem(where, message, "use a smaller network"))
        raw = path.read_bytes()
    except OSError as error:
        raise AgentError(Problem(where, f"cannot be read ({error.strerror})", "take a fresh copy")) from None
    if len(raw) < 8 or struct.unpack("<Q", raw[:8])[0] > len(raw) - 8:
        raise AgentError(Problem(where, f"is truncated ({len(raw)} bytes)", "copy the file again"))
    try:
        return dict(from_bytes(raw))
    except KeyError as error:  # a type that numpy lacks
        raise AgentError(Problem(where, f"has a tensor of type {brief(error)}", "expected F32 or F64")) from None
    except (SafetensorError, ValueError) as error:
        raise AgentError(
            Problem(where, f"is not a whole safetensors file ({brief(error)})", "copy the file again")
        ) from None


def _require_regular(path: Path) -> None:
    """Refuse a link (it could read any file), a device or a pipe (it could hang)."""
    mode = path.lstat().st_mode
    if stat.S_ISDIR(mode):
        raise AgentError(Problem(str(path), "is a folder", "an agent's files are regular files"))
    if not stat.S_ISREG(mode):
        kind = "symbolic link" if stat.S_ISLNK(mode) else "device or a pipe"
        raise AgentError(Problem(str(path), f"is a {kind}", "copy the file itself into the agent's folder"))


def _tensor_problems(description: AgentDescription, tensors: Tensors, where: str) -> list[Problem]:
    if left_unresolved(description):
        return []  # nobody knows which tensors a part has that is not imported
    expected, positive = tensor_shapes(description), {"normaliser.std", *description.encoder.positive}
    found = [
        Problem(where, f"has a tensor that the description does not name: '{name[:80]}'", nearest(name, expected))
        for name in sorted(set(tensors) - set(expected))
    ]
    for name, spec in expected.items():
        if name not in tensors:
            if spec.required:
                found.append(Problem(where, f"lacks the tensor '{name}' {spec.shape}", "take a fresh copy"))
            continue
        array = tensors[name]
        if not spec.fits(array.shape):
            found.append(Problem(where, f"tensor '{name}' has shape {array.shape}", f"expected {spec.shape}"))
        elif array.dtype.kind == "f" and not np.isfinite(array).all():
            index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            found.append(Problem(where, f"tensor '{name}' is not finite at {index}", "take a fresh copy"))
        elif spec.integer and array.dtype.kind != "i":
            found.append(Problem(where, f"tensor '{name}' has type {array.dtype}", "expected int32"))
        elif not spec.integer and array.dtype not in (np.float32, np.float64):
            found.append(Problem(where, f"tensor '{name}' has type {array.dtype}", "expected float32 or float64"))
        elif name in positive and not (array > 0).all():
            found.append(Problem(where, f"tensor '{name}' must be positive", "take a fresh copy"))
    if found:
        return found
    values = description.encoder.tensor_problems(tensors)
    if isinstance(description.network, NetworkDescription):
        values += network_tensors.synapse_problems(description.network, tensors)
    found = [Problem(where, f"tensor '{p.where}' {p.message}", p.remedy or "take a fresh copy") for p in values]
    return found or allocation.problems(needs(description, tensors), where)


def _refuse(found: list[Problem]) -> None:
    if found:
        raise AgentError(*found)
