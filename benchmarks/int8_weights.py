"""What 8-bit weights cost the bundled agents: return, difference of actions, rounding of each projection.

    python benchmarks/int8_weights.py [--episodes 50] [AGENT ...]

Both controllers play the same episodes. The difference of actions is that on the observations of the float32 episodes:
root mean square over the actions' standard deviation, or the share of other choices.
"""

from __future__ import annotations

import argparse
from typing import Any

from snnctl import api
from snnctl.agent.controllers import make
from snnctl.agent.int8 import relative_error
from snnctl.evaluation.pairs import compare
from snnctl.loop.closed_loop import episode_seeds, run_episodes

import numpy as np  # isort: skip

AGENTS = ("cartpole-ppo", "pendulum-ppo", "balancer-ppo", "cartpole-rstdp", "hopper-sac")


class Follower:
    """Keeps what float32 does, and what the rounded controller would have done."""

    def __init__(self, exact: Any, rounded: Any) -> None:
        self._exact, self._rounded = exact, rounded
        self.description, self.activity = exact.description, exact.activity
        self.actions: list[tuple[Any, Any]] = []

    def reset(self, seed: int) -> None:
        """Of both."""
        self._exact.reset(seed)
        self._rounded.reset(seed)

    def act(self, observation: Any) -> Any:
        """That of float32."""
        self.actions.append((self._exact.act(observation), self._rounded.act(observation)))
        return self.actions[-1][0]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("agents", nargs="*", default=list(AGENTS))
    parser.add_argument("--episodes", type=int, default=50)
    options = parser.parse_args()
    print("| agent | float32 | 8 bits | kept | difference of actions | largest rounding, of the rms weight |")
    print("|---|---|---|---|---|---|")
    for name in options.agents:
        agent = api.agent(name)
        env, seeds = agent.description.task.env_id, episode_seeds(0, options.episodes)
        follower = Follower(make(agent), make(agent, "int8"))
        floats = run_episodes(follower, env, seeds)
        rounded = run_episodes(make(agent, "int8"), env, seeds)
        found = compare(floats, rounded, 0)
        means = [np.mean([episode.episode_return for episode in episodes]) for episodes in (floats, rounded)]
        exact, other = (np.array(each, np.float64) for each in zip(*follower.actions, strict=True))
        if agent.description.task.action_kind == "discrete":
            difference = f"{np.mean(exact != other):.2%} others"
        else:
            difference = f"{np.sqrt(np.mean((exact - other) ** 2)) / exact.std():.2%} rms"
        network = agent.description.spiking_network
        error = max(relative_error(agent.tensors[p.weight_name]) for p in network.projections)
        kept = "" if found.retention is None else f"{found.retention:.1%}"
        print(f"| `{name}` | {means[0]:.1f} | {means[1]:.1f} | {kept} | {difference} | {error:.2%} |", flush=True)


if __name__ == "__main__":
    main()
