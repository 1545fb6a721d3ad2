"""The same intensities in every code, with what each costs and how well it is decoded again.

One panel a code: 33 intensities between 0 (bottom) and 1 (top), 16 ticks of 1 ms.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from snnctl import streams
from snnctl.coding import (
    GaussianPopulation,
    bernoulli,
    burst,
    latency,
    phase,
    poisson,
    population_vector,
    send_on_delta,
)
from snnctl.coding.gaussian_encoder import GaussianEncoder

TICKS, TICK_S, MAX_HZ = 16, 1e-3, 1000.0
U = (np.arange(33) + 0.5) / 33  # not on the grid of binary fractions, where the phase code is exact


class Coded(NamedTuple):
    """One code: its spikes, and the intensities read from them."""

    name: str
    raster: NDArray[np.uint8]  # (ticks, n)
    decoded: NDArray[np.float64] | None  # (33,)


def population(spikes: str, placement: str) -> Coded:
    """A Gaussian population for one intensity after the other; its picture is of u = 0.5."""
    config = GaussianPopulation(neurons_per_dim=12, low=0.0, high=1.0, width=0.1, spikes=spikes, placement=placement)  # type: ignore[arg-type]
    mean, width = config.fields(1)
    encoder = GaussianEncoder(config, {"encoder.mean": mean, "encoder.width": width}, np.float64)
    rasters = [encoder.encode(np.array([u]), TICKS, streams.kernel_state(k, "encoder")) for k, u in enumerate(U)]
    decoded = None
    if spikes != "latency":
        decoded = np.array([float(population_vector.decode(r, mean[0], 0.5)) for r in rasters])
    return Coded(f"Gaussian, {placement}\n{spikes}, u = 0.5", rasters[16], decoded)


def codes() -> list[Coded]:
    """All of them."""
    random = streams.kernel_state(0, "encoder")
    drawn = bernoulli.encode(U, TICKS, random)
    trains = poisson.encode(MAX_HZ * U, TICK_S, TICKS, random)
    linear = latency.spikes_at(latency.linear(U, TICKS - 1), TICKS)
    log = latency.spikes_at(latency.logarithmic(U, TICKS - 1), TICKS)
    charged = latency.spikes_at(latency.charging(U, 3.0, 0.1), TICKS)
    first = latency.first_ticks
    bursts = burst.encode(U, TICKS)
    digits = phase.encode(U, TICKS, 8)
    time = np.linspace(0, 2 * np.pi, TICKS)
    wave = 0.5 + 0.5 * np.sin(time[:, None] - np.pi * U)  # here the neurons see a wave, not a constant
    events = send_on_delta.encode(wave, 0.12)
    return [
        Coded("Bernoulli", drawn, bernoulli.decode(drawn)),
        Coded("Poisson, 1 kHz at u = 1", trains, np.minimum(poisson.decode(trains, TICK_S) / MAX_HZ, 1.0)),
        Coded("latency, linear", linear, latency.decode_linear(first(linear), TICKS - 1)),
        Coded("latency, logarithmic", log, latency.decode_logarithmic(first(log), TICKS - 1)),
        Coded(
            "latency, charging, tau = 3 ticks",
            charged,
            np.minimum(latency.decode_charging(first(charged), 3.0, 0.1), 1),
        ),
        Coded("phase, two periods of 8", digits, phase.decode(digits, 8)),
        Coded("burst", bursts, burst.decode(bursts)),
        Coded("send-on-delta, a wave\nwith the phase pi u", np.abs(events).astype(np.uint8), None),
        population("deterministic", "uniform"),
        population("latency", "bohte"),
    ]


def main() -> None:
    """Print the costs and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/encoders.png")
    options = parser.parse_args()
    figure, axes = plt.subplots(2, 5, figsize=(12, 5.4), sharex=True)
    print(f"{'code':38}{'ticks':>6}{'spikes/neuron':>15}{'rms error':>11}{'worst':>8}")
    for axis, code in zip(axes.ravel(), codes(), strict=True):
        n = code.raster.shape[1]
        tick, neuron = np.nonzero(code.raster)
        axis.scatter(tick, neuron / (n - 1), s=5, color="#1d2530", linewidths=0)
        axis.set_title(code.name, fontsize=8)
        axis.set_ylim(-0.05, 1.05)
        error = "" if code.decoded is None else f"{np.sqrt(np.mean((code.decoded - U) ** 2)):11.4f}"
        worst = "" if code.decoded is None else f"{np.abs(code.decoded - U).max():8.4f}"
        print(f"{code.name.replace(chr(10), ' '):38}{TICKS:6}{code.raster.sum() / n:15.2f}{error}{worst}")
    for axis in axes[-1]:
        axis.set_xlabel("tick")
    for axis in axes[:, 0]:
        axis.set_ylabel("intensity u of the neuron")
    axes[1, 3].set_ylabel("preferred value")
    figure.tight_layout()
    figure.savefig(options.out, dpi=75)


if __name__ == "__main__":
    main()
