"""The Hodgkin-Huxley neuron rests or fires at the same current, depending on where it comes from."""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from snnctl.network.isolated import simulate
from snnctl.neurons.hodgkin_huxley import HodgkinHuxley

TICK_MS = 0.025
RAMP_MS = 3000.0
TOP = 14.0  # uA/cm2
NOISE = 0.5  # uA/cm2 in each tick: without it a ramp overshoots the point at which rest loses stability
LEVELS = np.arange(5.0, 12.01, 0.25)
PRELUDE_MS, RISE_MS, HOLD_MS = 60.0, 300.0, 2000.0


def main() -> None:
    """Print the numbers and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/img/hodgkin_huxley_bistability.png"))
    out = parser.parse_args().out
    neuron = HodgkinHuxley(scheme="rk4")

    ramp = np.arange(round(RAMP_MS / TICK_MS)) * TICK_MS / RAMP_MS * TOP
    current = np.concatenate([ramp, ramp[::-1]])
    run = simulate(neuron, TICK_MS * 1e-3, current + np.random.default_rng(0).normal(0, NOISE, len(current)))
    spikes = np.flatnonzero(run.spikes[:, 0])
    up, down = current[spikes[0]], current[spikes[-1]]
    print(f"ramp of {1e3 * TOP / RAMP_MS:.1f} uA/cm2 per s: fires from {up:.2f} up, to {down:.2f} down")

    ticks = round((PRELUDE_MS + HOLD_MS) / TICK_MS)
    t = np.arange(ticks) * TICK_MS - PRELUDE_MS
    shapes = {
        "step from rest": np.where(t < 0, 0.0, 1.0)[:, None] * LEVELS,
        "slowly from rest": np.clip(t / RISE_MS, 0, 1)[:, None] * LEVELS,
        "step from the cycle": np.where(t[:, None] < 0, 20.0, LEVELS),
    }
    rates = {}
    for start, held in shapes.items():
        late = simulate(neuron, TICK_MS * 1e-3, held, record=()).spikes[t > HOLD_MS - 500]
        rates[start] = np.array(
            [1e3 / (np.diff(np.flatnonzero(c)).mean() * TICK_MS) if c.sum() > 2 else 0.0 for c in late.T]
        )
        first = np.flatnonzero(rates[start])[0]
        print(f"{start}: fires from {LEVELS[first]:.2f} uA/cm2 (steps of 0.25), at {rates[start][first]:.1f} Hz")

    figure, (trace, curve) = plt.subplots(1, 2, figsize=(10, 3.6), constrained_layout=True)
    for part, colour, label in ((slice(0, len(ramp)), "#1f4e79", "up"), (slice(len(ramp), None), "#b5651d", "down")):
        bins = run.traces["v"][part, 0].reshape(100, -1)
        at = current[part].reshape(100, -1).mean(axis=1)
        trace.fill_between(
            at, bins.min(axis=1), bins.max(axis=1), color=colour, alpha=0.5, label=f"ramp {label}", lw=0.8
        )
    trace.set(xlabel="uA/cm2", ylabel="lowest and highest mV", xlim=(4, TOP))
    for (start, rate), marker in zip(rates.items(), "osx", strict=True):
        curve.plot(LEVELS, rate, marker, label=start, markersize=4)
    for axis in (trace, curve):
        axis.axvspan(6.265, 9.775, color="0.9", zorder=0)
        axis.legend(fontsize=8, loc="center left" if axis is trace else "center right")
        axis.spines[["right", "top"]].set_visible(False)
    curve.set(xlabel="uA/cm2", ylabel="Hz")
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=80)


if __name__ == "__main__":
    main()
