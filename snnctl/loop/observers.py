"""Several observers at one loop, told in the order given."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
from numpy.typing import NDArray

from snnctl.agent.controller import Controller
from snnctl.loop.episode import Episode, Observer, Step


class Observers:
    """One observer that passes everything on to others."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def start(self, controller: Controller, env: gym.Env[Any, Any], seed: int, observation: NDArray[Any]) -> None:
        """Pass on the start of an episode."""
        for observer in self._observers:
            observer.start(controller, env, seed, observation)

    def step(self, step: Step) -> None:
        """Pass on a control step."""
        for observer in self._observers:
            observer.step(step)

    def finish(self, episode: Episode) -> None:
        """Pass on the end of an episode."""
        for observer in self._observers:
            observer.finish(episode)
