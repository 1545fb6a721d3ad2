"""e-prop: a recurrent network of 60 spiking neurons learns to draw a curve, online gradients only.

A fixed random input drives the network; its leaky read-out is to follow a sum of sines. Only what e-prop gives is used:
the eligibility of each synapse and the error that its neuron is told.
"""

from __future__ import annotations

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from snnctl.plasticity.eprop import Eprop, gradients, output_gradients

TICK_S, TICKS, INPUTS, HIDDEN, EPOCHS = 1e-3, 400, 20, 60, 150
RULE = Eprop(v_threshold=0.6, per_threshold=False)


class Adam:
    """Adam of one array (Kingma & Ba 2015)."""

    def __init__(self, rate: float) -> None:
        self.rate, self.mean, self.square, self.steps = rate, 0.0, 0.0, 0

    def step(self, gradient: NDArray[np.float64]) -> NDArray[np.float64]:
        """What to add to the array."""
        self.steps += 1
        self.mean = 0.9 * self.mean + 0.1 * gradient
        self.square = 0.999 * self.square + 0.001 * gradient**2
        mean, square = self.mean / (1 - 0.9**self.steps), self.square / (1 - 0.999**self.steps)
        return np.asarray(-self.rate * mean / (np.sqrt(square) + 1e-8))


def main() -> None:
    """Learn and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/eprop_pattern.png")
    options = parser.parse_args()

    random = np.random.default_rng(0)
    c = RULE.constants(TICK_S)
    x = (random.random((TICKS, INPUTS)) < 0.05).astype(float)
    w = np.concatenate(
        [random.normal(0, 0.4, (INPUTS, HIDDEN)), random.normal(0, 0.6 / np.sqrt(HIDDEN), (HIDDEN,) * 2)]
    )
    w_out = random.normal(0, 0.1, (HIDDEN, 1))
    t = np.arange(TICKS) * TICK_S
    target = sum(np.sin(2 * np.pi * f * t + p) for f, p in zip((2.5, 5.0, 7.5), random.uniform(0, 6, 3), strict=True))
    rates, losses, curves = (Adam(0.01), Adam(0.01)), [], {}
    for epoch in range(EPOCHS + 1):
        v, z, y = np.zeros((TICKS, 1, HIDDEN)), np.zeros((TICKS, 1, HIDDEN)), np.zeros((TICKS, 1, 1))
        arrivals = np.zeros((TICKS, 1, INPUTS + HIDDEN))
        for k in range(1, TICKS):
            arrivals[k] = np.concatenate([x[k - 1][None], z[k - 1]], axis=1)
            v[k] = c.alpha * v[k - 1] + arrivals[k] @ w - c.v_threshold * z[k - 1]
            z[k] = v[k] > c.v_threshold
            y[k] = c.kappa * y[k - 1] + z[k] @ w_out
        error = y - target[:, None, None]
        losses.append(float((error**2).mean()))
        if epoch in (0, EPOCHS):
            curves[epoch] = y[:, 0, 0]
        w = w + rates[0].step(gradients(RULE, TICK_S, arrivals, v, z, error @ w_out.T))
        w_out = w_out + rates[1].step(output_gradients(RULE, TICK_S, z, error))
    hz = z.mean() / TICK_S
    print(f"mean squared error {losses[0]:.3f} before, {losses[-1]:.4f} after {EPOCHS} epochs; mean rate {hz:.0f} Hz")

    figure, (shape, loss) = plt.subplots(1, 2, figsize=(9.0, 3.0), width_ratios=(2, 1), layout="constrained")
    shape.plot(1e3 * t, target, color="tab:red", linewidth=3, alpha=0.4, label="target")
    shape.plot(1e3 * t, curves[0], color="0.6", label="before")
    shape.plot(1e3 * t, curves[EPOCHS], color="k", label=f"after {EPOCHS} epochs")
    shape.set(xlabel="time (ms)", ylabel="read-out y")
    shape.legend(frameon=False, ncols=3, fontsize=8)
    loss.semilogy(losses, color="k")
    loss.set(xlabel="epoch", ylabel="mean squared error")
    figure.savefig(options.out, dpi=90)


if __name__ == "__main__":
    main()
