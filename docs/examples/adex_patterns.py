"""Eight firing patterns of the AdEx neuron, each from one constant current."""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from snnctl.network.isolated import simulate
from snnctl.neurons.adex_patterns import DURATION_S, PATTERNS

SCHEMES = (("rk4", 0.005), ("euler", 0.1), ("exponential_euler", 0.1))  # tick in ms


def main() -> None:
    """Print the numbers and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/img/adex_patterns.png"))
    out = parser.parse_args().out

    figure, axes = plt.subplots(4, 2, figsize=(9, 7), sharex=True, sharey=True, constrained_layout=True)
    print("spikes in 600 ms, first spike in ms: " + ", ".join(f"{scheme} {dt:g} ms" for scheme, dt in SCHEMES))
    for pattern, axis in zip(PATTERNS, axes.flat, strict=True):
        said = []
        for scheme, tick_ms in SCHEMES:
            ticks = round(DURATION_S * 1e3 / tick_ms)
            run = simulate(pattern.neuron(scheme), tick_ms * 1e-3, np.full(ticks, pattern.current_pa))
            spikes = run.spikes[:, 0]
            said.append(f"{spikes.sum():3d} {(np.flatnonzero(spikes)[0] + 1) * tick_ms:6.2f}")
            if scheme == "rk4":
                v = np.where(spikes > 0, 0.0, run.traces["v"][:, 0])
                keep = (np.arange(ticks) % 20 == 0) | (spikes > 0)  # every 0.1 ms, and each spike
                axis.plot(np.arange(ticks)[keep] * tick_ms, v[keep], color="#1f4e79", linewidth=0.7)
        print(f"{pattern.name:24}" + "   ".join(said))
        axis.set_title(f"{pattern.name}, {pattern.current_pa:g} pA", fontsize=9)
        axis.spines[["right", "top"]].set_visible(False)
    for axis in axes[-1]:
        axis.set_xlabel("ms")
    for axis in axes[:, 0]:
        axis.set_ylabel("mV")
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=80)


if __name__ == "__main__":
    main()
