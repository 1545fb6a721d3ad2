"""Recordings as they are read: files that strangers may have made, so nothing is read before it was measured.

The format is in :mod:`snnctl.loop.recorder`. A file is refused whole: for a number of another type or shape than the
recorder writes, for data that it declares and does not hold, for a link, for spikes of neurons that do not exist, and
for more than :func:`snnctl.allocation.limit` bytes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from snnctl import allocation
from snnctl.allocation import Need
from snnctl.errors import InputError, Problem

FORMAT = "snnctl recording"
SCHEMA = 4
EPISODE = "episode_"

MAX_PACKED = 1100  # gzip packs at most 1032 bytes into one
MAX_ATTRIBUTE = 100_000  # values, or characters
MAX_CHUNK = 64_000_000  # bytes that are unpacked at once

_FILE = {"agent": str, "weights_sha256": str, "env_id": str, "changes": str, "seed": int, "control_dt_s": float,
         "tick_s": float, "versions": str}  # fmt: skip
_ATTRIBUTES = {"seed": int, "length": int, "complete": bool, "episode_return": float, "terminated": bool,
               "truncated": bool, "diverged": str}  # fmt: skip
_POPULATION = {"neurons": int, "ticks": int, "place": int}
_UNFINISHED = {"seed", "length", "complete"}  # what an episode has that was interrupted
_COLUMNS = {  # rows beyond the steps, dimensions, whether all numbers are finite
    "observation": (1, (2,), False), "time_s": (1, (1,), True), "action": (0, (1, 2), False),
    "reward": (0, (1,), False), "terminated": (0, (1,), True), "truncated": (0, (1,), True),
    "decision_s": (0, (1,), True), "value": (0, (1,), False), "td_error": (0, (1,), False), "qpos": (1, (2,), False),
    "qvel": (1, (2,), False),
}  # fmt: skip
_OPTIONAL = ("value", "td_error", "qpos", "qvel")
_PAIRS = (("value", "td_error"), ("qpos", "qvel"))  # both or none
_EVENTS = ("step", "tick", "index")
_REMEDY = "record it again with run --record"
# What h5py raises of a file that is not what it seems; nothing but h5py runs where these are caught.
_DAMAGE = (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError, IndexError, OverflowError)


@dataclasses.dataclass(frozen=True)
class Events:
    """Spikes of one population: three columns of equal length, ascending in (step, tick, index)."""

    neurons: int
    ticks: int  # per decision
    step: NDArray[np.uint32]
    tick: NDArray[np.uint32]
    index: NDArray[np.uint32]


class Recorded(NamedTuple):
    """One recorded episode."""

    attributes: dict[str, Any]
    columns: dict[str, NDArray[Any]]  # observation, action, reward, ...
    labels: dict[str, Any]  # labels, units, scale, offset of the observations, where the robot tells them
    spikes: dict[str, Events]  # in the order of the network


class Recording(NamedTuple):
    """A recording file."""

    attributes: dict[str, Any]
    episodes: tuple[Recorded, ...]


class _RefusedError(Exception):
    """What is wrong with a file: where in it, and what."""

    def __init__(self, where: str, message: str, remedy: str = _REMEDY) -> None:
        super().__init__(where, message, remedy)


def read(path: Path) -> Recording:
    """Read a recording.

    Raises:
        InputError: absent, not HDF5, or not what :class:`~snnctl.loop.recorder.Recorder` writes.
    """
    try:
        with h5py.File(path, "r") as file:
            told = {key: _value(file, key, "") if key in file.attrs else None for key in ("format", "schema")}
            if not isinstance(told["format"], str) or told["format"] != FORMAT:
                raise InputError(Problem(str(path), "is HDF5, but not a recording", "make one with run --record"))
            if not isinstance(told["schema"], int | np.integer) or told["schema"] != SCHEMA:
                message = f"has schema {str(told['schema'])[:20]}, this version reads {SCHEMA}"
                raise InputError(Problem(str(path), message, _REMEDY))
            names = sorted((name for name in file if name.startswith(EPISODE)), key=_number)
            groups = {name: _group(file, name, name) for name in names}
            _require_memory(groups)
            attributes = _attributes(file, _FILE, set(_FILE), "")
            if not (attributes["control_dt_s"] > 0 and attributes["tick_s"] >= 0):
                raise _RefusedError("control_dt_s", "is not a time above 0")
            return Recording(attributes, tuple(_episode(group, name) for name, group in groups.items()))
    except FileNotFoundError:
        raise InputError(Problem(str(path), "does not exist", "make one with run --record")) from None
    except _RefusedError as error:
        where, message, remedy = error.args
        raise InputError(Problem(f"{path}:{where}".rstrip(":"), message, remedy)) from None
    except _DAMAGE as error:
        what = " ".join(str(error).split())[:200]
        raise InputError(Problem(str(path), f"is not a whole HDF5 recording ({what})", _REMEDY)) from None


def rasters(events: Events, steps: int) -> NDArray[np.uint8]:
    """The events as a raster over all ticks of ``steps`` decisions.  # (steps * ticks, neurons)"""
    raster = np.zeros((steps * events.ticks, events.neurons), np.uint8)
    raster[events.step.astype(np.int64) * events.ticks + events.tick, events.index] = 1
    return raster


# --------------------------------------------------------------------------- before anything is read


def _require_memory(groups: Mapping[str, Any]) -> None:
    """Refuse data that the file does not hold, and more than may be read; only what it declares is looked at."""
    needs = []
    for name, episode in groups.items():
        sets = {column: episode for column in _members(episode, name) if column != "spikes"}
        parts = [(f"{name}/{column}", _dataset(group, column, f"{name}/{column}")) for column, group in sets.items()]
        spikes = _group(episode, "spikes", f"{name}/spikes")
        for population in _members(spikes, f"{name}/spikes"):
            place = f"{name}/spikes/{population}"
            group = _group(spikes, population, place)
            parts += [(f"{place}/{column}", _dataset(group, column, f"{place}/{column}")) for column in _EVENTS]
        for place, data in parts:
            stored, declared = data.id.get_storage_size(), math.prod(data.shape) * data.dtype.itemsize
            if declared > MAX_PACKED * stored + 1000 * bool(stored):
                raise _RefusedError(place, f"declares {declared:.3g} bytes and holds {stored}")
            chunk = math.prod(data.chunks or ()) * data.dtype.itemsize
            if chunk > MAX_CHUNK:  # HDF5 unpacks all of it for one number
                raise _RefusedError(place, f"is stored in pieces of {chunk:.3g} bytes, more than {MAX_CHUNK:.3g}")
            needs.append(Need(place, f"{' x '.join(map(str, data.shape)) or 1} numbers", 2 * declared))
    if found := allocation.problems(needs, ""):
        raise _RefusedError(found[0].where.removeprefix(":"), found[0].message, found[0].remedy)


def _members(group: Any, where: str) -> list[str]:
    if len(group) > MAX_ATTRIBUTE:
        raise _RefusedError(where, f"has {len(group)} members")
    return [*group]


def _own(group: Any, name: str, where: str) -> Any:
    """The member ``name``, refused if it lies elsewhere."""
    link = group.get(name, getlink=True)
    node = group[name] if isinstance(link, h5py.HardLink) else None
    if node is None or (isinstance(node, h5py.Dataset) and (node.external or node.is_virtual)):
        raise _RefusedError(where, "lies in another file or place; recordings hold their own data")
    return node


def _group(group: Any, name: str, where: str) -> Any:
    node = _own(group, name, where)
    if not isinstance(node, h5py.Group):
        raise _RefusedError(where, "is data where a group belongs")
    return node


def _dataset(group: Any, name: str, where: str) -> Any:
    """A member that holds plain numbers."""
    node = _own(group, name, where)
    if not isinstance(node, h5py.Dataset):
        raise _RefusedError(where, "is a group where data belong")
    if node.shape is None or node.dtype.kind not in "iufb":
        raise _RefusedError(where, f"holds {node.dtype}, not numbers")
    return node


# --------------------------------------------------------------------------- reading


def _episode(group: Any, name: str) -> Recorded:
    attributes = _attributes(group, _ATTRIBUTES, _UNFINISHED, name)
    columns = {column: group[column][()] for column in _members(group, name) if column != "spikes"}
    if unknown := sorted(set(columns) - set(_COLUMNS)):
        raise _RefusedError(f"{name}/{unknown[0]}", "is not a column of a recording")
    for column in _COLUMNS:
        if column not in columns and column not in _OPTIONAL:
            raise _RefusedError(f"{name}/{column}", "is missing")
    for one, other in _PAIRS:
        if (one in columns) != (other in columns):
            raise _RefusedError(f"{name}/{other if one in columns else one}", "is missing")
    steps = columns["reward"].size
    for column in ("reward", *columns):  # it says how many steps there are
        array, (more, dimensions, finite) = columns[column], _COLUMNS[column]
        if array.ndim not in dimensions or len(array) != steps + more:
            raise _RefusedError(f"{name}/{column}", f"has the shape {array.shape}, the episode {steps} steps")
        if finite and not np.isfinite(array).all():
            raise _RefusedError(f"{name}/{column}", "has numbers that are not finite")
    if not 0 <= attributes["length"] <= steps:  # a diverged episode ends before its last step
        raise _RefusedError(f"{name}/length", f"is {attributes['length']}, the episode has {steps} steps")
    labels = _labels(group["observation"], columns["observation"].shape[1], f"{name}/observation")
    spikes, places = group["spikes"], {}
    for population in spikes:
        where = f"{name}/spikes/{population}"
        places[population] = _attributes(spikes[population], _POPULATION, set(_POPULATION), where)
    names = sorted(places, key=lambda population: places[population]["place"])
    if [places[population]["place"] for population in names] != [*range(len(names))]:
        raise _RefusedError(f"{name}/spikes", "the places of its populations are not 0, 1, 2 ...")
    found = {
        population: _events(spikes[population], places[population], steps, f"{name}/spikes/{population}")
        for population in names
    }
    return Recorded(attributes, columns, labels, found)


def _events(group: Any, told: Mapping[str, Any], steps: int, where: str) -> Events:
    neurons, ticks = told["neurons"], told["ticks"]
    if neurons < 1 or ticks < 1:
        raise _RefusedError(where, f"has {neurons} neurons and {ticks} ticks a decision")
    raster = Need("", f"spikes of {neurons} neurons in {ticks} ticks", steps * ticks * neurons)
    if found := allocation.problems([raster], ""):
        raise _RefusedError(where, found[0].message, found[0].remedy)
    columns = [group[column][()] for column in _EVENTS]
    for column, array, end in zip(_EVENTS, columns, (steps, ticks, neurons), strict=True):
        if array.dtype.kind not in "iu" or array.ndim != 1 or array.size != columns[0].size:
            raise _RefusedError(
                f"{where}/{column}", f"holds {array.dtype} {array.shape}, not whole numbers of its spikes"
            )
        if array.size and not 0 <= int(array.min()) <= int(array.max()) < end:
            raise _RefusedError(
                f"{where}/{column}", f"goes from {array.min()} to {array.max()}, outside 0 to {end - 1}"
            )
    return Events(neurons, ticks, *(column.astype(np.uint32, copy=False) for column in columns))


def _labels(node: Any, dims: int, where: str) -> dict[str, Any]:
    found = {name: _value(node, name, where) for name in ("labels", "units", "scale", "offset") if name in node.attrs}
    for name, value in found.items():
        if name in ("labels", "units"):
            found[name] = value = value.split("\n") if isinstance(value, str) else []
            sound = len(value) == dims
        else:
            sound = isinstance(value, np.ndarray) and value.shape == (dims,)
            sound = sound and value.dtype.kind == "f" and bool(np.isfinite(value).all())
        if not sound:
            raise _RefusedError(where, f"has {name} that are not one for each of {dims} observations")
    if found and (len(found) != 4 or not found["scale"].all()):
        raise _RefusedError(where, "has no labels, units, scale above or below 0, and offset of its observations")
    return found


def _attributes(node: Any, types: Mapping[str, type], required: set[str], where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, kind in types.items():
        place = f"{where}/{name}".lstrip("/")
        if name not in node.attrs:
            if name in required:
                raise _RefusedError(place, "is missing")
            continue
        value = _value(node, name, where)
        value = value.item() if isinstance(value, np.generic) else value
        value = float(value) if kind is float and type(value) is int else value
        if type(value) is not kind or (isinstance(value, float) and not math.isfinite(value)):
            raise _RefusedError(place, f"is {str(value)[:40]!r}, not {_TYPES[kind]}")
        found[name] = value
    return found


_TYPES = {str: "text", int: "a whole number", float: "a finite number", bool: "true or false"}


def _value(node: Any, name: str, where: str) -> Any:
    """An attribute, once it is known to be small."""
    place = f"{where}/{name}".lstrip("/")
    if name not in node.attrs:
        raise _RefusedError(place, "is missing")
    held, stored = node.attrs.get_id(name), 0
    with contextlib.suppress(RuntimeError):  # HDF5's answer where nothing is stored, as of an empty text
        stored = held.get_storage_size()
    if math.prod(held.shape or (1,)) > MAX_ATTRIBUTE or stored > 8 * MAX_ATTRIBUTE:
        raise _RefusedError(place, "is too large")
    kind = held.get_type()
    plain = isinstance(kind, h5py.h5t.TypeIntegerID | h5py.h5t.TypeFloatID | h5py.h5t.TypeEnumID)
    if not plain and not (isinstance(kind, h5py.h5t.TypeStringID) and not kind.is_variable_str()):
        # What lies in HDF5's heap (texts of varying length, references) can make its library run for ever.
        raise _RefusedError(place, "is neither a number nor a text of fixed length")
    value = node.attrs[name]
    return value.decode() if isinstance(value, bytes) else value


def text(value: str) -> NDArray[np.bytes_]:
    """A text as recordings hold it: UTF-8 of fixed length; an empty one is a zero byte.  # ()"""
    return np.array(value.encode(), f"S{max(1, len(value.encode()))}")


def _number(name: str) -> int:
    """The number of an episode, as which episode_1000 comes after episode_999."""
    digits = name.removeprefix(EPISODE)
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 10):
        raise _RefusedError(name[:60], "is not the number of an episode")
    return int(digits)
