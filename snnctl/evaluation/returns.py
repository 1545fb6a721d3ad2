"""An agent in its environment and no chip: what it earns. The half of an evaluation that every agent has.

The controller of the agent (:mod:`snnctl.agent.controllers`) runs the episodes with the seeds that
:func:`snnctl.evaluation.evaluate.evaluate` would give them, so the returns are those of its float half.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from snnctl import versions
from snnctl.agent import controllers, folder
from snnctl.agent.folder import Agent
from snnctl.evaluation.host import HostCost, cost
from snnctl.loop.closed_loop import episode_seeds, run_episodes
from snnctl.loop.episode import Episode
from snnctl.loop.statistics import Summary, summarise
from snnctl.network.dense import DenseNetwork

SCHEMA = 1
EPISODES = 20

Progress = Callable[[int, int, str], None]  # episodes done, episodes in all, what runs


class Returns(NamedTuple):
    """Episodes of an agent and their statistics."""

    agent: Agent
    env_id: str
    seed: int
    episodes: tuple[Episode, ...]
    summary: Summary
    command: str

    @property
    def host(self) -> HostCost | None:
        """What a decision of a dense network costs; None of one that spikes."""
        network = self.agent.description.network
        return cost(network) if isinstance(network, DenseNetwork) else None

    def to_json(self) -> dict[str, Any]:
        """Plain data with the names of an evaluation on a chip (``docs/evaluation.md``)."""
        data: dict[str, Any] = finite(
            {
                "schema": SCHEMA,
                "evidence": "measured",
                "agent": agent_data(self.agent),
                "env": {"id": self.env_id},
                "host": None if self.host is None else self.host._asdict(),
                "returns": {
                    "float": [e.episode_return for e in self.episodes],
                    "float_summary": self.summary.to_json(),
                    "diverged": diverged("float", self.episodes),
                },
                "repro": repro(self.command, self.seed, self.episodes),
            }
        )
        return data


def agent_data(agent: Agent) -> dict[str, Any]:
    """Which agent it was."""
    return {"name": agent.description.name, "weights_sha256": folder.digest(agent.tensors)}


def diverged(controller: str, episodes: Sequence[Episode]) -> list[dict[str, Any]]:
    """The episodes of a controller that diverged, and why."""
    return [{"controller": controller, "seed": e.seed, "why": e.diverged} for e in episodes if e.diverged]


def repro(command: str, seed: int, episodes: Sequence[Episode]) -> dict[str, Any]:
    """What it takes to do the same again."""
    seeds = [e.seed for e in episodes]
    return {"command": command, "seed": seed, "episode_seeds": seeds, "versions": versions.installed()}


def finite(node: Any) -> Any:
    """Plain data with None for each number that is not finite."""
    if isinstance(node, Mapping):
        return {key: finite(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [finite(value) for value in node]
    return None if isinstance(node, float) and not math.isfinite(node) else node


def returns(
    agent: Agent,
    env_id: str | None = None,
    episodes: int = EPISODES,
    seed: int = 0,
    progress: Progress | None = None,
    *,
    command: str = "",
) -> Returns:
    """Run ``episodes`` episodes of ``agent``; the arguments are those of an evaluation on a chip.

    Raises:
        NotFoundError: no such environment.
        SpaceError: the environment is not one for this agent.
    """
    where = env_id or agent.description.task.env_id
    seeds = episode_seeds(seed, episodes)

    def tell(done: int, total: int, episode: Episode) -> None:
        if progress is not None:
            progress(done, total, "float")

    run = run_episodes(controllers.make(agent), where, seeds, progress=tell)
    return Returns(agent, where, seed, tuple(run), summarise(run, seed), command)
