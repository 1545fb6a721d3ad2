"""Chronotron: E-learning and I-learning teach the same neuron the same train.

The neuron is the one that E-learning is derived for: v = sum w lambda - sum exp(-s / tau_mem) over its own spikes.
"""

from __future__ import annotations

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from snnctl.plasticity import chronotron
from snnctl.spike_trains.schreiber import similarity
from snnctl.spike_trains.victor_purpura import quadratic_distance

TICK_S, TICKS, INPUTS, EPOCHS = 5e-4, 400, 300, 150
TARGET_S = np.array([0.04, 0.085, 0.13, 0.18])
RULE = chronotron.ELearning(learning_rate=0.005)
LOCAL = chronotron.ILearning(learning_rate=0.2)


def present(drive: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spike times (s) for the potential ``drive`` (ticks,)."""
    decay, reset, times = np.exp(-TICK_S / RULE.tau_mem_s), 0.0, []
    for k, potential in enumerate(drive.tolist()):
        reset *= decay
        if potential - reset > 1.0:
            times.append(k * TICK_S)
            reset += 1.0
    return np.array(times)


def local_change(
    weight: NDArray[np.float64], trace: NDArray[np.float64], actual_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """I-learning over a trial, by the hooks of the rule; ``trace`` is x (ticks, inputs)."""
    c, shared, post = LOCAL.constants(TICK_S), chronotron.Shared(0.0), chronotron.Post(0.0, 0.0)
    weight = weight.copy()
    fired, wanted = ({round(t / TICK_S) for t in times} for times in (actual_s, TARGET_S))
    for k in sorted(fired | wanted):
        post = chronotron.observe(c, shared, post, 0.0, float(k in fired), float(k in wanted))
        for i in np.flatnonzero(trace[k]):
            syn, pre = chronotron.Synapse(float(weight[i])), chronotron.Pre(float(trace[k, i]))
            if k in fired:
                syn = chronotron.fire(c, shared, syn, pre, post)
            if k in wanted:
                syn = chronotron.instruct(c, shared, syn, pre, post, 1.0)
            weight[i] = syn.weight
    return weight


def main() -> None:
    """Learn twice and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/chronotron_learning.png")
    options = parser.parse_args()

    random = np.random.default_rng(0)
    inputs_s = [np.sort(random.uniform(0, 0.2, random.poisson(1.0))) for _ in range(INPUTS)]
    first = random.uniform(0, 0.02, INPUTS)
    grid = TICK_S * np.arange(TICKS)
    psp = np.array([RULE.psp(train, grid) for train in inputs_s])  # (inputs, ticks)
    trace = np.zeros((TICKS, INPUTS))
    for i, train in enumerate(inputs_s):
        since = grid[:, None] - train[None, :]
        trace[:, i] = np.where(since >= 0, np.exp(-np.abs(since) / LOCAL.tau_syn_s), 0.0).sum(1)

    figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.0), width_ratios=(1.5, 1.5, 1), layout="constrained")
    for axis, name in zip(axes[:2], ("E-learning", "I-learning"), strict=True):
        weight, distances, scores = first, [], []
        for epoch in range(EPOCHS):
            actual_s = present(weight @ psp)
            axis.plot(1e3 * actual_s, np.full(actual_s.size, epoch + 1), "|", color="k", markersize=2.0)
            distances.append(quadratic_distance(1e3 * TARGET_S, 1e3 * actual_s, 10.0))
            scores.append(similarity(1e3 * TARGET_S, 1e3 * actual_s, 2.0))
            if name == "E-learning":
                weight = weight + RULE.weight_change(inputs_s, TARGET_S, actual_s)
            else:
                weight = local_change(weight, trace, actual_s)
        for t in 1e3 * TARGET_S:
            axis.axvline(t, color="tab:red", linewidth=3.0, alpha=0.2)
        axis.set(xlabel="time (ms)", ylabel="epoch", title=f"{name}, target in red", xlim=(0, 200))
        axes[2].plot(np.arange(1, EPOCHS + 1), distances, label=name)
        print(
            f"{name}: distance {distances[0]:.2f} in epoch 1, {min(distances):.4f} best, {distances[-1]:.4f} last; "
            f"C {scores[0]:.3f} first, {max(scores):.4f} best"
        )
    axes[2].set(xlabel="epoch", ylabel="Victor-Purpura distance", title="distance", ylim=(0, None))
    axes[2].legend(frameon=False)
    figure.savefig(options.out, dpi=90)


if __name__ == "__main__":
    main()
