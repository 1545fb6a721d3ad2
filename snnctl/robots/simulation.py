"""A MuJoCo simulation between two steps: whether it is sound, and the states that it was in last.

MuJoCo keeps all that ``mjSTATE_INTEGRATION`` consists of, but the time, in one stretch of memory that begins with
``qpos``. That stretch is copied as it is after each step, by the same compiled call that looks at the numbers;
``mj_getState`` makes states of the copies when somebody asks.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from typing import Any

import gymnasium
import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.robots.bounds import finite

LENGTH = 100  # steps whose states, before and after, are kept

Floats = NDArray[np.float64]

# The arrays of mjSTATE_INTEGRATION, in the order of mujoco/mjxmacro.h, MJDATA_POINTERS.
_ARRAYS = (
    *("qpos", "qvel", "act", "history", "qacc_warmstart", "plugin_state", "ctrl", "qfrc_applied", "xfrc_applied"),
    *("eq_active", "mocap_pos", "mocap_quat", "userdata"),
)


class Simulation:
    """Looks at one ``MjData`` after each step."""

    def __init__(self, model: Any, data: Any) -> None:
        import mujoco

        self.model, self.data = model, data
        self.counters: NDArray[np.int32] = data.warning.number  # a view
        self.before = self.counters.copy()  # when the episode began
        self._memory, self._coordinates = _memory(data)
        self._kind = int(mujoco.mjtState.mjSTATE_INTEGRATION)
        self._ring = np.zeros((LENGTH + 1, self._memory.size + 1))  # the time is the last entry of a row
        self._nothing = np.zeros(0)
        self._look = functools.partial(_look, self._memory, self._ring, self.counters, self.before, self._coordinates)

    def start(self) -> None:
        """An episode begins."""
        self.before[:] = self.counters
        self._ring[-1, -1] = self.data.time
        self._looks = 0
        self._look(0, self.data.time, self._nothing)

    def look(self, observation: NDArray[Any]) -> bool:
        """Keep the state, and say whether no warning was counted, time did not run back and all numbers are finite.

        ``observation`` is what the step gave, of float32 or float64.
        """
        self._looks += 1
        return self._look(self._looks, self.data.time, observation)

    @property
    def times(self) -> tuple[float, float]:
        """Of the look before the newest, and of the newest."""
        before, newest = ((self._looks - back) % (LENGTH + 1) for back in (1, 0))
        return float(self._ring[before, -1]), float(self._ring[newest, -1])

    def states(self) -> Floats:
        """``mjSTATE_INTEGRATION`` at the newest looks, LENGTH + 1 at most, the oldest first.  # (looks, n)

        Of a MuJoCo whose states have other parts than those known here, none: (0, 0).
        """
        import mujoco

        size = mujoco.mj_stateSize(self.model, self._kind)
        if size != 1 + sum(getattr(self.data, name).size for name in _ARRAYS):
            return np.zeros((0, 0))
        kept = range(max(0, self._looks - LENGTH), self._looks + 1)
        states, copy = np.zeros((len(kept), size)), mujoco.MjData(self.model)
        memory, _ = _memory(copy)
        for state, look in zip(states, kept, strict=True):
            row = self._ring[look % (LENGTH + 1)]
            memory[:], copy.time = row[:-1], row[-1]
            mujoco.mj_getState(self.model, copy, state, self._kind)
        return states


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


def _memory(data: Any) -> tuple[Floats, int]:
    """The stretch of memory that holds the state, as numbers, and how many of them positions and velocities take."""
    arrays = [array for array in (getattr(data, name) for name in _ARRAYS) if array.size]  # empty ones lie anywhere
    start = min(array.ctypes.data for array in arrays)
    end = max(array.ctypes.data + array.nbytes for array in arrays)
    words = -(-(end - start) // 8)
    memory = np.frombuffer((ctypes.c_double * words).from_address(start))
    return memory, (data.qvel.ctypes.data + data.qvel.nbytes - start) // 8 if data.qvel.size else 0


@njit(cache=True, error_model="numpy")
def _look(
    memory: Any, ring: Any, counters: Any, before: Any, coordinates: Any, number: Any, now: Any, observation: Any
) -> bool:
    """Keep look ``number`` in its row of the ring; compare it with the one before and with the episode's begin."""
    row, last = ring[number % ring.shape[0]], ring[(number - 1) % ring.shape[0]]
    row[: memory.size] = memory
    row[memory.size] = now
    sound = now >= last[memory.size]
    for j in range(counters.size):
        sound &= counters[j] == before[j]
    return sound and finite(memory[:coordinates]) and finite(observation)
