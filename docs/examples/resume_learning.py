"""ReSuMe: a neuron learns to fire a given train for a given input pattern.

The output spikes of every epoch above the target, the similarity C to it, and the weights before and after.
"""

from __future__ import annotations

import argparse
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from snnctl.neurons import current_lif
from snnctl.plasticity.resume import Resume, weight_change
from snnctl.spike_trains.schreiber import similarity

TICK_S, TICKS, INPUTS, EPOCHS = 1e-4, 4000, 400, 100
NEURON = current_lif.CurrentLif(tau_mem_s=10e-3, tau_syn_s=5e-3, refractory_ticks=20)


def currents(arrivals: NDArray[Any]) -> NDArray[np.float64]:
    """What each input adds to the neuron's synaptic current with a weight of 1.  # (ticks, inputs)"""
    current = np.empty(arrivals.shape)
    trace = np.zeros(arrivals.shape[1])
    a_syn = NEURON.constants(TICK_S).a_syn
    for t, row in enumerate(arrivals):
        trace = a_syn * trace + row
        current[t] = trace
    return current


def present(current: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spike times (s) of the neuron."""
    c, state, times = NEURON.constants(TICK_S)._replace(a_syn=0.0), NEURON.initial(), []
    for t, drive in enumerate(current.tolist()):
        state, spike = current_lif.step(c, state, drive, 0.0)
        if spike:
            times.append(t * TICK_S)
    return np.array(times)


def main() -> None:
    """Learn and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/resume_learning.png")
    options = parser.parse_args()

    random = np.random.default_rng(1)
    arrivals = random.random((TICKS, INPUTS)) < 5.0 * TICK_S  # 5 Hz Poisson
    inputs_s = [np.flatnonzero(column) * TICK_S for column in arrivals.T]
    target_s = np.cumsum(5e-3 + random.exponential(25e-3, 40))
    target_s = np.round(target_s[target_s < 0.39], 4)
    current = currents(arrivals)
    k = np.arange(1, 500) * TICK_S  # a weight of 1 / peak lifts the membrane just to the threshold
    c = NEURON.constants(TICK_S)
    threshold = (c.a_mem - c.a_syn) / (np.exp(-k / 10e-3) - np.exp(-k / 5e-3)).max()
    rule = Resume(learning_rate=0.02 * threshold)
    weight = first = threshold * random.uniform(0.0, 0.04, INPUTS)
    epochs, found = [], []
    for _ in range(EPOCHS):
        actual_s = present(current @ weight)
        epochs.append(1e3 * actual_s)
        found.append(similarity(1e3 * target_s, 1e3 * actual_s, 2.0))
        weight = weight + weight_change(rule, inputs_s, target_s, actual_s)
    learned = int(np.argmax(np.array(found) >= 0.98)) + 1
    print(
        f"{target_s.size} target spikes; C {found[0]:.3f} in epoch 1, >= 0.98 from epoch {learned}, "
        f"{max(found):.4f} best"
    )

    figure, (raster, score, weights) = plt.subplots(
        1, 3, figsize=(9.6, 3.0), width_ratios=(2.2, 1, 1), layout="constrained"
    )
    for epoch, times in enumerate(epochs):
        raster.plot(times, np.full(times.size, epoch + 1), "|", color="k", markersize=2.0, markeredgewidth=0.7)
    for t in 1e3 * target_s:
        raster.axvline(t, color="tab:red", linewidth=3.0, alpha=0.2)
    raster.set(xlabel="time (ms)", ylabel="epoch", title="output spikes, target in red", xlim=(0, 400))
    score.plot(np.arange(1, EPOCHS + 1), found, color="k")
    score.axhline(0.98, color="tab:red", linewidth=0.8)
    score.set(xlabel="epoch", ylabel="C", ylim=(0, 1.02), title="similarity")
    bins = np.linspace(-0.2, 0.2, 41)
    weights.hist(first / threshold, bins, color="0.7", label="first")
    weights.hist(weight / threshold, bins, color="tab:blue", alpha=0.6, label="last")
    weights.set(xlabel="weight (thresholds)", ylabel="synapses", title="weights")
    weights.legend(frameon=False)
    figure.savefig(options.out, dpi=90)


if __name__ == "__main__":
    main()
