"""What one spike does to the membrane: delta, exponential current, exponential conductance, escape neuron."""

from __future__ import annotations

import argparse
import math

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from snnctl.network.isolated import simulate
from snnctl.neurons.coba_lif import CobaLif
from snnctl.neurons.cuba_lif import CubaLif
from snnctl.neurons.delta_lif import DeltaLif
from snnctl.neurons.escape_lif import EscapeLif
from snnctl.report.figure import BLUE, GREEN, PURPLE, SOFT, STYLE, VERMILION

TICK_S, TICKS, ARRIVAL = 1e-4, 800, 50


def main() -> None:
    """Print peaks against their closed forms, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/postsynaptic_potentials.png")
    options = parser.parse_args()

    single = np.zeros((TICKS, 1, 1))
    single[ARRIVAL] = 1.0
    excitatory = np.concatenate([single, 0 * single], axis=1)  # (ticks, receptors, 1)
    inhibitory = excitatory[:, ::-1]
    silent, time_ms = np.zeros((TICKS, 1)), (np.arange(TICKS) + 1 - ARRIVAL) * TICK_S * 1e3
    cases = (
        ("delta_lif, 1 mV", DeltaLif(), 1.0 * single, BLUE),
        ("cuba_lif, 0.1 nA", CubaLif(), 0.1 * excitatory, VERMILION),
        ("coba_lif, 2 nS", CobaLif(), 2.0 * excitatory, GREEN),
        ("coba_lif, inhibitory 4 nS", CobaLif(), 4.0 * inhibitory, GREEN),
        ("escape_lif, weight 1.5", EscapeLif(rho_0_hz=1e-9), 1.5 * single, PURPLE),
    )
    with rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.2), layout="constrained")
        axes = figure.subplots()
        for name, neuron, drives, colour in cases:
            v = simulate(neuron, TICK_S, silent, drives).traces["v"][:, 0]
            v = v - getattr(neuron, "v_rest_mv", 0.0)
            peak = int(np.argmax(np.abs(v)))
            print(f"{name}: peak {v[peak]:.4f} mV after {time_ms[peak]:.1f} ms")
            dashed = "--" if "inhibitory" in name else "-"
            axes.plot(time_ms, v, dashed, color=colour, linewidth=1.6, label=name)
        peak_ms, peak_mv = 20 * 5 / 15 * math.log(4), 80 * 0.1 * (5 / 20) ** (20 / 15)
        print(f"closed form of cuba_lif: {peak_mv:.4f} mV after {peak_ms:.3f} ms")
        axes.plot(peak_ms, peak_mv, "o", color=VERMILION, markersize=4)
        axes.axhline(0, color=SOFT, linewidth=0.6)
        axes.set(title="one spike arrives", xlabel="time since arrival [ms]", ylabel="membrane over rest [mV]")
        axes.legend(frameon=False)
        figure.savefig(options.out, dpi=100)


if __name__ == "__main__":
    main()
