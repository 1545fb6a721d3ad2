"""Escape noise: measured rates on rho(v), and a stochastic f-I curve beside the sharp threshold's."""

from __future__ import annotations

import argparse

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from snnctl.network.isolated import simulate
from snnctl.neurons.escape_lif import EscapeLif
from snnctl.report.figure import BLUE, GREEN, SOFT, STYLE, VERMILION

TICK_S, TICKS, N = 1e-3, 4000, 40


def main() -> None:
    """Print measured and expected rates, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/escape_noise.png")
    options = parser.parse_args()

    levels = np.arange(8.0, 23.0, 2.0)
    measured = []
    for level in levels:  # reset to where the current holds the membrane: it stays there
        run = simulate(
            EscapeLif(v_reset_mv=level), TICK_S, np.full((TICKS, N), level), initial={"v": level}, record=(), seed=1
        )
        p = run.spikes.mean()
        measured.append(-np.log1p(-p) / TICK_S)
        print(f"v = {level:g} mV: measured {measured[-1]:.1f} Hz, rho = {60 * np.exp((level - 16) / 2):.1f} Hz")
    currents = np.linspace(5.0, 30.0, 26)
    with rc_context(STYLE):
        figure = Figure(figsize=(8.4, 3.0), layout="constrained")
        escape, curve = figure.subplots(1, 2)
        v = np.linspace(7, 23, 100)
        escape.semilogy(v, 60 * np.exp((v - 16) / 2), color=SOFT, linewidth=1.2)
        escape.semilogy(levels, measured, "o", color=BLUE, markersize=4)
        escape.set(title="rate of a clamped membrane", xlabel="v [mV over rest]", ylabel="rate [Hz]")
        for width, colour in ((0.2, GREEN), (2.0, BLUE), (5.0, VERMILION)):
            run = simulate(EscapeLif(delta_u_mv=width), TICK_S, np.tile(currents, (20_000, 1)), record=(), seed=2)
            curve.plot(currents, run.spikes.mean(axis=0) / TICK_S, color=colour, label=f"delta_u {width:g} mV")
        curve.set(title="rate of a free membrane", xlabel="current [mV]", ylabel="rate [Hz]")
        curve.legend(frameon=False)
        figure.savefig(options.out, dpi=100)


if __name__ == "__main__":
    main()
