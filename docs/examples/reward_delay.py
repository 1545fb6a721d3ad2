"""Reward-modulated STDP: what a reward is worth that comes late, and what the limits of a weight do.

Left: one pair of spikes, then a reward after a delay; dots are networks, lines the closed form. Right: weights under
random spikes and rewards, by the event-driven rule (dots) and by the same equations stepped in every tick (lines).
"""

from __future__ import annotations

import argparse

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from snnctl.network.network import Network
from snnctl.network.spike_array import SpikeArray
from snnctl.neurons.delta_lif import DeltaLif
from snnctl.plasticity.dopamine_stdp import DopamineStdp
from snnctl.plasticity.reward_stdp import RewardStdp
from snnctl.report.figure import BLUE, SERIES, STYLE, VERMILION

MS = 1e-3
DELAYS_S = np.arange(0.0, 4.01, 0.25)


def learned(lag_ms: int, delay_s: float) -> float:
    """Weight change 3 s after a reward of 1 that came ``delay_s`` after a pair of this lag."""
    pair = 100  # tick of the later spike
    arrival, spike = pair - max(lag_ms, 0), pair + min(lag_ms, 0)
    network = Network(MS)
    inputs = network.population("inputs", 1, SpikeArray(times_s=[(arrival - 1) * MS], neurons=[0]))
    cell = network.population("cell", 1, DeltaLif())  # weights of some mV do not make it fire
    rule = RewardStdp(weight_min=None, weight_max=None)
    synapse = network.project(inputs, cell, weight=0.0, plasticity=rule)
    ticks = pair + round((delay_s + 3.0) / MS)
    kick, signal = np.zeros((ticks, 1)), np.zeros(ticks)
    kick[spike] = 10.0  # nA: a spike in this tick
    signal[pair + round(delay_s / MS)] = 1.0
    network.run(ticks * MS, currents={"cell": kick}, signal=signal)
    return float(network.weights(synapse).item())


def expected(lag_ms: int, delay_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same in closed form."""
    mark = 0.1 * np.exp(-lag_ms / 20) if lag_ms >= 0 else -0.15 * np.exp(lag_ms / 20)
    r = 1 / 1.0 + 1 / 0.2
    return np.asarray(mark * np.exp(-delay_s) * (1 - np.exp(-r * 3.0)) / r)


def random_run(rule: RewardStdp | DopamineStdp) -> NDArray[np.float64]:
    """Weights of six synapses of random spikes and rewards, every 10 ms.  # (samples, 6)"""
    ticks, rng = 6000, np.random.default_rng(7)
    network = Network(MS)
    times, sources = np.nonzero(rng.random((ticks, 6)) < 0.02)
    inputs = network.population("inputs", 6, SpikeArray(times_s=times * MS, neurons=sources))
    cell = network.population("cell", 1, DeltaLif())
    synapses = network.project(inputs, cell, weight=rng.uniform(0, 4, (6, 1)), plasticity=rule)
    kick = np.where(rng.random((ticks, 1)) < 0.02, 30.0, -1.0)
    signal = np.where(rng.random(ticks) < 0.004, rng.normal(0.0, 2.0, ticks), 0.0)
    found = []
    for start in range(0, ticks, 10):
        piece = slice(start, start + 10)
        network.run(10 * MS, currents={"cell": kick[piece]}, signal=signal[piece])
        found.append(network.weights(synapses)[:, 0])
    return np.array(found)


def draw_pair(axes: Axes) -> None:
    """Learned against expected changes, printed and drawn."""
    worst = 0.0
    for lag, colour in ((10, BLUE), (-10, VERMILION)):
        found = np.array([learned(lag, delay) for delay in DELAYS_S])
        worst = max(worst, float(abs(found - expected(lag, DELAYS_S)).max()))
        print(f"lag {lag:+d} ms: {found[0]:+.6f} at once, {found[DELAYS_S == 1.0][0]:+.6f} after 1 s")
        fine = np.linspace(0, 4, 200)
        axes.plot(fine, expected(lag, fine), color=colour, linewidth=1.2)
        axes.plot(DELAYS_S, found, ".", color=colour)
        axes.text(1.2, found[DELAYS_S == 1.0][0] * 1.25, f"lag {lag:+d} ms", color=colour, va="center")
    print(f"largest difference from the closed form: {worst:.1e}")
    axes.set(xlabel="reward after the pair [s]", ylabel="weight change [mV]", title="one pair, one reward")


def draw_limits(axes: Axes) -> None:
    """Event-driven against clock-driven weights, printed and drawn."""
    limits = {"weight_min": 0.0, "weight_max": 4.0}
    event = random_run(RewardStdp(**limits, learning_rate=5.0))
    clock = random_run(
        DopamineStdp(scheme="exact", pairing="all_to_all", gain_hz=5.0, tonic=0.0, depression=1.5, **limits)
    )
    difference = abs(event - clock)
    print(f"limits at arrivals and folds instead of every tick: {difference.max():.3f} mV apart at most, ", end="")
    print(f"{difference.mean():.4f} in the mean")
    time_s = 0.01 * (1 + np.arange(len(event)))
    for k, colour in enumerate(SERIES):
        axes.plot(time_s, clock[:, k], color=colour, linewidth=0.9)
        axes.plot(time_s[::20], event[::20, k], ".", color=colour, markersize=4)
    axes.set(xlabel="time [s]", ylabel="weight [mV]", title="six weights with limits")


def main() -> None:
    """Measure and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/reward_delay.png")
    options = parser.parse_args()

    with rc_context(STYLE):
        figure = Figure(figsize=(7.6, 3.0), layout="constrained")
        left, right = figure.subplots(1, 2)
        draw_pair(left)
        draw_limits(right)
        figure.savefig(options.out, dpi=100)


if __name__ == "__main__":
    main()
