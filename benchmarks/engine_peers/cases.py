"""The work that every simulator does in benchmarks/engine.py, in numbers: plain Python, so that any peer can read it.

``rstdp_*``: Poisson sources -> 1000 leaky integrate-and-fire neurons, 1-ms steps; every synapse is plastic by
reward-modulated STDP (Izhikevich, Cereb. Cortex 17:2443, 2007): pair STDP marks an eligibility, dopamine turns it into
weight, the weight stays in [0, w_max]. Amplitudes are so small that the rates stay at about 10 Hz.

    v' = -v / tau_m, v += w at a spike; v > 1: spike, v = 0
    x' = -x / tau_plus, y' = -y / tau_minus, c' = -c / tau_c, d' = -d / tau_d, w' = c d
    source: c -= a_minus y, x += 1    target: c += a_plus x, y += 1    every reward_period: d += reward

``balanced``: the current-based network of Vogels & Abbott, J. Neurosci. 25:10786 (2005), as benchmark 2 of Brette et
al., J. Comput. Neurosci. 23:349 (2007): 4000 neurons, 2 % random connections, static.

``tick``: a recurrent controller stepped from Python: 1000 neurons, 10 % random connections of random sign, a fresh
current for every neuron at every tick, the spikes read after every tick.
"""

from __future__ import annotations

import json
import statistics
from typing import Any

RSTDP: dict[str, dict[str, Any]] = {
    # drive = fan_in * 10 Hz * tau_m * mean weight, in thresholds: chosen for about 10 Hz
    "rstdp_dense_1m": {"sources": 1000, "targets": 1000, "probability": 1.0, "drive": 0.94},
    "rstdp_sparse_1m": {"sources": 10_000, "targets": 1000, "probability": 0.1, "drive": 0.94},
    "rstdp_sparse_100k": {"sources": 1000, "targets": 1000, "probability": 0.1, "drive": 0.83},
}
RULE = {
    "tick_ms": 1.0,
    "source_rate_hz": 10.0,
    "tau_m_ms": 20.0,
    "tau_plus_ms": 20.0,
    "tau_minus_ms": 20.0,
    "tau_c_ms": 1000.0,
    "tau_d_ms": 200.0,
    "a_plus": 1e-4,  # of w_max
    "a_minus": 1.05e-4,
    "reward": 0.1,
    "reward_period_ms": 500.0,
}
BALANCED = {
    "excitatory": 3200,
    "inhibitory": 800,
    "probability": 0.02,
    "tick_ms": 0.1,
    "tau_m_ms": 20.0,
    "tau_e_ms": 5.0,
    "tau_i_ms": 10.0,
    "rest_mv": -49.0,
    "threshold_mv": -50.0,
    "reset_mv": -60.0,
    "refractory_ms": 5.0,
    "weight_e_mv": 1.62,  # jump of the synaptic term g in v' = (g_e + g_i - (v - rest)) / tau_m
    "weight_i_mv": -9.0,
}
TICK = {
    "neurons": 1000,
    "probability": 0.1,
    "tick_ms": 1.0,
    "tau_m_ms": 20.0,
    "weight_sd": 0.03,  # v jumps by a normal weight
    "current_mean": 0.85,  # v' = (current - v) / tau_m, threshold 1, reset 0
    "current_sd": 0.8,  # fresh for each neuron and tick
}


def w_max(case: dict[str, Any]) -> float:
    """Upper bound of a weight; the initial weights are uniform in [0, w_max]."""
    fan_in = case["sources"] * case["probability"]
    mean = case["drive"] / (fan_in * RULE["source_rate_hz"] * RULE["tau_m_ms"] * 1e-3)
    return float(2 * mean)


def report(
    case: str,
    peer: str,
    version: str,
    precision: str,
    simulated_s: float,
    walls_s: list[float],
    build_s: float,
    neurons: int,
    spikes: float,
    **more: Any,
) -> None:
    """Print one JSON line: the median of the repeats, and every repeat."""
    wall = statistics.median(walls_s)
    line = {
        "case": case,
        "peer": peer,
        "version": version,
        "precision": precision,
        "simulated_s": simulated_s,
        "wall_s": wall,
        "walls_s": walls_s,
        "speed": simulated_s / wall,
        "build_s": build_s,
        "spikes": spikes,
        "rate_hz": spikes / neurons / simulated_s,
        **more,
    }
    print(json.dumps(line), flush=True)
