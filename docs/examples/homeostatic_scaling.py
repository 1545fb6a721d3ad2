"""Homeostatic scaling: neurons with too weak and too strong synapses come to one rate, their ratios of weights stay."""

from __future__ import annotations

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from snnctl.network.network import Network
from snnctl.neurons.delta_lif import DeltaLif
from snnctl.neurons.poisson import Poisson
from snnctl.plasticity.homeostatic_scaling import HomeostaticScaling

INPUTS, SECONDS = 50, 60
SCALES_MV = np.array([0.3, 0.6, 1.0, 1.7, 3.0])  # mean weight onto each of five neurons


def main() -> None:
    """Run and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/homeostatic_scaling.png")
    options = parser.parse_args()

    # The biological constants take hours; these are a thousand times quicker.
    rule = HomeostaticScaling(target_hz=20.0, tau_s=1.0, beta=0.02, gamma=0.0, every_s=0.1)
    network = Network(1e-3, seed=2)
    inputs = network.population("inputs", INPUTS, Poisson(rate_hz=20.0))
    cells = network.population("cells", SCALES_MV.size, DeltaLif())
    first = SCALES_MV * np.random.default_rng(5).uniform(0.5, 1.5, (INPUTS, SCALES_MV.size))
    synapses = network.project(inputs, cells, weight=first, plasticity=rule)
    network.record(cells, "spikes")
    network.record(synapses, "weight", every_s=0.5)
    network.run(float(SECONDS))

    spikes = network.spikes(cells)
    seconds = np.arange(0, SECONDS + 1, 2)
    rates = np.stack([np.histogram(spikes.times_s[spikes.neurons == j], seconds)[0] / 2 for j in range(SCALES_MV.size)])
    last = network.weights(synapses)
    print("mean weight at first (mV)   " + "".join(f"{x:8.2f}" for x in first.mean(0)))
    print("mean weight at the end (mV) " + "".join(f"{x:8.2f}" for x in last.mean(0)))
    print("rate in the first 2 s (Hz)  " + "".join(f"{x:8.1f}" for x in rates[:, 0]))
    print("rate in the last 30 s (Hz)  " + "".join(f"{x:8.1f}" for x in rates[:, -15:].mean(1)))
    print(f"largest change of a ratio   {np.abs(last / last[0] / (first / first[0]) - 1).max():.1e}")

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(9.6, 2.9), layout="constrained")
    times_s, weights = network.trace(synapses, "weight")
    weights = weights.reshape(times_s.size, INPUTS, SCALES_MV.size)
    for j, color in enumerate(plt.colormaps["viridis"](np.linspace(0, 0.85, SCALES_MV.size))):
        left.plot(seconds[:-1] + 1, rates[j], color=color, linewidth=1.2)
        middle.plot(times_s, weights[:, :, j].mean(1), color=color, linewidth=1.2)
        right.plot(first[:, j], last[:, j], ".", color=color, markersize=4)
    left.axhline(rule.target_hz, color="tab:red", linewidth=0.8)
    left.set(xlabel="time (s)", ylabel="rate (Hz)", title="rates, target in red")
    middle.set(xlabel="time (s)", ylabel="mean weight (mV)", title="five neurons")
    right.set(xlabel="weight at first (mV)", ylabel="at the end (mV)", title="one factor a neuron", ylim=(0, None))
    figure.savefig(options.out, dpi=90)


if __name__ == "__main__":
    main()
