"""What a process holds for each synapse of a sparse network, and what building it costs beside its random draws.

    python benchmarks/engine_memory.py                       1 M and 10 M synapses in projections of 100 a source

A network is built and runs a second, static and with reward-modulated STDP, alone in one projection and divided among
four. The table has the growth of the process's resident memory a synapse (of all that it holds: weights, targets,
states, what the allocator keeps) after the run, its peak until then, and the time of building (drawing included, the
compiler not) over that of drawing the same numbers, a geometric and a uniform one for each synapse: medians of five
pairs. Linux only.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from snnctl.network import FixedProbability, Network, Uniform
from snnctl.neurons import Lif
from snnctl.plasticity import RewardStdp

TARGETS, PROBABILITY, RATE_HZ, TICKS = 1000, 0.1, 10.0, 1000
PARTS = (1, 4)


def resident(key: str) -> int:
    """``VmRSS`` or ``VmHWM`` of this process in bytes."""
    line = next(ln for ln in Path("/proc/self/status").read_text().splitlines() if ln.startswith(key))
    return int(line.split()[1]) * 1024


def built(synapses: int, parts: int, plastic: bool) -> Network:
    """A network of about so many synapses, ready to run."""
    sources = round(synapses / (TARGETS * PROBABILITY))
    top = 1e-6
    rule = RewardStdp(a_plus=1e-10, a_minus=1e-10, weight_max=top) if plastic else ()
    network = Network(1e-3, seed=1, dtype=np.float32)
    network.population("targets", TARGETS, Lif(tau_mem_s=0.02))
    for part in range(parts):
        network.population(f"sources{part}", sources // parts)
        pattern = FixedProbability(PROBABILITY)
        network.project(f"sources{part}", "targets", pattern, weight=Uniform(0.0, top), plasticity=rule)
    network.run(0.0)
    return network


def run(network: Network, synapses: int, parts: int) -> None:
    """All sources spike once in some tick, so that every page of every synapse is touched."""
    sources = round(synapses / (TARGETS * PROBABILITY)) // parts
    for k in range(TICKS // 10):
        spikes = {}
        for part in range(parts):
            raster = np.zeros((10, sources), np.uint8)
            raster[:, k :: TICKS // 10] = 1
            spikes[f"sources{part}"] = raster
        network.run(0.01, spikes=spikes)


def draws(synapses: int) -> None:
    """The draws alone."""
    generator = np.random.default_rng(1)
    for size in [10_000] * (synapses // 10_000):
        generator.geometric(PROBABILITY, size)
        generator.uniform(0.0, 1.0, size)


def seconds(work: Callable[[], Any]) -> float:
    """How long something takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(synapses: int, parts: int, plastic: bool) -> None:
    """One row, in a process of its own."""
    run(built(20_000, parts, plastic), 20_000, parts)  # compiles, imports
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak
    before = resident("VmRSS")
    network = built(synapses, parts, plastic)
    run(network, synapses, parts)
    held, peak = resident("VmRSS") - before, resident("VmHWM") - before
    exact = sum(network.weights(f"projection.sources{part}.targets").size for part in range(parts))
    pairs = [(seconds(lambda: built(synapses, parts, plastic)), seconds(lambda: draws(exact))) for _ in range(5)]
    build, own = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    name = "reward-modulated" if plastic else "static"
    print(
        f"| {exact / 1e6:.2f} M, {name} | {parts} | {held / exact:.1f} | {peak / exact:.1f} |"
        f" {build * 1e3:.0f} | {own * 1e3:.0f} | {ratio:.1f} |",
        flush=True,
    )


def main() -> None:
    """A row a process: memory that one network leaves behind is not another's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--synapses", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--row", nargs=3, type=int, metavar=("SYNAPSES", "PROJECTIONS", "PLASTIC"), help="one row")
    options = parser.parse_args()
    if options.row:
        measure(options.row[0], options.row[1], bool(options.row[2]))
        return
    print("| synapses | projections | resident bytes a synapse | at the peak | build, ms | draws, ms | ratio |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for synapses in options.synapses:
        for plastic in (0, 1):
            for parts in PARTS:
                command = [sys.executable, __file__, "--row", str(synapses), str(parts), str(plastic)]
                subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
