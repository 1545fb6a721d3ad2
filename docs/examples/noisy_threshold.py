"""A noisy threshold: measured probability of a spike on rho(v), and the score rule beside finite differences."""

from __future__ import annotations

import argparse
import math
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from snnctl.network.interpreted import PlasticSynapses
from snnctl.network.isolated import simulate
from snnctl.neurons.noisy_lif import NoisyLif, step
from snnctl.plasticity import Score
from snnctl.report.figure import BLUE, SOFT, STYLE, VERMILION

TICK_S, TICKS, TRAINS, NOISE = 1e-3, 30, 60, 0.4
NEURON = NoisyLif(noise=NOISE)


def log_probability(weight: float, pre: Any, post: Any) -> float:
    """Of the spikes ``post`` (ticks,) of a neuron with one synapse, which gets ``pre`` (ticks,)."""
    c, state, total = NEURON.constants(TICK_S), NEURON.initial(), 0.0
    for s, o in zip(pre, post, strict=True):
        state, _ = step(c, state, weight * s, 0.0, -1.0 if o else 2.0)  # the spike is forced
        total += math.log(state.expected if o else 1 - state.expected)
    return total


def eligibility(weight: float, pre: Any, post: Any) -> float:
    """What the rule has gathered after the same spikes."""
    rule = Score(decision_ticks=TICKS, decay=1 - 1e-9)
    loop = PlasticSynapses((rule,), TICK_S, (1, 1), [0], [0], [weight])
    c, state = NEURON.constants(TICK_S), NEURON.initial()
    for s, o in zip(pre, post, strict=True):
        loop.begin()
        loop.deliver([0] if s else [])
        state, _ = step(c, state, weight * s, 0.0, -1.0 if o else 2.0)
        loop.end({"expected": [state.expected]}, [0] if o else [])
    return float(loop.field("e")[0, 0])


def main() -> None:
    """Print measured and expected numbers, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/noisy_threshold.png")
    options = parser.parse_args()

    levels = np.linspace(-0.4, 2.4, 8)
    measured = []
    for level in levels:  # reset to where the current holds the membrane: it stays there
        current = np.full((2000, 40), level * (1 - math.exp(-1 / 8)))
        neuron = NoisyLif(noise=NOISE, v_reset=level)
        run = simulate(neuron, TICK_S, current, initial={"v": level}, record=(), seed=1)
        measured.append(run.spikes.mean())
        rho = 1 / (1 + math.exp((1 - level) / NOISE))
        print(f"v = {level:.1f}: measured {measured[-1]:.3f}, rho = {rho:.3f}")
    random, pairs = np.random.default_rng(0), []
    for _ in range(TRAINS):
        pre, post, h = random.random(TICKS) < 0.4, random.random(TICKS) < 0.2, 1e-6
        slope = (log_probability(0.5 + h, pre, post) - log_probability(0.5 - h, pre, post)) / (2 * h)
        pairs.append((slope, eligibility(0.5, pre, post) / NOISE))
    slopes, scores = np.array(pairs).T
    print(f"largest difference of score and finite difference: {np.abs(slopes - scores).max():.0e}")
    with rc_context(STYLE):
        figure = Figure(figsize=(8.4, 3.0), layout="constrained")
        escape, score = figure.subplots(1, 2)
        v = np.linspace(-0.5, 2.5, 100)
        escape.plot(v, 1 / (1 + np.exp((1 - v) / NOISE)), color=SOFT, linewidth=1.2)
        escape.plot(levels, measured, "o", color=BLUE, markersize=4)
        escape.set(title="spikes a tick of a clamped membrane", xlabel="v", ylabel="P(spike)")
        ends = [slopes.min(), slopes.max()]
        score.plot(ends, ends, color=SOFT, linewidth=1.2)
        score.plot(slopes, scores, "o", color=VERMILION, markersize=3)
        score.set(title="one dot a train of 30 ticks", xlabel="d log P / d w, finite differences", ylabel="e / noise")
        figure.savefig(options.out, dpi=100)


if __name__ == "__main__":
    main()
