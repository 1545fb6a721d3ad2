"""Named tensors as views of one flat vector, so that an optimiser and a sum of gradients are one loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Shapes = Mapping[str, tuple[int, ...]]
T = TypeVar("T")


def allocate(shapes: Shapes, dtype: Any) -> tuple[Floats, dict[str, Floats]]:
    """A zeroed flat vector and its views by name, in the order of ``shapes``."""
    flat = np.zeros(sum(int(np.prod(shape)) for shape in shapes.values()), dtype=dtype)  # (parameters,)
    return flat, views(flat, shapes)


def views(flat: Floats, shapes: Shapes) -> dict[str, Floats]:
    """The tensors of ``shapes`` as views of ``flat``."""
    found: dict[str, Floats] = {}
    start = 0
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        found[name] = flat[start : start + size].reshape(shape)
        start += size
    return found


def below(tensors: Mapping[str, T], prefix: str) -> dict[str, T]:
    """Those whose names begin with ``prefix``, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def first_not_finite(tensors: Mapping[str, Floats]) -> str | None:
    """Name of the first tensor that holds nan or inf, None when all are finite."""
    return next((name for name, tensor in tensors.items() if not np.isfinite(tensor).all()), None)


def approach(target: Floats, parameters: Floats, share: float) -> None:
    """Move ``target`` by ``share`` of the way to ``parameters``, in place (Polyak averaging)."""
    _approach(target, parameters, target.dtype.type(share))


@njit(cache=True, nogil=True, error_model="numpy")
def _approach(target: Floats, parameters: Floats, share: Any) -> None:
    for j in range(target.size):
        target[j] += share * (parameters[j] - target[j])
