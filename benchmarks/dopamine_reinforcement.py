"""Reinforcement of one synapse, after Izhikevich 2007: 1000 neurons, 1 h, reward 1 to 3 s after the wanted pair.

800 excitatory (regular spiking) and 200 inhibitory (fast spiking) neurons with 100 synapses each, ticks of 1 ms, noise
of 13 (rand - 0.5). Whenever neuron n2 fires within 20 ms after neuron n1, 0.5 of dopamine are released 1 to 3 s later.
The synapse n1 -> n2 starts at 0, all other excitatory ones at 1, the limit is 4.

A control gets the reward times of another seed's run: as much dopamine, which follows nothing that its n1 and n2 did.

    python benchmarks/dopamine_reinforcement.py --seeds 0..4 [--minutes 60] [--no-control] [--scheme daspnet|exact]

Printed for each run: time of the first weight of 3.6 (90 %), the mean of the last ten minutes (sampled every 10 s),
the end, its rank among the excitatory synapses (top x %) as the mean and the worst of the last ten minutes, and the
mean weight.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl import streams
from snnctl.network.connectivity import Explicit
from snnctl.network.network import Network
from snnctl.neurons.izhikevich import Izhikevich
from snnctl.plasticity.dopamine_stdp import DopamineStdp

MS = 1e-3
LIMIT = 4.0


@dataclasses.dataclass(frozen=True)
class Setting:
    """Size of the experiment; the default is that of the paper's script."""

    excitatory: int = 800
    inhibitory: int = 200
    synapses: int = 100  # of each neuron
    noise: float = 13.0
    release: float = 0.5
    rule: DopamineStdp = DopamineStdp(scheme="daspnet")  # noqa: RUF009  (frozen)


@dataclasses.dataclass
class Run:
    """What a run leaves."""

    chosen: NDArray[np.float64]  # (samples,) weight n1 -> n2, one a ``every`` seconds
    top: NDArray[np.float64]  # (samples,) share of excitatory synapses that are at least as strong, in (0, 1]
    mean: NDArray[np.float64]  # (samples,) of the excitatory weights
    rewards: list[int]  # ticks of releases
    final: NDArray[np.float64]  # all excitatory weights
    rate_hz: float


def experiment(setting: Setting, seconds: int, seed: int, every: int = 10, given: list[int] | None = None) -> Run:
    """Run it in pieces of 1 s: no reward is due sooner than that after what causes it.

    Args:
        setting: the network
        seconds: how long
        seed: of the wiring, the noise and the delays of rewards
        every: seconds between samples
        given: ticks of releases that are fixed beforehand (a control)
    """
    n_e, n_i = setting.excitatory, setting.inhibitory
    random = streams.generator(seed, "connectivity", 0)
    # Drawn with repetition, as in the script, which delivers repeated synapses once.
    post = np.vstack(
        [random.integers(0, n_e + n_i, (n_e, setting.synapses)), random.integers(0, n_e, (n_i, setting.synapses))]
    )
    pairs = np.unique(np.column_stack([np.repeat(np.arange(n_e + n_i), setting.synapses), post.ravel()]), axis=0)
    network = Network(MS, seed)
    first = {"v_initial": -65.0, "u_initial": -13.0, "scheme": "spnet"}
    halves = (slice(0, n_e), slice(n_e, n_e + n_i))
    cells = [
        network.population("excitatory", n_e, Izhikevich(a=0.02, d=8.0, **first)),
        network.population("inhibitory", n_i, Izhikevich(a=0.1, d=2.0, **first)),
    ]
    n1 = 0
    n2 = int(next(j for j in post[0] if j < n_e and j != n1))
    plastic = []
    for i in range(2):
        for j in range(2 - i):
            inside = (pairs[:, 0] // n_e >= 1) == bool(i)
            inside &= (pairs[:, 1] // n_e >= 1) == bool(j)
            rows, columns = pairs[inside, 0] - halves[i].start, pairs[inside, 1] - halves[j].start
            weight = np.full(rows.size, -1.0 if i else 1.0)
            if i == j == 0:
                at = int(np.flatnonzero((rows == n1) & (columns == n2))[0])
                weight[at] = 0.0
            rule: Any = () if i else setting.rule
            made = network.project(cells[i], cells[j], Explicit(rows, columns), weight=weight, plasticity=rule)
            if not i:
                plastic.append(made)

    noise, delays = streams.generator(seed, "currents", 0), streams.generator(seed, "env", 0)
    rewards, due = [], set(given or [])
    n1_fired, spikes, chosen, top, mean = -(10**9), 0, [], [], []
    for second in range(seconds):
        network.record(cells[0], "spikes")  # starts a new list
        current = noise.random((1000, n_e + n_i), np.float32)
        current -= np.float32(0.5)
        current *= np.float32(setting.noise)
        signal = np.zeros(1000)
        for k in [k for k in due if k < 1000 * (second + 1)]:
            signal[k - 1000 * second] += setting.release
            rewards.append(k)
            due.remove(k)
        network.run(1.0, currents={p.name: current[:, h] for p, h in zip(cells, halves, strict=True)}, signal=signal)
        found = network.spikes(cells[0])
        spikes += found.neurons.size
        wanted = np.isin(found.neurons, (n1, n2))
        for time_s, neuron in zip(found.times_s[wanted], found.neurons[wanted], strict=True):
            tick = round(time_s / MS)
            if neuron == n1:
                n1_fired = tick
            elif 0 < tick - n1_fired < 20 and given is None:
                due.add(tick + 1000 + int(np.ceil(2000 * delays.random())))
        if (second + 1) % every == 0:
            weights = np.concatenate([network.weights(p) for p in plastic])
            chosen.append(weights[at])
            top.append(np.mean(weights >= weights[at]))
            mean.append(weights.mean())
    rate_hz = spikes / n_e / seconds
    return Run(np.array(chosen), np.array(top), np.array(mean), rewards, weights, rate_hz)


def summary(run: Run, every: int, seconds: int) -> dict[str, Any]:
    """The numbers of one row."""
    last = slice(-max(1, min(600, seconds // 4) // every), None)
    reached = np.flatnonzero(run.chosen >= 0.9 * LIMIT)
    return {
        "reached_s": int((reached[0] + 1) * every) if reached.size else None,
        "sustained": round(float(run.chosen[last].mean()), 3),
        "end": round(float(run.chosen[-1]), 3),
        "top_percent": round(100 * float(run.top[last].mean()), 2),
        "worst_percent": round(100 * float(run.top[last].max()), 2),
        "mean_weight": round(float(run.mean[-1]), 3),
        "rewards": len(run.rewards),
        "rate_hz": round(run.rate_hz, 2),
    }


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0..4")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--no-control", action="store_true")
    parser.add_argument("--scheme", choices=("daspnet", "exact"), default="daspnet")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    options = parser.parse_args()
    low, _, high = options.seeds.partition("..")
    seeds = list(range(int(low), int(high or low) + 1))
    setting = Setting(rule=DopamineStdp(scheme=options.scheme))
    seconds, every = round(60 * options.minutes), 10
    rows: list[dict[str, Any]] = []
    print("seed  kind      reached_s  sustained    end  top_%  worst_%  mean_w  rewards  rate_hz  wall_s", flush=True)

    def one(seed: int, kind: str, given: list[int] | None) -> Run:
        begin = time.perf_counter()
        run = experiment(setting, seconds, seed, every, given)
        row = {"seed": seed, "kind": kind, **summary(run, every, seconds), "wall_s": round(time.perf_counter() - begin)}
        rows.append(row)
        print(
            f"{seed:4d}  {kind:8s}  {row['reached_s'] or '-':>9}  {row['sustained']:9.2f}  {row['end']:5.2f}"
            f"  {row['top_percent']:5.1f}  {row['worst_percent']:7.1f}  {row['mean_weight']:6.2f}"
            f"  {row['rewards']:7d}  {row['rate_hz']:7.2f}  {row['wall_s']:6d}",
            flush=True,
        )
        return run

    rewards = {seed: one(seed, "rewarded", None).rewards for seed in seeds}
    if not options.no_control:
        for k, seed in enumerate(seeds):
            other = seeds[(k + 1) % len(seeds)]
            one(seed, "control", rewards[other])
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
