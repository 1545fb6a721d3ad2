"""From the same output neurons to an action: votes for values, the strongest of three populations, membranes."""

from __future__ import annotations

import argparse

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray

from snnctl.coding import (
    GaussianPopulation,
    PopulationVectorDecoder,
    latency,
    membrane,
    population_vector,
    rate,
    winner_take_all,
)
from snnctl.coding.gaussian_encoder import GaussianEncoder
from snnctl.network import simulate
from snnctl.neurons import Lif
from snnctl.report.figure import BLUE, GREEN, INK, SERIES, SOFT, STYLE, VERMILION

X = np.linspace(-3, 3, 121)
LOW, HIGH = np.array([-3.0]), np.array([3.0])


def votes(ticks: int) -> NDArray[np.float64]:
    """The population vector of ten deterministic Gaussian neurons for each of ``X``."""
    config = GaussianPopulation(width=0.6)
    mean, width = config.fields(1)
    encoder = GaussianEncoder(config, {"encoder.mean": mean, "encoder.width": width}, np.float64)
    preferred = PopulationVectorDecoder().preferred(LOW, HIGH)[0]
    none = np.zeros(4, np.uint64)  # nothing is drawn
    return np.array([float(population_vector.decode(encoder.encode(np.array([x]), ticks, none), preferred)) for x in X])


def main() -> None:
    """Print what each reads, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/readouts.png")
    options = parser.parse_args()
    decoded = {ticks: votes(ticks) for ticks in (20, 1000)}
    for ticks, values in decoded.items():
        errors = ", ".join(f"{np.abs(values - X)[np.abs(X) <= e].max():.3f} up to {e:g}" for e in (1.5, 3.0))
        print(f"population vector of {ticks} ticks: worst error {errors}")

    # The second population starts early and adapts to silence; the third fires longest.
    drive = np.zeros((24, 3))
    drive[:, 0], drive[:8, 1], drive[6:, 2] = 0.20, 0.60, 0.55
    run = simulate(Lif(tau_mem_s=10e-3), 1e-3, np.repeat(drive, 4, axis=1) * np.tile([0.9, 1.0, 1.1, 1.2], 3))
    counts = run.spikes.sum(0).reshape(3, 4).sum(1)
    first = latency.first_ticks(run.spikes).reshape(3, 4).min(1)
    scores = winner_take_all.spikes(run.spikes, 3), winner_take_all.earliness(run.spikes, 3)
    by_count, by_time = (score.argmax() for score in scores)
    shares = rate.decode(run.spikes).reshape(3, 4).mean(1)
    print(f"spikes of three populations {counts.tolist()}, first in tick {first.tolist()}")
    print(f"winner by count {by_count}, by first spike {by_time}; rates {np.round(shares, 3).tolist()}")

    noise = np.random.default_rng(0).normal(0.06, 0.1, (24, 1))
    v = simulate(Lif(tau_mem_s=10e-3, v_threshold=1e3), 1e-3, noise).traces["v"]
    read = {kind: float(membrane.decode(v, kind)[0]) for kind in ("last", "mean", "maximum")}  # type: ignore[arg-type]
    print("membrane: " + ", ".join(f"{kind} {value:.4f}" for kind, value in read.items()))

    with rc_context(STYLE | {"axes.titlesize": 9.5}):
        figure = Figure(figsize=(10, 2.9), layout="constrained")
        vector, populations, potential = figure.subplots(1, 3)
        vector.axhline(0.0, color=SOFT, linewidth=0.8)
        for (ticks, values), colour in zip(decoded.items(), (VERMILION, BLUE), strict=True):
            vector.plot(X, values - X, color=colour, linewidth=1, label=f"{ticks} ticks")
        vector.legend(loc="upper right")
        vector.set(title="population vector", xlabel="encoded value", ylabel="decoded - encoded")
        ticks, neurons = np.nonzero(run.spikes)
        populations.scatter(ticks, neurons, s=9, c=[SERIES[n // 4] for n in neurons], linewidths=0)
        populations.set(title="choice, winner-take-all", xlabel="tick", yticks=(1.5, 5.5, 9.5), ylim=(-1, 12))
        populations.set_yticklabels([f"action {k}\n{counts[k]} spikes" for k in range(3)])
        potential.plot(np.arange(1, 25), v[:, 0], color=INK, linewidth=1)
        for (kind, value), colour in zip(read.items(), (BLUE, GREEN, VERMILION), strict=True):
            potential.plot((1, 24), (value, value), color=colour, linewidth=0.9)
            potential.text(25, value, kind, color=colour, va="center")
        potential.set(title="membrane", xlabel="tick", ylabel="v", xlim=(0, 30), xticks=(0, 8, 16, 24))
        figure.savefig(options.out, dpi=85)


if __name__ == "__main__":
    main()
