"""A robot folder as a Gymnasium environment.

One step: clip the action and set the controls, push if a disturbance is due, run ``substeps`` physics
steps, read every quantity once, and make from them the observation, the reward and the end.

The last physics step of a control step is split (``mj_step2``, n - 1 whole steps, ``mj_step1``), as in
dm_control, so positions and velocities, sensors included, are those at the end of the step and not one
physics step old. Accelerometers and force sensors belong to the beginning of the last physics step.

Same seed, same actions: same bits, on one machine with one MuJoCo version.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import mujoco
import numpy as np
from gymnasium import spaces
from gymnasium.utils import EzPickle
from numpy.typing import NDArray

from snnctl.errors import Problem, RobotError
from snnctl.robots import mjcf, quantities, rendering
from snnctl.robots import task as spec
from snnctl.robots.bounds import drive, observe
from snnctl.robots.tolerance import tolerance

Floats = NDArray[np.float64]


class RobotEnv(gymnasium.Env[Floats, Any], EzPickle):
    """The environment of one robot folder.

    Attributes:
        task: its ``task.toml``.
        model: MuJoCo's ``MjModel``; data: its ``MjData``.
        control_dt_s: simulated seconds per step.

    Raises (on construction):
        ConfigError, RobotError: every problem of the folder.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 50}  # noqa: RUF012 (as in gymnasium.Env)

    def __init__(self, folder: str | Path, render_mode: str | None = None) -> None:
        EzPickle.__init__(self, folder, render_mode)
        self.folder = Path(folder)
        self.task = task = spec.load(self.folder)
        where = str(self.folder / spec.TASK)
        self.model = mjcf.load(self.folder, task.xml)
        self.model.opt.timestep = task.clock.physics_dt_s
        self.data = mujoco.MjData(self.model)
        self.control_dt_s = task.clock.control_dt_s
        self.render_mode = render_mode
        self.metadata = {**type(self).metadata, "render_fps": max(1, round(1 / self.control_dt_s))}
        self._substeps = task.clock.substeps
        self._renderer: Any = None

        parts = _Binder(task, self.model, self.data, where)
        self._reads = parts.reads
        self._actuators = parts.actuators
        self._pushes = parts.pushes
        self._keyframe = parts.keyframe
        self._starts = parts.starts
        if parts.problems:
            raise RobotError(*parts.problems)

        names = list(task.quantities)
        self._sources = [names.index(o.quantity) for o in task.observation]
        seen = [(o.low, o.high, o.scale, o.offset) for o in task.observation]
        self._seen = np.array(seen, np.float64).T.copy()  # (4, observations)
        noise = np.array([o.noise for o in task.observation])
        self._noise = noise if noise.any() else None
        self._no_noise = np.zeros(0)
        self._terms = [_reward_term(term, names.index(term.quantity)) for term in task.reward.terms]
        self._product = task.reward.combine == "product"
        self._ends = [
            (
                names.index(t.quantity),
                -math.inf if t.low is None else t.low,
                math.inf if t.high is None else t.high,
                t.name,
            )
            for t in task.termination
        ]
        self._action_low = np.array([a.low for a in task.action])  # (actions,)
        self._action_high = np.array([a.high for a in task.action])
        done = [(a.low, a.high, a.scale, a.offset) for a in task.action]
        self._done = np.array(done, np.float64).T.copy()  # (4, actions)
        self.observation_space = spaces.Box(self._seen[0], self._seen[1], dtype=np.float64)
        self.action_space = spaces.Box(
            self._action_low.astype(np.float32), self._action_high.astype(np.float32), dtype=np.float32
        )
        self._controls = self.data.ctrl  # a view
        self._steps = 0

    @property
    def clipped(self) -> list[Problem]:
        """Every action whose limits reach beyond its actuator's ``ctrlrange``, where MuJoCo clips without a word."""
        found = []
        ends = np.stack([self._action_low, self._action_high]) * self._done[2] + self._done[3]
        lows, highs = ends.min(axis=0), ends.max(axis=0)  # (actions,), a scale may be negative
        for i, (index, low, high) in enumerate(zip(self._actuators, lows, highs, strict=True)):
            least, most = self.model.actuator_ctrlrange[index]
            slack = 1e-6 * max(1.0, abs(least), abs(most))
            if self.model.actuator_ctrllimited[index] and (low < least - slack or high > most + slack):
                name = self.task.action[i].actuator
                message = f"controls '{name}' from {low:g} to {high:g}, its ctrlrange is {least:g} to {most:g}"
                remedy = "narrow low and high, change scale and offset, or widen ctrlrange in the MJCF"
                found.append(Problem(f"{self.folder / spec.TASK}:action.{i}", message, remedy))
        return found

    @property
    def dt(self) -> float:
        """``control_dt_s`` under the name that Gymnasium's MuJoCo environments use."""
        return self.control_dt_s

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Floats, dict[str, Any]]:
        """Start an episode from the resting pose (or keyframe) plus the declared noise."""
        super().reset(seed=seed)
        if self._keyframe < 0:
            mujoco.mj_resetData(self.model, self.data)
        else:
            mujoco.mj_resetDataKeyframe(self.model, self.data, self._keyframe)
        for start in self._starts:
            start(self.np_random)
        mujoco.mj_forward(self.model, self.data)
        self._steps = 0
        for push in self._pushes:
            push.start()
        return self._observe([read() for read in self._reads]), {}

    def step(self, action: Any) -> tuple[Floats, float, bool, bool, dict[str, Any]]:
        """Advance by ``control_dt_s``. A non-finite action reaches MuJoCo as it is; ``divergence.Watch`` sees it.

        Raises:
            ValueError: the action has another shape than the action space.
        """
        controls = np.asarray(action, dtype=np.float64)
        if controls.shape != self._action_low.shape:
            raise ValueError(f"an action has shape {self._action_low.shape}, not {controls.shape}")
        drive(controls, self._done, self._actuators, self._controls)
        for push in self._pushes:
            push.apply(self._steps, self.np_random)

        mujoco.mj_step2(self.model, self.data)
        if self._substeps > 1:
            mujoco.mj_step(self.model, self.data, self._substeps - 1)
        mujoco.mj_step1(self.model, self.data)
        self._steps += 1

        values = [read() for read in self._reads]
        info: dict[str, Any] = {}
        reward = 1.0 if self._product else 0.0
        for name, source, value in self._terms:
            info[name] = part = value(values[source])
            reward = reward * part if self._product else reward + part
        terminated = False
        for source, low, high, name in self._ends:
            if not low <= values[source] <= high:
                terminated, info["termination"] = True, name
                reward += self.task.reward.fall
                break
        return self._observe(values), reward, terminated, False, info

    def _observe(self, values: list[float]) -> Floats:
        observation: Floats = np.array([values[i] for i in self._sources])  # (observations,)
        noise = self._no_noise
        if self._noise is not None:
            noise = self._noise * self.np_random.standard_normal(len(observation))
        observe(observation, self._seen, noise)
        return observation

    def render(self) -> Any:
        """The picture of the camera that ``task.toml`` names.  # (height, width, 3) uint8"""
        if self.render_mode is None:
            return None
        if self._renderer is None:
            if self.render_mode == "rgb_array":
                rendering.choose_gl()
            from gymnasium.envs.mujoco.mujoco_rendering import MujocoRenderer

            picture = self.task.render
            scene = self.model.vis.global_
            scene.offwidth = max(scene.offwidth, picture.width)
            scene.offheight = max(scene.offheight, picture.height)
            self._renderer = MujocoRenderer(
                self.model,
                self.data,
                width=picture.width,
                height=picture.height,
                camera_name=picture.camera or None,
                camera_id=None if picture.camera else -1,
            )
        return self._renderer.render(self.render_mode)

    def close(self) -> None:
        """Free the drawing context."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


class _Push:
    """A disturbance: sets ``xfrc_applied`` of its body at the step it starts and clears it when it ends."""

    def __init__(self, push: spec.Disturbance, body: int, data: Any, control_dt_s: float) -> None:
        self._force = data.xfrc_applied[body, :3]  # (3,), a view
        directions = np.array(push.directions, dtype=np.float64)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        self._forces = directions * (push.impulse_ns / push.duration_s)  # (directions, 3) N
        self._every = round(push.every_s / control_dt_s)
        self._first = round(push.first_s / control_dt_s)
        self._duration = round(push.duration_s / control_dt_s)
        self._random = push.order == "random"
        self._current = np.zeros(3)

    def start(self) -> None:
        self._current = np.zeros(3)

    def apply(self, step: int, generator: np.random.Generator) -> None:
        phase = (step - self._first) % self._every
        if step < self._first or phase > self._duration:
            return
        if phase == 0:
            count = len(self._forces)
            turn = int(generator.integers(count)) if self._random else (step - self._first) // self._every % count
            self._force += self._forces[turn] - self._current
            self._current = self._forces[turn]
        elif phase == self._duration:
            self._force -= self._current
            self._current = np.zeros(3)


class _Binder:
    """Binds the names of a task to a model, collecting every problem instead of stopping at the first."""

    def __init__(self, task: spec.RobotTask, model: Any, data: Any, where: str) -> None:
        self.problems: list[Problem] = []
        self._model, self._data, self._where = model, data, where
        if model.opt.integrator == mujoco.mjtIntegrator.mjINT_RK4:
            self.problems.append(
                Problem(f"{where}:xml", "its MJCF asks for integrator RK4", 'use "implicitfast" or "Euler"')
            )
        self.reads = [
            read
            for name, quantity in task.quantities.items()
            if (read := self._try(quantities.build, quantity, model, data, f"{where}:quantities.{name}"))
        ]
        self.actuators = np.array(
            [self._index("actuator", a.actuator, f"action.{i}.actuator") for i, a in enumerate(task.action)]
        )
        self.keyframe = self._index("keyframe", task.reset.keyframe, "reset.keyframe") if task.reset.keyframe else -1
        self.starts = [
            start for i, n in enumerate(task.reset.noise) if (start := self._try(self._start, n, f"reset.noise.{i}"))
        ]
        self.pushes = [
            _Push(push, self._index("body", push.body, f"disturbance.{i}.body"), data, task.clock.control_dt_s)
            for i, push in enumerate(task.disturbance)
        ]
        if task.render.camera:
            self._index("camera", task.render.camera, "render.camera")

    def _try(self, call: Callable[..., Any], *args: Any) -> Any:
        try:
            return call(*args)
        except quantities.UnknownNameError as error:
            self.problems.append(error.problem)
            return None

    def _index(self, kind: str, name: str, key: str) -> int:
        return self._try(quantities.index, self._model, kind, name, f"{self._where}:{key}") or 0

    def _start(self, noise: Any, key: str) -> Callable[[np.random.Generator], None]:
        where = f"{self._where}:{key}"
        if isinstance(noise, spec.JointReset):
            i = quantities.scalar_joint(self._model, noise.joint, where)
            return _joint_start(noise, self._data, self._model.jnt_qposadr[i], self._model.jnt_dofadr[i])
        i = quantities.index(self._model, "joint", noise.joint, f"{where}.joint")
        if self._model.jnt_type[i] != mujoco.mjtJoint.mjJNT_FREE:
            message = f"joint '{noise.joint}' is not free"
            raise quantities.UnknownNameError(Problem(f"{where}.joint", message, 'use kind = "joint"'))
        return _free_start(noise, self._data, self._model.jnt_qposadr[i], self._model.jnt_dofadr[i])


def _joint_start(noise: spec.JointReset, data: Any, q: int, v: int) -> Callable[[np.random.Generator], None]:
    def start(generator: np.random.Generator) -> None:
        data.qpos[q] += generator.uniform(-noise.position, noise.position)
        data.qvel[v] += generator.uniform(-noise.velocity, noise.velocity)

    return start


def _free_start(noise: spec.FreeReset, data: Any, q: int, v: int) -> Callable[[np.random.Generator], None]:
    half = np.array([*noise.position, *noise.rotation, *noise.linear_velocity, *noise.angular_velocity])  # (12,)

    def start(generator: np.random.Generator) -> None:
        drawn = generator.uniform(-half, half)
        data.qpos[q : q + 3] += drawn[:3]
        mujoco.mju_quatIntegrate(data.qpos[q + 3 : q + 7], drawn[3:6], 1.0)  # a rotation vector, body axes
        data.qvel[v : v + 6] += drawn[6:]

    return start


def _reward_term(term: Any, source: int) -> tuple[str, int, Callable[[float], float]]:
    """Key in ``info``, index of the quantity, and the function from the quantity to the term's share."""
    weight = term.weight
    if isinstance(term, spec.LinearReward):
        return f"reward/{term.name}", source, lambda x: weight * x
    curve = tolerance(term.low, term.high, term.margin, term.sigmoid, term.value_at_margin)
    floor, rest = term.floor, 1 - term.floor
    if weight == 1.0 and floor == 0.0:
        return f"reward/{term.name}", source, curve
    return f"reward/{term.name}", source, lambda x: weight * (floor + rest * curve(x))
