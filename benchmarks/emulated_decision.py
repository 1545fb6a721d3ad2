"""One decision of a PopSAN-sized actor on emulated chips, its cost included, beside the float decision.

    python benchmarks/emulated_decision.py [--blocks 41] [--activities 0.05 0.2 0.5]

Actor: 17 observations x 10 encoder neurons, 256, 256, 6 x 10 output neurons, T = 5 ticks (HalfCheetah), random weights,
hidden layers with about 5, 20 and 50 % activity. One observation at a time, one thread, from a Python call to the
action. A block makes decisions for at least 10 ms of the processor's time, so that other work on the machine does not
count; blocks of the float controller and of each chip alternate:

    float   FloatController.act
    act     ChipController.act
    cost    ChipController.act, then ChipController.cost: energy, power and latency of this decision

The table gives medians over blocks, and the medians of the ratios to the block of the float controller just before.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

CHIPS = ("loihi1", "spinnaker1")
ACTIVITIES = (0.05, 0.2, 0.5)
BLOCK_S = 0.01


def with_cost(controller: Any) -> Callable[[Any], Any]:
    """A decision and what it cost."""
    act, cost = controller.act, controller.cost

    def decide(observation: Any) -> Any:
        act(observation)
        return cost()

    return decide


def block_us(act: Callable[[Any], Any], observations: Any) -> float:
    """Microseconds of the processor a decision, over one block."""
    count, begin = 0, time.process_time()
    while True:
        for observation in observations:
            act(observation)
        count += len(observations)
        spent = time.process_time() - begin
        if spent > BLOCK_S:
            return spent / count * 1e6


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=41)
    parser.add_argument("--activities", type=float, nargs="+", default=ACTIVITIES)
    options = parser.parse_args()

    import numpy as np
    from decision_latency import cpu_model, make_agent

    from snnctl.agent.float_controller import FloatController
    from snnctl.hardware import chip as chips
    from snnctl.hardware.controller import ChipController

    observations = np.random.default_rng(2).normal(size=(50, 17))
    print(f"{cpu_model()}, one thread; Python {platform.python_version()}, numpy {np.__version__}\n")
    print("| activity | decision | us (median) | fastest, slowest block | times the float decision | fastest blocks |")
    print("|---|---|---|---|---|---|")
    for target in options.activities:
        agent, activity = make_agent(target)
        contenders: dict[str, Callable[[Any], Any]] = {"float": FloatController(agent).act}
        for name in CHIPS:
            emulated = ChipController(agent, chips.load(name))
            contenders |= {f"{name}, act": emulated.act, f"{name}, act and cost": with_cost(emulated)}
        times: dict[str, list[float]] = {name: [] for name in contenders}
        for act in contenders.values():
            block_us(act, observations)
        for _ in range(options.blocks):
            for name, act in contenders.items():
                times[name].append(block_us(act, observations))
        for name, values in times.items():
            ratio = statistics.median(ours / base for ours, base in zip(values, times["float"], strict=True))
            print(
                f"| {activity:.0%} | {name} | {statistics.median(values):.1f} | {min(values):.1f}, {max(values):.1f} "
                f"| {ratio:.2f} | {min(values) / min(times['float']):.2f} |"
            )


if __name__ == "__main__":
    main()
