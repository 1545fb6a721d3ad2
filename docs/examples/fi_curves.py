"""Rate over current of the Izhikevich, AdEx and Hodgkin-Huxley neurons, by integration scheme."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from snnctl.network.isolated import simulate
from snnctl.neurons.adex import AdEx
from snnctl.neurons.hodgkin_huxley import HodgkinHuxley
from snnctl.neurons.izhikevich import Izhikevich


def rates(neuron: Any, tick_s: float, currents: NDArray[np.float64], duration_s: float = 1.0) -> NDArray[np.float64]:
    """Steady rate at each current, of the last five intervals (Hz)."""
    spikes = simulate(neuron, tick_s, np.tile(currents, (round(duration_s / tick_s), 1)), record=()).spikes
    hz = np.zeros(len(currents))
    for j, column in enumerate(spikes.T):
        ticks = np.flatnonzero(column)
        if len(ticks) > 5:
            hz[j] = 1 / (np.diff(ticks)[-5:].mean() * tick_s)
    return hz


def main() -> None:
    """Print the numbers and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/img/fi_curves.png"))
    out = parser.parse_args().out

    weak = np.arange(0.0, 21.0, 1.0)
    strong = np.arange(500.0, 2501.0, 100.0)
    squid = np.append(np.arange(5.0, 12.0, 0.5), np.arange(12.0, 151.0, 6.0))
    fast: dict[str, Any] = {"a": 0.1, "d": 2.0}
    panels: list[tuple[str, str, NDArray[np.float64], list[tuple[str, Any, float]]]] = [
        (
            "Izhikevich",
            "mV/ms",
            weak,
            [
                ("regular, rk4 0.05 ms", Izhikevich(scheme="rk4"), 5e-5),
                ("regular, euler 0.5 ms", Izhikevich(), 5e-4),
                ("fast, rk4 0.05 ms", Izhikevich(scheme="rk4", **fast), 5e-5),
                ("fast, euler 0.5 ms", Izhikevich(**fast), 5e-4),
                ("fast, spnet 1 ms", Izhikevich(scheme="spnet", **fast), 1e-3),
            ],
        ),
        (
            "AdEx",
            "pA",
            strong,
            [("rk4 0.025 ms", AdEx(substeps=4), 1e-4), ("euler 0.1 ms", AdEx(scheme="euler"), 1e-4)],
        ),
        (
            "Hodgkin-Huxley",
            "uA/cm2",
            squid,
            [
                ("threshold -45 mV", HodgkinHuxley(v_threshold_mv=-45.0), 2.5e-5),
                ("threshold 0 mV", HodgkinHuxley(), 2.5e-5),
            ],
        ),
    ]
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), constrained_layout=True)
    for (title, unit, currents, curves), axis in zip(panels, axes, strict=True):
        for (label, neuron, tick_s), mark in zip(curves, ("-", "--", "-", "--", ":"), strict=False):
            hz = rates(neuron, tick_s, currents)
            axis.plot(currents, hz, mark, label=label, linewidth=1.4)
            chosen = {0, len(currents) // 2, len(currents) - 1}
            print(
                f"{title:15} {label:22}" + "  ".join(f"{currents[k]:g} {unit}: {hz[k]:.2f} Hz" for k in sorted(chosen))
            )
        axis.set(title=title, xlabel=unit, ylabel="Hz")
        axis.legend(fontsize=8)
        axis.spines[["right", "top"]].set_visible(False)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=80)


if __name__ == "__main__":
    main()
