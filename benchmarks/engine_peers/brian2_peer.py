"""Brian2's part of benchmarks/engine.py: ``python brian2_peer.py CASE --seconds S`` prints JSON lines.

The C++ standalone target, one thread, float64, ``-O3 -march=native -ffast-math`` as Brian2 sets by default. Plasticity
in two forms, both printed: ``clock`` (c and w integrated every step, as in Brian2's own example of the rule) and
``event`` (d is global, so with s = exp(-t / tau_c) and G = integral of d s the weight between events is
w + k (G - G_last) and needs no clock-driven work). The bounds act at the events of a synapse. The standalone target
cannot be stepped from Python: ``tick`` runs the Cython and the numpy target, one ``Network.run`` of one step a tick.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import brian2 as b2
import numpy as np
from cases import BALANCED, RSTDP, RULE, TICK, report, w_max

MS = b2.ms


def standalone(folder: str, network: b2.Network, repeats: int) -> tuple[float, list[float]]:
    """Seconds to generate and compile, and those of the run itself (Brian2's own clock) of each repeat."""
    start = time.perf_counter()
    b2.device.build(directory=folder, compile=True, run=False)
    build = time.perf_counter() - start
    walls = []
    for _ in range(repeats):
        b2.device.run(folder, with_output=False, run_args=[])
        walls.append(float(b2.device._last_run_time))
    return build, walls


def rstdp(name: str, seconds: float, repeats: int, form: str, folder: str) -> None:
    """Reward-modulated STDP."""
    b2.set_device("cpp_standalone", build_on_run=False)
    b2.defaultclock.dt = RULE["tick_ms"] * MS
    case = RSTDP[name]
    space = {
        "tau_m": RULE["tau_m_ms"] * MS,
        # inputs come after the threshold test here, so they decay once before it sees them: as if tested at once
        "keep_v": float(np.exp(-RULE["tick_ms"] / RULE["tau_m_ms"])),
        "tau_plus": RULE["tau_plus_ms"] * MS,
        "tau_minus": RULE["tau_minus_ms"] * MS,
        "tau_c": RULE["tau_c_ms"] * MS,
        "r": 1 / (RULE["tau_c_ms"] * MS) + 1 / (RULE["tau_d_ms"] * MS),
        "keep_d": float(np.exp(-RULE["tick_ms"] / RULE["tau_d_ms"])),
        "rise": RULE["tick_ms"] * 1e-3,
        "w_max": w_max(case),
        "a_plus": RULE["a_plus"] * w_max(case),
        "a_minus": RULE["a_minus"] * w_max(case),
        "reward": RULE["reward"],
        "period": int(RULE["reward_period_ms"] / RULE["tick_ms"]),
        "second": b2.second,
    }
    sources = b2.PoissonGroup(case["sources"], RULE["source_rate_hz"] * b2.Hz)
    shared = "d : 1 (shared)\nG : 1 (shared)"
    targets = b2.NeuronGroup(
        case["targets"], f"dv/dt = -v / tau_m : 1\n{shared}", threshold="v > keep_v", reset="v = 0", method="exact",
        namespace=space,
    )  # fmt: skip
    targets.run_regularly(
        "d = d * keep_d + reward * int(t_in_timesteps % period == 0)\nG = G + d * exp(-t / tau_c) * rise", when="start"
    )
    traces = "dx/dt = -x / tau_plus : 1 (event-driven)\ndy/dt = -y / tau_minus : 1 (event-driven)\nw : 1"
    if form == "clock":
        model = f"{traces}\nc : 1"
        on_pre = "w = clip(w, 0, w_max); v_post += w; x += 1; c -= a_minus * y"
        on_post = "w = clip(w, 0, w_max); y += 1; c += a_plus * x"
        space["keep_c"] = float(np.exp(-RULE["tick_ms"] / RULE["tau_c_ms"]))
    else:  # w is the weight at the last event, when G was g; c = k exp(-t / tau_c)
        model = f"{traces}\nk : 1\ng : 1"
        settle = "w = clip(w + k * (G_post - g), 0, w_max); g = G_post"
        on_pre = f"{settle}; v_post += w; x += 1; k -= a_minus * y * exp(t / tau_c)"
        on_post = f"{settle}; y += 1; k += a_plus * x * exp(t / tau_c)"
    synapses = b2.Synapses(sources, targets, model, on_pre=on_pre, on_post=on_post, namespace=space)
    if form == "clock":
        synapses.run_regularly("w += c * d_post * rise; c *= keep_c", when="start", order=1)
    synapses.connect(p=case["probability"]) if case["probability"] < 1 else synapses.connect()
    synapses.w = "rand() * w_max"
    monitor = b2.SpikeMonitor(targets, record=False)
    network = b2.Network(sources, targets, synapses, monitor)
    network.run(seconds * b2.second)
    build, walls = standalone(folder, network, repeats)
    report(
        name, f"brian2 cpp_standalone, {form}", b2.__version__, "float64", seconds, walls, build, case["targets"],
        int(monitor.num_spikes), synapses=len(synapses), mean_w=float(np.mean(synapses.w) / w_max(case)),
    )  # fmt: skip


def balanced(name: str, seconds: float, repeats: int, folder: str) -> None:
    """The current-based Vogels-Abbott network."""
    b2.set_device("cpp_standalone", build_on_run=False)
    p = BALANCED
    b2.defaultclock.dt = p["tick_ms"] * MS
    space = {
        "tau_m": p["tau_m_ms"] * MS, "tau_e": p["tau_e_ms"] * MS, "tau_i": p["tau_i_ms"] * MS,
        "rest": p["rest_mv"] * b2.mV, "threshold": p["threshold_mv"] * b2.mV, "reset": p["reset_mv"] * b2.mV,
        "we": p["weight_e_mv"] * b2.mV, "wi": p["weight_i_mv"] * b2.mV,
    }  # fmt: skip
    neurons = b2.NeuronGroup(
        p["excitatory"] + p["inhibitory"],
        """dv/dt = (ge + gi - (v - rest)) / tau_m : volt (unless refractory)
        dge/dt = -ge / tau_e : volt
        dgi/dt = -gi / tau_i : volt""",
        threshold="v > threshold",
        reset="v = reset",
        refractory=p["refractory_ms"] * MS,
        method="exact",
        namespace=space,
    )
    neurons.v = "reset + rand() * (threshold - reset)"
    excite = b2.Synapses(neurons[: p["excitatory"]], neurons, on_pre="ge += we", namespace=space)
    inhibit = b2.Synapses(neurons[p["excitatory"] :], neurons, on_pre="gi += wi", namespace=space)
    excite.connect(p=p["probability"])
    inhibit.connect(p=p["probability"])
    monitor = b2.SpikeMonitor(neurons, record=False)
    network = b2.Network(neurons, excite, inhibit, monitor)
    network.run(seconds * b2.second)
    build, walls = standalone(folder, network, repeats)
    report(
        name, "brian2 cpp_standalone", b2.__version__, "float64", seconds, walls, build, len(neurons),
        int(monitor.num_spikes), synapses=len(excite) + len(inhibit),
    )  # fmt: skip


def tick(name: str, seconds: float, repeats: int, target: str) -> None:
    """A recurrent controller, one run of one step a tick."""
    b2.prefs.codegen.target = target
    p = TICK
    b2.defaultclock.dt = p["tick_ms"] * MS
    n = p["neurons"]
    rng = np.random.default_rng(0)
    neurons = b2.NeuronGroup(
        n, "dv/dt = (current - v) / tau_m : 1\ncurrent : 1", threshold="v > 1", reset="v = 0", method="exact",
        namespace={"tau_m": p["tau_m_ms"] * MS},
    )  # fmt: skip
    neurons.v = rng.random(n)  # the runs are short: not all from rest
    synapses = b2.Synapses(neurons, neurons, "w : 1", on_pre="v_post += w")
    synapses.connect(p=p["probability"])
    synapses.w = rng.normal(0, p["weight_sd"], len(synapses))
    network = b2.Network(neurons, synapses)
    dt = b2.defaultclock.dt
    start = time.perf_counter()
    network.run(dt)
    build = time.perf_counter() - start
    ticks = round(seconds / (p["tick_ms"] * 1e-3))
    currents = rng.normal(p["current_mean"], p["current_sd"], (ticks, n))
    walls, spikes = [], 0
    for _ in range(repeats):
        spikes = 0
        start = time.perf_counter()
        for t in range(ticks):
            neurons.variables["current"].set_value(currents[t])  # the fast way past the unit checks
            network.run(dt)
            # the reset is the last thing in a step; a SpikeMonitor would take longer than the step
            spikes += np.count_nonzero(neurons.variables["v"].get_value() == 0)
        walls.append(time.perf_counter() - start)
    more: dict[str, Any] = {"us_per_tick": float(np.median(walls)) / ticks * 1e6}
    report(
        name, f"brian2 {target}, run() a tick", b2.__version__, "float64", seconds, walls, build, n, spikes, **more
    )  # fmt: skip


def main() -> None:
    """Run one case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=[*RSTDP, "balanced", "tick"])
    parser.add_argument("--seconds", type=float, default=5.0, help="simulated time")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--form", choices=["clock", "event", "cython", "numpy"], help="one form only")
    options = parser.parse_args()
    if options.form is None and options.case != "balanced":  # one process a form: a device is built once
        for form in ("cython", "numpy") if options.case == "tick" else ("clock", "event"):
            command = [options.case, "--seconds", str(options.seconds), "--repeats", str(options.repeats)]
            subprocess.run([sys.executable, __file__, *command, "--form", form], check=True)
        return
    folder = tempfile.mkdtemp(prefix="brian2-")
    try:
        if options.case == "tick":
            tick(options.case, options.seconds, options.repeats, options.form)
        elif options.case == "balanced":
            balanced(options.case, options.seconds, options.repeats, folder)
        else:
            rstdp(options.case, options.seconds, options.repeats, options.form, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
