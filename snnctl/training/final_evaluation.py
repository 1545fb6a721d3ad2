"""The figure that a training reports: episodes that neither training nor selection has seen."""

from __future__ import annotations

from typing import Any

from snnctl.agent.folder import Agent, digest
from snnctl.loop.closed_loop import episode_seeds
from snnctl.loop.side_by_side import Going
from snnctl.loop.statistics import summarise
from snnctl.training.evaluator import Play


def evaluate(agent: Agent, seed: int, episodes: int, play: Play, tell: Going) -> dict[str, Any] | None:
    """``eval.json``: returns of greedy evaluation episodes and their statistics; None if told to stop.

    Nothing in it depends on the clock: the same agent and seed give the same file.
    """
    played = play(agent, episode_seeds(seed, episodes), tell)
    if played is None:
        return None
    summary = summarise(played, seed).to_json()
    del summary["timing"]
    return {
        "schema": 1,
        "env_id": agent.description.task.env_id,
        "backend": "float",
        "seed": seed,
        "weights_sha256": digest(agent.tensors),
        "summary": summary,
        "returns": [e.episode_return for e in played],
        "lengths": [e.length for e in played],
        "diverged": [e.seed for e in played if e.diverged is not None],
    }
