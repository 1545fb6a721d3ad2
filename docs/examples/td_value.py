"""Critic neurons learn the value of a reward with TD-LTP, and learn it anew when the reward halves.

Twenty escape-noise neurons with ten Poisson inputs; the reward is constant, 60 a second and then 30, so the value
is r tau_r = 30 and then 15. The error of a tick is computed outside and given as the signal of the next one.
"""

from __future__ import annotations

import argparse

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray

from snnctl.network import Network
from snnctl.neurons import EscapeLif, Poisson
from snnctl.plasticity import TdStdp
from snnctl.plasticity.td_stdp import Critic, CriticState, read, td_error
from snnctl.report.figure import BLUE, SOFT, STYLE, VERMILION

TICK_S, DURATION_S, CHANGE_S = 2e-3, 60.0, 30.0
RULE = TdStdp(tau_reward_s=0.5, learning_rate=2e-3, weight_min=0.0, weight_max=10.0)
CRITIC = Critic(neurons=20, gain=1.0, v0=0.0)


def learn() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Value, error and reward of every tick."""
    net = Network(TICK_S, seed=3)
    state = net.population("state", 10, Poisson(rate_hz=50.0))
    critic = net.population("critic", CRITIC.neurons, EscapeLif(), bias=8.0)
    net.project(state, critic, weight=0.2, plasticity=RULE)
    constants, kept, delta = CRITIC.constants(TICK_S), CriticState(), 0.0
    rewards = np.where(np.arange(round(DURATION_S / TICK_S)) * TICK_S < CHANGE_S, 60.0, 30.0)
    values, errors = np.empty_like(rewards), np.empty_like(rewards)
    for t, reward in enumerate(rewards):
        spikes = net.step(signal=delta)["critic"]
        kept, value, slope = read(constants, kept, int(spikes.sum()))
        delta = td_error(value, slope, reward, RULE.tau_reward_s)
        values[t], errors[t] = value, delta
    return values, errors, rewards


def main() -> None:
    """Print the values and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/td_value.png")
    options = parser.parse_args()
    values, errors, rewards = learn()
    time_s = TICK_S * np.arange(1, values.size + 1)
    for name, begin, end in (("at first", 0, 1), ("with 60 a second", 20, 30), ("with 30 a second", 50, 60)):
        part = slice(round(begin / TICK_S), round(end / TICK_S))
        print(
            f"{name}: value {values[part].mean():.2f} of {rewards[part].mean() * RULE.tau_reward_s:g}, "
            f"mean error {errors[part].mean():.2f}, its standard deviation {errors[part].std():.1f}"
        )
    with rc_context(STYLE):
        figure = Figure(figsize=(7.6, 3.6), layout="constrained")
        value, error = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        smooth = np.convolve(errors, np.full(500, 1 / 500), mode="same")
        value.plot(time_s[::25], values[::25], color=BLUE, linewidth=0.8)
        value.plot(time_s, rewards * RULE.tau_reward_s, color=VERMILION, linewidth=1.4)
        value.text(31, 31, "true value r tau_r", color=VERMILION)
        value.text(5, 42, "value read from 20 neurons", color=BLUE)
        value.set(title="a value learned from its own errors", ylabel="V", ylim=(0, 65))
        error.plot(time_s, smooth, color=SOFT, linewidth=0.8)
        error.axhline(0.0, color=VERMILION, linewidth=0.8)
        error.set(xlabel="time [s]", ylabel="TD error,\nmean of 1 s")
        figure.savefig(options.out, dpi=100)


if __name__ == "__main__":
    main()
