"""Divergence: a simulation that left the finite numbers, also where the simulator hides it.

MuJoCo answers a non-finite action by zeroing the whole control vector, and a non-finite state by
resetting the simulation to t = 0 in mid-episode; both carry on with finite observations and a full
reward. What gives them away are the warning counters of ``MjData`` (set to zero by each such reset,
so any change counts) and ``data.time`` running backwards.

Source: MuJoCo ``engine_forward.c``, ``mj_checkPos``, ``mj_checkVel``, ``mj_checkAcc``, ``mj_fwdActuation``;
dm_control ``Physics.check_invalid_state`` compares the same counters.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from snnctl.robots.trail import mujoco_data

LARGEST_REWARD = 1e100  # of what can be summed and squared over any number of steps
_HARMLESS = {"mjWARN_VGEOMFULL"}  # too many geoms to draw; says nothing about the physics


class Watch:
    """Looks at an environment after each step and says whether, and why, the episode is worthless.

    Any Gymnasium environment can be watched; one whose ``unwrapped.data`` is a MuJoCo ``MjData``
    is watched from inside as well.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        self._data = mujoco_data(env)
        self._counted: list[tuple[int, str]] = []
        self._numbers: NDArray[Any] = np.zeros(0)  # views of ``data``
        self._qpos: NDArray[Any] = np.zeros(0)
        self._qvel: NDArray[Any] = np.zeros(0)
        self._before: list[int] = []
        self._time = 0.0
        if self._data is not None:
            silence_simulator()
            members = sys.modules["mujoco"].mjtWarning.__members__
            self._counted = [
                (int(value), name)
                for name, value in members.items()
                if name.startswith("mjWARN_") and name not in _HARMLESS
            ]

    def start(self) -> None:
        """Begin an episode; call it right after ``env.reset``."""
        if self._data is not None:
            self._numbers, self._qpos, self._qvel = self._data.warning.number, self._data.qpos, self._data.qvel
            self._before = self._numbers.tolist()
            self._time = self._data.time

    def reason(self, observation: Any, reward: Any, action: Any = None) -> str | None:
        """Return why the step just taken diverged, or None; call it right after ``env.step``.

        Args:
            observation: what the step returned.
            reward: of the step.
            action: what was sent to the environment (checked when given).
        """
        if action is not None and not _finite(action):
            return f"the action is not finite ({first(action)})"
        if self._data is not None and (hidden := self._hidden()) is not None:
            return hidden
        if not math.isfinite(reward):
            return f"the reward is not a finite number ({reward})"
        if abs(reward) > LARGEST_REWARD:
            return f"the reward is beyond what can be summed ({reward:g})"
        if not _finite(observation):
            return f"the observation is not finite ({first(observation)})"
        return None

    def _hidden(self) -> str | None:
        numbers = self._numbers.tolist()
        if numbers != self._before:
            for index, name in self._counted:
                if numbers[index] != self._before[index] and numbers[index]:
                    kind = name.removeprefix("mjWARN_").lower()
                    return f"MuJoCo warned of {_WORDS.get(kind, kind)} ({name}) at {self._data.time:.3f} s"
        time = self._data.time
        if time < self._time:
            return f"the simulation reset itself: time went from {self._time:.3f} s back to {time:.3f} s"
        self._time = time
        if not _finite(self._qpos) or not _finite(self._qvel):
            return f"the state is not finite at {time:.3f} s"
        return None


_WORDS = {
    "inertia": "a singular inertia matrix",
    "contactfull": "too many contacts",
    "cnstrfull": "too many constraints",
    "badqpos": "a non-finite or huge position",
    "badqvel": "a non-finite or huge velocity",
    "badqacc": "a non-finite or huge acceleration",
    "badctrl": "a non-finite or huge control, and zeroed all controls",
}


def _finite(values: Any) -> bool:
    """Whether all are finite; a finite sum of squares says so sooner."""
    if isinstance(values, np.ndarray) and values.ndim == 1 and math.isfinite(values.dot(values)):
        return True
    return bool(np.isfinite(values).all())


def first(values: Any) -> str:
    """Which component is the first that is not finite."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    index = int(np.argmin(np.isfinite(flat)))
    return f"component {index} is {flat[index]}"


def silence_simulator() -> None:
    """Keep MuJoCo from writing ``MUJOCO_LOG.TXT`` into the current folder at a warning.

    The counters that :class:`Watch` reads are kept; a handler that someone else installed is left alone.
    """
    import mujoco

    if mujoco.get_mju_user_warning() is None:
        mujoco.set_mju_user_warning(_ignore)


def _ignore(message: str) -> None:
    """A warning: already counted in ``MjData.warning``."""
