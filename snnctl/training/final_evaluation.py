"""The figure that a training reports: episodes that neither training nor selection has seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym

from snnctl.agent.controllers import make
from snnctl.agent.folder import Agent, digest
from snnctl.loop.closed_loop import episode_seeds, run_episode, warm_up
from snnctl.loop.statistics import summarise

Tell = Callable[[int, int], bool]  # (episodes done, episodes in all) -> whether to go on


def evaluate(agent: Agent, env: gym.Env[Any, Any], seed: int, episodes: int, tell: Tell) -> dict[str, Any] | None:
    """``eval.json``: returns of greedy evaluation episodes and their statistics; None if told to stop.

    Nothing in it depends on the clock: the same agent and seed give the same file.
    """
    controller = make(agent)
    warm_up(controller)
    played = []
    for number, episode_seed in enumerate(episode_seeds(seed, episodes)):
        if not tell(number, episodes):
            return None
        played.append(run_episode(controller, env, episode_seed))
    tell(episodes, episodes)
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
