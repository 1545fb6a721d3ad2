"""How close a decision comes to what its bytes allow, from 64 to 2048 hidden neurons.

    python benchmarks/decision_limit.py [--weights int8]

Two hidden layers of n neurons, 17 observations x 10 encoder neurons, 6 x 10 output neurons, 5 ticks, 20 % activity, one
thread. The limit is the time that it takes to add up as many bytes of rows as spikes ask for, at the speed with which
this processor adds up, row after row, an array as large as the weights: the bandwidth of the cache or memory that they
lie in. Blocks of the decision and of the reading alternate; medians.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

from decision_latency import ACTIVITY, Size, block_us, cpu_model, make_agent  # beside this script

from snnctl.agent.controllers import make
from snnctl.agent.decision import BLOCK
from snnctl.network.vector import STRIP, aligned, sum_rows, sum_rows_int8

import numpy as np  # isort: skip
from numba import njit  # isort: skip

SIZES = (64, 128, 256, 512, 1024, 2048)
BLOCKS = 21


@njit(error_model="numpy")
def read(data: Any, events: Any, out: Any, blocks: int, whole: bool) -> None:
    """Add up every row of a strip, a block after the other."""
    for block in range(blocks):
        if whole:
            sum_rows(data, block * BLOCK * STRIP, STRIP, events, 0, BLOCK, out, 0, True)
        else:
            sum_rows_int8(data, block * BLOCK * STRIP, STRIP, events, 0, BLOCK, out, 0, True)


def read_us(data: Any, blocks: int, whole: bool) -> float:
    """Microseconds of one pass, over some milliseconds."""
    events, out = np.arange(BLOCK, dtype=np.int32), aligned(STRIP)
    repeats = max(1, 2000 // blocks)
    start = time.perf_counter()
    for _ in range(repeats):
        read(data, events, out, blocks, whole)
    return (time.perf_counter() - start) / repeats * 1e6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", choices=("float32", "int8"), default="float32")
    options = parser.parse_args()
    whole = options.weights == "float32"
    size = 4 if whole else 1
    print(f"{cpu_model()}, one thread, weights of {options.weights}\n")
    print("| hidden neurons | weights, MB | us a decision | rows read, MB | GB/s of reading | limit, us | share |")
    print("|---|---|---|---|---|---|---|")
    observations = np.random.default_rng(2).normal(size=(20, Size().dims))
    for hidden in SIZES:
        agent, _ = make_agent(ACTIVITY, Size(hidden=(hidden, hidden)))
        controller: Any = make(agent, options.weights)
        links = agent.description.spiking_network.projections
        sizes = [agent.tensors[link.weight_name].shape for link in links]
        total = size * sum(n * m for n, m in sizes)
        asked = []
        for observation in observations:
            controller.act(observation)
            spikes = controller.activity().spikes
            asked.append(size * sum(int(spikes[p.source].sum()) * m for p, (_, m) in zip(links, sizes, strict=True)))
        blocks = max(1, round(total / (BLOCK * STRIP * size)))
        data = aligned(blocks * BLOCK * STRIP * size // 4)
        read_us(data, blocks, whole)
        ours, reading = [], []
        for _ in range(BLOCKS):
            ours.append(block_us(controller.act, observations))
            reading.append(read_us(data, blocks, whole))
        us, speed = statistics.median(ours), 4 * data.size / statistics.median(reading) / 1e3  # GB/s
        limit = statistics.fmean(asked) / speed / 1e3
        print(f"| {hidden} | {total / 1e6:.2f} | {us:.1f} | {statistics.fmean(asked) / 1e6:.2f} | {speed:.0f} "
              f"| {limit:.1f} | {limit / us:.0%} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
