"""Just enough of protocol buffers to write ONNX files for tests."""

from __future__ import annotations

import numpy as np


def varint(n: int) -> bytes:
    """A whole number."""
    out = b""
    while n >= 0x80:
        out, n = out + bytes([n & 0x7F | 0x80]), n >> 7
    return out + bytes([n])


def field(number: int, value: int | bytes | str) -> bytes:
    """A field of a message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def tensor(name: str, array: np.ndarray, external: dict[str, str] | None = None, dims: tuple[int, ...] = ()) -> bytes:
    """A float32 tensor, its data inside or elsewhere."""
    made = b"".join(field(1, n) for n in dims or array.shape) + field(2, 1) + field(8, name)
    if external is None:
        return made + field(9, array.astype("<f4").tobytes())
    return made + field(14, 1) + b"".join(field(13, field(1, k) + field(2, v)) for k, v in external.items())


def node(op: str, inputs: list[str], output: str, domain: str = "") -> bytes:
    """An operator."""
    made = b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, op)
    return made + (field(7, domain) if domain else b"")


def model(nodes: list[bytes], tensors: list[bytes], inputs: tuple[str, ...] = ("obs",), output: str = "y") -> bytes:
    """A file."""
    graph = b"".join(field(1, n) for n in nodes) + b"".join(field(5, t) for t in tensors)
    graph += b"".join(field(11, field(1, name)) for name in inputs) + field(12, field(1, output))
    return field(1, 9) + field(2, "tests") + field(7, graph)
