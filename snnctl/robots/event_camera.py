"""An event camera that watches a simulated robot.

:class:`EventCameraEnv` wraps any environment that draws: ``info["events"]`` of every step holds what the camera
saw since the step before, and observation and reward stay as they are. :class:`ModelView` draws one camera of a
MuJoCo model at the camera's own size, without shadows and reflections, which is many times faster than a large
picture with them. The model of the pixels is :mod:`snnctl.coding.event_camera`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from snnctl.coding import event_camera
from snnctl.coding.event_camera import CameraState, EventCamera, Sensor
from snnctl.coding.events import Events, empty
from snnctl.errors import InputError, OutputError, Problem, nearest
from snnctl.robots import environments, rendering

_INSTALL = "install one: `apt-get install libegl1 libgl1-mesa-dri` or `apt-get install libosmesa6`"


class ModelView:
    """Pictures (height, width, 3) of one camera of a MuJoCo model, with a drawing context of its own.

    Raises (on construction):
        InputError: the model has no such camera, or the size is not positive.
        OutputError: this machine cannot draw.
    """

    def __init__(self, model: Any, data: Any, camera: str | None = None, shape: tuple[int, int] = (64, 64)) -> None:
        """Prepare to draw ``camera`` (None: the free one) at ``shape`` (height, width)."""
        names = [model.camera(i).name for i in range(model.ncam)]
        if camera is not None and camera not in names:
            raise InputError(Problem("camera", f"'{camera}' is not one of the model's", nearest(camera, names)))
        if len(shape) != 2 or not all(1 <= k <= 4096 for k in shape):
            raise InputError(Problem("shape", f"is {shape}", "must be (height, width), each 1 ... 4096"))
        backend = rendering.choose_gl()
        if backend is None and sys.platform == "linux" and not {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
            # MuJoCo would end the process instead of raising
            raise OutputError(Problem("camera", "this machine cannot draw (no OpenGL)", _INSTALL))
        import mujoco
        from gymnasium.envs.mujoco.mujoco_rendering import OffScreenViewer

        scene = model.vis.global_
        scene.offheight, scene.offwidth = max(scene.offheight, shape[0]), max(scene.offwidth, shape[1])
        self._camera = -1 if camera is None else names.index(camera)
        # A thread has its own current context: drawing here leaves the one of env.render alone. Window systems
        # want the main thread, so without a headless backend everything stays in the caller's.
        self._thread = ThreadPoolExecutor(1, "model-view") if backend in rendering.CANDIDATES else None
        try:
            self._viewer = self._run(lambda: OffScreenViewer(model, data, shape[1], shape[0]))
        except Exception as error:  # PyOpenGL, GLFW and MuJoCo each fail with classes of their own
            message = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
            raise OutputError(
                Problem("camera", f"this machine cannot draw ({message})", "try snnctl doctor")
            ) from error
        for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
            self._viewer.scn.flags[flag] = 0

    def _run(self, call: Callable[[], Any]) -> Any:
        return call() if self._thread is None else self._thread.submit(call).result()

    def __call__(self) -> NDArray[np.uint8]:
        """The picture of the present state.  # (height, width, 3)"""
        return np.ascontiguousarray(self._run(self._draw))

    def _draw(self) -> Any:
        self._viewer.make_context_current()
        return self._viewer.render("rgb_array", camera_id=self._camera)

    def close(self) -> None:
        """Free the drawing context."""
        self._run(self._viewer.close)
        if self._thread is not None:
            self._thread.shutdown()


class EventCameraEnv(gymnasium.Wrapper[Any, Any, Any, Any]):
    """An environment with ``info["events"]``: a stream of :data:`snnctl.coding.events.EVENT`, empty after a reset.

    Times count from the last reset, so the events of step k lie in (k - 1, k] control steps. One picture is taken per
    control step: events between two pictures are spread over the interval as the model says, and what comes and goes
    within one is not seen. The fixed pattern of the pixels belongs to ``seed``; the noise in time starts anew with
    every reset, from the reset's seed where it has one, else from ``seed`` and the number of the reset.

    Attributes:
        sensor: the camera with its fixed pattern.
        state: what the camera remembers; None before the first reset. Set it to continue from a saved one, with
            ``steps``, the control steps since the reset.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        config: EventCamera | None = None,
        *,
        view: Callable[[], NDArray[np.uint8]] | None = None,
        seed: int = 0,
    ) -> None:
        """Watch ``env`` through ``view``, or through its own ``render`` where that is None.

        Raises:
            OutputError, MissingExtraError: the environment cannot be drawn.
        """
        super().__init__(env)
        self.state: CameraState | None = None
        self.steps = 0
        self._config = config if config is not None else EventCamera()
        self._view = view if view is not None else lambda: rendering.frame(env)
        self._seed, self._resets = seed, 0
        self._sensor: Sensor | None = None  # its shape is known after the first picture
        self._dt_s = environments.control_dt_s(env)

    @property
    def sensor(self) -> Sensor:
        """The camera; raises InputError before the first reset, when its shape is not known yet."""
        if self._sensor is None:
            raise InputError(Problem("sensor", "is not known before the first picture", "reset the environment first"))
        return self._sensor

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode; the first picture is the camera's reference."""
        observation, info = self.env.reset(seed=seed, options=options)
        picture = self._view()
        if self._sensor is None:
            self._sensor = event_camera.sensor(self._config, (picture.shape[0], picture.shape[1]), self._seed)
        noise = seed if seed is not None else self._seed + self._resets
        self.state = event_camera.initial(self._sensor, picture, 0.0, noise)
        self.steps = 0
        self._resets += 1
        return observation, {**info, "events": empty()}

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """One control step and the events it made.

        Raises:
            InputError: there was no reset.
        """
        if self.state is None:
            raise InputError(Problem("step", "comes before the first reset", "call reset"))
        observation, reward, terminated, truncated, info = self.env.step(action)
        self.steps += 1
        found: Events
        self.state, found = event_camera.step(self.sensor, self.state, self._view(), self.steps * self._dt_s)
        return observation, reward, terminated, truncated, {**info, "events": found}
