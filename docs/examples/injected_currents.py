"""The four kinds of injected current, and the autocorrelation of the noise."""

from __future__ import annotations

import argparse
import math
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from snnctl.neurons.currents import ArrayCurrent, OrnsteinUhlenbeck, Ramp, Step
from snnctl.report.figure import BLUE, GREEN, PURPLE, SOFT, STYLE, VERMILION

TICK_S, TICKS = 1e-3, 300


def main() -> None:
    """Print the measured statistics of the noise, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/injected_currents.png")
    options = parser.parse_args()

    noise = OrnsteinUhlenbeck(mean=0.0, deviation=0.4, tau_s=20e-3)
    kinds: tuple[tuple[str, Any, str], ...] = (
        ("step", Step(amplitude=1.0, start_s=50e-3, stop_s=200e-3), BLUE),
        ("ramp", Ramp(last=1.0, start_s=50e-3, stop_s=200e-3), GREEN),
        ("ornstein_uhlenbeck", noise, VERMILION),
        ("array", ArrayCurrent(np.sin(np.arange(100) * 2 * np.pi / 100), after="repeat"), PURPLE),
    )
    with rc_context(STYLE):
        figure = Figure(figsize=(8.4, 3.2), layout="constrained")
        traces, correlation = figure.subplots(1, 2, width_ratios=(1.6, 1))
        for row, (name, current, colour) in enumerate(kinds):
            _, values = current.values(current.initial_state(1, 3), 0, TICKS, 1, TICK_S)
            traces.step(np.arange(TICKS), values[:, 0] - 2.6 * row, where="post", color=colour, linewidth=1.2)
            traces.text(302, -2.6 * row, name, color=colour, va="center")
        traces.set(title="injected currents", xlabel="time [ms]", yticks=[], xlim=(0, 400))
        n, lags = 20_000, np.arange(0, 81, 4)
        _, many = noise.values(noise.initial_state(n, 1), 0, 81, n, TICK_S)
        measured = [np.mean(many[0] * many[lag]) for lag in lags]
        exact = 0.16 * np.exp(-lags / 20)
        print(f"variance {measured[0]:.4f} (exact 0.16), standard error {0.16 * math.sqrt(2 / n):.4f}")
        print(f"largest error of the autocovariance {np.abs(measured - exact).max():.4f}")
        correlation.plot(lags, exact, color=SOFT, linewidth=1.2)
        correlation.plot(lags, measured, "o", color=VERMILION, markersize=3)
        correlation.set(title="autocovariance of the noise", xlabel="lag [ms]", ylim=(0, 0.18))
        figure.savefig(options.out, dpi=100)


if __name__ == "__main__":
    main()
