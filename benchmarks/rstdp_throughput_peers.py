"""BindsNET's part of benchmarks/rstdp_throughput.py: prints one JSON line.

    python rstdp_throughput_peers.py --steps N --layers L --cells C --fields F ... --actor M --critic K --ticks T

The learning loop of a CartPole agent as BindsNET's users write it: hashed place cells, one ``Network.run`` of T ticks a
decision with two ``Connection`` objects under ``MSTDPET`` (eligibility trace times reward), one on the actor's and one
on the critic's neurons, spikes read by a ``Monitor``, the temporal-difference error as the reward of the next run.
torch on one thread, float32. States are not reset between decisions, which saves it time.
"""

from __future__ import annotations

import argparse
import json
import time
from importlib.metadata import version

import gymnasium
import numpy as np
import torch
from bindsnet.learning import MSTDPET
from bindsnet.network import Network
from bindsnet.network.monitors import Monitor
from bindsnet.network.nodes import IFNodes, Input, LIFNodes
from bindsnet.network.topology import Connection

torch.set_num_threads(1)
torch.set_grad_enabled(False)
GAMMA = 0.97
LOW, SPAN = np.array([-2.4, -2.5, -0.21, -2.5]), np.array([4.8, 5.0, 0.42, 5.0])


def main() -> None:
    """Learn for so many steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--layers", type=int, required=True)
    parser.add_argument("--cells", type=int, required=True)
    parser.add_argument("--fields", type=int, nargs="+", required=True)
    parser.add_argument("--actor", type=int, required=True)
    parser.add_argument("--critic", type=int, required=True)
    parser.add_argument("--ticks", type=int, required=True)
    options = parser.parse_args()
    torch.manual_seed(0)
    n, half = options.layers * options.cells, options.actor // 2
    fields = np.array(options.fields)
    number = np.arange(options.layers)
    shift = (number[:, None] * (2 * np.arange(4) + 1) % options.layers + 0.5) / options.layers
    radix = np.cumprod(np.append(1, fields[:-1] + 1))

    network = Network(dt=1.0, learning=True)
    cells = Input(n=n, traces=True, tc_trace=8.0)
    actor = LIFNodes(n=options.actor, thresh=1.0, rest=0.0, reset=0.0, refrac=0, tc_decay=8.0, traces=True)
    critic = IFNodes(n=options.critic, thresh=1.0, reset=0.0, refrac=0, traces=True)
    for layer, name in ((cells, "cells"), (actor, "actor"), (critic, "critic")):
        network.add_layer(layer, name)
    for layer, name in ((actor, "actor"), (critic, "critic")):
        connection = Connection(
            cells, layer, w=0.08 + 0.012 * torch.randn(n, layer.n), update_rule=MSTDPET, nu=[2e-3, 2e-3],
            wmin=-4.0, wmax=4.0, tc_plus=8.0, tc_minus=20.0, tc_e_trace=16.0,
        )  # fmt: skip
        network.add_connection(connection, "cells", name)
        network.add_monitor(Monitor(layer, ["s"], time=options.ticks), name)

    env = gymnasium.make("CartPole-v1")
    observation, _ = env.reset(seed=0)
    value, error, episodes = 0.0, 0.0, 1
    start = time.perf_counter()
    for step in range(options.steps + 200):
        if step == 200:  # warm
            start = time.perf_counter()
        z = np.clip((observation - LOW) / SPAN, 0.0, 1.0)
        active = number * options.cells + (((fields * z + shift).astype(int) * radix).sum(1) % options.cells)
        spikes = torch.zeros(options.ticks, 1, n, dtype=torch.uint8)
        spikes[:, 0, active] = 1
        network.run({"cells": spikes}, time=options.ticks, reward=error)
        counts = network.monitors["actor"].get("s").reshape(options.ticks, 2, half).sum((0, 2))
        following = float(network.monitors["critic"].get("s").sum()) / (options.critic * options.ticks)
        observation, reward, terminated, truncated, _ = env.step(int(counts[1] > counts[0]))
        error = (1 - GAMMA) * float(reward) + GAMMA * following - value
        value = following
        if terminated or truncated:
            observation, _ = env.reset()
            episodes += 1
    wall = time.perf_counter() - start
    print(json.dumps({
        "version": f"BindsNET {version('bindsnet')}, torch {torch.__version__}",
        "steps_per_s": options.steps / wall, "episodes": episodes,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
