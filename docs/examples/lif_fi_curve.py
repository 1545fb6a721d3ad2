"""The f-I curve of the LIF: simulated rates on the closed form, and what the tick does to them."""

from __future__ import annotations

import argparse
import math

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray

from snnctl.network.isolated import simulate
from snnctl.neurons.delta_lif import DeltaLif
from snnctl.report.figure import BLUE, SOFT, STYLE, VERMILION

CURRENTS_NA = np.concatenate([np.linspace(0.15, 0.25, 41), np.linspace(0.275, 2.0, 70)])


def closed_form(neuron: DeltaLif, current_na: float) -> float:
    """Rate (Hz) in continuous time; 0 below the rheobase."""
    drive = neuron.resistance_mohm * current_na
    height = neuron.v_threshold_mv - neuron.v_rest_mv
    if drive <= height:
        return 0.0
    return 1 / (neuron.refractory_s + neuron.tau_mem_s * math.log(drive / (drive - height)))


def simulated(neuron: DeltaLif, tick_s: float) -> NDArray[np.float64]:
    """Rate (Hz) from the first interval of each current, 0 where there is none within 1 s."""
    currents = np.tile(CURRENTS_NA, (round(1.0 / tick_s), 1))  # (ticks, n)
    spikes = simulate(neuron, tick_s, currents, record=()).spikes
    rates = []
    for column in spikes.T:
        ticks = np.flatnonzero(column)[:2]
        rates.append(1 / (np.diff(ticks)[0] * tick_s) if ticks.size == 2 else 0.0)
    return np.array(rates)


def main() -> None:
    """Print the rates that the page states, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/lif_fi_curve.png")
    options = parser.parse_args()

    print("rheobase", (DeltaLif().v_threshold_mv - DeltaLif().v_rest_mv) / DeltaLif().resistance_mohm, "nA")
    for current in (0.19, 0.2, 2.0):
        rates = [closed_form(DeltaLif(refractory_s=r), current) for r in (0.0, 2e-3)]
        print(f"{current} nA: {rates[0]:.3f} Hz without, {rates[1]:.3f} Hz with 2 ms refractory")
    with rc_context(STYLE):
        figure = Figure(figsize=(8.4, 3.0), layout="constrained")
        curve, error = figure.subplots(1, 2, width_ratios=(1.4, 1))
        for refractory_s, colour in ((0.0, VERMILION), (2e-3, BLUE)):
            neuron = DeltaLif(refractory_s=refractory_s)
            exact = np.array([closed_form(neuron, i) for i in CURRENTS_NA])
            curve.plot(CURRENTS_NA, exact, color=SOFT, linewidth=1.0)
            for tick_s, marker in ((1e-4, "."), (1e-3, "x")):
                rates = simulated(neuron, tick_s)
                fires = (exact > 1.5) & (rates > 0)
                off = 100 * (rates[fires] / exact[fires] - 1)
                print(f"refractory {refractory_s:g} s, tick {tick_s:g} s: error {off.min():.2f} ... {off.max():.2f} %")
                if tick_s == 1e-4:
                    label = f"refractory {refractory_s * 1e3:g} ms"
                    curve.plot(CURRENTS_NA[::3], rates[::3], ".", color=colour, markersize=5, label=label)
                error.plot(exact[fires], off, marker, color=colour, markersize=3, label=f"{tick_s * 1e3:g} ms tick")
        curve.set(title="rate of a LIF", xlabel="current [nA]", ylabel="rate [Hz]")
        curve.legend(frameon=False, loc="upper left")
        error.set(title="error of the grid", xlabel="rate [Hz]", ylabel="[%]")
        error.text(0.03, 0.05, "dots: tick 0.1 ms, crosses: 1 ms", transform=error.transAxes, color=SOFT)
        figure.savefig(options.out, dpi=100)


if __name__ == "__main__":
    main()
