"""Milliseconds of products with spikes, by lists and dense, over densities and numbers of columns.

    python benchmarks/spike_products.py

1280 rows (5 ticks of 256 observations), 256 sources; y = S W and G = S^T D of snnctl.surrogate.spike_products, listing
included. The last two lines are the constants that decide between both: a fit over all lines.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import snnctl  # noqa: F401  sets up BLAS before numpy is imported

import numpy as np  # isort: skip
from critics import median_ms  # beside this script

from snnctl.surrogate.spike_products import GATHER, LISTING, Spikes

TICKS, BATCH, SOURCES, REPEATS = 5, 256, 256, 40


def forward(spikes: Spikes, weight: Any, out: Any) -> None:
    """Y, with the lists of a new raster."""
    spikes.count()
    spikes.times(weight, out, add=False)


def backward(spikes: Spikes, above: Any, gradient: Any) -> None:
    """G, with the lists of a new raster."""
    spikes._indexed = False
    spikes.transposed_times(above, gradient)


def main() -> None:
    """Measure and print."""
    random = np.random.default_rng(0)
    matrix, times = [], []
    print("density  columns   lists: y     G    dense: y     G")
    for density in (0.02, 0.05, 0.1, 0.2, 0.3, 0.4):
        for columns in (64, 128, 256):
            raster = (random.random((TICKS, BATCH, SOURCES)) < density).astype(np.float32)
            spikes = Spikes(raster, columns)
            weight, above = (random.standard_normal((m, columns)).astype(np.float32) for m in (SOURCES, TICKS * BATCH))
            out, gradient = np.zeros_like(above), np.zeros_like(weight)

            y = median_ms(partial(forward, spikes, weight, out), REPEATS)
            g = median_ms(partial(backward, spikes, above, gradient), REPEATS)
            dense_y = median_ms(partial(np.dot, spikes.matrix, weight, out=out), REPEATS)
            dense_g = median_ms(partial(np.dot, spikes.matrix.T, above, out=gradient), REPEATS)
            print(f"{density:7.2f}  {columns:7}   {y:8.2f} {g:5.2f}    {dense_y:5.2f} {dense_g:5.2f}")
            column = (dense_y + dense_g) / 2 / columns
            matrix.append([1.0, density * columns])
            times.append((y + g) / 2 / column)
    (listing, gather), *_ = np.linalg.lstsq(np.array(matrix), np.array(times), rcond=None)
    print(f"listing costs as much as {listing:.1f} columns of the dense product (the package says {LISTING})")
    print(f"an addition costs {gather:.2f} times a multiplication and addition there (the package says {GATHER})")


if __name__ == "__main__":
    main()
