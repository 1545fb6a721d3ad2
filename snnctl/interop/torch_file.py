"""Files that torch saved (``torch.save``), read without torch: a pickle of names and shapes beside raw numbers.

A zip whose member ``ROOT/data.pkl`` refers to storages by persistent ids ("storage", type, key, device, count); the
numbers of storage ``key`` are the member ``ROOT/data/<key>``, in the byte order that ``ROOT/byteorder`` names (little
where it is absent). A tensor is a storage, an offset, sizes and strides, counted in numbers.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.interop.files import Zip, refusal
from snnctl.interop.pickled import COMMON, COMMON_OPAQUE, Instance, Machine, Meaning, Named, plain

Tensors = dict[str, NDArray[Any]]

_TYPES = {
    "FloatStorage": "f4", "DoubleStorage": "f8", "HalfStorage": "f2", "BFloat16Storage": "u2", "LongStorage": "i8",
    "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "b1",
}  # fmt: skip
_OPAQUE = COMMON_OPAQUE | {Named("torch", name) for name in _TYPES} | {
    Named("torch", "device"), Named("torch", "Size"), Named("torch.nn.parameter", "Parameter"),
}  # fmt: skip
_MAX_DIMENSIONS = 8


class TorchFile:
    """What one file holds.

    Args:
        raw: the bytes of the zip
        where: names it in errors
    """

    def __init__(self, raw: bytes, where: str) -> None:
        """Find the pickle. Raises PolicyError where the bytes are not a zip that torch saved."""
        self.where = where
        self._zip = Zip(raw, where)
        roots = [name.removesuffix("data.pkl") for name in self._zip.names if name.endswith("/data.pkl")]
        if len(roots) != 1:
            raise refusal(where, "is not a file that torch saved: it has no data.pkl", "save it with torch.save")
        self._root = roots[0]
        self._order = "<"
        if f"{self._root}byteorder" in self._zip.names:
            self._order = ">" if self._zip.read(f"{self._root}byteorder", 100) == b"big" else "<"
        self._storages: dict[str, NDArray[Any]] = {}

    @property
    def pickle(self) -> bytes:
        """The pickle of names and shapes."""
        return self._zip.read(f"{self._root}data.pkl")

    def read(self) -> Any:
        """Its value, tensors as numpy arrays.

        Raises:
            PolicyError: it names anything but tensors and containers, is damaged, or contradicts itself.
        """
        meanings: dict[Named, Meaning] = {
            **COMMON,
            Named("torch._utils", "_rebuild_tensor_v2"): self._tensor,
            Named("torch._utils", "_rebuild_parameter"): self._parameter,
        }
        return Machine(self.where, meanings, _OPAQUE, persistent=self._storage).run(self.pickle)

    def _storage(self, identity: Any) -> NDArray[Any]:
        """The numbers of a storage (count,), in the type of the file; bfloat16 as float32."""
        match identity:
            case ("storage", Named("torch", kind), str() as key, str(), int() as count) if kind in _TYPES:
                pass
            case _:
                raise refusal(self.where, "refers to something that is not a storage of numbers")
        if key not in self._storages:
            raw = self._zip.read(f"{self._root}data/{key}")
            dtype = np.dtype(_TYPES[kind]).newbyteorder(self._order)  # type: ignore[arg-type]
            if count < 0 or count * dtype.itemsize != len(raw):
                message = f"has a storage of {len(raw)} bytes where its pickle says otherwise"
                raise refusal(self.where, message)
            values: NDArray[Any] = np.frombuffer(raw, dtype)
            if kind == "BFloat16Storage":  # the upper half of a float32
                values = (values.astype(np.uint32) << 16).view(np.float32)
            self._storages[key] = values
        return self._storages[key]

    def _tensor(self, arguments: tuple[Any, ...], where: str) -> NDArray[Any]:
        match arguments:
            case (np.ndarray() as storage, int() as offset, tuple() as sizes, tuple() as strides, *_):
                pass
            case _:
                raise refusal(where, "has a tensor that is not made as torch makes one")
        numbers = (offset, *sizes, *strides)
        whole = all(type(n) is int and 0 <= n < 2**40 for n in numbers)
        if storage.ndim != 1 or not whole or len(sizes) != len(strides) or len(sizes) > _MAX_DIMENSIONS:
            raise refusal(where, "has a tensor of sizes or strides that are none")
        last = offset + sum((n - 1) * step for n, step in zip(sizes, strides, strict=True))
        if (count := math.prod(sizes)) > storage.size or (count and last >= storage.size):
            raise refusal(where, f"has a tensor {sizes} of {count} numbers in a storage of {storage.size}")
        if not count:
            return np.zeros(sizes, storage.dtype)
        steps = [step * storage.itemsize for step in strides]
        return np.lib.stride_tricks.as_strided(storage[offset:], sizes, steps, writeable=False).copy()

    def _parameter(self, arguments: tuple[Any, ...], where: str) -> Any:
        if not arguments:
            raise refusal(where, "has a parameter without a tensor")
        return arguments[0]


def state_dict(value: Any, where: str) -> Tensors:
    """The tensors of a state dict, by name: the value itself, or the one in it that is of the policy.

    Of a checkpoint it is ``model_state_dict``, ``actor_state_dict``, ``policy`` or ``state_dict``, the first of these.

    Raises:
        PolicyError: there is none.
    """
    if isinstance(value, Instance) or not isinstance(value, dict):
        raise refusal(where, "does not hold a state dict", "save model.state_dict()")
    for name in ("model_state_dict", "actor_state_dict", "policy", "state_dict"):
        if isinstance(value.get(name), dict):
            return state_dict(value[name], where)
    found = {name: array for name, item in value.items() if isinstance(array := plain(item), np.ndarray)}
    if not found or not all(isinstance(name, str) for name in found):
        raise refusal(where, "does not hold tensors by name", "save model.state_dict()")
    return {name: array for name, array in found.items() if isinstance(name, str)}
