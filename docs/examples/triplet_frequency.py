"""Triplet STDP: 60 pairings at growing rates; depression turns into potentiation, which no pair rule does."""

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
from snnctl.plasticity.triplet_stdp import PARAMETER_SETS, TripletStdp

MS = 1e-3
PAIRINGS = 60
TABLE_HZ = (0.1, 10.0, 20.0, 40.0, 50.0)


def change(rule: TripletStdp | PairStdp, rates_hz: NDArray[np.float64], lag_ms: int) -> NDArray[np.float64]:
    """Change of a weight by 60 pairings of one lag, a pair of neurons for each rate.

    Between two pairings that are more than 3 s apart all traces are gone (below 1e-10), so the interval is cut to 3 s.
    """
    intervals = np.minimum(np.rint(1000 / rates_hz), 3000).astype(int)  # ms
    number = np.arange(rates_hz.size)
    times = 50 + np.arange(PAIRINGS)[:, None] * intervals  # (pairings, rates), arrival of the presynaptic spike
    ticks = int(times.max()) + 50
    network = Network(MS)
    spikes = SpikeArray(times_s=((times - 1) * MS).ravel(), neurons=np.tile(number, PAIRINGS))
    inputs = network.population("inputs", number.size, spikes)
    # So strong a current that one tick reaches the threshold and so short a membrane that nothing is left for the next.
    cells = network.population("cells", number.size, DeltaLif(tau_mem_s=1e-3, refractory_s=0.0))
    synapses = network.project(inputs, cells, OneToOne(), weight=0.0, plasticity=rule)
    kick = np.zeros((ticks, number.size))
    kick[(times + lag_ms).ravel(), np.tile(number, PAIRINGS)] = 10.0
    network.record(cells, "spikes")
    network.run(ticks * MS, currents={"cells": kick})
    assert network.spikes(cells).neurons.size == times.size
    return network.weights(synapses)


def main() -> None:
    """Measure and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/triplet_frequency.png")
    options = parser.parse_args()

    pair = PairStdp(
        tau_pre_s=16.8e-3, tau_post_s=33.7e-3, a_plus=4.6e-3, a_minus=3e-3, weight_min=None, weight_max=None
    )
    rules: dict[str, TripletStdp | PairStdp] = {
        "triplet, full": PARAMETER_SETS["visual_cortex_all_full"].rule,
        "triplet, minimal": PARAMETER_SETS["visual_cortex_all_minimal"].rule,
        "pair": pair,
    }
    rates = 1000 / np.array(
        [10_000, 500, 250, 160, 125, 100, 80, 65, 55, 50, 45, 40, 35, 32, 30, 28, 26, 25, 23, 22, 21, 20]
    )
    figure, axes = plt.subplots(1, 2, figsize=(7.6, 3.0), sharey=True, layout="constrained")
    print("60 pairings       lag " + "".join(f"{rate:>9g} Hz" for rate in TABLE_HZ))
    for axis, lag in zip(axes, (10, -10), strict=True):
        axis.axhline(0, color="0.8", linewidth=0.8)
        for (name, rule), color in zip(rules.items(), ("k", "tab:orange", "tab:green"), strict=True):
            axis.plot(rates, change(rule, rates, lag), color=color, linewidth=1.2, label=name)
            table = change(rule, np.array(TABLE_HZ), lag)
            axis.plot(TABLE_HZ, table, "o", color=color, markersize=3.5)
            print(f"{name:16s} {lag:+4d} " + "".join(f"{value:+12.4f}" for value in table))
        axis.set(xlabel="rate of the pairings (Hz)", title=f"t_post - t_pre = {lag:+d} ms")
    axes[0].set(ylabel="change of the weight")
    axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(options.out, dpi=90)


if __name__ == "__main__":
    main()
