"""The 20 firing patterns of Izhikevich's neuron, as in figure 1 of his paper of 2004."""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from snnctl.network.isolated import simulate
from snnctl.neurons.izhikevich_patterns import PATTERNS

FINE_MS = 0.005


def main() -> None:
    """Print the numbers and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/img/izhikevich_patterns.png"))
    out = parser.parse_args().out

    figure, axes = plt.subplots(5, 4, figsize=(10, 8.5), constrained_layout=True)
    print("pattern                            scheme figure1 at its tick   equation (rk4, 0.005 ms)")
    for pattern, axis in zip(PATTERNS, axes.flat, strict=True):
        current, t = pattern.currents(), pattern.times_ms()
        run = simulate(pattern.neuron(), pattern.tick_s, current)
        fine = np.repeat(current, round(pattern.tick_ms / FINE_MS))
        exact = int(simulate(pattern.neuron("rk4"), FINE_MS * 1e-3, fine, record=()).spikes.sum())
        count = int(run.spikes.sum())
        said = f"{exact}, diverges" if exact > 1000 else str(exact)
        print(f"{pattern.letter} {pattern.name:32} {count:3d} at {pattern.tick_ms:4g} ms {said:>24}")

        v = np.where(run.spikes[:, 0] > 0, 30.0, run.traces["v"][:, 0])  # a spike is drawn to its peak
        axis.plot(t, v, color="#1f4e79", linewidth=0.8)
        swing = max(np.ptp(current), 1e-9)
        axis.plot(t, -100 + 12 * (current - current.min()) / swing, color="#b5651d", linewidth=0.8)
        differs = "" if exact == count else "  (scheme)"
        axis.set_title(f"({pattern.letter}) {pattern.name}{differs}", fontsize=8)
        axis.set(xlim=(0, pattern.duration_ms), ylim=(-104, 36), yticks=[])
        axis.tick_params(labelsize=7)
        axis.spines[["left", "right", "top"]].set_visible(False)
    for axis in axes[-1]:
        axis.set_xlabel("ms", fontsize=8)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=72)


if __name__ == "__main__":
    main()
