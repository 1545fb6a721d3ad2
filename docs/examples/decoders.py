"""How well an intensity is decoded from a decision of so many ticks, and how a filtered rate follows a step.

Left: one neuron in each code, 99 intensities in (0, 1). Right: a rate that steps, as the rate of each decision of
10 ticks and as filtered rates.
"""

from __future__ import annotations

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from snnctl import streams
from snnctl.coding import bernoulli, burst, filtered_rate, latency, phase, rate

U = np.linspace(0.01, 0.99, 99)
TICKS = (2, 4, 8, 16, 32, 64)


def rms(decoded: NDArray[np.float64]) -> float:
    """Root mean square error over the intensities."""
    return float(np.sqrt(np.mean((decoded - U) ** 2)))


def errors(ticks: int) -> dict[str, float]:
    """RMS error of each code that can use exactly this many ticks."""
    drawn = [bernoulli.encode(U, ticks, streams.kernel_state(k, "encoder")) for k in range(50)]
    window = [filtered_rate.decode(r, 10e-3, 1e-3) for r in drawn]
    linear = latency.spikes_at(latency.linear(U, ticks - 1), ticks)
    found = {
        "rate of Bernoulli spikes": float(np.mean([rms(rate.decode(r)) for r in drawn])),
        "filtered rate, tau = 10 ticks": float(np.mean([rms(w) for w in window])),
        "first spike, linear latency": rms(latency.decode_linear(latency.first_ticks(linear), ticks - 1)),
    }
    if ticks <= 16:  # more digits than anything else here could use
        found["phase, one period"] = rms(phase.decode(phase.encode(U, ticks, ticks), ticks))
    most = max(n for n in range(1, ticks + 1) if burst.span(n, 1, 5) <= ticks)
    found["burst, isi 1 ... 5"] = rms(burst.decode(burst.encode(U, ticks, most), most))
    return found


def main() -> None:
    """Print the errors and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/decoders.png")
    options = parser.parse_args()
    table = {ticks: errors(ticks) for ticks in TICKS}
    names = list(table[TICKS[0]])
    print(f"{'rms error after ticks':32}" + "".join(f"{t:>9}" for t in TICKS))
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8))
    for name in names:
        row = [table[t].get(name, np.nan) for t in TICKS]
        print(f"{name:32}" + "".join(f"{v:9.2g}" for v in row))
        left.loglog(TICKS, row, marker="o", markersize=3, label=name)
    left.set(xlabel="ticks of a decision", ylabel="rms error of u", xticks=TICKS, xticklabels=TICKS, ylim=(1e-5, 1))
    left.minorticks_off()
    left.legend(fontsize=7)

    p = np.where(np.arange(300) < 100, 0.2, 0.7)  # a step after 100 ticks
    raster = np.concatenate(
        [bernoulli.encode(np.full(200, q), 1, streams.kernel_state(t, "encoder")) for t, q in enumerate(p)]
    )
    for tau_s, colour in ((5e-3, "#4b8f8c"), (20e-3, "#d9732b"), (80e-3, "#8a6fb0")):
        a, state, seen = float(np.exp(-1e-3 / tau_s)), filtered_rate.start((200,)), []
        for row in raster:
            state = filtered_rate.advance(state, row[None], a)
            seen.append(filtered_rate.rate(state, a))
        r = np.array(seen)  # (ticks, 200)
        right.plot(r[:, 0], color=colour, linewidth=1, label=f"filtered rate, tau = {1e3 * tau_s:g} ticks")
        reached = int(np.argmax(r[100:].mean(axis=1) >= 0.2 + 0.5 * (1 - np.exp(-1)))) + 1
        deviation = np.sqrt(p[0] * (1 - p[0]) * (1 - a) / (1 + a))
        print(
            f"tau {1e3 * tau_s:3g} ticks: 63 % of the step after {reached} ticks; deviation before it "
            f"{r[99].std():.4f} (equation {deviation:.4f})"
        )
    counted = raster[:, 0].reshape(-1, 10).mean(axis=1)
    right.step(np.arange(10, 301, 10), counted, color="#b9c4d0", where="pre", label="rate of each 10 ticks", zorder=0)
    right.plot(p, color="#1d2530", linewidth=0.8, linestyle=":", label="the rate itself")
    right.set(xlabel="tick", ylabel="spikes per tick", ylim=(-0.02, 1.02))
    right.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(options.out, dpi=75)


if __name__ == "__main__":
    main()
