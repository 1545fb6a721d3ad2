"""Hashed place cells: how many cells two observations share, in a plane and against their distance."""

from __future__ import annotations

import argparse

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from snnctl import streams
from snnctl.coding import HashedPlaceCells
from snnctl.coding.hashed_place_cells import HashedPlaceCellEncoder
from snnctl.report.figure import BLUE, INK, SERIES, STYLE

PLACE = np.array([0.15, -0.2])
GRID = np.linspace(-1, 1, 81)


def encoder(layers: int, cells: int, dims: int = 2) -> HashedPlaceCellEncoder:
    """Eight fields in each dimension."""
    config = HashedPlaceCells(layers=layers, cells=cells, fields=(8,) * dims)
    fields, shift = config.grids(streams.generator(0, "weights"))
    return HashedPlaceCellEncoder(config, {"encoder.fields": fields, "encoder.shift": shift})


def main() -> None:
    """Print what two places share, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/hashed_place_cells.png")
    options = parser.parse_args()
    own = encoder(16, 128)
    here = own.active(PLACE).copy()
    shared = np.array([[np.mean(own.active(np.array([x, y])) == here) for x in GRID] for y in GRID])  # (y, x)
    print(f"16 grids of 8 x 8 fields: {np.mean(shared > 0):.2f} of all places share a cell with the one in the middle")
    random = np.random.default_rng(0)
    dims, found = (2, 4, 6), {}
    for d in dims:
        hashed = encoder(16, 128, d)
        pairs = [
            (hashed.active(random.uniform(-1, -0.2, d)).copy(), hashed.active(random.uniform(0.2, 1, d)).copy())
            for _ in range(1000)
        ]
        found[d] = float(np.mean([np.mean(a == b) for a, b in pairs]))
        print(
            f"{d} dimensions, {8**d} fields in 128 cells a grid: far places share {100 * found[d]:.2f} % of their cells"
        )
    with rc_context(STYLE | {"axes.titlesize": 9.5}):
        figure = Figure(figsize=(8, 2.9), layout="constrained")
        left, middle, right = figure.subplots(1, 3)
        image = left.imshow(shared, origin="lower", extent=(-1, 1, -1, 1), cmap="Blues", vmin=0, vmax=1)
        figure.colorbar(image, ax=left, label="shared cells")
        left.plot(*PLACE, "+", color=INK, markersize=9)
        left.set(title="16 grids", xlabel="x[0]", ylabel="x[1]")
        distance = np.linspace(0, 0.5, 41)
        for layers, colour in ((4, SERIES[1]), (16, BLUE)):
            cells = encoder(layers, 128)
            starts = random.uniform(-0.9, 0.3, (300, 2))
            parts = [
                np.mean([np.mean(cells.active(s).copy() == cells.active(s + np.array([d, 0]))) for s in starts])
                for d in distance
            ]
            middle.plot(distance / 0.25, parts, color=colour, linewidth=1, label=f"{layers} grids")
        middle.set(title="along x[0]", xlabel="distance in fields", ylabel="shared cells")
        middle.legend(frameon=False)
        right.bar([str(d) for d in dims], [100 * found[d] for d in dims], color=BLUE, width=0.5)
        right.axhline(100 / 128, color=INK, linewidth=0.8, linestyle=":")
        right.set(title="far places, 128 cells", xlabel="dimensions", ylabel="shared cells (%)")
        figure.savefig(options.out, dpi=85)


if __name__ == "__main__":
    main()
