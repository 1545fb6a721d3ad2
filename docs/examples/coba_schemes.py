"""Four schemes of the conductance-based LIF: error over the tick, and error under noisy input."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from snnctl.network.isolated import simulate
from snnctl.neurons.coba_lif import CobaLif, Scheme
from snnctl.report.figure import BLUE, GREEN, PURPLE, STYLE, VERMILION

SCHEMES: dict[Scheme, str] = {
    "exponential_euler": VERMILION,
    "euler": PURPLE,
    "exponential_midpoint": BLUE,
    "rk4": GREEN,
}
OPEN = {"v": -62.0, "g_excitatory": 30.0, "g_inhibitory": 20.0}
TICKS_PER_MS = np.array([2, 4, 8, 16, 32])


def last(scheme: Scheme, per_ms: int) -> float:
    """The membrane (mV) 8 ms after both conductances have opened."""
    neuron = CobaLif(scheme=scheme, v_threshold_mv=100.0)
    run = simulate(neuron, 1e-3 / per_ms, np.full((8 * per_ms, 1), 50.0), initial=OPEN)
    return float(run.traces["v"][-1, 0])


def noisy(scheme: Scheme, tick_ms: float) -> Any:
    """Half a second of 20 neurons under Poisson input, the same events for any tick."""
    random = np.random.default_rng(3)
    slots, n, ratio = 5000, 20, round(0.1 / tick_ms)
    drives = np.zeros((slots * ratio, 2, n))
    drives[::ratio, 0] = 4.0 * random.poisson(0.12, (slots, n))
    drives[::ratio, 1] = 12.0 * random.poisson(0.04, (slots, n))
    return simulate(CobaLif(scheme=scheme), tick_ms * 1e-3, np.full((slots * ratio, n), 60.0), drives)


def main() -> None:
    """Print orders and errors, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/coba_schemes.png")
    options = parser.parse_args()

    exact = last("rk4", 2000)
    fine = noisy("rk4", 0.005)
    print("reference, RK4 at 0.005 ms:", fine.spikes.sum(), "spikes")
    with rc_context(STYLE):
        figure = Figure(figsize=(8.4, 3.2), layout="constrained")
        order, error = figure.subplots(1, 2)
        for scheme, colour in SCHEMES.items():
            found = np.array([abs(last(scheme, n) - exact) for n in TICKS_PER_MS])
            slope = -np.polyfit(np.log(TICKS_PER_MS), np.log(found), 1)[0]
            order.loglog(
                1 / TICKS_PER_MS, found, "o-", color=colour, markersize=3, label=f"{scheme}: order {slope:.2f}"
            )
            run = noisy(scheme, 0.1)
            differences = np.abs(run.traces["v"] - fine.traces["v"][19::20]).ravel()
            print(
                f"{scheme}: order {slope:.3f}; at 0.1 ms {run.spikes.sum()} spikes, "
                f"median error {np.median(differences):.2g} mV"
            )
            shares = np.linspace(0.01, 0.99, 99)
            error.semilogy(shares, np.quantile(differences, shares).clip(1e-9), color=colour, linewidth=1.6)
        order.set(title="without spikes", xlabel="tick [ms]", ylabel="error after 8 ms [mV]")
        order.set_xticks([1 / 32, 1 / 8, 1 / 2], ["1/32", "1/8", "1/2"])
        order.minorticks_off()
        order.set_ylim(1e-10, 1e5)
        order.legend(frameon=False, fontsize=8, loc="upper left")
        error.set(title="with noise and spikes, tick 0.1 ms", xlabel="share of all ticks", ylabel="error at most [mV]")
        figure.savefig(options.out, dpi=100)


if __name__ == "__main__":
    main()
