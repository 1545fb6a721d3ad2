"""Hashed place cells: shifted grids of box-shaped fields, one active cell a grid, whatever the number of dimensions.

    z[d] = (x[d] - low) / (high - low)                                             clipped to [0, 1]
    k[l, d] = floor(fields[l, d] z[d] + shift[l, d])                               the field of grid l that x is in
    cell[l] = l cells + (mixed-radix number of k[l], or its hash modulo cells where there are more fields than cells)

The active cell of each grid spikes in every tick, all others are silent. Two observations share the more cells the
closer they are, so learning at one place changes its neighbours: a population code with layers levels of similarity.
A grid looks at ``subset`` dimensions, all by default: at every choice of that many in turn, in random order, before any
comes again. So the number of cells does not grow with the number of dimensions, and hashing bounds it where the fields
are many: far places may then share a cell of one grid, seldom of several.

Tensors: ``encoder.fields`` and ``encoder.shift`` (layers, dims); fields are 0 where a grid does not look.
Cost: layers cells neurons; layers ticks spikes a decision, independent of the observation.
Source: Albus, J. Dyn. Syst. Meas. Control 97:220 (1975) (CMAC: the cerebellum's granule cells); Sutton & Barto,
Reinforcement Learning (2018), section 9.5.4 (hashing, asymmetric shifts).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Gt, Le, MinLen
from numba import njit
from numpy.typing import NDArray

from snnctl.coding.code import Encoder, Shapes, Tensors
from snnctl.config import schema
from snnctl.errors import Problem

_FACTOR, _LOW = np.uint64(0x9E3779B1), np.uint64(0xFFFFFFFF)  # 2^32 / golden ratio, prime (Knuth 6.4)
MAX_FIELDS = 1 << 24  # exact in float32
_MANY = 100_000  # choices of dimensions
_29, _32 = np.uint64(29), np.uint64(32)


@schema
class HashedPlaceCells(Encoder):
    """Configuration of the hashed place-cell encoder."""

    kind: Literal["hashed_place_cells"] = "hashed_place_cells"
    layers: Annotated[int, Gt(0)] = 16
    cells: Annotated[int, Gt(0)] = 256  # of a grid
    # over the range of each observation; 0: ignored
    fields: Annotated[tuple[Annotated[int, Ge(0), Le(MAX_FIELDS)], ...], MinLen(1)]
    subset: Annotated[int, Gt(0)] | None = None  # dimensions that a grid looks at; all by default
    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"low {self.low} must be below high {self.high}")
        used = len(self.fields) - self.fields.count(0)
        if used == 0:
            raise ValueError("fields has no entry above 0: every observation would be ignored")
        if self.subset is not None and self.subset > used:
            raise ValueError(f"subset {self.subset} is more than the {used} dimensions that fields does not ignore")

    def size(self, dims: int) -> int:
        """Number of cells."""
        return self.layers * self.cells

    @property
    def is_steady(self) -> bool:
        """It neither draws nor remembers."""
        return True

    def problems(self, dims: int, ticks: int) -> list[Problem]:
        """There must be fields for each of ``dims`` observations."""
        if len(self.fields) == dims:
            return []
        return [Problem("fields", f"has {len(self.fields)} entries", f"give one for each of {dims} observations")]

    def tensor_problems(self, tensors: Tensors) -> list[Problem]:
        """Fields and shifts are numbers of cells: others would be outside the grid."""
        found, fields, shift = [], tensors["encoder.fields"], tensors["encoder.shift"]
        if not ((fields == 0) | (fields == np.array(self.fields, fields.dtype))).all():
            remedy = "give encoder.fields of agent.toml, or 0 where a grid does not look"
            found.append(Problem("encoder.fields", "has other numbers than encoder.fields of the description", remedy))
        if not ((shift >= 0) & (shift.astype(np.float32) < 1)).all():
            found.append(Problem("encoder.shift", "has numbers outside 0 <= shift < 1", "give parts of a field"))
        return found

    def tensor_shapes(self, dims: int) -> Shapes:
        """Tensors of this encoder for ``dims`` observations."""
        return {"encoder.fields": (self.layers, dims), "encoder.shift": (self.layers, dims)}

    def grids(self, generator: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Fields and shifts of every grid.  # (layers, dims) each

        Shifts are the odd multiples (1, 3, 5 ...) of a layer's number, so that no direction is favoured.
        """
        dims = len(self.fields)
        number = np.arange(self.layers)[:, None]
        shift = ((number * (2 * np.arange(dims) + 1)) % self.layers + 0.5) / self.layers  # (layers, dims)
        fields = np.tile(np.array(self.fields, np.float64), (self.layers, 1))  # (layers, dims)
        if self.subset is not None:
            used = np.flatnonzero(self.fields)
            for layer, blind in enumerate(_blind(used.size, used.size - self.subset, self.layers, generator)):
                fields[layer, used[blind]] = 0
        return fields.astype(np.float32), shift.astype(np.float32)

    def initial(self, dims: int, generator: np.random.Generator) -> dict[str, NDArray[Any]]:
        """The grids; which dimensions each looks at is drawn."""
        fields, shift = self.grids(generator)
        return {"encoder.fields": fields, "encoder.shift": shift}

    def build(self, tensors: Tensors, tick_s: float, dtype: type) -> HashedPlaceCellEncoder:
        """What encodes, with these fields and shifts."""
        return HashedPlaceCellEncoder(self, tensors)


def _blind(dims: int, count: int, layers: int, generator: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """The ``count`` dimensions that each grid does not look at: all choices in turn, in random order."""
    if math.comb(dims, count) > _MANY:  # then two grids that look at the same dimensions are rare
        yield from (generator.permutation(dims)[:count] for _ in range(layers))
        return
    choices = np.array(list(itertools.combinations(range(dims), count)), np.int64)
    order = np.concatenate([generator.permutation(len(choices)) for _ in range(-(-layers // len(choices)))])
    yield from choices[order[:layers]]


@njit(cache=True, nogil=True, error_model="numpy")
def locate(
    x: NDArray[np.float64],
    low: float,
    high: float,
    fields: NDArray[np.float32],
    shift: NDArray[np.float32],
    cells: int,
    out: NDArray[np.int64],
) -> None:
    """The active cell of every grid, ascending.

    Args:
        x: normalised observation (dims,); a nan counts as ``low``
        low: lower end of the range
        high: upper end
        fields: (layers, dims)
        shift: (layers, dims)
        cells: of a grid
        out: (layers,), overwritten
    """
    for layer in range(out.size):
        size, index = 1, 0
        mixed = np.uint64(layer + 1) * _FACTOR
        for d in range(x.size):
            count = int(fields[layer, d])
            if count == 0:
                continue
            z = (x[d] - low) / (high - low)
            z = min(z, 1.0) if z > 0.0 else 0.0
            k = int(z * count + shift[layer, d])
            if size <= cells:  # beyond, the hash decides, and the product would leave 64 bits
                size *= count + 1
                index = index * (count + 1) + k
            mixed = mixed ^ np.uint64(k + 1)
            mixed = (mixed & _LOW) * _FACTOR ^ (mixed >> _32) * _FACTOR  # no product needs more than 64 bits
            mixed = mixed ^ (mixed >> _29)
        if size > cells:
            index = int(mixed % np.uint64(cells))
        out[layer] = layer * cells + index


class HashedPlaceCellEncoder:
    """Normalised observation -> spikes, or the list of the cells that spike."""

    def __init__(self, config: HashedPlaceCells, tensors: Tensors) -> None:
        self._config = config
        self._fields = np.ascontiguousarray(tensors["encoder.fields"], np.float32)  # (layers, dims)
        self._shift = np.ascontiguousarray(tensors["encoder.shift"], np.float32)  # (layers, dims)
        self._span = config.low, config.high
        self._active = np.empty(config.layers, np.int64)  # (layers,)

    def reset(self) -> None:
        """Nothing is kept between decisions."""

    def active(self, x: NDArray[np.float64]) -> NDArray[np.int64]:
        """The cells (layers,) that spike in every tick for ``x`` (dims,); overwritten by the next call."""
        locate(x, *self._span, self._fields, self._shift, self._config.cells, self._active)
        return self._active

    def encode(self, x: NDArray[np.float64], ticks: int, state: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Spikes (ticks, n) for the normalised observation ``x`` (dims,)."""
        spikes = np.zeros((ticks, self._config.size(x.size)), np.uint8)  # (ticks, n)
        spikes[:, self.active(x)] = 1
        return spikes
