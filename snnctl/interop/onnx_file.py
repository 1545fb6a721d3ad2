"""ONNX files as nodes and constants, read without the onnx package.

The messages are those of onnx.proto (onnx 1.23): ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto. The
numbers of a tensor are in the message, or in a file beside it (``external_data``), whose name must not lead elsewhere.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.interop import files, protobuf
from snnctl.interop.files import refusal, shown
from snnctl.interop.protobuf import Fields, Reader

Array = NDArray[Any]

MAX_NODES = 5000
_TYPES = {1: "<f4", 2: "u1", 3: "i1", 5: "<i2", 6: "<i4", 7: "<i8", 9: "?", 10: "<f2", 11: "<f8", 12: "<u4", 13: "<u8"}
_IN_INT32 = {2, 3, 5, 6, 9}  # types whose numbers may be in int32_data
_MAX_DIMENSIONS = 8


class Node(NamedTuple):
    """One operation."""

    op: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]  # int, float, str, list of int or float, array


class Graph(NamedTuple):
    """What is computed."""

    nodes: list[Node]
    constants: dict[str, Array]
    inputs: list[str]  # without constants
    outputs: list[str]
    producer: str
    metadata: dict[str, str]


class OnnxFile:
    """Reads one file."""

    def __init__(self, path: Path) -> None:
        self._path, self._where = path, str(path)
        self._reader = Reader(self._where)
        self._unpacked = 0
        self._beside: dict[str, bytes] = {}

    def read(self, raw: bytes) -> Graph:
        """The graph of the file's bytes.

        Raises:
            PolicyError: it is damaged, too large, has functions or graphs inside of nodes, or data elsewhere.
        """
        model = self._reader.fields(raw)
        graphs = protobuf.messages(model, 7)
        if len(graphs) != 1:
            raise refusal(self._where, "is not an ONNX model: it has no graph", "export it with torch.onnx.export")
        if protobuf.messages(model, 25):
            raise refusal(self._where, "has functions of its own", "export it with plain operators")
        graph = self._reader.fields(graphs[0])
        nodes = [self._node(node) for node in protobuf.messages(graph, 1)]
        if len(nodes) > MAX_NODES:
            raise refusal(
                self._where, f"has {len(nodes)} nodes; at most {MAX_NODES} are read", "export the actor alone"
            )
        constants = dict(self._tensor(tensor) for tensor in protobuf.messages(graph, 5))
        named = {field: [protobuf.text(self._reader.fields(m), 1) for m in protobuf.messages(graph, field)]
                 for field in (11, 12)}  # fmt: skip
        pairs = [self._reader.fields(pair) for pair in protobuf.messages(model, 14)]
        return Graph(
            nodes,
            constants,
            [name for name in named[11] if name not in constants],
            named[12],
            shown(f"{protobuf.text(model, 2)} {protobuf.text(model, 3)}".strip()),
            {shown(protobuf.text(pair, 1)): shown(protobuf.text(pair, 2)) for pair in pairs[:100]},
        )

    def _node(self, raw: bytes) -> Node:
        fields = self._reader.fields(raw)
        inputs, outputs = ([m.decode("utf-8", "replace") for m in protobuf.messages(fields, n)] for n in (1, 2))
        op, domain = protobuf.text(fields, 4), protobuf.text(fields, 7)
        attributes = dict(self._attribute(attribute) for attribute in protobuf.messages(fields, 5))
        return Node(f"{domain}:{op}" if domain not in ("", "ai.onnx") else op, inputs, outputs, attributes)

    def _attribute(self, raw: bytes) -> tuple[str, Any]:
        fields = self._reader.fields(raw)
        name, kind = protobuf.text(fields, 1), protobuf.number(fields, 20)
        if kind == 1:
            return name, protobuf.real(fields, 2)
        if kind == 2:
            return name, protobuf.number(fields, 3)
        if kind == 3:
            return name, protobuf.text(fields, 4)
        if kind == 4 and (tensors := protobuf.messages(fields, 5)):
            return name, self._tensor(tensors[-1])[1]
        if kind == 6:
            raw_floats = b"".join(protobuf.messages(fields, 7))
            return name, np.frombuffer(raw_floats[: len(raw_floats) // 4 * 4], "<f4").tolist()
        if kind == 7:
            return name, self._reader.numbers(fields.get(8, []))
        return name, None  # of a kind that no operator of a dense network has

    # ----------------------------------------------------------------- tensors

    def _tensor(self, raw: bytes) -> tuple[str, Array]:
        fields = self._reader.fields(raw)
        name, kind = protobuf.text(fields, 8), protobuf.number(fields, 2)
        where = f"{self._where}:{shown(name)}"
        shape = tuple(self._reader.numbers(fields.get(1, [])))
        if kind not in _TYPES:
            raise refusal(where, f"is a tensor of type {kind}, not of numbers", "export the policy in float32")
        if len(shape) > _MAX_DIMENSIONS or not all(0 <= n < 2**31 for n in shape):
            raise refusal(where, "has a shape that is not one")
        dtype, count = np.dtype(_TYPES[kind]), math.prod(shape)
        self._unpacked += count * dtype.itemsize
        if self._unpacked > files.MAX_UNPACKED_BYTES:
            raise refusal(where, f"and the tensors before it have more than {files.MAX_UNPACKED_BYTES} bytes")
        if protobuf.number(fields, 14) == 1:
            values = np.frombuffer(self._external(fields, where, count * dtype.itemsize), dtype)
        elif 9 in fields:
            data = protobuf.messages(fields, 9)[-1:] or [b""]
            values = np.frombuffer(data[0][: len(data[0]) // dtype.itemsize * dtype.itemsize], dtype)
        else:
            values = self._listed(fields, kind, dtype)
        if values.size != count:
            raise refusal(where, f"has {values.size} numbers, its shape {shape} takes {count}")
        return name, values.reshape(shape)

    def _listed(self, fields: Fields, kind: int, dtype: np.dtype[Any]) -> Array:
        """Numbers that are a repeated field instead of bytes."""
        for field, code, allowed in ((4, "<f4", {1}), (10, "<f8", {11})):
            if kind in allowed:
                raw = b"".join(protobuf.messages(fields, field))
                return np.frombuffer(raw[: len(raw) // int(code[2]) * int(code[2])], code)
        field = 5 if kind in _IN_INT32 else 7
        numbers = self._reader.numbers(fields.get(field, []))
        return np.array(numbers, np.int64).astype(dtype)

    def _external(self, fields: Fields, where: str, size: int) -> bytes:
        """Bytes of a tensor in a file beside this one."""
        entries = [self._reader.fields(entry) for entry in protobuf.messages(fields, 13)]
        told = {protobuf.text(entry, 1): protobuf.text(entry, 2) for entry in entries}
        name = told.get("location", "")
        if not name or Path(name).name != name or name in (".", "..") or "\0" in name:
            message = f"is in the file '{shown(name)}', which is not one beside the model"
            raise refusal(where, message, "export it with external_data=False")
        beside = self._path.with_name(name)
        if beside.is_symlink():
            raise refusal(str(beside), "is a link", "put the file itself beside the model")
        if name not in self._beside:
            self._beside[name] = files.read(beside)
        offset, length = told.get("offset", "0"), told.get("length", str(size))
        if not (offset.isdecimal() and length.isdecimal() and len(offset) < 16 and len(length) < 16):
            raise refusal(where, "has an offset or a length that is not a number")
        raw = self._beside[name][int(offset) : int(offset) + int(length)]
        if len(raw) != size:
            raise refusal(where, f"has {len(raw)} bytes in '{shown(name)}', its shape takes {size}")
        return raw
