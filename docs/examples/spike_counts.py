"""Counting: an IF neuron as a ReLU with both resets, and the counts of a Poisson source on their law."""

from __future__ import annotations

import argparse
import math

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from snnctl.network.isolated import simulate
from snnctl.neurons.integrate_and_fire import IntegrateAndFire
from snnctl.neurons.poisson import Poisson
from snnctl.report.figure import BLUE, SOFT, STYLE, VERMILION


def main() -> None:
    """Print errors and the Fano factor, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/spike_counts.png")
    options = parser.parse_args()

    inputs, ticks = np.linspace(-0.2, 1.2, 281), 32
    with rc_context(STYLE):
        figure = Figure(figsize=(8.4, 3.0), layout="constrained")
        relu, counts = figure.subplots(1, 2)
        for reset, colour in (("subtract", BLUE), ("value", VERMILION)):
            neuron = IntegrateAndFire(reset=reset)  # type: ignore[arg-type]
            rates = simulate(neuron, 1e-3, np.tile(inputs, (ticks, 1)), record=()).spikes.mean(axis=0)
            error = np.abs(rates - inputs.clip(0, 1)).max()
            print(f"reset {reset}, {ticks} ticks: largest distance from the clipped ReLU {error:.3f}")
            relu.plot(inputs, rates, color=colour, linewidth=1.4, label=f'reset "{reset}"')
        relu.plot(inputs, inputs.clip(0, 1), color=SOFT, linewidth=0.8)
        relu.set(title=f"IF: spikes a tick in {ticks} ticks", xlabel="input a tick", ylabel="spikes a tick")
        relu.legend(frameon=False)

        found = simulate(Poisson(rate_hz=40.0), 1e-4, np.zeros((2000, 5000)), record=(), seed=1).spikes.sum(axis=0)
        print(f"Poisson 40 Hz, 0.2 s: mean {found.mean():.3f}, Fano factor {found.var() / found.mean():.3f}")
        k = np.arange(0, 22)
        law = np.exp(-8.0) * 8.0**k / np.array([math.factorial(x) for x in k])
        counts.bar(k, np.bincount(found, minlength=22)[:22] / found.size, color=BLUE, alpha=0.45, width=0.9)
        counts.plot(k, law, "o", color=SOFT, markersize=3)
        counts.set(title="Poisson: counts in 0.2 s at 40 Hz", xlabel="spikes", ylabel="share of neurons")
        figure.savefig(options.out, dpi=100)


if __name__ == "__main__":
    main()
