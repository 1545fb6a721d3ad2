"""A neuron and a rule from outside the package, in a network: the quadratic neuron, and STDP with an offset.

The f-I curve of the neuron stands beside the closed form. Twenty of 100 inputs fire together, 10 times a second, the
others at the same rate on their own: the rule keeps the synapses that drive the neuron.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from snnctl.network import Network, SpikeArray
from snnctl.neurons import DeltaLif
from snnctl.report import f_i_curve, figure, weights

sys.path.insert(0, str(Path(__file__).parent))  # where the package of the models lies

from mylab.offset_stdp import OffsetStdp
from mylab.quadratic import Quadratic

TOGETHER, INPUTS, SECONDS, RATE_HZ = 20, 100, 20.0, 10.0


def closed_form_hz(neuron: Quadratic, currents: np.ndarray) -> np.ndarray:
    """Rate at currents above 0."""
    root = np.sqrt(currents)
    return root / neuron.tau_s / (np.arctan(neuron.v_peak / root) - np.arctan(neuron.v_reset / root))


def learned(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Times of the samples, and the weights (samples, synapses)."""
    rng = np.random.default_rng(seed)
    times, neurons = [], []
    for ends in (range(TOGETHER), *([k] for k in range(TOGETHER, INPUTS))):  # each group has a train
        train = np.flatnonzero(rng.random(round(SECONDS / 1e-3)) < RATE_HZ * 1e-3) * 1e-3
        for k in ends:
            times.append(train)
            neurons.append(np.full(train.size, k))
    network = Network(tick_s=1e-3, seed=seed)
    network.population("inputs", INPUTS, SpikeArray(np.concatenate(times), np.concatenate(neurons)))
    network.population("cell", 1, DeltaLif())  # fires 15 mV above rest
    rule = OffsetStdp(gain=0.02, offset=0.5, weight_max=2.0)
    synapses = network.project("inputs", "cell", weight=1.0, plasticity=rule)  # mV
    network.record(synapses, "weight", every_s=0.2)
    network.run(SECONDS)
    return network.trace(synapses, "weight")


def main() -> None:
    """Measure, learn, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/your_own_models.png")
    options = parser.parse_args()

    currents = np.linspace(0.1, 4.0, 40)
    curve = f_i_curve.f_i_curve(Quadratic(), currents, tick_s=1e-5, name="quadratic")
    exact = closed_form_hz(Quadratic(), currents)
    print(f"largest distance from the closed form {np.abs(curve.rates_hz - exact).max():.2f} Hz in 1 s")
    times_s, values = learned(seed=1)
    values = values.reshape(len(times_s), -1)
    print(f"weights at the end: {values[-1, :TOGETHER].mean():.2f} together, {values[-1, TOGETHER:].mean():.2f} alone")
    with rc_context(figure.STYLE):
        canvas = Figure(figsize=(7.4, 3.0), layout="constrained")
        left, right = canvas.subplots(1, 2)
        left.plot(currents, exact, color=figure.VERMILION, linewidth=1, label="closed form")
        f_i_curve.f_i(left, curve)
        left.set(xlabel="current", ylabel="rate (Hz)", title="a neuron: mylab.quadratic")
        left.legend(frameon=False)
        weights.distribution(right, times_s, values, (0.0, 2.0))
        right.set(xlabel="time (s)", ylabel="weight (mV)", title="a rule: mylab.offset_stdp")
        canvas.savefig(options.out, dpi=110)


if __name__ == "__main__":
    main()
