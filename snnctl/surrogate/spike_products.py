"""Products with a matrix of spikes that add the rows of spiking sources and skip silent ones.

    y = S W       y[r]  = sum over the sources j that spiked in row r of W[j]          S: (rows, sources) of 0 and 1
    G = S^T D     G[j]  = sum over the rows r in which source j spiked of D[r]         W: (sources, n), D: (rows, n)

Both are one kernel over lists: of sources for every row, of rows for every source. It holds a strip of WIDTH sums in
registers (snnctl.network.vector), and the added matrix is laid out in such strips. In y every sum is a chain of
additions in the order of the sources, as in the engine and in the deployed decision.

A product pays below a density that depends on n, because listing costs as much as LISTING columns of the dense
product, and an addition here GATHER times as much as a multiplication and addition there:

    sparse where    LISTING + GATHER density n < n

Both constants are measured (benchmarks/spike_products.py; AVX2).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.network.vector import LANES, aligned, sum_rows

WIDTH = 64  # of a strip: half of the registers of AVX2, so that the next row is loaded while this one is added
LISTING = 25  # columns of the dense product
GATHER = 2.6
FEWEST_ROWS = 64  # below, laying out costs more than it saves

Floats = NDArray[np.floating[Any]]


@njit(cache=True, nogil=True, error_model="numpy")
def list_sources(spikes: Floats, sources: NDArray[np.int32], counts: NDArray[np.int32]) -> int:
    """List the sources that spiked in every row.

    Args:
        spikes: (rows, n) of 0 and 1
        sources: (rows, n + 1), row r written up to counts[r]; one place is needed to write without asking
        counts: (rows,) written

    Returns:
        How many spikes there are.
    """
    total = 0
    for row in range(spikes.shape[0]):
        count = 0
        for j in range(spikes.shape[1]):
            sources[row, count] = j
            count += 1 if spikes[row, j] > 0 else 0
        counts[row] = count
        total += count
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def list_rows(
    sources: NDArray[np.int32], counts: NDArray[np.int32], rows: NDArray[np.int32], sizes: NDArray[np.int32]
) -> None:
    """List the rows of every source, ascending: (n, rows) with ``sizes`` (n,), from what :func:`list_sources` wrote."""
    sizes[:] = 0
    for row in range(counts.size):
        for e in range(counts[row]):
            j = sources[row, e]
            rows[j, sizes[j]] = row
            sizes[j] += 1


@njit(cache=True, nogil=True, error_model="numpy")
def lay_out(matrix: Floats, strips: Floats) -> None:
    """Cut ``matrix`` (m, n) into strips of WIDTH columns, one after the other; the last is padded to full lanes."""
    place = 0
    for first in range(0, matrix.shape[1], WIDTH):
        taken = min(WIDTH, matrix.shape[1] - first)
        width = _width(taken)
        for row in range(matrix.shape[0]):
            strips[place : place + taken] = matrix[row, first : first + taken]
            strips[place + taken : place + width] = 0
            place += width


@njit(cache=True, nogil=True, error_model="numpy")
def add_rows(
    strips: Floats,
    height: int,
    lists: NDArray[np.int32],
    counts: NDArray[np.int32],
    sums: Floats,
    out: Floats,
    add: bool,
) -> None:
    """out[i] = sum over e < counts[i] of matrix[lists[i, e]], or out[i] += that.

    Args:
        strips: the matrix (height, n) as :func:`lay_out` wrote it
        height: rows of the matrix
        lists: (m, any) row numbers
        counts: (m,)
        sums: (WIDTH,), aligned work space
        out: (m, n)
        add: whether ``out`` is kept
    """
    flat, stride = lists.reshape(-1), lists.shape[1]
    base = 0
    for first in range(0, out.shape[1], WIDTH):
        taken = min(WIDTH, out.shape[1] - first)
        width = _width(taken)
        for i in range(counts.size):
            sum_rows(strips, base, width, flat, i * stride, counts[i], sums, 0, False)
            row = out[i, first : first + taken]
            for j in range(taken):
                row[j] = row[j] + sums[j] if add else sums[j]
        base += height * width


@njit(cache=True, nogil=True, error_model="numpy")
def _width(taken: int) -> int:
    width = WIDTH
    while width // 2 >= taken and width > LANES:
        width //= 2
    return width


class Spikes:
    """The spikes of one node in one pass: where they are, and products with them.

    Args:
        raster: (ticks, batch, n), which the node writes
        widest: columns of the widest matrix that is multiplied with; 0 if there is none
    """

    def __init__(self, raster: Floats, widest: int) -> None:
        self.matrix = raster.reshape(-1, raster.shape[2])  # S, a view
        rows, n = self.matrix.shape
        self._able = widest > 0 and rows >= FEWEST_ROWS and raster.dtype == np.float32
        self._density, self._indexed = 1.0, False
        if not self._able:
            return
        self._sources, self._counts = np.zeros((rows, n + 1), np.int32), np.zeros(rows, np.int32)
        self._rows, self._sizes = np.zeros((n, rows), np.int32), np.zeros(n, np.int32)
        self._strips = aligned(max(rows, n) * -(-widest // WIDTH) * WIDTH)
        self._sums = aligned(WIDTH)

    def count(self) -> None:
        """Find the spikes; to be called once the node has written them."""
        if self._able:
            total = list_sources(self.matrix, self._sources, self._counts)
            self._density, self._indexed = total / self.matrix.size, False

    def pays(self, columns: int) -> bool:
        """Whether a product with so many columns is faster by lists."""
        return self._able and LISTING + GATHER * self._density * columns < columns

    def times(self, weight: Floats, out: Floats, *, add: bool) -> None:
        """Y = S W into ``out`` (rows, n), or added to it."""
        lay_out(weight, self._strips)
        add_rows(self._strips, len(weight), self._sources, self._counts, self._sums, out, add)

    def transposed_times(self, matrix: Floats, out: Floats) -> None:
        """G = S^T D into ``out`` (sources, n)."""
        if not self._indexed:
            list_rows(self._sources, self._counts, self._rows, self._sizes)
            self._indexed = True
        lay_out(matrix, self._strips)
        add_rows(self._strips, len(matrix), self._rows, self._sizes, self._sums, out, False)
