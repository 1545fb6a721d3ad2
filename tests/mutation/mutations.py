"""Mutations of the files of an entry: of their structure where it can be read, of their bytes otherwise.

Every function takes the folder that holds the entry and a generator, changes one file in place, and says what it did.
"""

from __future__ import annotations

import base64
import copy
import io
import json
import math
import pickletools
import tomllib
import warnings
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tomli_w

Draw = np.random.Generator

EXTREMES: tuple[Any, ...] = (
    0, 1, -1, 2, 3, 255, 65_535, 10_000, 1_000_000, 5_000_000, 10_000_000, 2**31 - 1, 2**31, -(2**31), 2**32, 2**53,
    2**63 - 1, -(2**63), 2**64, 10**30, 0.0, -0.0, 0.5, -1.5, 1e-308, 1e-30, 1e30, 1e308, -1e308, math.nan, math.inf,
    -math.inf,
)  # fmt: skip
OTHERS: tuple[Any, ...] = (
    "", "x", "lif", "ä\u2028\x85", "../../etc/passwd", "/dev/zero", "a" * 100_000, "\x1b[2J", "5ms", "1e9999s",
    True, False, [], {}, [[]], [{}], [0], [2**63 - 1], [-1.0, math.nan], {"kind": "x"}, {"a": {"b": {"c": 1}}},
)  # fmt: skip
JUNK = (
    b"x = " + b"[" * 300, b"x = " + b"{a=" * 200, b"a." * 500 + b"b = 1", b"x = " + b"9" * 6000, b"x = 1e99999",
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", "\x85".encode(), "\u2028".encode(), b"'''", b'"', b"[[a]]", b"[a.b]",
    b"x = 2026-99-99", b"{" * 2000, b"[" * 2000, b"[" * 20_000, b"\n" * 5000,
)  # fmt: skip


def pick(draw: Draw, values: Any) -> Any:
    """One of ``values``."""
    return values[int(draw.integers(len(values)))]


# --------------------------------------------------------------------------- trees: TOML and JSON


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value of nested tables and arrays."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [place for key, value in children for place in ((*path, key), *places(value, (*path, key)))]


def at(tree: Any, path: tuple[Any, ...]) -> Any:
    """The value at the end of a way."""
    for key in path:
        tree = tree[key]
    return tree


def tree(node: Any, draw: Draw) -> str:
    """Change one value of nested tables and arrays."""
    known = places(node)
    if not known:
        return "empty"
    path = pick(draw, known)
    parent, key, value = at(node, path[:-1]), path[-1], at(node, path)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    work = pick(draw, ("extreme", "extreme", "scale", "other", "remove", "add", "repeat", "exchange", "wrap"))
    if work == "remove":
        del parent[key]
    elif work == "add" and isinstance(value, dict):
        value["unknown"] = pick(draw, OTHERS)
    elif work == "add" and isinstance(value, list):
        value.append(copy.deepcopy(pick(draw, (*value, *EXTREMES, *OTHERS))))
    elif work == "repeat" and isinstance(value, list):
        parent[key] = value * int(pick(draw, (0, 2, 100, 3000)))
    elif work == "repeat" and isinstance(value, str):
        parent[key] = value * int(pick(draw, (2, 1000)))
    elif work == "exchange":
        other = pick(draw, known)
        parent[key] = copy.deepcopy(at(node, other)) if at(node, other) is not parent else 0
    elif work == "wrap":
        parent[key] = pick(draw, ([value], {"value": value}, [value, value]))
    elif work == "scale" and is_number:
        parent[key] = type(value)(value * pick(draw, (-1, 2, 10, 100, 1000, 10**6)))
    elif work == "other":
        parent[key] = copy.deepcopy(pick(draw, OTHERS))
    else:
        parent[key] = pick(draw, EXTREMES)
    return f"{work} {'.'.join(map(str, path))} = {parent.get(key, '-') if isinstance(parent, dict) else '...'!r:.60}"


def toml(path: Path, draw: Draw) -> str:
    """Change values of a TOML file."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    done = [tree(data, draw) for _ in range(int(pick(draw, (1, 1, 1, 2, 3))))]
    path.write_text(tomli_w.dumps(data), encoding="utf-8")
    return "; ".join(done)


def json_file(path: Path, draw: Draw) -> str:
    """Change a value of a JSON file, or of one line of JSON lines."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.suffix == ".jsonl" else [path.read_text("utf-8")]
    number = int(draw.integers(len(lines)))
    data = [json.loads(lines[number])]
    done = tree(data, draw)
    lines[number] = json.dumps(data[0] if data else None)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return f"line {number}: {done}"


def state(path: Path, draw: Draw) -> str:
    """Change a value of ``state.json`` and sign it again, so that it vouches for what it says."""
    import hashlib

    content = json.loads(path.read_text(encoding="utf-8"))
    values = [json.loads(content["values"])]
    done = tree(values, draw)
    content["values"] = json.dumps(values[0] if values else None)
    content["sha256"]["values"] = hashlib.sha256(content["values"].encode()).hexdigest()
    path.write_text(json.dumps(content), encoding="utf-8")
    return done


# --------------------------------------------------------------------------- tensors


def tensors(path: Path, draw: Draw) -> str:
    """Change a tensor of a safetensors file: values, shape, type, name; what vouches for it is signed again."""
    from safetensors.numpy import load, save

    arrays = dict(load(path.read_bytes()))
    name = pick(draw, sorted(arrays))
    array = np.array(arrays[name])
    work = pick(draw, ("value", "value", "value", "all", "shape", "type", "remove", "rename", "repeat", "transpose"))
    with np.errstate(all="ignore"):
        extreme = np.array(float(pick(draw, EXTREMES))).astype(array.dtype)
    if work == "value" and array.size:
        array.flat[int(draw.integers(array.size))] = extreme
    elif work == "shape":
        array = array.reshape(pick(draw, ((-1,), (1, -1), (-1, 1), (1, 1, -1))))
    elif work == "type":
        array = array.astype(pick(draw, ("f2", "f4", "f8", "i1", "i4", "i8", "u1", "u4", "u8", "?")))
    elif work == "repeat":
        array = np.concatenate([array] * 3) if array.ndim else array
    elif work == "transpose":
        array = np.ascontiguousarray(array.T)
    elif work in ("all", "value"):
        array[...] = extreme
    arrays[name] = array
    if work in ("remove", "rename"):
        moved = arrays.pop(name)
        if work == "rename":
            arrays[pick(draw, (f"{name}.x", "x" * 300, "", "decoder.weight"))] = moved
    raw = save({key: np.ascontiguousarray(value) for key, value in arrays.items()})
    path.write_bytes(raw)
    _sign(path, raw)
    return f"{work} {name} {extreme if work in ('value', 'all') else ''}"


def _sign(path: Path, raw: bytes) -> None:
    """Let the files beside a file of tensors vouch for it."""
    import hashlib

    description = path.parent / "agent.toml"
    if path.name == "weights.safetensors" and description.is_file():
        data = tomllib.loads(description.read_text(encoding="utf-8"))
        data["provenance"].pop("weights_sha256", None)
        description.write_text(tomli_w.dumps(data), encoding="utf-8")
    if path.name == "state.safetensors":
        values = path.with_name("state.json")
        content = json.loads(values.read_text(encoding="utf-8"))
        content["sha256"]["arrays"] = hashlib.sha256(raw).hexdigest()
        values.write_text(json.dumps(content), encoding="utf-8")


def header(path: Path, draw: Draw) -> str:
    """Change what the header of a safetensors file declares; its data stay."""
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    data = json.loads(raw[8 : 8 + size])
    done = tree(data, draw)
    text = json.dumps(data).encode()
    length = int(pick(draw, (len(text), len(text), len(text), 0, 2**40, 2**63)))
    path.write_bytes(length.to_bytes(8, "little") + text + raw[8 + size :])
    return done


# --------------------------------------------------------------------------- recordings


def recording(path: Path, draw: Draw) -> str:
    """Change a group, a dataset or an attribute of an HDF5 file."""
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        name = pick(draw, names)
        node = file[name]
        work = pick(draw, ("attribute", "remove", "data", "values", "link", "huge", "copy"))
        if work == "attribute":
            return f"attribute of {name}: {_attribute(pick(draw, (node, file)), draw)}"
        if work == "values" and isinstance(node, h5py.Dataset) and node.size:
            with np.errstate(all="ignore"):
                extreme = np.array(float(pick(draw, EXTREMES))).astype(node.dtype)
            node[pick(draw, (0, -1, slice(None)))] = extreme
            return f"{name} has {extreme}"
        if work == "copy":
            file.copy(node, f"{name}{pick(draw, ('_x', '1', '_000', '9' * 400))}")
            return f"copy {name}"
        length = node.shape[0] if isinstance(node, h5py.Dataset) and node.shape else 3
        del file[name]
        if work == "link":
            file[name] = pick(
                draw,
                (h5py.SoftLink("/"), h5py.SoftLink(f"/{name}"), h5py.ExternalLink("other.h5", "/x"),
                 h5py.SoftLink("/episode_000/reward")),
            )  # fmt: skip
        elif work == "huge":
            _huge(file, name, draw)
        elif work in ("data", "values"):
            file[name] = pick(draw, _datasets(length))
        return f"{work} {name}"


def _datasets(length: int) -> tuple[Any, ...]:
    compound = np.zeros(length, [("a", "f8"), ("b", "i4")])
    return (
        np.zeros(0), np.zeros(length + 1), np.zeros((length, 2)), np.zeros((length, 0)), np.float64(3.0), compound,
        np.array([b"abc"] * length), np.zeros(length, "c16"), np.full(length, np.nan), np.full(length, -5),
        np.full(length, 2**63, "u8"), np.full(length, 2**40), h5py.Empty("f8"), "text", ["text"] * length,
        np.zeros((length,) * 3, "u1") if length < 100 else np.zeros((2, 2, 2)), np.ones(length, "f2"),
    )  # fmt: skip


def _huge(file: Any, name: str, draw: Draw) -> None:
    """Data that are declared and not stored, packed a thousandfold, or elsewhere."""
    work = int(draw.integers(7))
    if work == 0:
        file.create_dataset(name, (10**10,), "f8", chunks=(10**4,))
    elif work == 1:
        file.create_dataset(name, (2 * 10**8,), "u1", chunks=(2 * 10**7,), compression="gzip")[:] = 0
    elif work == 2:
        file.create_dataset(name, (2**40, 2**15), "f4", chunks=(1, 2**15))
    elif work == 3:
        layout = h5py.VirtualLayout((10, 10**6), "f8")
        layout[0] = h5py.VirtualSource("other.h5", "x", (10**6,))
        file.create_virtual_dataset(name, layout, fillvalue=0)
    elif work == 4:
        file.create_dataset(name, (1000,), "f8", external=[("/dev/zero", 0, 8000)])
    elif work == 5:
        file.create_dataset(name, (3 * 10**8,), "f4")  # contiguous, never written
    else:
        file.create_dataset(name, (10**9,), h5py.string_dtype(), chunks=(10**4,))


def _attribute(node: Any, draw: Draw) -> str:
    names = [*node.attrs] or ["unit"]
    name = pick(draw, names)
    values = (
        *EXTREMES[:27], "", "text", "ä" * 1000, b"\xff\xfe", np.zeros(5), np.zeros((2, 2)), np.nan, h5py.Empty("f8"),
        np.array([b"a", b"\xff"]), ["input", "output"], ["output", "output"], node.file.ref, True, np.zeros(3, "c16"),
    )  # fmt: skip
    if draw.random() < 0.2:
        if name in node.attrs:
            del node.attrs[name]
        return f"removed {name}"
    value = pick(draw, values)
    try:
        node.attrs[name] = value
    except (TypeError, OverflowError, OSError):
        node.attrs[name] = "x"
    return f"{name} = {value!r:.60}"


# --------------------------------------------------------------------------- robots


def xml(path: Path, draw: Draw) -> str:
    """Change an attribute or an element of an XML file."""
    parsed = ElementTree.parse(path)
    elements = [element for element in parsed.iter() if element is not parsed.getroot()]
    element = pick(draw, elements)
    parents = {child: parent for parent in parsed.iter() for child in parent}
    work = pick(draw, ("number", "number", "number", "text", "remove", "repeat", "attribute"))
    done = f"{work} {element.tag}"
    if work == "remove":
        parents[element].remove(element)
    elif work == "repeat":
        for _ in range(int(pick(draw, (1, 1, 50)))):
            parents[element].append(copy.deepcopy(element))
    elif element.attrib:
        name = pick(draw, sorted(element.attrib))
        words = element.attrib[name].split() or [""]
        if work == "number":
            words[int(draw.integers(len(words)))] = str(pick(draw, EXTREMES))
        elif work == "text":
            words = [str(pick(draw, OTHERS[:8])).replace("\x1b", "")]
        else:
            words = []
        element.attrib[name] = " ".join(words)
        done += f" {name}={element.attrib[name]:.60}"
    parsed.write(path)
    return done


# --------------------------------------------------------------------------- bytes


def raw(path: Path, draw: Draw) -> str:
    """Flip, cut, insert or repeat bytes or lines."""
    data = bytearray(path.read_bytes())
    done = _scrambled(data, draw)
    path.write_bytes(bytes(data))
    return done


def _scrambled(data: bytearray, draw: Draw) -> str:
    """Do it to bytes in memory."""
    if not data:
        return "empty"
    work = pick(draw, ("flip", "flip", "cut", "insert", "line", "drop", "end", "empty"))
    where = int(draw.integers(len(data)))
    if work == "flip":
        for _ in range(int(pick(draw, (1, 1, 2, 8, 40)))):
            data[int(draw.integers(len(data)))] = int(draw.integers(256))
    elif work == "cut":
        del data[where:]
    elif work == "insert":
        data[where:where] = pick(draw, JUNK)
    elif work == "drop":
        del data[where : where + int(pick(draw, (1, 4, 16, 200)))]
    elif work == "end":
        data += b"\n" + pick(draw, JUNK)
    elif work == "empty":
        data.clear()
    else:
        lines = bytes(data).split(b"\n")
        lines.insert(int(draw.integers(len(lines))), pick(draw, lines))
        data[:] = b"\n".join(lines)
    return f"{work} at {where}"


# --------------------------------------------------------------------------- policies of other libraries


def packed(path: Path, draw: Draw) -> str:
    """Change a member of a zip, or of a zip in it, and pack it again, so that its checksum is right."""
    done, made = _repacked(path.read_bytes(), draw)
    path.write_bytes(made)
    return done


def _repacked(raw_zip: bytes, draw: Draw) -> tuple[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw_zip)) as old:
        members = {name: old.read(name) for name in old.namelist()}
    name = pick(draw, [*members, *(n for n in members if n in ("data", "policy.pth"))])
    work = pick(draw, ("change",) * 12 + ("remove", "rename", "exchange", "twice", "grow"))
    done = f"{work} {name}"
    made, method = io.BytesIO(), pick(draw, (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED))
    if work == "change":
        told, members[name] = _member(name, members[name], draw)
        done += f": {told}"
    elif work == "remove":
        del members[name]
    elif work == "rename":
        members[pick(draw, ("data", "policy.pth", "archive/data.pkl", "a/data.pkl", "x" * 300, "../x"))] = members.pop(
            name
        )
    elif work == "exchange":
        other = pick(draw, sorted(members))
        members[name], members[other] = members[other], members[name]
    elif work == "grow":
        members[name] = members[name] + bytes(int(pick(draw, (1, 10**6, 5 * 10**7))))
    with warnings.catch_warnings(), zipfile.ZipFile(made, "w", method) as new:
        warnings.simplefilter("ignore")  # two members of one name
        for member, content in members.items():
            new.writestr(member, content)
        if work == "twice":
            new.writestr(name, members[name])
    return done, made.getvalue()


def _member(name: str, content: bytes, draw: Draw) -> tuple[str, bytes]:
    if content[:4] == b"PK\x03\x04":
        return _repacked(content, draw)
    if name == "data" and draw.random() < 0.8:
        values = [json.loads(content)]
        pickled = [key for key, value in values[0].items() if isinstance(value, dict) and ":serialized:" in value]
        if pickled and draw.random() < 0.6:
            key = pick(draw, pickled)
            inside = bytearray(base64.b64decode(values[0][key][":serialized:"]))
            done = _pickle(inside, draw)
            values[0][key][":serialized:"] = base64.b64encode(inside).decode()
            return f"{key}: {done}", json.dumps(values[0]).encode()
        done = tree(values, draw)
        return done, json.dumps(values[0] if values else None).encode()
    data = bytearray(content)
    done = _pickle(data, draw) if name.endswith(".pkl") else _scrambled(data, draw)
    return done, bytes(data)


def pickled(path: Path, draw: Draw) -> str:
    """Change an opcode of a pickle."""
    data = bytearray(path.read_bytes())
    done = _pickle(data, draw)
    path.write_bytes(bytes(data))
    return done


def _pickle(data: bytearray, draw: Draw) -> str:
    """Exchange, remove, repeat or insert opcodes; or any bytes."""
    if draw.random() < 0.3:
        return _scrambled(data, draw)
    try:
        places = [place for _, _, place in pickletools.genops(bytes(data)) if place is not None]
    except Exception:  # it was changed before
        return _scrambled(data, draw)
    where = pick(draw, places)
    work = pick(draw, ("code", "code", "insert", "repeat", "flood"))
    code = ord(pick(draw, pickletools.opcodes).code)
    if work == "code":
        data[where] = code
    elif work == "insert":
        data[where:where] = pick(
            draw, (bytes([code]), b"cposix\nsystem\n", b"cnumpy\nload\n)R", b"N", b"(", b"0", b"}", b"h\x00")
        )
    elif work == "repeat":
        end = pick(draw, places)
        data[where:where] = data[min(where, end) : max(where, end)] * int(pick(draw, (1, 3, 50)))
    else:
        data[where:where] = bytes([code]) * int(pick(draw, (1000, 600_000)))
    return f"{work} {chr(code)!r} at {where}"


STRUCTURED: dict[str, tuple[Callable[[Path, Draw], str], ...]] = {  # by the name, then by the ending of a file
    "state.json": (state,),
    ".toml": (toml,),
    ".json": (json_file,),
    ".jsonl": (json_file,),
    ".safetensors": (tensors, tensors, header),
    ".h5": (recording,),
    ".xml": (xml,),
    ".zip": (packed,),
    ".pt": (packed,),
    ".npz": (packed,),
    ".pkl": (pickled,),
}


def mutate(folder: Path, files: list[str], draw: Draw) -> str:
    """Change one of ``files`` of the entry in ``folder``; says how."""
    path = folder / pick(draw, files)
    known = STRUCTURED.get(path.name) or STRUCTURED.get(path.suffix, ())
    work = pick(draw, (*known * 3, raw) if known else (raw,))
    return f"{path.name}: {work.__name__}: {work(path, draw)}"
