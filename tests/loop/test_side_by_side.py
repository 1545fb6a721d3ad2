"""Episodes side by side are the episodes alone, bit for bit, however many copies of the environment there are."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from snnctl.agent.batch import make_batch
from snnctl.agent.controllers import make
from snnctl.agent.folder import Agent
from snnctl.coding import PlaceCells
from snnctl.loop.closed_loop import run_episode, warm_up
from snnctl.loop.episode import Episode
from snnctl.loop.side_by_side import run_side_by_side
from snnctl.robots import environments
from tests import factories

TIMES = ("decision_s", "wall_s")
SEEDS = [5, 3, 8, 1, 9, 2, 7]


class Breaking(gym.Wrapper[Any, Any, Any, Any]):
    """Gives numbers that are not finite, at a step of an episode that depends on its seed."""

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        observation, info = self.env.reset(seed=seed)
        self.seed, self.left = seed, {3: 0, 8: 4, 1: 6}.get(seed or 0, 1000)
        return (observation * np.nan if self.left == 0 else observation), info

    def step(self, action: Any) -> Any:
        observation, reward, *rest = self.env.step(action)
        self.left -= 1
        if self.left == 0:
            return (observation, np.nan, *rest) if self.seed == 8 else (observation * np.inf, reward, *rest)
        return observation, reward, *rest


def made(env_id: str, **parts: Any) -> tuple[Agent, list[Any]]:
    return factories.agent(env_id, gain=3.0, **parts), [environments.make(env_id) for _ in range(3)]


def same(one: tuple[Episode, ...], two: tuple[Episode, ...] | None) -> bool:
    assert two is not None
    fields = [f for f in Episode._fields if f not in (*TIMES, "post_mortem")]
    return all(
        [getattr(a, f) for f in fields] == [getattr(b, f) for f in fields]
        and a.decision_s.size == b.decision_s.size
        and all(np.array_equal(x, y, equal_nan=True) for x, y in zip(trail(a), trail(b), strict=True))
        for a, b in zip(one, two, strict=True)
    )


def trail(episode: Episode) -> list[Any]:
    found = episode.post_mortem
    return [] if found is None else [found.actions, found.observations, found.rewards, found.states]


@pytest.mark.parametrize(
    ("env_id", "parts"),
    [
        ("CartPole-v1", {}),
        ("CartPole-v1", {"encoder": PlaceCells(grid=(3, 3, 3, 3))}),
        ("InvertedPendulum-v5", {}),
    ],
)
def test_any_number_of_copies_plays_the_same_episodes(env_id: str, parts: dict[str, Any]) -> None:
    agent, envs = made(env_id, **parts)
    controller = make(agent)
    warm_up(controller)
    alone = tuple(run_episode(controller, envs[0], seed) for seed in SEEDS)
    assert len({e.synaptic_events for e in alone}) > 1
    for count in (1, 2, 3):
        assert same(alone, run_side_by_side(make_batch(agent, count), envs[:count], SEEDS)), count


def test_diverged_episodes_end_where_they_end_alone() -> None:
    agent, envs = made("CartPole-v1")
    broken = [Breaking(env) for env in envs]
    controller = make(agent)
    alone = tuple(run_episode(controller, broken[0], seed) for seed in SEEDS)
    assert [e.seed for e in alone if e.diverged] == [3, 8, 1]
    assert alone[1].length == 0 and "first observation" in str(alone[1].diverged)
    assert same(alone, run_side_by_side(make_batch(agent, 3), broken, SEEDS))


def test_told_to_stop_it_stops_between_two_decisions() -> None:
    agent, envs = made("CartPole-v1")
    asked: list[int] = []

    def going(done: int) -> bool:
        asked.append(done)
        return len(asked) < 5

    assert run_side_by_side(make_batch(agent, 3), envs, SEEDS, going) is None
    assert len(asked) == 5 and asked == sorted(asked)
