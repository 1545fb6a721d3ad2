"""What learning during operation gives back when the robot changes: CartPole, three changes of the plant.

    python benchmarks/rstdp_adaptation.py [--seeds 0..9] [--jobs 2] [--rate F] [--noise F] [--episodes 200]

A ``cartpole-rstdp`` agent is trained for each seed. Then the pole is cut to a fifth of its length, the motor pushes
eight times as hard, or the gyro reads 0.3 rad/s too much. ``frozen`` is the return of the agent as it was, ``learnt``
that of the agent after so many episodes with its own rule on (what ``snnctl run AGENT --change C --learn`` does), each
without noise in 50 episodes; ``90 %`` is the episode at whose end the mean of the last 20 was back at 90 % of what it
was before (0: never).
"""

from __future__ import annotations

import argparse
import dataclasses
import multiprocessing
from typing import Any, NamedTuple

import gymnasium
import numpy as np

from snnctl import config, library, streams
from snnctl.agent.controller import Controller
from snnctl.agent.float_controller import FloatController
from snnctl.agent.fused_learner import FusedLearner
from snnctl.loop.closed_loop import run_episode
from snnctl.robots.changes import changed, parse
from snnctl.training.blueprint import build, opened
from snnctl.training.recipe import Recipe

EVALUATION_EPISODES = 50


CHANGES = {
    "short pole": "length*=0.18",  # 0.18 m instead of 1 m: it falls more than twice as fast
    "strong motor": "force_mag*=8",  # 80 N instead of 10 N
    "gyro bias": "observation[3]+=0.3",  # rad/s
}


class Row(NamedTuple):
    """One seed and one change."""

    seed: int
    change: str
    before: float
    frozen: float
    learnt: float
    last: float  # mean return of the last 20 episodes while it learnt
    episode: int  # at which the mean of the last 20 is back at 90 %; 0: never


def adapt(job: tuple[int, float, float, int]) -> list[Row]:
    """Train one agent, change its plant in each way, let it learn."""
    seed, rate, noise, episodes = job
    algorithm = build(opened(config.load(Recipe, library.find("recipe", "cartpole-rstdp").path)), seed)
    while algorithm.steps < algorithm.total_steps:
        algorithm.update()
    agent = algorithm.agent()
    algorithm.close()
    seeds = [streams.integer(seed, "evaluation", k) for k in range(EVALUATION_EPISODES)]

    def score(controller: Controller, env: gymnasium.Env[Any, Any]) -> float:
        return float(np.mean([run_episode(controller, env, s).episode_return for s in seeds]))

    before = score(FloatController(agent), gymnasium.make("CartPole-v1"))
    rows = []
    for name, change in CHANGES.items():
        env = changed(gymnasium.make("CartPole-v1"), parse([change]))
        frozen = score(FloatController(agent), env)
        learner = FusedLearner(agent, seed)
        own = learner.learning
        learner.learning = dataclasses.replace(
            own,
            learning_rate=own.learning_rate * rate,
            critic_learning_rate=own.critic_learning_rate * rate,
            noise=own.noise * noise,
        )
        returns = [
            run_episode(learner, env, streams.integer(seed, "selection", k)).episode_return for k in range(episodes)
        ]
        learnt = score(FloatController(learner.agent()), env)
        recent = np.convolve(returns, np.full(20, 1 / 20), "valid")
        back = np.flatnonzero(recent >= 0.9 * before)
        rows.append(Row(seed, name, before, frozen, learnt, float(recent[-1]), int(back[0]) + 20 if back.size else 0))
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0..9", help="first..last")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--rate", type=float, default=1.0, help="times the agent's own learning rates")
    parser.add_argument("--noise", type=float, default=1.0, help="times the agent's own noise")
    parser.add_argument("--episodes", type=int, default=200)
    options = parser.parse_args()
    first, last = (int(end) for end in options.seeds.split(".."))
    jobs = [(seed, options.rate, options.noise, options.episodes) for seed in range(first, last + 1)]
    print("seed  change           before  frozen  learnt  last 20    90 %")
    found: list[Row] = []
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        for rows in pool.imap(adapt, jobs):
            for row in rows:
                found.append(row)
                returns = f"{row.before:6.1f}  {row.frozen:6.1f}  {row.learnt:6.1f}  {row.last:7.1f}  {row.episode:6d}"
                print(f"{row.seed:4d}  {row.change:15s}  {returns}", flush=True)
    for name in CHANGES:
        own = [row for row in found if row.change == name]
        lost = sum(row.frozen <= 0.6 * row.before for row in own)
        back = sum(row.learnt >= 0.9 * row.before for row in own)
        print(f"{name}: {lost} of {len(own)} lost 40 %, {back} of {len(own)} are back at 90 %")


if __name__ == "__main__":
    main()
