"""Pair STDP: the window of single pairs, and how a change depends on the weight that it meets.

The window is measured in a network: pairs of neurons get one spike each, at every lag.
"""

from __future__ import annotations

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from snnctl.network.connectivity import OneToOne
from snnctl.network.network import Network
from snnctl.network.spike_array import SpikeArray
from snnctl.neurons.delta_lif import DeltaLif
from snnctl.plasticity.pair_stdp import PairStdp

MS = 1e-3
LAGS_MS = np.arange(-80, 81, 2)


def changes(rule: PairStdp, lags_ms: NDArray[np.int64], weight: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """What one pair of each lag (t_post - t_pre, arriving) does to a weight.

    Args:
        rule: the rule
        lags_ms: (pairs,)
        weight: one for all, or (pairs,)
    """
    pairs = np.arange(lags_ms.size)
    network = Network(MS)
    arrival = 100 - np.minimum(lags_ms, 0)  # tick
    inputs = network.population("inputs", pairs.size, SpikeArray(times_s=(arrival - 1) * MS, neurons=pairs))
    cells = network.population("cells", pairs.size, DeltaLif())  # weights of 1 mV do not make it fire
    synapses = network.project(inputs, cells, OneToOne(), weight=weight, plasticity=rule)
    kick = np.zeros((400, pairs.size))
    kick[100 + np.maximum(lags_ms, 0), pairs] = 10.0  # nA: a spike in this tick
    network.record(cells, "spikes")
    network.run(0.4, currents={"cells": kick})
    assert network.spikes(cells).neurons.size == pairs.size
    return network.weights(synapses) - weight


def main() -> None:
    """Measure and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/stdp_window.png")
    options = parser.parse_args()

    window = changes(PairStdp(), LAGS_MS, 0.5)
    for lag in (-10, 0, 10):
        print(f"lag {lag:+3d} ms: {window[lag == LAGS_MS][0]:+.6f}")

    weights = np.linspace(0.0, 1.0, 41)
    rules = {
        "additive": PairStdp(),
        "guetig, mu 0.2": PairStdp(dependence="guetig", mu=0.2),
        "multiplicative": PairStdp(dependence="multiplicative"),
    }
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3.0), layout="constrained")
    left.axhline(0, color="0.8", linewidth=0.8)
    left.axvline(0, color="0.8", linewidth=0.8)
    before, after = LAGS_MS < 0, LAGS_MS >= 0
    left.plot(LAGS_MS[before], window[before], ".", color="tab:blue", markersize=4)
    left.plot(LAGS_MS[after], window[after], ".", color="tab:red", markersize=4)
    fine = np.linspace(0, 80, 200)
    left.plot(fine, 0.01 * np.exp(-fine / 20), color="tab:red", linewidth=0.8)
    left.plot(-fine, -0.0105 * np.exp(-fine / 20), color="tab:blue", linewidth=0.8)
    left.set(xlabel="t_post - t_pre (ms)", ylabel="change of the weight", title="window: measured, equation")
    right.axhline(0, color="0.8", linewidth=0.8)
    for (name, rule), color in zip(rules.items(), ("k", "tab:orange", "tab:green"), strict=True):
        for lag in (10, -10):
            change = changes(rule, np.full(weights.size, lag), weights)
            right.plot(weights, change, color=color, linewidth=1.2, label=name if lag > 0 else None)
    right.set(xlabel="weight", title="one pair of +10 ms, one of -10 ms", ylim=(-0.0075, 0.0075))
    right.legend(fontsize=7, loc="center", framealpha=1.0, edgecolor="none")
    figure.savefig(options.out, dpi=90)


if __name__ == "__main__":
    main()
