"""An adaptive threshold under a step of current: membrane, threshold, and the rate that falls."""

from __future__ import annotations

import argparse

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from snnctl.network.isolated import simulate
from snnctl.neurons.alif import Alif
from snnctl.neurons.currents import Step
from snnctl.report.figure import BLUE, SOFT, STYLE, VERMILION

TICK_S, TICKS = 1e-3, 1200
NEURON = Alif(tau_mem_s=20e-3, tau_adapt_s=0.3, beta=0.1)


def main() -> None:
    """Print first and last intervals, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/alif_adaptation.png")
    options = parser.parse_args()

    step = Step(amplitude=0.3, start_s=0.05, stop_s=0.9)
    _, current = step.values(step.initial_state(1, 0), 0, TICKS, 1, TICK_S)
    run = simulate(NEURON, TICK_S, current, record=("v", "a"))
    spikes = np.flatnonzero(run.spikes[:, 0])
    intervals = np.diff(spikes)
    print(f"{spikes.size} spikes; first interval {intervals[0]} ms, last {intervals[-1]} ms")
    with rc_context(STYLE):
        figure = Figure(figsize=(7.6, 3.4), layout="constrained")
        membrane, rate = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
        time_ms = np.arange(1, TICKS + 1)
        membrane.plot(time_ms, NEURON.v_threshold + NEURON.beta * run.traces["a"][:, 0], color=VERMILION, linewidth=1.4)
        membrane.plot(time_ms, run.traces["v"][:, 0], color=BLUE, linewidth=0.8)
        membrane.text(960, 4.0, "threshold 1 + beta a", color=VERMILION)
        membrane.text(960, 0.5, "membrane v", color=BLUE)
        membrane.set(title="the threshold remembers the neuron's own spikes", ylabel="v")
        rate.plot(spikes[1:], 1e3 / intervals, ".", color=SOFT, markersize=4)
        rate.set(xlabel="time [ms]", ylabel="rate [Hz]", ylim=(0, None))
        figure.savefig(options.out, dpi=100)


if __name__ == "__main__":
    main()
