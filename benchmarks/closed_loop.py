"""Steps per second of the closed loop: snnctl's loop against a hand-written one around the same decision.

    python benchmarks/closed_loop.py [--env HalfCheetah-v5] [--agent NAME] [--blocks 31]

    hand-written:  env = gymnasium.make(id)
                   action = controller.act(observation); observation, _, terminated, truncated, _ = env.step(action)
    snnctl:        run_episode: the same, with the gate, the watch for divergence, spikes counted and times taken

Without ``--agent`` the controller is untrained and of the size of PopSAN (10 Gaussian encoder neurons an observation,
256, 256, 10 output neurons an action, T = 5), with about 20 % activity for observations of unit variance. Both loops
have the same controller and an environment of the same id, one thread, and play the same episodes (the script checks
the lengths). An episode of one is followed by one of the other; the table gives medians over ``--blocks`` pairs.
Times are those of the processor, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import platform
import statistics
import time
from typing import Any

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"


def by_hand(controller: Any, env: Any, seed: int, max_steps: int) -> tuple[int, float]:
    """Steps and seconds of one episode, without anything that a user does not need to drive a robot."""
    steps, over, begin = 0, False, time.process_time()
    observation, _ = env.reset(seed=seed)
    controller.reset(seed)
    while not over and steps < max_steps:
        action = controller.act(observation)
        observation, _, terminated, truncated, _ = env.step(action)
        over = terminated or truncated
        steps += 1
    return steps, time.process_time() - begin


def untrained(env: Any, choice: Any) -> Any:
    """An agent of the size of PopSAN for this environment."""
    from decision_latency import Size, make_agent

    from snnctl.agent.folder import Agent
    from snnctl.robots import environments

    task = environments.task(env, choice)
    agent, _ = make_agent(0.2, Size(task.observation_size, actions=task.action_size))
    return Agent(dataclasses.replace(agent.description, task=task), agent.tensors)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", default="HalfCheetah-v5")
    parser.add_argument("--agent", help="an agent folder instead of the untrained one, in its own environment")
    parser.add_argument("--blocks", type=int, default=31)
    parser.add_argument("--steps", type=int, default=1000, help="of an episode at most")
    options = parser.parse_args()

    import gymnasium
    from decision_latency import cpu_model

    from snnctl.agent import controllers, folder
    from snnctl.agent.environment import EnvChoice
    from snnctl.library import find
    from snnctl.loop import closed_loop
    from snnctl.robots import environments

    agent = folder.load(find("agent", options.agent).path) if options.agent else None
    choice = EnvChoice(id=options.env) if agent is None else agent.description.task.env
    env = environments.opened(choice)
    bare = gymnasium.make(choice.id, **choice.kwargs) if "-v" in choice.id else environments.opened(choice)
    controller = controllers.make(untrained(env, choice) if agent is None else agent)
    closed_loop.warm_up(controller)
    rates: dict[str, list[float]] = {"hand-written": [], "snnctl": []}
    for seed in range(options.blocks + 1):
        steps, seconds = by_hand(controller, bare, seed, options.steps)
        begin = time.process_time()
        episode = closed_loop.run_episode(controller, env, seed, max_steps=options.steps)
        spent = time.process_time() - begin
        if episode.length != steps:
            raise SystemExit(f"the two loops played different episodes: {steps} and {episode.length} steps")
        if seed:  # the first pair warms up
            rates["hand-written"].append(steps / seconds)
            rates["snnctl"].append(steps / spent)
    env.close()
    bare.close()
    shares = [ours / hand for hand, ours in zip(rates["hand-written"], rates["snnctl"], strict=True)]
    print(
        f"{cpu_model()}, one thread; Python {platform.python_version()}; {choice.id}, {controller.description.name}\n"
    )
    print("| loop | steps/s (median) | slowest, fastest episode |")
    print("|---|---|---|")
    for name, values in rates.items():
        print(f"| {name} | {statistics.median(values):,.0f} | {min(values):,.0f}, {max(values):,.0f} |")
    print(f"\nsnnctl / hand-written, pair by pair: median {statistics.median(shares):.3f}", end=", ")
    print(f"{min(shares):.3f} to {max(shares):.3f}")


if __name__ == "__main__":
    main()
