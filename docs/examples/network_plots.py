"""The plots of a network: a raster of its populations, membranes of some neurons, and weights that learn.

100 noisy inputs drive 80 excitatory neurons, which 20 inhibitory neurons hold in check. The synapses of the inputs
follow pair STDP.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from snnctl.network import FixedProbability, Network, Uniform
from snnctl.neurons import DeltaLif, Poisson
from snnctl.plasticity import PairStdp
from snnctl.report import membrane, network_raster, weights
from snnctl.report.network_raster import Rows

SIZES = {"inputs": 100, "excitatory": 80, "inhibitory": 20}
SECONDS, SHOWN = 20.0, 4


def main() -> None:
    """Run, and draw three figures: --out is the raster, beside it the membranes and the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default="docs/img/network_plots.png")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    out = Path(options.out)

    network = Network(tick_s=1e-3, seed=options.seed)
    network.population("inputs", SIZES["inputs"], Poisson(rate_hz=15.0))
    for name in ("excitatory", "inhibitory"):
        network.population(name, SIZES[name], DeltaLif(), tau_mem_s=Uniform(0.015, 0.025))
    synapses = network.project(
        "inputs",
        "excitatory",
        FixedProbability(0.3),
        weight=Uniform(1.5, 2.5),
        plasticity=PairStdp(a_plus=0.04, a_minus=0.045, weight_max=4.0),
    )  # mV
    network.project("excitatory", "inhibitory", FixedProbability(0.3), weight=1.5)
    network.project("inhibitory", "excitatory", FixedProbability(0.3), weight=-2.0)
    for name in SIZES:
        network.record(name, "spikes")
    network.record("excitatory", "v", neurons=range(SHOWN))
    network.record(synapses, "weight", every_s=0.2)
    network.run(SECONDS)

    rows = [Rows(name, size, network.spikes(name)) for name, size in SIZES.items()]
    plot = network_raster.draw(rows, (0.0, 1.0), "Inputs, and the populations that they drive", bin_s=20e-3)
    plot.figure.savefig(out, dpi=110)
    times_s, v = network.trace("excitatory", "v")
    shown = times_s <= 0.5
    trains = network.spikes("excitatory").trains(SIZES["excitatory"])[:SHOWN]
    plot = membrane.draw(times_s[shown], v[shown], trains, unit="mV", heading="Four excitatory neurons")
    plot.figure.savefig(out.with_stem(f"{out.stem}_membranes"), dpi=110)
    times_s, values = network.trace(synapses, "weight")
    plot = weights.draw(times_s, values, heading="Weights of the inputs under pair STDP", unit="mV")
    plot.figure.savefig(out.with_stem(f"{out.stem}_weights"), dpi=110)
    for name, size in SIZES.items():
        print(f"{name}: {network.spikes(name).neurons.size / size / SECONDS:.1f} Hz")
    print(f"weights: mean {values[0].mean():.2f} mV at first, {values[-1].mean():.2f} mV at last")


if __name__ == "__main__":
    main()
