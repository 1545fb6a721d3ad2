"""An agent in its environment and no chip: what it earns. The half of an evaluation that every agent has.

The controller of the agent (:mod:`snnctl.agent.controllers`) runs the episodes with the seeds that
:func:`snnctl.evaluation.evaluate.evaluate` would give them, so the returns are those of its float half.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from snnctl import versions
from snnctl.agent import controllers, folder
from snnctl.agent.folder import Agent
from snnctl.loop.closed_loop import episode_seeds, run_episodes
from snnctl.loop.episode import Episode
from snnctl.loop.statistics import Summary, summarise


class Returns(NamedTuple):
    """Episodes of an agent and their statistics."""

    agent: Agent
    env_id: str
    seed: int
    episodes: tuple[Episode, ...]
    summary: Summary
    command: str

    def to_json(self) -> dict[str, Any]:
        """Plain data with the names of an evaluation on a chip (``docs/evaluation.md``)."""
        return {
            "schema": 1,
            "evidence": "measured",
            "agent": {"name": self.agent.description.name, "weights_sha256": folder.digest(self.agent.tensors)},
            "env": {"id": self.env_id},
            "returns": {
                "float": [e.episode_return if math.isfinite(e.episode_return) else None for e in self.episodes],
                "float_summary": self.summary.to_json(),
                "diverged": [
                    {"controller": "float", "seed": e.seed, "why": e.diverged} for e in self.episodes if e.diverged
                ],
            },
            "repro": {
                "command": self.command,
                "seed": self.seed,
                "episode_seeds": [e.seed for e in self.episodes],
                "versions": versions.installed(),
            },
        }


def returns(
    agent: Agent,
    env_id: str | None = None,
    episodes: int = 20,
    seed: int = 0,
    progress: Callable[[int, int, str], None] | None = None,
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
