"""A balanced network: after a push of 50 ms, 4000 neurons keep each other firing, irregularly and without input.

The conductance-based network of Vogels & Abbott (2005) with the parameters of Brette et al. (2007): 3200 excitatory and
800 inhibitory neurons, connections with probability 0.02, weights of 6 and 67 nS, ticks of 0.1 ms. Not theirs: how it
starts. The membranes are drawn between rest and threshold, and 200 pA flow into all neurons for the first 50 ms.
"""

from __future__ import annotations

import argparse

import numpy as np

from snnctl.network import FixedProbability, Network, Population, Uniform
from snnctl.network.recording import SpikeRecording
from snnctl.neurons import CobaLif
from snnctl.neurons.currents import Step
from snnctl.report import network_raster
from snnctl.report.network_raster import Rows
from snnctl.spike_trains import irregularity

SECONDS, SETTLED_S, SHOWN = 1.0, 0.2, 25


def build(seed: int) -> tuple[Network, Population, Population]:
    """The network, its excitatory and its inhibitory population."""
    network = Network(tick_s=1e-4, seed=seed)
    start = {"v": Uniform(-60.0, -50.0)}  # mV
    excitatory = network.population("excitatory", 3200, CobaLif(), initial=start)
    inhibitory = network.population("inhibitory", 800, CobaLif(), initial=start)
    sparse = FixedProbability(0.02, self_connections=False)
    for target in (excitatory, inhibitory):
        network.project(excitatory, target, sparse, weight=6.0, receptor="excitatory")  # nS
        network.project(inhibitory, target, sparse, weight=67.0, receptor="inhibitory")
        network.inject(target, Step(amplitude=200.0, stop_s=0.05))  # pA
        network.record(target, "spikes")
    return network, excitatory, inhibitory


def sample(recorded: SpikeRecording) -> SpikeRecording:
    """The spikes of every 25th neuron."""
    kept = recorded.neurons % SHOWN == 0
    return SpikeRecording(recorded.times_s[kept], recorded.neurons[kept] // SHOWN)


def main() -> None:
    """Run, print rates and irregularity, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/balanced_network.png")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    network, *populations = build(options.seed)
    network.run(SECONDS)
    rows = []
    for population in populations:
        recorded = network.spikes(population)
        trains = [1e3 * train[train >= SETTLED_S] for train in recorded.trains(population.size)]
        rate_hz = sum(map(len, trains)) / population.size / (SECONDS - SETTLED_S)
        cv = np.nanmean([irregularity.cv(train) for train in trains if len(train) > 5])
        print(f"{population.name}: {rate_hz:.1f} Hz, CV of the intervals {cv:.2f}")
        rows.append(Rows(population.name, population.size // SHOWN, sample(recorded)))
    text = "every 25th neuron, rates in bins of 10 ms"
    plot = network_raster.draw(rows, (0.3, 0.8), "A balanced network", text, bin_s=10e-3)
    plot.figure.savefig(options.out, dpi=110)


if __name__ == "__main__":
    main()
