"""PPO's greedy returns beside those of stable-baselines3: trains missing seeds, adds rows, prints the table.

    nice python benchmarks/ppo_table.py [--envs ID ...] [--seeds K ...] [--actors spiking dense]    trains, then prints
    python benchmarks/ppo_table.py --table                                                       prints existing rows

One JSON line an evaluation in ``results/ppo``: every 20 000 steps ten episodes, always the same seeds, greedily. The
figure of a seed is the mean of its last three evaluations, thirty episodes. ppo_table_peers.py adds the peers' rows.
The dense actor is the recipe's ANN twin: two tanh layers of 64, no spikes at either end, other keys as in the recipe.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from statistics import fmean
from typing import Any

from snnctl import config, library
from snnctl.agent.controllers import make
from snnctl.loop.closed_loop import run_episode
from snnctl.robots import environments
from snnctl.training.blueprint import build, opened
from snnctl.training.recipe import Recipe

RESULTS = Path(__file__).parent / "results" / "ppo"
STEPS, EVERY, LAST = 200_000, 20_000, 3
EPISODE_SEEDS = list(range(10_000, 10_010))
RECIPES = {"HalfCheetah-v5": "half-cheetah-ppo", "Hopper-v5": "hopper-ppo", "LunarLander-v3": "lunar-lander-ppo"}
DENSE = ['network={kind="dense",hidden=[64,64],activation="tanh"}', 'encoder={kind="analog"}', "trainer.init_gain=1.0"]


def rows() -> list[dict[str, Any]]:
    """Every evaluation there is."""
    files = sorted(RESULTS.glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def train(env_id: str, actor: str, seed: int) -> None:
    """Train one seed; its rows are added once it has ended."""
    path = library.find("recipe", RECIPES[env_id]).path
    decoder = "argmax" if env_id == "LunarLander-v3" else "analog"
    dense = [*DENSE, f'decoder={{kind="{decoder}"}}'] if actor == "dense" else []
    recipe = config.resolve(
        Recipe, config.read_toml(path), str(path), [f"trainer.total_steps={STEPS}", f"seed={seed}", *dense]
    )
    start_s, start_cpu_s = time.monotonic(), time.process_time()
    algorithm, env, found = build(opened(recipe), seed, 1), environments.make(env_id), []
    due = EVERY
    while algorithm.steps < algorithm.total_steps:
        algorithm.update()
        if algorithm.steps < min(due, algorithm.total_steps):
            continue
        due = (algorithm.steps // EVERY + 1) * EVERY
        controller = make(algorithm.agent())
        returns = [run_episode(controller, env, k).episode_return for k in EPISODE_SEEDS]
        row = {"env": env_id, "algorithm": "ppo", "actor": actor, "seed": seed, "steps": algorithm.steps}
        found.append(row | {"returns": [round(r, 3) for r in returns], "episode_seeds": EPISODE_SEEDS})
        print(env_id, actor, seed, algorithm.steps, round(fmean(returns), 1), flush=True)
    algorithm.close()
    env.close()
    wall_s, cpu_s = time.monotonic() - start_s, time.process_time() - start_cpu_s
    print(f"{env_id} {actor} {seed}: {wall_s:.0f} s, of the processor {cpu_s:.0f} s", flush=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    with (RESULTS / f"ppo-{actor}.jsonl").open("a") as file:
        file.writelines(json.dumps(row) + "\n" for row in found)


def table(found: Iterable[dict[str, Any]]) -> str:
    """A line an environment and algorithm: mean and each seed's mean of its last evaluations."""
    curves: dict[tuple[str, str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in found:
        curves[row["env"], row["algorithm"], row["actor"]][row["seed"]].append(fmean(row["returns"]))
    lines = ["| environment | algorithm | actor | mean | each seed |", "|---|---|---|---|---|"]
    for (env_id, algorithm, actor), seeds in sorted(curves.items()):
        last = [fmean(seeds[seed][-LAST:]) for seed in sorted(seeds)]
        each = ", ".join(f"{value:.0f}" for value in last)
        lines.append(f"| {env_id} | {algorithm} | {actor} | {fmean(last):.0f} | {each} |")
    return "\n".join(lines)


def main() -> None:
    """Train the chosen seeds that have no rows yet; print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", action="store_true", help="print the table of the rows there are")
    parser.add_argument("--envs", nargs="+", choices=tuple(RECIPES), default=list(RECIPES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--actors", nargs="+", choices=("spiking", "dense"), default=["spiking"])
    chosen = parser.parse_args()
    if not chosen.table:
        done = {(row["env"], row["algorithm"], row["actor"], row["seed"]) for row in rows()}
        for seed in chosen.seeds:
            for env_id in chosen.envs:
                for actor in chosen.actors:
                    if (env_id, "ppo", actor, seed) not in done:
                        train(env_id, actor, seed)
    print(table(rows()))


if __name__ == "__main__":
    main()
