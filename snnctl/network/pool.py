"""Arrays laid end to end in one of a type, as compiled code takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Order = NDArray[np.uint32] | slice  # which elements of a flat array, in their order; slice(None) for all as they are


class Pool:
    """Arrays laid end to end, copied when the pool is asked for; remembers where each begins."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = np.dtype(dtype)
        self.size = 0
        self._parts: list[tuple[NDArray[Any], Order]] = []

    def add(self, array: NDArray[Any], order: Order = slice(None)) -> int:
        """Append ``array[order]`` of the flat array; returns the index of the first element."""
        start = self.size
        flat = array if array.ndim > 1 and not array.flags.c_contiguous else array.reshape(-1)
        self._parts.append((flat, order))
        self.size += order.size if isinstance(order, np.ndarray) else array.size
        return start

    def array(self) -> NDArray[Any]:
        """All of it."""
        found, first = np.empty(self.size, self.dtype), 0
        for array, order in self._parts:
            size = order.size if isinstance(order, np.ndarray) else array.size
            found[first : first + size].reshape(array.shape if isinstance(order, slice) else -1)[...] = array[order]
            first += size
        return found

    def taken(self) -> NDArray[Any]:
        """All of it; what it is made of is held no longer."""
        found = self.array()
        self.clear()
        return found

    def clear(self) -> None:
        """Let go of what it is made of."""
        self._parts.clear()

    @property
    def is_empty(self) -> bool:
        """Whether what it is made of is held no longer."""
        return self.size > 0 and not self._parts
