"""Dopamine that comes seconds late reinforces one synapse: Izhikevich's experiment of 2007 with 100 neurons.

Whenever neuron n2 fires within 20 ms after n1, dopamine is released 1 to 3 s later. The control gets as many releases
at random times. Half an hour is simulated; benchmarks/dopamine_reinforcement.py is the full size with several seeds.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from snnctl.network.connectivity import Explicit
from snnctl.network.network import Network
from snnctl.neurons.izhikevich import Izhikevich
from snnctl.plasticity.dopamine_stdp import DopamineStdp

N, EXCITATORY, SYNAPSES, SECONDS, SAMPLE_S = 100, 80, 20, 1800, 10
NOISE, RELEASE, MS = 13.5, 0.5, 1e-3
RULE = DopamineStdp(scheme="daspnet")


class Course(NamedTuple):
    """One run."""

    chosen: NDArray[np.float64]  # (samples,) weight n1 -> n2
    mean: NDArray[np.float64]  # (samples,) of all excitatory weights
    final: NDArray[np.float64]  # (synapses,)
    releases_s: NDArray[np.float64]


def experiment(seed: int, releases_s: NDArray[np.float64] | None = None) -> Course:
    """Half an hour in pieces of 1 s, which is as soon as a reward can be due.

    Args:
        seed: of wiring, noise and delays
        releases_s: when dopamine comes, whatever the neurons do; by default when they earned it
    """
    random = np.random.default_rng(seed)
    network = Network(MS)
    first = {"v_initial": -65.0, "u_initial": -13.0, "scheme": "spnet"}
    pyramids = network.population("pyramids", EXCITATORY, Izhikevich(a=0.02, d=8.0, **first))
    basket = network.population("basket", N - EXCITATORY, Izhikevich(a=0.1, d=2.0, **first))
    targets = [random.choice(N, SYNAPSES, replace=False) for _ in range(EXCITATORY)]
    source, target = np.repeat(np.arange(EXCITATORY), SYNAPSES), np.sort(targets, axis=1).ravel()
    near = target < EXCITATORY
    n1, n2 = 0, int(target[np.flatnonzero(near & (target != 0))[0]])
    weight = np.ones(np.count_nonzero(near))
    at = np.flatnonzero((source[near] == n1) & (target[near] == n2))[0]
    weight[at] = 0.0
    learning = network.project(pyramids, pyramids, Explicit(source[near], target[near]), weight=weight, plasticity=RULE)
    far = Explicit(source[~near], target[~near] - EXCITATORY)
    network.project(pyramids, basket, far, weight=1.0, plasticity=RULE)
    back = np.concatenate([random.choice(EXCITATORY, SYNAPSES, replace=False) for _ in range(N - EXCITATORY)])
    network.project(basket, pyramids, Explicit(np.repeat(np.arange(N - EXCITATORY), SYNAPSES), back), weight=-1.0)

    due = set() if releases_s is None else {round(t / MS) for t in releases_s}
    released, n1_fired, chosen, mean = [], -(10**9), [], []
    for second in range(SECONDS):
        signal = np.zeros(1000)
        now = [k for k in due if k // 1000 == second]
        signal[[k % 1000 for k in now]] = RELEASE
        released += now
        noise = NOISE * (random.random((1000, N)) - 0.5)
        network.record(pyramids, "spikes")  # begins a new list
        currents = {"pyramids": noise[:, :EXCITATORY], "basket": noise[:, EXCITATORY:]}
        network.run(1.0, currents=currents, signal=signal)
        for time_s, neuron in zip(*network.spikes(pyramids), strict=True):
            tick = round(time_s / MS)
            if neuron == n1:
                n1_fired = tick
            elif neuron == n2 and 0 < tick - n1_fired < 20 and releases_s is None:
                due.add(tick + 1000 + int(np.ceil(2000 * random.random())))
        if (second + 1) % SAMPLE_S == 0:
            weights = network.weights(learning)
            chosen.append(weights[at])
            mean.append(weights.mean())
    return Course(np.array(chosen), np.array(mean), weights, MS * np.sort(released))


def main() -> None:
    """Run, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/dopamine_reinforcement.png")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    rewarded = experiment(options.seed)
    times_s = np.random.default_rng(options.seed).uniform(0, SECONDS, rewarded.releases_s.size)
    control = experiment(options.seed, times_s)
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.0), width_ratios=(1.6, 1), layout="constrained")
    minutes = np.arange(1, rewarded.chosen.size + 1) * SAMPLE_S / 60
    for name, run, color in (("rewarded", rewarded, "tab:red"), ("random", control, "tab:blue")):
        last = run.chosen[-300 // SAMPLE_S :].mean()
        top = 100 * np.mean(run.final >= last)
        print(
            f"{name:9s} {run.releases_s.size} releases; n1 -> n2 in the last 5 min {last:.2f} of 4 (top {top:.1f} % at "
            f"the end), mean of all synapses {run.mean[-1]:.2f}"
        )
        left.plot(minutes, run.chosen, color=color, linewidth=1.4, label=f"n1 -> n2, {name}")
        left.plot(minutes, run.mean, color=color, linewidth=0.8, linestyle=":")
    left.plot(rewarded.releases_s / 60, np.full(rewarded.releases_s.size, 4.25), "|", color="tab:red", markersize=5)
    left.set(xlabel="time (min)", ylabel="weight", ylim=(-0.1, 4.5), title="synapse, mean of all (dotted), rewards")
    left.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(0.0, 0.92))
    right.hist(rewarded.final, np.linspace(0, 4, 33), color="0.7")
    right.axvline(rewarded.chosen[-1], color="tab:red")
    right.axvline(control.chosen[-1], color="tab:blue")
    right.set(xlabel="weight at the end", ylabel="synapses", yscale="log", title="n1 -> n2 among all")
    figure.savefig(options.out, dpi=90)


if __name__ == "__main__":
    main()
