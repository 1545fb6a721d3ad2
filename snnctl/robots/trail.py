"""What an environment was last asked for and what it answered: kept while an episode runs, for a post-mortem.

All actions since the reset (with the seed, they make the episode again), and of the last :data:`LENGTH` steps the
observations, the rewards and, of a MuJoCo environment, the states between which the steps lie.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.robots.simulation import LENGTH, Floats, Simulation

__all__ = ["LENGTH", "PostMortem", "Trail"]


class PostMortem(NamedTuple):
    """An episode up to the step at which it failed; k steps are the last LENGTH of it, or all."""

    why: str
    seed: int  # of the reset
    actions: NDArray[Any]  # (steps, ...) everything that was sent since the reset, the failing one at the end
    observed: int  # steps that gave an observation; one less than actions where the last one raised
    observations: NDArray[Any]  # (k + 1, dims) before and after each of the last k of these
    rewards: Floats  # (k,)
    states: Floats  # (k + 1, n) mjSTATE_INTEGRATION at the same times; (0, 0) without MuJoCo
    model: bytes  # MuJoCo's, as mj_saveModel writes it; empty without it


class Trail:
    """The ring of what was last; it costs a step of the environment a copy of its action.

    Attributes:
        actions: copies of all since the reset, in their order
        observed: steps since the reset that gave an observation
    """

    def __init__(self) -> None:
        self.start(0, None)

    def start(self, seed: int, observation: NDArray[Any] | None) -> None:
        """A reset gave ``observation``."""
        self._seed, self.actions = seed, list[NDArray[Any]]()
        self._observations = deque([] if observation is None else [observation], maxlen=LENGTH + 1)
        self._rewards = deque[float](maxlen=LENGTH)
        self.observed = 0

    def saw(self, observation: NDArray[Any], reward: float) -> None:
        """The step gave this."""
        self.observed += 1
        self._rewards.append(reward)
        self._observations.append(observation)

    def post_mortem(self, why: str, simulation: Simulation | None = None) -> PostMortem:
        """Copies of everything; ``simulation`` was looked at after the reset and after each step."""
        states, model = np.zeros((0, 0)), b""
        if simulation is not None and self._observations:
            states, model = simulation.states(), _saved(simulation.model)
        actions = np.array(self.actions) if self.actions else np.zeros((0, 0))
        observations = np.array(self._observations) if self._observations else np.zeros((0, 0))
        return PostMortem(why, self._seed, actions, self.observed, observations, np.array(self._rewards), states, model)


def _saved(model: Any) -> bytes:
    import mujoco

    buffer = np.zeros(mujoco.mj_sizeModel(model), np.uint8)
    mujoco.mj_saveModel(model, None, buffer)
    return buffer.tobytes()
