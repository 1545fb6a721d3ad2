"""BindsNET's part of benchmarks/engine.py: ``python bindsnet_peer.py CASE --seconds S`` prints JSON lines.

torch on one CPU thread, float32. ``rstdp_dense_1m``: Connection with MSTDPET (eligibility trace times reward) and the
bounds wmin, wmax; its rule has no dopamine of its own, so the mean dopamine is given as a constant reward, which is
cheaper than what the others do. Its inputs are drawn before the clock starts. It has no eligibility for sparse
connections, so those cases are left out. ``tick``: Network.run(time=1) a tick, dense weights with zeros, as its
examples do; the currents enter through one-to-one weights of 1.
"""

from __future__ import annotations

import argparse
import time
from importlib.metadata import version

import numpy as np
import torch
from bindsnet.learning import MSTDPET
from bindsnet.network import Network
from bindsnet.network.monitors import Monitor
from bindsnet.network.nodes import Input, LIFNodes
from bindsnet.network.topology import Connection
from cases import RSTDP, RULE, TICK, report, w_max

torch.set_num_threads(1)
torch.set_grad_enabled(False)
VERSION = f"{version('bindsnet')} (torch {torch.__version__})"


def neurons(n: int, tau_m_ms: float) -> LIFNodes:
    """The neurons of every case."""
    return LIFNodes(n=n, thresh=1.0, rest=0.0, reset=0.0, refrac=0, tc_decay=tau_m_ms, traces=True, tc_trace=20.0)


def rstdp(name: str, seconds: float, repeats: int) -> None:
    """Reward-modulated STDP."""
    case, start = RSTDP[name], time.perf_counter()
    torch.manual_seed(1)
    top = w_max(case)
    ticks = round(seconds / (RULE["tick_ms"] * 1e-3))
    network = Network(dt=RULE["tick_ms"], learning=True)
    source = Input(n=case["sources"], traces=True, tc_trace=RULE["tau_plus_ms"])
    target = neurons(case["targets"], RULE["tau_m_ms"])
    network.add_layer(source, "source")
    network.add_layer(target, "target")
    network.add_connection(
        Connection(
            source, target, w=torch.rand(source.n, target.n) * top, update_rule=MSTDPET,
            nu=[RULE["a_minus"] * top, RULE["a_plus"] * top], wmin=0.0, wmax=top,
            tc_plus=RULE["tau_plus_ms"], tc_minus=RULE["tau_minus_ms"], tc_e_trace=RULE["tau_c_ms"],
        ),
        "source", "target",
    )  # fmt: skip
    monitor = Monitor(target, ["s"], time=ticks)
    network.add_monitor(monitor, "target")
    spikes = (torch.rand(ticks, 1, source.n) < RULE["source_rate_hz"] * RULE["tick_ms"] * 1e-3).byte()
    reward = RULE["reward"] * RULE["tau_d_ms"] / RULE["reward_period_ms"]
    network.run(inputs={"source": spikes[:20]}, time=20, reward=reward)
    build = time.perf_counter() - start
    walls = []
    for _ in range(repeats):
        start = time.perf_counter()
        network.run(inputs={"source": spikes}, time=ticks, reward=reward)
        walls.append(time.perf_counter() - start)
    found = int(monitor.get("s").sum())
    report(
        name,
        "bindsnet MSTDPET",
        VERSION,
        "float32",
        seconds,
        walls,
        build,
        target.n,
        found,
        synapses=source.n * target.n,
    )


def tick(name: str, seconds: float, repeats: int) -> None:
    """A recurrent controller, one run of one step a tick."""
    p, start = TICK, time.perf_counter()
    torch.manual_seed(1)
    n = p["neurons"]
    ticks = round(seconds / (p["tick_ms"] * 1e-3))
    network = Network(dt=p["tick_ms"], learning=False)
    layer = neurons(n, p["tau_m_ms"])
    network.add_layer(layer, "neurons")
    weight = torch.randn(n, n) * p["weight_sd"] * (torch.rand(n, n) < p["probability"])
    network.add_connection(Connection(layer, layer, w=weight), "neurons", "neurons")
    # a layer may be driven directly: its argument is added to its input
    gain = 1 - float(np.exp(-p["tick_ms"] / p["tau_m_ms"]))
    currents = (torch.randn(ticks, 1, 1, n) * p["current_sd"] + p["current_mean"]) * gain
    network.run(inputs={"neurons": currents[0]}, time=1)
    build = time.perf_counter() - start
    walls, found = [], 0
    for _ in range(repeats):
        found = 0
        start = time.perf_counter()
        for t in range(ticks):
            network.run(inputs={"neurons": currents[t]}, time=1)
            found += len(layer.s.nonzero())
        walls.append(time.perf_counter() - start)
    report(
        name, "bindsnet, run(time=1) a tick", VERSION, "float32", seconds, walls, build, n, found,
        us_per_tick=float(np.median(walls)) / ticks * 1e6,
    )  # fmt: skip


def main() -> None:
    """Run one case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=["rstdp_dense_1m", "tick"])
    parser.add_argument("--seconds", type=float, default=2.0, help="simulated time")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    (tick if options.case == "tick" else rstdp)(options.case, options.seconds, options.repeats)


if __name__ == "__main__":
    main()
