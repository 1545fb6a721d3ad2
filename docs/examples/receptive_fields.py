"""Codes without a train of their own: receptive fields on a line and in a plane, and an observation as a current."""

from __future__ import annotations

import argparse

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from snnctl import streams
from snnctl.coding import GaussianPopulation, PlaceCells, direct_current
from snnctl.coding.gaussian_population import GaussianPopulation as Population
from snnctl.coding.place_cell_encoder import PlaceCellEncoder
from snnctl.network import simulate
from snnctl.neurons import IntegrateAndFire
from snnctl.report.figure import BLUE, INK, SERIES, SOFT, STYLE

X = np.linspace(-3, 3, 301)
TICKS, PLACE = 20, np.array([0.35, -0.2])


def fields(config: Population) -> np.ndarray:
    """Activities (301, k) of one observation."""
    mean, width = config.fields(1)
    return np.exp(-0.5 * ((X[:, None] - mean[0]) / width[0]) ** 2)


def main() -> None:
    """Print how well the fields cover the range and what a current becomes, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/receptive_fields.png")
    options = parser.parse_args()
    uniform, bohte = GaussianPopulation(), GaussianPopulation(placement="bohte")
    grid = PlaceCells(grid=(7, 7))
    centre, width = grid.fields()
    tensors = {"encoder.centre": centre, "encoder.width": width}
    raster = PlaceCellEncoder(grid, tensors, np.float64).encode(PLACE, TICKS, streams.kernel_state(0, "encoder"))
    counts = raster.sum(0)
    x = np.linspace(-0.5, 1.5, 401)
    current = direct_current.encode(x, TICKS)
    neuron = IntegrateAndFire(v_initial=0.5, spike_at_threshold=True)
    rates = simulate(neuron, 1e-3, current, record=()).spikes.mean(0)

    for name, config in (("uniform", uniform), ("bohte", bohte)):
        active = fields(config).sum(1)
        print(f"{name}: activities add up to {active.min():.3f} ... {active.max():.3f} over the range")
    error = np.abs(rates - np.clip(x, 0, 1)).max()
    print(f"place cells: {np.count_nonzero(counts)} of {counts.size} spike in {TICKS} ticks, {counts.sum()} spikes")
    print(f"direct current: rates of {TICKS} ticks are within {error:.4f} of the observation between 0 and 1")
    with rc_context(STYLE | {"axes.titlesize": 9.5}):
        figure = Figure(figsize=(10, 2.9), layout="constrained")
        axes = figure.subplots(1, 4)
        for axis, name, config in ((axes[0], "Gaussian, uniform", uniform), (axes[1], "Gaussian, bohte", bohte)):
            for k, field in enumerate(fields(config).T):
                axis.plot(X, field, color=SERIES[k % len(SERIES)], linewidth=1)
            axis.set(title=name, xlabel="observation", ylabel="activity A", ylim=(0, 1.05))
        axes[2].scatter(*centre.T, s=6, color=SOFT, linewidths=0)
        axes[2].scatter(*centre.T, s=14.0 * counts, color=BLUE, alpha=0.5, linewidths=0)
        axes[2].plot(*PLACE, "+", color=INK, markersize=9)
        axes[2].set(title=f"place cells, {TICKS} ticks", xlabel="x[0]", ylabel="x[1]", aspect="equal")
        axes[3].plot(x, np.clip(x, 0, 1), color=SOFT, linewidth=0.8)
        axes[3].plot(x, rates, color=BLUE, linewidth=1)
        axes[3].set(title="direct current", xlabel="observation", ylabel=f"spikes per tick, {TICKS} ticks")
        figure.savefig(options.out, dpi=85)


if __name__ == "__main__":
    main()
