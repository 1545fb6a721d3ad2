"""How reliably reward-modulated STDP learns CartPole: one line a seed, then the summary.

python benchmarks/rstdp_cartpole.py [--seeds 0..9] [key=value ...]

Trains ``cartpole-rstdp`` without selection, to its last step, and then runs the agent of that moment (not the best
one) greedily in 20 episodes of their own random stream.
"""

from __future__ import annotations

import argparse
import time

import gymnasium
import numpy as np

from snnctl import config, library, streams
from snnctl.agent.float_controller import FloatController
from snnctl.loop.closed_loop import run_episode
from snnctl.training.recipe import Recipe, build

EVALUATION_EPISODES = 20
SOLVED = 475.0


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0..9", help="first..last")
    parser.add_argument("overrides", nargs="*", help="of the recipe, e.g. trainer.noise=0.5")
    arguments = parser.parse_args()
    first, last = (int(end) for end in arguments.seeds.split(".."))
    recipe = config.load(Recipe, library.find("recipe", "cartpole-rstdp").path, arguments.overrides)
    env = gymnasium.make(recipe.env.id)
    lasts, greedy = [], []
    print("seed  last100  greedy  episodes   steps  475 after  wall_s")
    for seed in range(first, last + 1):
        algorithm = build(recipe, seed)
        start, solved = time.perf_counter(), None
        while algorithm.steps < algorithm.total_steps:
            report = algorithm.update()
            if solved is None and report.mean_return is not None and report.mean_return >= SOLVED:
                solved = report.episodes
        wall_s = time.perf_counter() - start
        controller = FloatController(algorithm.agent())
        seeds = [streams.integer(seed, "evaluation", k) for k in range(EVALUATION_EPISODES)]
        returns = [run_episode(controller, env, s).episode_return for s in seeds]
        algorithm.close()
        lasts.append(report.mean_return or 0.0)
        greedy.append(float(np.mean(returns)))
        print(
            f"{seed:4d}  {lasts[-1]:7.1f}  {greedy[-1]:6.1f}  {report.episodes:8d}  {report.steps:6d}"
            f"  {solved or '-':>9}  {wall_s:6.1f}",
            flush=True,
        )
    print(f"median of last100 {np.median(lasts):.1f}, of greedy {np.median(greedy):.1f}")
    for bar in (150.0, SOLVED):
        print(f"last100 >= {bar:.0f} on {sum(r >= bar for r in lasts)} of {len(lasts)} seeds")


if __name__ == "__main__":
    main()
