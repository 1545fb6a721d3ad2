"""A window that shows a MuJoCo robot while it runs, in real time."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import gymnasium as gym
from numpy.typing import NDArray

from snnctl.agent.controller import Controller
from snnctl.errors import InputError, Problem
from snnctl.loop.episode import Episode, Step
from snnctl.robots import environments


class Viewer:
    """An observer that keeps MuJoCo's viewer up to date and the loop at the robot's own speed."""

    def __init__(self) -> None:
        """Check that there is a screen.

        Raises:
            InputError: there is none.
        """
        require_display()
        self._dt_s = 0.0
        self._window: Any = None
        self._due_s = 0.0

    def start(self, controller: Controller, env: gym.Env[Any, Any], seed: int, observation: NDArray[Any]) -> None:
        """Open the window at the first episode.

        Raises:
            InputError: the environment is not a MuJoCo one.
        """
        model, data = getattr(env.unwrapped, "model", None), getattr(env.unwrapped, "data", None)
        if self._window is None:
            import mujoco
            import mujoco.viewer

            if not isinstance(data, mujoco.MjData):
                where = env.spec.id if env.spec is not None else "this environment"
                raise InputError(Problem(where, "is not a MuJoCo environment", "film it with --video instead"))
            self._window = mujoco.viewer.launch_passive(model, data)
        self._dt_s = environments.control_dt_s(env)
        self._due_s = time.monotonic()
        self._window.sync()

    def step(self, step: Step) -> None:
        """Draw the step when its time has come; a closed window ends the run as Ctrl-C does."""
        if not self._window.is_running():
            raise KeyboardInterrupt
        self._due_s = max(self._due_s + self._dt_s, time.monotonic() - 0.1)  # never hurry after a pause
        time.sleep(max(0.0, self._due_s - time.monotonic()))
        self._window.sync()

    def finish(self, episode: Episode) -> None:
        """Nothing: the window stays for the next episode."""

    def close(self) -> None:
        """Close the window."""
        if self._window is not None:
            self._window.close()


def require_display() -> None:
    """Raise InputError where no window can be opened."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise InputError(Problem("--view", "needs a screen and there is none", "film the episode with --video F.gif"))
