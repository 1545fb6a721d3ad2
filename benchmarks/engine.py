"""The spiking engine against Brian2, NEST and BindsNET, in one run, one thread each.

    python benchmarks/engine.py --brian2 PYTHON --nest PYTHON --bindsnet PYTHON
    python benchmarks/engine.py --scaling docs/img/engine_scaling.png

Each peer runs in the Python of an environment of its own (benchmarks/engine_peers/README.md says how to make them), a
missing one is left out. The cases are data, in engine_peers/cases.py: reward-modulated STDP with hard weight bounds
(dense and sparse), a balanced network without plasticity, and a recurrent controller stepped from Python. For each case
our engine runs before and after every peer; the table has medians. Times leave out building and compiling.

``--scaling`` draws the cost of a tick over activity and over size (up to 10 M synapses), and prints bytes per synapse.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402

from snnctl.network import FixedProbability, Network, Normal, Uniform  # noqa: E402
from snnctl.neurons import CubaLif, Lif, Poisson  # noqa: E402
from snnctl.plasticity import RewardStdp  # noqa: E402

PEERS = Path(__file__).with_name("engine_peers")
sys.path.insert(0, str(PEERS))
from cases import BALANCED, RSTDP, RULE, TICK, w_max  # noqa: E402

SECONDS = {"rstdp_dense_1m": 2.0, "rstdp_sparse_1m": 2.0, "rstdp_sparse_100k": 5.0, "balanced": 1.0, "tick": 1.0}
ONLY = {"bindsnet": ("rstdp_dense_1m", "tick")}  # cases of a peer that has not all of them
PEER_SECONDS = {  # simulated; a slow peer gets less
    ("brian2", "rstdp_dense_1m"): 1.0,
    ("brian2", "rstdp_sparse_1m"): 1.0,
    ("nest", "rstdp_dense_1m"): 0.5,
    ("nest", "rstdp_sparse_1m"): 0.5,
    ("nest", "rstdp_sparse_100k"): 2.0,
    ("bindsnet", "rstdp_dense_1m"): 0.3,
    ("bindsnet", "tick"): 0.3,
    ("brian2", "tick"): 0.3,
    ("nest", "tick"): 0.3,
}
REQUIRED = {  # ratio to reach
    "rstdp_dense_1m": {"brian2": 60, "nest": 150, "bindsnet": 150},
    "rstdp_sparse_1m": {"brian2": 25},
    "rstdp_sparse_100k": {"brian2": 4, "nest": 25},
    "balanced": {"brian2": 3, "nest": 1},
    "tick": {"brian2": 20, "nest": 20, "bindsnet": 20},
}


class Case(NamedTuple):
    """One of our networks."""

    run: Callable[[float], Any]  # for some simulated seconds; this is timed
    spikes: Callable[[], int]  # so far
    neurons: int  # whose spikes they are


def rstdp(name: str, dtype: Any) -> Case:
    """Plastic synapses under Poisson input."""
    case = RSTDP[name]
    tick_s = RULE["tick_ms"] * 1e-3
    top = w_max(case)
    network = Network(tick_s, seed=1, dtype=dtype)
    sources = network.population("sources", case["sources"], Poisson(rate_hz=RULE["source_rate_hz"]))
    targets = network.population("targets", case["targets"], Lif(tau_mem_s=RULE["tau_m_ms"] * 1e-3))
    rule = RewardStdp(
        tau_pre_s=RULE["tau_plus_ms"] * 1e-3,
        tau_post_s=RULE["tau_minus_ms"] * 1e-3,
        tau_eligibility_s=RULE["tau_c_ms"] * 1e-3,
        tau_modulator_s=RULE["tau_d_ms"] * 1e-3,
        a_plus=RULE["a_plus"] * top,
        a_minus=RULE["a_minus"] * top,
        weight_max=top,
    )
    pattern = None if case["probability"] == 1.0 else FixedProbability(case["probability"])
    network.project(sources, targets, pattern, weight=Uniform(0.0, top), plasticity=rule)
    network.record(targets)
    period = round(RULE["reward_period_ms"] / RULE["tick_ms"])

    def run(seconds: float) -> None:
        signal = np.zeros(round(seconds / tick_s))
        signal[::period] = RULE["reward"]
        network.run(seconds, signal=signal)

    return Case(run, lambda: network.spikes(targets).neurons.size, case["targets"])


def balanced(_: str, dtype: Any) -> Case:
    """The Vogels-Abbott network. Its synaptic term in mV is a current in nA through 1 MOhm."""
    p = BALANCED
    cell = CubaLif(
        tau_mem_s=p["tau_m_ms"] * 1e-3,
        tau_excitatory_s=p["tau_e_ms"] * 1e-3,
        tau_inhibitory_s=p["tau_i_ms"] * 1e-3,
        resistance_mohm=1.0,
        v_rest_mv=p["rest_mv"],
        v_threshold_mv=p["threshold_mv"],
        v_reset_mv=p["reset_mv"],
        refractory_s=p["refractory_ms"] * 1e-3,
    )
    network = Network(p["tick_ms"] * 1e-3, seed=1, dtype=dtype)
    initial = {"v": Uniform(p["reset_mv"], p["threshold_mv"])}
    cells = {
        "excitatory": network.population("excitatory", p["excitatory"], cell, initial=initial),
        "inhibitory": network.population("inhibitory", p["inhibitory"], cell, initial=initial),
    }
    weight = {"excitatory": p["weight_e_mv"], "inhibitory": p["weight_i_mv"]}
    for kind, source in cells.items():
        for target in cells.values():
            network.project(source, target, FixedProbability(p["probability"]), weight=weight[kind], receptor=kind)
    for population in cells.values():
        network.record(population)

    def spikes() -> int:
        return sum(network.spikes(c).neurons.size for c in cells.values())

    return Case(network.run, spikes, p["excitatory"] + p["inhibitory"])


def tick(_: str, dtype: Any) -> Case:
    """A recurrent controller: a current in, spikes out, from Python at every tick."""
    p, tick_s = TICK, TICK["tick_ms"] * 1e-3
    keep = np.exp(-p["tick_ms"] / p["tau_m_ms"])
    network = Network(tick_s, seed=1, dtype=dtype)
    cells = network.population("cells", p["neurons"], Lif(tau_mem_s=p["tau_m_ms"] * 1e-3))
    network.project(cells, cells, FixedProbability(p["probability"]), weight=Normal(0.0, p["weight_sd"]))
    currents = np.random.default_rng(2).normal(p["current_mean"], p["current_sd"], (1000, p["neurons"]))
    currents = (currents * (1 - keep)).astype(dtype)

    counted = 0

    def run(seconds: float) -> None:
        nonlocal counted
        for k in range(round(seconds / tick_s)):
            counted += int(np.count_nonzero(network.step(currents={"cells": currents[k % 1000]})["cells"]))

    return Case(run, lambda: counted, p["neurons"])


def ours(name: str, dtype: Any, repeats: int) -> dict[str, Any]:
    """Our engine on one case: the first run compiles, then the median of several."""
    make = rstdp if name in RSTDP else {"balanced": balanced, "tick": tick}[name]
    case = make(name, dtype)
    seconds = SECONDS[name]
    start = time.perf_counter()
    case.run(seconds / 10 if name != "tick" else seconds)
    build = time.perf_counter() - start
    walls, before = [], case.spikes()
    for _ in range(repeats):
        start = time.perf_counter()
        case.run(seconds)
        walls.append(time.perf_counter() - start)
    wall = statistics.median(walls)
    return {
        "peer": f"snnctl {np.dtype(dtype).name}",
        "speed": seconds / wall,
        "us_a_tick": wall / seconds * (BALANCED["tick_ms"] if name == "balanced" else 1.0) * 1e3,
        "rate_hz": (case.spikes() - before) / case.neurons / seconds / repeats,
        "precision": np.dtype(dtype).name,
        "first_run_s": build,
    }


def peer(python: str, script: str, name: str, repeats: int) -> list[dict[str, Any]]:
    """The lines that a peer prints for one case; none where it cannot run it."""
    seconds = PEER_SECONDS.get((script, name), SECONDS[name])
    command = [python, str(PEERS / f"{script}_peer.py"), name, "--seconds", str(seconds), "--repeats", str(repeats)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1200)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        print(f"  {script} does not run {name}: {(done.stderr.strip().splitlines() or ['no output'])[-1][:110]}")
    return lines


def compare(names: list[str], pythons: dict[str, str], repeats: int) -> list[dict[str, Any]]:
    """All cases; prints a table for each."""
    results: list[dict[str, Any]] = []
    for name in names:
        print(f"\n{name}")
        own = {dtype: [ours(name, dtype, repeats)] for dtype in (np.float32, np.float64)}
        rows: list[dict[str, Any]] = []
        for script, python in pythons.items():
            if name not in ONLY.get(script, SECONDS):
                continue
            rows += [{**line, "script": script} for line in peer(python, script, name, repeats)]
            own[np.float32].append(ours(name, np.float32, repeats))
            own[np.float64].append(ours(name, np.float64, repeats))
        for runs in own.values():
            best = {**runs[0], "speed": statistics.median(r["speed"] for r in runs)}
            print(f"  {best['peer']:34s} {best['speed']:9.2f} simulated s / s   {best['rate_hz']:5.1f} Hz")
            results.append({**best, "case": name})
        single, double = (statistics.median(r["speed"] for r in own[d]) for d in (np.float32, np.float64))
        for row in rows:
            required = REQUIRED[name].get(row["script"])
            print(
                f"  {row['peer']:34s} {row['speed']:9.2f} simulated s / s   {row['rate_hz']:5.1f} Hz"
                f"   ours is {single / row['speed']:7.1f} x (float32), {double / row['speed']:7.1f} x (float64)"
                f"{f', required {required} x' if required else ''}   [{row['precision']}, {row['version']}]"
            )
            results.append({**row, "ratio_float32": single / row["speed"], "ratio_float64": double / row["speed"]})
    return results


def scaling(path: Path) -> None:
    """Cost of a tick over activity and over size, with its figure."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    rates = (0.0, 1.0, 3.0, 10.0, 30.0, 100.0)
    for label, plastic in (("static", False), ("reward-modulated STDP", True)):
        times = [_tick_us(10_000, 1000, rate, plastic)[0] for rate in rates]
        left.plot(rates, times, "o-", label=label)
        print(f"1 M synapses, {label}: " + ", ".join(f"{r:g} Hz {t:.1f} us" for r, t in zip(rates, times, strict=True)))
    left.set(xlabel="rate of the 10 000 sources (Hz)", ylabel="cost of a tick (µs)", title="1 M synapses", ylim=0)
    sizes = ((1000, 100), (3000, 330), (10_000, 1000), (30_000, 3300), (100_000, 10_000))
    for label, plastic in (("static", False), ("reward-modulated STDP", True)):
        points = []
        for sources, spikes in sizes:
            cost, synapses, size = _tick_us(sources, 1000, 10.0, plastic)
            points.append((synapses, cost))
            print(
                f"{label}: {synapses / 1e6:6.2f} M synapses, {spikes // 10} spikes a tick: {cost:8.1f} us a tick,"
                f" {size / synapses:.1f} bytes a synapse"
            )
        right.loglog(*zip(*points, strict=True), "o-", label=label)
    synapses_of = np.array([points[0][0], points[-1][0]])
    right.loglog(synapses_of, points[0][1] * synapses_of / synapses_of[0], "k:", label="proportional to spikes")
    right.set(xlabel="synapses (sources at 10 Hz)", ylabel="cost of a tick (µs)", title="1000 targets, 10 % connected")
    left.legend()
    right.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    print(f"wrote {path}")


def _tick_us(sources: int, targets: int, rate_hz: float, plastic: bool) -> tuple[float, int, int]:
    """Microseconds a tick without those of the source's random numbers, synapses, and bytes held for them."""
    generator = np.random.default_rng(3)
    network = Network(1e-3, seed=1, dtype=np.float32)
    network.population("sources", sources)
    network.population("targets", targets, Lif(tau_mem_s=0.02))
    top = 1e-6
    projection = network.project(
        "sources",
        "targets",
        FixedProbability(0.1),
        weight=Uniform(0.0, top),
        plasticity=RewardStdp(a_plus=1e-10, a_minus=1e-10, weight_max=top) if plastic else (),
    )
    engine = network.engine
    state = network.state().engine
    ticks = 500
    spikes = (generator.random((ticks, sources)) < rate_hz * 1e-3).astype(np.uint8)
    engine.advance(state, spikes)
    walls = []
    for _ in range(3):
        start = time.perf_counter()
        engine.advance(state, spikes)
        walls.append(time.perf_counter() - start)
    synapses = network.weights(projection).size
    held = engine.synapse_bytes(state)
    return statistics.median(walls) / ticks * 1e6, synapses, held


def main() -> None:
    """Run the comparison, the scaling plot, or both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("brian2", "nest", "bindsnet"):
        parser.add_argument(f"--{name}", metavar="PYTHON", help=f"a Python that has {name}")
    parser.add_argument("--cases", nargs="+", choices=list(SECONDS), default=list(SECONDS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write all figures here")
    parser.add_argument("--scaling", type=Path, metavar="FIGURE", help="draw the scaling plot instead")
    options = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}")
    if options.scaling:
        scaling(options.scaling)
        return
    pythons = {n: getattr(options, n) for n in ("brian2", "nest", "bindsnet") if getattr(options, n)}
    results = compare(options.cases, pythons, options.repeats)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
