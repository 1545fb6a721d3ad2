"""What evaluations cost: of a training, and of an episode side by side against alone.

    python benchmarks/evaluation_share.py                                            # the trainings of the docs
    python benchmarks/evaluation_share.py half-cheetah-sac trainer.total_steps=7000  # one recipe, with overrides
    python benchmarks/evaluation_share.py --episodes cartpole-ppo                    # episodes of a bundled agent

Processor time of this process, so that other work on the machine does not count as much. The first form prints, for
each training, its seconds, those of its evaluations and of the final one, and the share of both. With ``--episodes``
the same episodes are played alone and side by side, in turns; prints microseconds a step and the ratio of the medians,
and whether the returns are equal.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

from snnctl import api, config, library
from snnctl.agent.batch import make_batch
from snnctl.agent.controllers import make
from snnctl.loop.closed_loop import episode_seeds, run_episode, warm_up
from snnctl.loop.side_by_side import run_side_by_side
from snnctl.robots import environments
from snnctl.training import evaluator, run
from snnctl.training.recipe import Recipe

RECIPES = ("cartpole-ppo", "pendulum-ppo", "balancer-ppo")
COPIES, EPISODES, TURNS = 10, 10, 5


def main() -> None:
    """Print one of the two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", help="a recipe, or with --episodes an agent")
    parser.add_argument("overrides", nargs="*", help="of the recipe")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--episodes", action="store_true")
    options = parser.parse_args()
    if options.episodes:
        played(options.name or "cartpole-ppo", options.seed)
        return
    evaluator.time = SimpleNamespace(monotonic=time.process_time)  # type: ignore[assignment, attr-defined]
    for name in [options.name] if options.name else RECIPES:
        shared(name, options.overrides, options.seed)


def shared(name: str, overrides: list[str], seed: int) -> None:
    """Train once."""
    recipe = config.load(Recipe, library.find("recipe", name).path, overrides)
    with tempfile.TemporaryDirectory() as scratch:
        begin = time.process_time()
        result = run.train(recipe, seed, Path(scratch))
        total = time.process_time() - begin
    both = result.evaluation_s + result.final_evaluation_s
    print(
        f"{name} seed {seed}: {result.steps} steps, {total:.1f} s, evaluations {result.evaluation_s:.1f} s, final one "
        f"{result.final_evaluation_s:.1f} s: {both / total:.0%}; weights {result.weights_sha256[:12]}",
        flush=True,
    )


def played(name: str, seed: int) -> None:
    """The episodes of an agent in both ways, in turns."""
    agent = api.agent(name)
    task, seeds = agent.description.task, episode_seeds(seed, EPISODES)
    envs = [environments.make(task.env_id, **task.env_kwargs) for _ in range(COPIES)]
    controller, batch = make(agent), make_batch(agent, COPIES)
    warm_up(controller)
    run_side_by_side(batch, envs, seeds[:1])
    alone_s, beside_s, equal, steps = [], [], True, 0
    for _ in range(TURNS):
        begin = time.process_time()
        alone = [run_episode(controller, envs[0], s) for s in seeds]
        middle = time.process_time()
        beside = run_side_by_side(batch, envs, seeds)
        alone_s.append(middle - begin)
        beside_s.append(time.process_time() - middle)
        steps = sum(e.length for e in alone)
        equal &= [e.episode_return for e in alone] == [e.episode_return for e in beside or ()]
    one, other = (1e6 * statistics.median(values) / steps for values in (alone_s, beside_s))
    print(
        f"{name}: {one:.1f} us a step alone, {other:.1f} side by side, ratio {one / other:.2f}, returns equal: {equal}"
    )


if __name__ == "__main__":
    main()
