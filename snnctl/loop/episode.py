"""What one episode leaves behind, and what an observer sees of it."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from snnctl.agent.controller import Activity, Controller
from snnctl.coding.code import Action
from snnctl.robots.trail import PostMortem


class Episode(NamedTuple):
    """One finished, cut or diverged episode."""

    seed: int
    episode_return: float  # sum of rewards; up to the divergence if there was one
    length: int  # control steps that count (the diverged one does not)
    terminated: bool
    truncated: bool
    diverged: str | None  # why and when, or None
    control_dt_s: float
    decision_s: NDArray[np.float64]  # (decisions,) wall time of each ``act``
    wall_s: float  # decisions and environment steps, nothing else
    sim_s: float  # length * control_dt_s
    spikes: dict[str, int]  # population -> spikes in the whole episode, inputs included
    neurons: dict[str, int]  # population -> neurons
    neuron_ticks: dict[str, int]  # population -> neurons * ticks over all decisions
    synaptic_events: int
    limited_actions: int  # steps whose action the gate had to clip
    outlying_observations: int  # observations outside finite bounds that the environment declares
    post_mortem: PostMortem | None = None  # of a diverged one


class Step(NamedTuple):
    """What an observer sees after a control step."""

    number: int  # 0 is the first
    observation: NDArray[Any]  # what the decision was made on
    action: Action  # what the controller said, before the gate
    reward: float
    next_observation: NDArray[Any]
    terminated: bool
    truncated: bool
    activity: Activity
    decision_s: float


class Observer(Protocol):
    """Something that looks on: a recorder, a video. It must not touch the environment's state."""

    def start(self, controller: Controller, env: gym.Env[Any, Any], seed: int, observation: NDArray[Any]) -> None:
        """The episode was reset and gave ``observation``."""
        ...

    def step(self, step: Step) -> None:
        """A control step was made."""
        ...

    def finish(self, episode: Episode) -> None:
        """The episode is over."""
        ...
