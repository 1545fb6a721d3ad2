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

from snnctl.robots.bounds import compiled_for, finite
from snnctl.robots.simulation import Simulation, mujoco_data

LARGEST_REWARD = 1e100  # of what can be summed and squared over any number of steps
_HARMLESS = {"mjWARN_VGEOMFULL"}  # too many geoms to draw; says nothing about the physics


class Watch:
    """Looks at an environment after each step and says whether, and why, the episode is worthless.

    Any Gymnasium environment can be watched; one whose ``unwrapped.data`` is a MuJoCo ``MjData``
    is watched from inside as well.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        self._env = env
        self.simulation: Simulation | None = None
        if mujoco_data(env) is not None:
            silence_simulator()

    def start(self) -> None:
        """Begin an episode; call it right after ``env.reset``."""
        data, known = mujoco_data(self._env), self.simulation
        if data is None:
            self.simulation = None
            return
        model = self._env.unwrapped.model  # type: ignore[attr-defined]
        if known is None or known.data is not data or known.model is not model:
            self.simulation = known = Simulation(model, data)
        known.start()

    def reason(self, observation: Any, reward: Any) -> str | None:
        """Return why the step just taken diverged, or None; call it once, right after ``env.step``.

        Args:
            observation: what the step returned.
            reward: of the step.
        """
        seen = compiled_for(observation)
        sound = finite(seen) if self.simulation is None else self.simulation.look(seen)
        if sound and -LARGEST_REWARD <= reward <= LARGEST_REWARD:
            return None
        return self._found(observation, reward)

    def _found(self, observation: Any, reward: Any) -> str | None:
        """Which of the faults it is, the physics' own first."""
        if self.simulation is not None and (hidden := _hidden(self.simulation)) is not None:
            return hidden
        if not math.isfinite(reward):
            return f"the reward is not a finite number ({reward})"
        if abs(reward) > LARGEST_REWARD:
            return f"the reward is beyond what can be summed ({reward:g})"
        if not np.isfinite(observation).all():
            return f"the observation is not finite ({first(observation)})"
        return None


def _hidden(simulation: Simulation) -> str | None:
    numbers, before = simulation.counters.tolist(), simulation.before.tolist()
    earlier, time = simulation.times
    for name, value in sys.modules["mujoco"].mjtWarning.__members__.items():
        if name.startswith("mjWARN_") and name not in _HARMLESS and numbers[value] != before[value] and numbers[value]:
            kind = name.removeprefix("mjWARN_").lower()
            return f"MuJoCo warned of {_WORDS.get(kind, kind)} ({name}) at {time:.3f} s"
    if time < earlier:
        return f"the simulation reset itself: time went from {earlier:.3f} s back to {time:.3f} s"
    if not finite(simulation.data.qpos) or not finite(simulation.data.qvel):
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
