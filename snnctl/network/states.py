"""States that a network continues from: compared with the network's own, written to files and read again.

A file (npz, no pickle) holds ``engine.<field>``, ``current.<population>.<number>.<field>`` and ``network``, the
fingerprint of the network that it goes with.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.errors import NetworkError, Problem
from snnctl.network.description import NetworkDescription
from snnctl.network.engine import State
from snnctl.storage import write_atomic

_REMEDY = "restore it into the network that it comes from"


class NetworkState(NamedTuple):
    """What a network continues from."""

    engine: State
    currents: dict[str, Any]  # state of the current into each population


def require_alike(state: NetworkState, own: NetworkState) -> None:
    """Raise NetworkError unless ``state`` has the arrays of ``own``, a state of the network that is to continue."""
    if not isinstance(state, NetworkState):
        raise NetworkError(Problem("state", f"is {type(state).__name__}", "give what Network.state() returned"))
    pair: tuple[tuple[NDArray[Any], ...], ...] = (tuple(own.engine), tuple(state.engine))
    for name, now, given in zip(State._fields, *pair, strict=True):
        if now.shape != given.shape or now.dtype != given.dtype:
            message = f"is {given.dtype} {given.shape}, this network has {now.dtype} {now.shape}"
            raise NetworkError(Problem(f"state.{name}", message, _REMEDY))
    if _shapes(state.currents) != _shapes(own.currents):
        raise NetworkError(Problem("state.currents", "belongs to other current sources than this network has", _REMEDY))


def _shapes(currents: Mapping[str, Any]) -> Any:
    return {k: [[(np.shape(x), np.asarray(x).dtype) for x in one] for one in v] for k, v in currents.items()}


def fingerprint(description: NetworkDescription, dtype: Any, tensors: Mapping[str, NDArray[Any]]) -> str:
    """Hash of what a state goes with: the description and its tensors, without the weights that are in the state.

    What drives a network, currents and spikes at given times, may be other than before.
    """
    plastic = {p.weight_name for p in description.projections if p.plasticity}
    delays = {p.delay_name for p in description.projections}
    digest = hashlib.blake2b(f"{description!r} {dtype}".encode(), digest_size=16)
    for name, tensor in sorted(tensors.items()):
        if name not in plastic:
            if name in delays:
                tensor = tensor.astype(np.int64)  # as files were written when delays took eight bytes
            digest.update(f"{name} {tensor.dtype} {tensor.shape}".encode())
            digest.update(np.ascontiguousarray(tensor).tobytes())
    return digest.hexdigest()


def save(path: Path, state: NetworkState, written_by: str) -> None:
    """Write a state and the fingerprint of its network, whole or not at all."""
    arrays: dict[str, Any] = {f"engine.{k}": v for k, v in state.engine._asdict().items()}
    arrays["network"] = np.array(written_by)
    for name, currents in state.currents.items():
        for k, one in enumerate(currents):
            arrays |= {f"current.{name}.{k}.{field}": value for field, value in one._asdict().items()}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_atomic(path, buffer.getvalue())


def load(path: Path, own: NetworkState, expected: str) -> NetworkState:
    """Read a state of the network with this fingerprint; ``own`` is any state of it.

    Raises:
        NetworkError: the file cannot be read or belongs to another network.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            written_by = str(file["network"])
            engine = State._make(file[f"engine.{field}"] for field in State._fields)
            currents = {
                name: [
                    type(one)(*(file[f"current.{name}.{k}.{field}"] for field in one._fields))
                    for k, one in enumerate(known)
                ]
                for name, known in own.currents.items()
            }
    except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        message = f"is not a state of this network ({error})"
        raise NetworkError(Problem(str(path), message, "give a file that Network.save wrote")) from None
    if written_by != expected:
        message = "is the state of another network: its models, parameters, synapses or static weights differ"
        raise NetworkError(Problem(str(path), message, "build the network as it was, with the same seed"))
    return NetworkState(engine, currents)
