"""The slots of reward-modulated STDP on CartPole: which rule, and which dopamine.

    python benchmarks/rstdp_baselines.py --tune [--jobs 2]        # rates and eligibilities, on seeds 100 and 101
    python benchmarks/rstdp_baselines.py [--seeds 0..9] [--jobs 2] [--figure F.png]

Every form is told the same: 0 in each step and -1 when the pole falls (a reward of 1 in every step, the last included,
as CartPole-v1 pays it, tells nothing to one who subtracts a mean reward), and has the same place cells, actor, noise
and schedule. Score is the mean length of an episode, which is the return in CartPole-v1: of the last 100 training
episodes, and of the final agent without noise in 100 episodes.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
from pathlib import Path
from typing import NamedTuple

import numpy as np

from snnctl import config, library, streams
from snnctl.agent.float_controller import FloatController
from snnctl.loop.closed_loop import run_episode
from snnctl.report import figure, learning_curve
from snnctl.report.learning_curve import Curve
from snnctl.robots import environments
from snnctl.training.blueprint import build, opened
from snnctl.training.recipe import Recipe

EVALUATION_EPISODES = 100
TOLD = ("env.kwargs.sutton_barto_reward=true",)
CRITIC = ("trainer.learning.value_low=-1.0", "trainer.learning.value_high=0.0", "trainer.learning.value_baseline=0.0")
RATES = (3e-4, 1e-3, 3e-3)
LAMBDAS = (0.8, 0.95)
FORMS = {  # rule, dopamine, learning rate and trace_lambda: the best of --tune
    "actor-critic": ("score", "td", 1e-3, 0.8),
    "R-max": ("score", "prediction_error", 3e-3, 0.8),
    "pair STDP with a critic": ("pair", "td", 3e-4, 0.95),
    "pair STDP": ("pair", "prediction_error", 3e-4, 0.95),
}


class Job(NamedTuple):
    """One training."""

    form: str
    rate: float
    trace_lambda: float
    seed: int


class Row(NamedTuple):
    """What became of it; the curve is of mean lengths of the last 100 episodes."""

    job: Job
    last100: float
    greedy: float
    curve: Curve


def learn(job: Job) -> Row:
    """Train and evaluate."""
    rule, dopamine = FORMS[job.form][:2]
    told = (f"rule={rule}", f"dopamine={dopamine}", f"learning_rate={job.rate}", f"trace_lambda={job.trace_lambda}")
    overrides = [*TOLD, *CRITIC, *(f"trainer.learning.{setting}" for setting in told)]
    overrides.append("trainer.total_episodes=1000000")  # the same number of steps for those who fall at once
    algorithm = build(opened(config.load(Recipe, library.find("recipe", "cartpole-rstdp").path, overrides)), job.seed)
    points = [(0, 0)]  # steps, episodes
    while algorithm.steps < algorithm.total_steps:
        report = algorithm.update()
        points.append((report.steps, report.episodes))
    steps, episodes = np.array(points, np.float64).T
    before = np.maximum(np.searchsorted(episodes, episodes - 100, side="right") - 1, 0)
    lengths = (steps - steps[before])[1:] / (episodes - episodes[before])[1:]
    controller, env = FloatController(algorithm.agent()), environments.make("CartPole-v1")
    seeds = [streams.integer(job.seed, "evaluation", k) for k in range(EVALUATION_EPISODES)]
    greedy = float(np.mean([run_episode(controller, env, s).length for s in seeds]))
    algorithm.close()
    env.close()
    curve = Curve(f"{job.form} {job.seed}", steps[1:], lengths, np.zeros((0, 2)), job.form)
    return Row(job, float(lengths[-1]), greedy, curve)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tune", action="store_true", help="try every rate and trace_lambda")
    parser.add_argument("--seeds", default="0..9", help="first..last")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--figure", type=Path, help="learning curves over seeds")
    options = parser.parse_args()
    if options.tune:
        jobs = [Job(*one) for one in itertools.product(FORMS, RATES, LAMBDAS, (100, 101))]
    else:
        first, last = (int(end) for end in options.seeds.split(".."))
        jobs = [Job(form, *told[2:], seed) for form, told in FORMS.items() for seed in range(first, last + 1)]
    rows: list[Row] = []
    print("form                        rate  lambda  seed  last100   greedy")
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        for row in pool.imap(learn, jobs):
            rows.append(row)
            job = row.job
            told = f"{job.form:24s}  {job.rate:6g}  {job.trace_lambda:6g}  {job.seed:4d}"
            print(f"{told}  {row.last100:7.1f}  {row.greedy:7.1f}", flush=True)
    print()
    for settings in dict.fromkeys(row.job[:3] for row in rows):
        own = np.array([(row.last100, row.greedy) for row in rows if row.job[:3] == settings])
        middle, low, high = np.median(own, axis=0), own.min(axis=0), own.max(axis=0)
        print(
            f"{settings[0]:24s}  {settings[1]:6g}  {settings[2]:6g}: median last100 {middle[0]:.1f} ({low[0]:.1f} to "
            f"{high[0]:.1f}), greedy {middle[1]:.1f} ({low[1]:.1f} to {high[1]:.1f})"
        )
    if options.figure is not None:
        heading = "CartPole by four forms of reward-modulated STDP"
        figure.save(learning_curve.draw([row.curve for row in rows], heading), options.figure)


if __name__ == "__main__":
    main()
