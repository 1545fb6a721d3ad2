"""NEST's part of benchmarks/engine.py: ``python nest_peer.py CASE --seconds S`` prints JSON lines.

One thread, float64. ``rstdp_*``: stdp_dopamine_synapse (bounds Wmin, Wmax in NEST's own way, at every change), rewards
as spikes of a dopaminergic neuron through a volume_transmitter; deliver_interval 100 (the form that is fast) or 1 (the
default): the number of resolution steps after which the transmitter hands on its spikes, ``--form 100`` or ``--form
1``. Poisson inputs come from poisson_generator through parrot_neuron, without which plastic synapses see no spikes.
``tick``: Prepare once, Run(one step) a tick; the currents are set as I_e, past the checks of NEST's Python layer, the
spikes are read from a spike_recorder.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

os.environ["PYNEST_QUIET"] = "1"

import nest
import numpy as np
from cases import BALANCED, RSTDP, RULE, TICK, report, w_max
from nest.lib.hl_api_types import nestkernel

set_status = nestkernel.llapi_set_nc_status  # ``neurons.I_e = ...`` takes 10 times as long


def kernel(tick_ms: float) -> None:
    """A clean kernel of one thread."""
    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution = tick_ms
    nest.local_num_threads = 1
    nest.rng_seed = 1


def simulate(seconds: float, repeats: int, neurons: Any) -> tuple[float, list[float], int]:
    """Build seconds, wall seconds of each repeat (the network goes on), spikes of the last repeat."""
    recorder = nest.Create("spike_recorder")
    nest.Connect(neurons, recorder)
    start = time.perf_counter()
    nest.Simulate(1000 * min(0.1, seconds))  # builds the tables
    build = time.perf_counter() - start
    walls, before, spikes = [], 0, 0
    for _ in range(repeats):
        before = recorder.n_events
        start = time.perf_counter()
        nest.Simulate(seconds * 1000)
        walls.append(time.perf_counter() - start)
        spikes = recorder.n_events - before
    return build, walls, spikes


def rstdp(name: str, seconds: float, repeats: int, interval: int) -> None:
    """Reward-modulated STDP."""
    kernel(RULE["tick_ms"])
    case, start = RSTDP[name], time.perf_counter()
    top = w_max(case)
    tau_d = RULE["tau_d_ms"]
    times = np.arange(RULE["reward_period_ms"], (seconds + 0.1) * repeats * 1000 + 1000, RULE["reward_period_ms"])
    rewards = nest.Create("spike_generator", params={"spike_times": times})
    dopamine = nest.Create("parrot_neuron")
    transmitter = nest.Create("volume_transmitter", params={"deliver_interval": interval})
    nest.Connect(rewards, dopamine)
    nest.Connect(dopamine, transmitter)
    noise = nest.Create("poisson_generator", params={"rate": RULE["source_rate_hz"]})
    sources = nest.Create("parrot_neuron", case["sources"])
    nest.Connect(noise, sources)
    targets = nest.Create(
        "iaf_psc_delta",
        case["targets"],
        params={
            "tau_m": RULE["tau_m_ms"], "C_m": 1.0, "E_L": 0.0, "V_reset": 0.0, "V_th": 1.0, "V_m": 0.0,
            "t_ref": RULE["tick_ms"], "tau_minus": RULE["tau_minus_ms"],
        },
    )  # fmt: skip
    nest.CopyModel(
        "stdp_dopamine_synapse",
        "plastic",
        {
            "volume_transmitter": transmitter, "A_plus": RULE["a_plus"] * top, "A_minus": RULE["a_minus"] * top,
            "tau_plus": RULE["tau_plus_ms"], "tau_c": RULE["tau_c_ms"], "tau_n": tau_d,
            "b": 0.0, "Wmin": 0.0, "Wmax": top,
        },
    )  # fmt: skip
    rule: Any = {"rule": "all_to_all"}
    if case["probability"] < 1:
        rule = {"rule": "pairwise_bernoulli", "p": case["probability"]}
    nest.Connect(sources, targets, rule, {
        "synapse_model": "plastic", "weight": nest.random.uniform(0.0, top), "delay": RULE["tick_ms"],
    })  # fmt: skip
    made = time.perf_counter() - start
    build, walls, spikes = simulate(seconds, repeats, targets)
    report(
        name, f"nest, deliver_interval {interval}", nest.__version__, "float64", seconds, walls, made + build,
        case["targets"], spikes, synapses=nest.num_connections,
    )  # fmt: skip


def balanced(name: str, seconds: float, repeats: int) -> None:
    """The current-based Vogels-Abbott network."""
    p = BALANCED
    kernel(p["tick_ms"])
    start = time.perf_counter()
    n, capacity = p["excitatory"] + p["inhibitory"], 200.0
    neurons = nest.Create("iaf_psc_exp", n, params={
        "tau_m": p["tau_m_ms"], "C_m": capacity, "E_L": p["rest_mv"], "V_th": p["threshold_mv"],
        "V_reset": p["reset_mv"], "t_ref": p["refractory_ms"], "tau_syn_ex": p["tau_e_ms"], "tau_syn_in": p["tau_i_ms"],
    })  # fmt: skip
    neurons.V_m = np.random.default_rng(1).uniform(p["reset_mv"], p["threshold_mv"], n)
    rule = {"rule": "pairwise_bernoulli", "p": p["probability"]}
    for group, weight in (
        (neurons[: p["excitatory"]], p["weight_e_mv"]),
        (neurons[p["excitatory"] :], p["weight_i_mv"]),
    ):  # v' = g / tau_m is v' = i / capacity
        nest.Connect(group, neurons, rule, {"weight": weight * capacity / p["tau_m_ms"], "delay": p["tick_ms"]})
    made = time.perf_counter() - start
    build, walls, spikes = simulate(seconds, repeats, neurons)
    report(
        name, "nest", nest.__version__, "float64", seconds, walls, made + build, n, spikes,
        synapses=nest.num_connections - n,
    )  # fmt: skip


def tick(name: str, seconds: float, repeats: int) -> None:
    """A recurrent controller, one Run of one step a tick."""
    p = TICK
    kernel(p["tick_ms"])
    rng = np.random.default_rng(0)
    start = time.perf_counter()
    n = p["neurons"]
    neurons = nest.Create("iaf_psc_delta", n, params={
        "tau_m": p["tau_m_ms"], "C_m": p["tau_m_ms"], "E_L": 0.0, "V_reset": 0.0, "V_th": 1.0, "V_m": 0.0,
        "t_ref": p["tick_ms"],
    })  # fmt: skip
    nest.Connect(neurons, neurons, {"rule": "pairwise_bernoulli", "p": p["probability"]}, {
        "weight": nest.random.normal(0.0, p["weight_sd"]), "delay": p["tick_ms"],
    })  # fmt: skip
    recorder = nest.Create("spike_recorder")
    nest.Connect(neurons, recorder)
    ticks = round(seconds / (p["tick_ms"] * 1e-3))
    currents = rng.normal(p["current_mean"], p["current_sd"], (ticks, n))
    nest.Prepare()
    nest.Run(p["tick_ms"])
    build = time.perf_counter() - start
    walls, alone, spikes = [], [], 0
    for _ in range(repeats):
        first = seen = recorder.n_events
        running = 0.0
        start = time.perf_counter()
        for t in range(ticks):
            set_status(neurons._datum, [{"I_e": x} for x in currents[t].tolist()])
            before = time.perf_counter()
            nest.Run(p["tick_ms"])
            running += time.perf_counter() - before
            fired = recorder.events["senders"][seen:]
            seen += len(fired)
        walls.append(time.perf_counter() - start)
        alone.append(running)
        spikes = seen - first
    nest.Cleanup()
    report(
        name, "nest, Run() a tick", nest.__version__, "float64", seconds, walls, build, n, spikes,
        us_per_tick=float(np.median(walls)) / ticks * 1e6, us_per_run_alone=float(np.median(alone)) / ticks * 1e6,
    )  # fmt: skip


def main() -> None:
    """Run one case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=[*RSTDP, "balanced", "tick"])
    parser.add_argument("--seconds", type=float, default=5.0, help="simulated time")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--form", type=int, default=100, help="deliver_interval")
    options = parser.parse_args()
    if options.case == "tick":
        tick(options.case, options.seconds, options.repeats)
    elif options.case == "balanced":
        balanced(options.case, options.seconds, options.repeats)
    else:
        rstdp(options.case, options.seconds, options.repeats, options.form)


if __name__ == "__main__":
    main()
