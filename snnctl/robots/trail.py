"""What an environment was last asked for and what it answered: kept while an episode runs, for a post-mortem.

All actions since the reset (with the seed, they make the episode again), and of the last :data:`LENGTH` steps the
observations, the rewards and, of a MuJoCo environment, the states between which the steps lie.
"""

from __future__ import annotations

import sys
from collections import deque
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from numpy.typing import NDArray

LENGTH = 100  # steps

Floats = NDArray[np.float64]


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
    """The ring of what was last; it costs an environment's step a copy of its action and of MuJoCo's state."""

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        self._env = env
        self._data: Any = None
        self.start(0, None)

    def start(self, seed: int, observation: NDArray[Any] | None) -> None:
        """A reset gave ``observation``."""
        self._seed, self._actions = seed, list[NDArray[Any]]()
        self._observations = deque([] if observation is None else [observation], maxlen=LENGTH + 1)
        self._rewards, self._count = deque[float](maxlen=LENGTH), 0
        if observation is None:
            return
        data = mujoco_data(self._env)
        if data is not self._data:
            self._data, self._states = data, list[Floats]()
        if data is not None:
            import mujoco

            self._model, self._kind = self._env.unwrapped.model, int(mujoco.mjtState.mjSTATE_INTEGRATION)  # type: ignore[attr-defined]
            self._get = mujoco.mj_getState
            if not self._states:
                self._states = list(np.zeros((LENGTH + 1, mujoco.mj_stateSize(self._model, self._kind))))
            self._get(self._model, data, self._states[0], self._kind)

    def __len__(self) -> int:
        """Actions since the reset."""
        return len(self._actions)

    def acts(self, action: Any) -> None:
        """An action is about to be sent."""
        self._actions.append(np.array(action))

    def saw(self, observation: NDArray[Any], reward: float) -> None:
        """The step gave this."""
        self._count += 1
        if self._data is not None:
            self._get(self._model, self._data, self._states[self._count % (LENGTH + 1)], self._kind)
        self._rewards.append(reward)
        self._observations.append(observation)

    def post_mortem(self, why: str) -> PostMortem:
        """Copies of everything."""
        kept = len(self._observations)
        states, model = np.zeros((0, 0)), b""
        if self._data is not None and kept:
            first = self._count - len(self._rewards)
            states = np.array([self._states[n % (LENGTH + 1)] for n in range(first, self._count + 1)])
            model = _saved(self._model)
        actions = np.array(self._actions) if self._actions else np.zeros((0, 0))
        observations = np.array(self._observations) if kept else np.zeros((0, 0))
        rewards = np.array(self._rewards)
        return PostMortem(why, self._seed, actions, self._count, observations, rewards, states, model)


def mujoco_data(env: gymnasium.Env[Any, Any]) -> Any:
    """``MjData`` of the environment beside its ``MjModel``, or None; does not import mujoco for others."""
    mujoco = sys.modules.get("mujoco")
    if mujoco is None:
        return None
    try:
        data, model = getattr(env.unwrapped, "data", None), getattr(env.unwrapped, "model", None)
    except Exception:  # a property of somebody's environment may raise anything
        return None
    return data if isinstance(data, mujoco.MjData) and isinstance(model, mujoco.MjModel) else None


def _saved(model: Any) -> bytes:
    import mujoco

    buffer = np.zeros(mujoco.mj_sizeModel(model), np.uint8)
    mujoco.mj_saveModel(model, None, buffer)
    return buffer.tobytes()
