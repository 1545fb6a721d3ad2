"""How reliably reward-modulated STDP learns control tasks: one line a seed, then the summary of each task.

    python benchmarks/rstdp_tasks.py [TASK ...] [--seeds 0..9] [--jobs 2] [--set key=value ...]

Trains ``TASK-rstdp`` without selection, to its last step, and then runs the agent of that moment (not the best one)
with learning and noise off in 100 episodes of their own random stream. ``--control shuffled`` tells rewards and
failures in random order, one a step of the 100 or so that wait, ``--control clamped`` holds the actor's dopamine at 0:
nothing may be learnt then.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from typing import Any, NamedTuple

import numpy as np

from snnctl import config, library, streams
from snnctl.agent.float_controller import FloatController
from snnctl.agent.fused_learner import FusedLearner
from snnctl.loop.closed_loop import run_episode
from snnctl.robots import environments
from snnctl.training.blueprint import build, opened
from snnctl.training.recipe import Recipe
from snnctl.training.rstdp import Rstdp

EVALUATION_EPISODES = 100
GOALS = {  # median over seeds of the mean of the evaluation episodes; best other value known
    "cartpole": (475.0, "public R-STDP 178 to 238; PPO 500"),
    "acrobot": (-100.0, "QR-DQN -69, PPO -74"),
    "mountaincar": (-140.0, "DQN -101, PPO -110"),
    "mountaincar-continuous": (90.0, "ARS 97, SAC 95"),
    "pendulum-v1": (-300.0, "TQC -151, PPO -172"),
    "inverted-pendulum": (950.0, "1000 is the most there is"),
    "balancer": (823.0, "balancer-ppo 914"),
}


class Row(NamedTuple):
    """What became of one seed."""

    task: str
    seed: int
    last100: float
    greedy: float
    worst: float
    untrained: float
    episodes: int
    steps: int
    wall_s: float


class _Shuffled:
    """What actions led to, reward and failure, in random order: in each step one of the 100 or so that wait.

    Failures come as often as they do, each once, but at a random time. A failed episode itself ends as if time had run
    out; after a failure that is told in the middle of an episode the learner begins anew, as it would in an episode.
    """

    def __init__(self, learner: FusedLearner, seed: int) -> None:
        self._learner, self._feedback = learner, learner.feedback
        self._generator, self._waiting = np.random.default_rng(seed), list[tuple[float, bool]]()
        self._seed = seed

    def __call__(self, reward: float, observation: Any, terminated: bool, truncated: bool) -> None:
        self._waiting.append((reward, terminated))
        given, failed = reward, False
        if len(self._waiting) > 100:
            given, failed = self._waiting.pop(int(self._generator.integers(len(self._waiting))))
        self._feedback(given, observation, failed, (terminated or truncated) and not failed)
        if failed and not (terminated or truncated):
            self._learner.reset(self._seed)


def learn(job: tuple[str, int, list[str], str]) -> Row:
    """Train and evaluate one seed."""
    name, seed, overrides, control = job
    recipe = config.load(Recipe, library.find("recipe", f"{name}-rstdp").path, overrides)
    env = environments.make(recipe.env.id, **recipe.env.kwargs)
    seeds = [streams.integer(seed, "evaluation", k) for k in range(EVALUATION_EPISODES)]

    def play(algorithm: Rstdp, count: int) -> list[float]:
        controller = FloatController(algorithm.agent())
        return [run_episode(controller, env, s).episode_return for s in seeds[:count]]

    algorithm = build(opened(recipe), seed)
    assert isinstance(algorithm, Rstdp)
    if control == "shuffled":
        algorithm.learner.feedback = _Shuffled(algorithm.learner, seed)  # type: ignore[method-assign]
    untrained = play(algorithm, 20)
    start = time.perf_counter()
    while algorithm.steps < algorithm.total_steps:
        report = algorithm.update()
    wall_s = time.perf_counter() - start
    greedy = play(algorithm, EVALUATION_EPISODES)
    algorithm.close()
    env.close()
    return Row(
        name, seed, report.mean_return or 0.0, float(np.mean(greedy)), float(np.min(greedy)), float(np.mean(untrained)),
        report.episodes, report.steps, wall_s,
    )  # fmt: skip


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", metavar="TASK", default=list(GOALS), help=", ".join(GOALS))
    parser.add_argument("--seeds", default="0..9", help="first..last")
    parser.add_argument("--jobs", type=int, default=1, help="seeds at a time, each on one core")
    parser.add_argument("--control", choices=["none", "shuffled", "clamped"], default="none")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="overrides of the recipe")
    arguments = parser.parse_args()
    first, last = (int(end) for end in arguments.seeds.split(".."))
    overrides = list(arguments.set)
    if arguments.control == "clamped":
        overrides += ["trainer.learning.learning_rate=0.0"]
    jobs = [(name, seed, overrides, arguments.control) for name in arguments.tasks for seed in range(first, last + 1)]
    rows: list[Row] = []
    print("task                     seed  last100   greedy    worst  untrained  episodes    steps  wall_s")
    with multiprocessing.get_context("spawn").Pool(arguments.jobs, maxtasksperchild=8) as pool:
        for row in pool.imap(learn, jobs):
            rows.append(row)
            print(
                f"{row.task:24s} {row.seed:4d}  {row.last100:7.1f}  {row.greedy:7.1f}  {row.worst:7.1f}  "
                f"{row.untrained:9.1f}  {row.episodes:8d}  {row.steps:7d}  {row.wall_s:6.1f}",
                flush=True,
            )
    for name in arguments.tasks:
        own = [row for row in rows if row.task == name]
        greedy = np.array([row.greedy for row in own])
        goal, others = GOALS.get(name, (float("nan"), ""))
        print(
            f"{name}: median greedy {np.median(greedy):.1f}, worst seed {greedy.min():.1f}, median last100 "
            f"{np.median([r.last100 for r in own]):.1f}, {(greedy >= goal).sum()} of {len(own)} seeds reach {goal:g}, "
            f"median {np.median([r.wall_s for r in own]):.1f} s, "
            f"{sum(r.steps for r in own) / sum(r.wall_s for r in own):.0f} steps/s   ({others})"
        )


if __name__ == "__main__":
    main()
