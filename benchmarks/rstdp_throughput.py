"""Environment steps a second of the whole learning loop, beside a BindsNET loop of the same network.

    python benchmarks/rstdp_throughput.py [--bindsnet PYTHON] [--steps 20000] [--repeats 5]

CartPole-v1 with the network of ``cartpole-rstdp``: 512 hashed place cells, 8 actor and 32 critic neurons, 4 ticks a
decision, learning in every decision; environment, encoder and decoder included. One thread. The two are measured in
turn, ``--repeats`` times; the medians count. PYTHON has BindsNET (benchmarks/engine_peers/README.md says how).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from pathlib import Path

import numpy as np

from snnctl import config, library
from snnctl.coding import HashedPlaceCells
from snnctl.training.blueprint import build, opened
from snnctl.training.recipe import Recipe
from snnctl.training.rstdp import Rstdp

PEER = Path(__file__).with_name("rstdp_throughput_peers.py")


def ours(recipe: Recipe, steps: int) -> float:
    """Steps per second of a training from scratch."""
    algorithm = build(opened(recipe), 0)
    algorithm.update()  # compiled, and first used
    before, start = algorithm.steps, time.perf_counter()
    while algorithm.steps - before < steps:
        algorithm.update()
    wall = time.perf_counter() - start
    done = algorithm.steps - before
    algorithm.close()
    return done / wall


def theirs(python: str, recipe: Recipe, steps: int) -> tuple[str, float]:
    """The same of the peer."""
    algorithm = build(opened(recipe), 0)
    assert isinstance(algorithm, Rstdp) and isinstance(recipe.encoder, HashedPlaceCells)
    actor, critic = algorithm.learner.weight.shape[1], algorithm.learner.learning.critic_neurons
    algorithm.close()
    encoder = recipe.encoder
    sizes = {
        "steps": steps, "layers": encoder.layers, "cells": encoder.cells, "actor": actor, "critic": critic,
        "ticks": recipe.network.ticks,
    }  # fmt: skip
    arguments = [word for name, size in sizes.items() for word in (f"--{name}", str(size))]
    command = [python, str(PEER), *arguments, "--fields", *map(str, encoder.fields)]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return answer["version"], answer["steps_per_s"]


def main() -> None:
    """Print one line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bindsnet", metavar="PYTHON", help="an interpreter that has BindsNET")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    recipe = config.load(Recipe, library.find("recipe", "cartpole-rstdp").path)
    own, peer, name = [], [], ""
    for _ in range(options.repeats):
        own.append(ours(recipe, options.steps))
        if options.bindsnet:
            name, speed = theirs(options.bindsnet, recipe, options.steps // 20)
            peer.append(speed)
    print(f"snnctl: {np.median(own):.0f} environment steps/s ({min(own):.0f} to {max(own):.0f})")
    if peer:
        print(f"{name}: {np.median(peer):.0f} ({min(peer):.0f} to {max(peer):.0f})")
        print(f"ratio of the medians: {np.median(own) / np.median(peer):.1f}")


if __name__ == "__main__":
    main()
