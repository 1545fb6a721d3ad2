"""Time of a decision on an emulated chip against the float decision of the same agent, in one run, alternating.

    python benchmarks/chip_decision.py                 TrueNorth and Xylo, 16 - 60 - 8 and 16 - 60 - 60 - 8 neurons
    python benchmarks/chip_decision.py --repeats 40

A line an agent and chip: the fastest of the repeats of 200 decisions, and their ratio. The float controller is the one
that ``snnctl run`` takes: one compiled call for ``current_lif``, the engine for ``integrate_and_fire``.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from snnctl.agent.float_controller import FloatController
from snnctl.coding import ChoiceDecoder, GaussianPopulation
from snnctl.hardware import chip
from snnctl.hardware.controller import ChipController
from snnctl.neurons import CurrentLif, IntegrateAndFire
from tests import factories

NEURONS = {"truenorth": IntegrateAndFire(), "xylo": CurrentLif(tau_mem_s=6e-3, tau_syn_s=2e-3, reset="subtract")}
DECISIONS = 200


def main() -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    observations = np.random.default_rng(0).normal(size=(DECISIONS, 4)).astype(np.float32)
    for name, neuron in NEURONS.items():
        for hidden in ((60,), (60, 60)):
            made = factories.agent(
                encoder=GaussianPopulation(neurons_per_dim=4),
                hidden=hidden,
                neuron=neuron,
                decoder=ChoiceDecoder(neurons_per_action=4),
            )
            both = FloatController(made), ChipController(made, chip.load(name))
            best = [np.inf, np.inf]
            for controller in both:
                controller.reset(0)
            for _ in range(repeats):
                for k, controller in enumerate(both):
                    start = time.perf_counter()
                    for observation in observations:
                        controller.act(observation)
                    best[k] = min(best[k], (time.perf_counter() - start) / DECISIONS)
            sizes = " - ".join(map(str, (16, *hidden, 8)))
            print(f"{name:10} {sizes:18} float {1e6 * best[0]:7.1f} us   chip {1e6 * best[1]:7.1f} us   "
                  f"{best[1] / best[0]:.2f} times")  # fmt: skip


if __name__ == "__main__":
    main()
