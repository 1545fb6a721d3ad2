"""How the synapses of a projection are laid out: dense, sparse, or one kernel that is shared over places.

    dense         weight[i, j] from source i to target j
    sparse        compressed rows by source: targets indices[indptr[i] : indptr[i + 1]], a weight each
    convolution   drive[f, y, x] = sum_{c, dy, dx} weight[f, c, dy, dx] spike[c, y s_y - p_y + dy, x s_x - p_x + dx]

A convolution's neurons are channel-major, then rows, then columns; its weight has the shape and the orientation of
PyTorch's Conv2d (a cross-correlation). Nothing is unrolled: a spike visits the places that its kernel reaches.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Gt
from numpy.typing import NDArray

from snnctl.config import schema
from snnctl.errors import NetworkError, Problem

Size = Annotated[int, Gt(0)]
MAX_UNROLLED = 1 << 26  # synapses of a convolution that are written out at once


@schema
class Convolution:
    """A two-dimensional convolution from a population of ``shape`` to one of :attr:`output_shape`."""

    kind: Literal["convolution"] = "convolution"
    shape: tuple[Size, Size, Size]  # channels, height and width of the source
    channels: Size  # of the target
    kernel: tuple[Size, Size]  # height, width
    stride: tuple[Size, Size] = (1, 1)
    padding: tuple[Annotated[int, Ge(0)], Annotated[int, Ge(0)]] = (0, 0)

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the target; height or width below 1 where the kernel is too large."""
        spans = zip(self.shape[1:], self.kernel, self.stride, self.padding, strict=True)
        height, width = ((size + 2 * pad - kernel) // stride + 1 for size, kernel, stride, pad in spans)
        return self.channels, height, width

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        """Target channels, source channels, height and width of the kernel."""
        return self.channels, self.shape[0], *self.kernel

    @property
    def geometry(self) -> NDArray[np.int64]:
        """What the kernel of the engine reads.  # (12,)"""
        return np.array([*self.shape, *self.output_shape, *self.kernel, *self.stride, *self.padding], np.int64)

    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Source, target and element of the flat weight of every synapse, ascending in source, then in target.

        Raises:
            NetworkError: there are more than :data:`MAX_UNROLLED`.
        """
        synapses = math.prod(self.output_shape) * self.shape[0] * math.prod(self.kernel)
        if synapses > MAX_UNROLLED:
            message = f"has up to {synapses:,} synapses"
            raise NetworkError(Problem("convolution", message, f"at most {MAX_UNROLLED:,} are written out one by one"))
        (channels, height, width), (filters, rows, columns) = self.shape, self.output_shape
        axes = np.ogrid[:channels, :filters, :rows, :columns, : self.kernel[0], : self.kernel[1]]
        c, f, y, x, dy, dx = axes
        row, column = y * self.stride[0] - self.padding[0] + dy, x * self.stride[1] - self.padding[1] + dx
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        source, target = (c * height + row) * width + column, (f * rows + y) * columns + x
        weight = ((f * channels + c) * self.kernel[0] + dy) * self.kernel[1] + dx
        shape = np.broadcast_shapes(*(axis.shape for axis in axes))
        inside = np.broadcast_to(inside, shape)
        sources, targets, weights = (np.broadcast_to(a, shape)[inside] for a in (source, target, weight))
        order = np.lexsort((targets, sources))
        return sources[order], targets[order], weights[order]


Connection = Literal["dense", "sparse"] | Convolution


def kind(connection: Any) -> str:
    """``dense``, ``sparse`` or ``convolution``."""
    return str(getattr(connection, "kind", connection))
