"""Pictures without a screen: choose an OpenGL that works here, and take a frame.

MuJoCo draws through EGL (GPU or Mesa's software), OSMesa (software) or a window system. Which of them
works can only be found out by trying, and a failed try spoils PyOpenGL for the rest of the process,
so each candidate is tried once in a process of its own.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from snnctl.errors import MissingExtraError, OutputError, Problem

CANDIDATES = ("egl", "osmesa")
_INSTALL = "install one: `apt-get install libegl1 libgl1-mesa-dri` or `apt-get install libosmesa6`"
_PROBE = "from mujoco.{name} import GLContext; c = GLContext(16, 16); c.make_current(); c.free()"
_TIMEOUT_S = 30.0


def choose_gl() -> str | None:
    """Set ``MUJOCO_GL`` to the first backend that works, unless the user has set it; return the choice.

    On macOS and Windows, and where a display is attached but no headless backend works, MuJoCo's own
    default is left alone. Returns None where nothing was found: environments that do not draw with OpenGL
    (CartPole) still can, and :func:`frame` explains the failure of those that do.
    """
    if chosen := os.environ.get("MUJOCO_GL"):
        return chosen
    if sys.platform != "linux":
        return None
    for name in CANDIDATES:
        if works(name):
            os.environ["MUJOCO_GL"] = name
            return name
    return None


@functools.cache
def works(name: str) -> bool:
    """Tell whether a context of this backend (``egl``, ``osmesa``) can be made on this machine."""
    environment = {**os.environ, "MUJOCO_GL": name}
    environment.pop("PYOPENGL_PLATFORM", None)
    try:
        probe = subprocess.run(
            [sys.executable, "-P", "-c", _PROBE.format(name=name)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return probe.returncode == 0


def frame(env: gymnasium.Env[Any, Any]) -> NDArray[np.uint8]:
    """One picture of the environment.  # (height, width, 3)

    Raises:
        MissingExtraError: the environment draws with a package that is not installed.
        OutputError: it was not made with ``render_mode="rgb_array"``, or this machine has no OpenGL.
    """
    where = env.spec.id if env.spec is not None else type(env.unwrapped).__name__
    if env.render_mode != "rgb_array":
        raise OutputError(Problem(where, f"draws in mode {env.render_mode!r}", "make it with render_mode='rgb_array'"))
    try:
        picture: Any = env.render()
    except gymnasium.error.DependencyNotInstalled as error:
        raise MissingExtraError(Problem(where, f"cannot be drawn ({str(error).strip().splitlines()[0]})")) from error
    except Exception as error:  # PyOpenGL, GLFW and MuJoCo each fail with classes of their own
        message = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
        raise OutputError(Problem(where, f"this machine cannot draw ({message})", _INSTALL)) from error
    if not isinstance(picture, np.ndarray):
        raise OutputError(Problem(where, "gave no picture", "its render_mode 'rgb_array' is not implemented"))
    return picture
