"""A neuron learns by reward alone to fire for one of two patterns: R-max.

Two groups of ten inputs take turns for 50 ms. A trial ends with the reward: the number of spikes of the neuron for
the first pattern, minus that number for the second, less the running mean of that pattern. Eight neurons, each in a
network of its own.
"""

from __future__ import annotations

import argparse

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray

from snnctl.network import Network
from snnctl.neurons import EscapeLif
from snnctl.plasticity import RMax
from snnctl.plasticity.r_max import follow
from snnctl.report.figure import BLUE, STYLE, VERMILION

TICK_S, TICKS, PAUSE_S, TRIALS, RUNS = 2e-3, 25, 0.3, 400, 8
RULE = RMax(tau_eligibility_s=0.1, learning_rate=0.3, weight_min=0.0, weight_max=12.0)


def learn(seed: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Spikes of each trial, and the 20 weights at the end."""
    net, random = Network(TICK_S, seed), np.random.default_rng(seed)
    inputs = net.population("inputs", 20)
    neuron = net.population("neuron", 1, EscapeLif())
    synapses = net.project(inputs, neuron, weight=5.0, plasticity=RULE)
    net.record(neuron, "spikes")
    expected, counts = [0.0, 0.0], np.zeros(TRIALS, np.int64)
    for trial in range(TRIALS):
        pattern, before = trial % 2, len(net.spikes(neuron).times_s)
        raster = np.zeros((TICKS, 20), np.uint8)
        raster[:, 10 * pattern : 10 * pattern + 10] = random.random((TICKS, 10)) < 0.06
        net.run(TICKS * TICK_S, spikes={"inputs": raster})
        counts[trial] = len(net.spikes(neuron).times_s) - before
        reward = float(counts[trial] * (1 - 2 * pattern))
        net.step(signal=reward - expected[pattern])
        expected[pattern] = follow(expected[pattern], reward, 0.1)
        net.run(PAUSE_S)  # potentials and eligibilities fade
    return counts, net.weights(synapses)[:, 0]


def main() -> None:
    """Print spikes and weights, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/r_max_learning.png")
    options = parser.parse_args()
    runs = [learn(seed) for seed in range(RUNS)]
    counts = np.array([c for c, _ in runs])  # (runs, trials)
    weights = np.array([w for _, w in runs])  # (runs, 20)
    for name, first in (("rewarded", 0), ("punished", 1)):
        early, late = counts[:, first:40:2], counts[:, TRIALS - 40 + first :: 2]
        own = weights[:, 10 * first : 10 * first + 10]
        spikes = f"{early.mean():.2f} spikes a trial at first, {late.mean():.2f} at last"
        print(f"{name}: {spikes}; mean weight {own.mean():.2f}")
    apart = weights[:, :10].mean(1) > weights[:, 10:].mean(1)
    print(f"the weights of the rewarded pattern are larger in {apart.sum()} of {RUNS} runs")
    with rc_context(STYLE):
        figure = Figure(figsize=(7.6, 3.2), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        for name, first, colour in (("rewarded pattern", 0, BLUE), ("punished pattern", 1, VERMILION)):
            blocks = counts[:, first::2].reshape(RUNS, -1, 10).mean(2)  # of ten trials
            at = 20 * np.arange(blocks.shape[1]) + 10
            left.plot(at, blocks.T, color=colour, linewidth=0.4, alpha=0.6)
            left.plot(at, blocks.mean(0), color=colour)
            left.text(TRIALS + 6, max(blocks.mean(0)[-1], 0.15), name, color=colour, va="center")
            right.plot(np.sort(weights[:, 10 * first : 10 * first + 10].ravel()), np.linspace(0, 1, 80), color=colour)
        left.set(title="spikes for two patterns", xlabel="trial", ylabel="spikes in 50 ms", xlim=(0, TRIALS + 150))
        left.set_xticks(range(0, TRIALS + 1, 100))
        left.set_ylim(0, None)
        right.set(title="weights after learning", xlabel="weight", ylabel="part of the synapses")
        figure.savefig(options.out, dpi=100)


if __name__ == "__main__":
    main()
