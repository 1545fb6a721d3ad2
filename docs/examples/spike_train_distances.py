"""What the distances between spike trains see: jitter, and missing spikes.

A Poisson train of 30 Hz against itself with Gaussian jitter, and against itself with spikes left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from snnctl.spike_trains import (
    isi_distance,
    schreiber,
    spike_distance,
    spike_synchronization,
    van_rossum,
    victor_purpura,
)

END_MS, RATE_HZ, TRIALS = 4000.0, 30.0, 12
Train = NDArray[np.float64]
JITTERS_MS = np.array([0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0])
KEPT = np.linspace(1.0, 0.0, 9)
BOUNDED: dict[str, Callable[[Train, Train], float]] = {
    "ISI distance": lambda a, b: isi_distance.distance(a, b, END_MS),
    "SPIKE distance": lambda a, b: spike_distance.distance(a, b, END_MS),
    "1 - SPIKE synchronization": lambda a, b: 1 - spike_synchronization.synchronization(a, b, END_MS),
    "1 - Schreiber, sigma = 2 ms": lambda a, b: 1 - schreiber.similarity(a, b, 2.0),
}
SPIKES: dict[str, Callable[[Train, Train], float]] = {
    "Victor-Purpura, q = 0.1 / ms": lambda a, b: victor_purpura.distance(a, b, 0.1),
    "Victor-Purpura, q = 0.02 / ms": lambda a, b: victor_purpura.distance(a, b, 0.02),
    "van Rossum squared, tau = 10 ms": lambda a, b: van_rossum.distance(a, b, 10.0) ** 2,
    "van Rossum squared, tau = 50 ms": lambda a, b: van_rossum.distance(a, b, 50.0) ** 2,
}


def poisson(random: np.random.Generator) -> Train:
    """A train whose intervals leave room at the edges."""
    return np.sort(random.uniform(0, END_MS, random.poisson(RATE_HZ * END_MS / 1e3)))


def jittered(train: Train, sigma_ms: float, random: np.random.Generator) -> Train:
    """Every spike moved by a normal number, reflected at the edges."""
    moved = np.abs(train + random.normal(0, sigma_ms, train.size))
    return np.unique(np.where(moved > END_MS, 2 * END_MS - moved, moved))


def curve(
    distance: Callable[[Train, Train], float], change: Callable[[Train, float, np.random.Generator], Train], x: Train
) -> Train:
    """Mean over trials.  # (x,)"""
    found = np.zeros(x.size)
    for trial in range(TRIALS):
        random = np.random.default_rng(trial)
        train = poisson(random)
        found += [distance(train, change(train, float(value), random)) for value in x]
    return found / TRIALS


def main() -> None:
    """Measure and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/spike_train_distances.png")
    options = parser.parse_args()

    def thinned(train: Train, kept: float, random: np.random.Generator) -> Train:
        return train[random.random(train.size) < kept]

    figure, axes = plt.subplots(2, 2, figsize=(8.4, 5.6), sharex="col", layout="constrained")
    for row, (measures, label) in enumerate(((BOUNDED, "distance"), (SPIKES, "distance (spikes)"))):
        for name, distance in measures.items():
            by_jitter, by_loss = curve(distance, jittered, JITTERS_MS), curve(distance, thinned, KEPT)
            axes[row, 0].semilogx(JITTERS_MS, by_jitter, "o-", ms=3, label=name)
            axes[row, 1].plot(100 * (1 - KEPT), by_loss, "o-", ms=3)
            print(f"{name}: jitter 1 ms {by_jitter[2]:.3f}, 10 ms {by_jitter[4]:.3f}, 100 ms {by_jitter[6]:.3f}; "
                  f"half the spikes missing {by_loss[4]:.3f}, all missing {by_loss[8]:.3f}")  # fmt: skip
        axes[row, 0].set_ylabel(label)
        axes[row, 0].legend(fontsize=8, frameon=False, loc="upper left")
    axes[1, 0].set_xlabel("jitter (ms)")
    axes[1, 1].set_xlabel("spikes left out (%)")
    for axis in axes.flat:
        axis.set_ylim(bottom=0)
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(options.out, dpi=80)


if __name__ == "__main__":
    main()
