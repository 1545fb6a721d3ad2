"""Quantities: named numbers read from a MuJoCo simulation.

Each builder takes the model, the data and its table of ``task.toml``, finds the address once, and
returns a function without arguments that reads the number as it is now. MuJoCo's arrays never move,
so a bound ``item`` of a view is the whole cost of most of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import mujoco

from snnctl import slots
from snnctl.errors import Problem, RobotError, nearest
from snnctl.robots import task as spec

Read = Callable[[], float]
Function = TypeVar("Function", bound=Callable[..., Any])

_MARK = "snnctl_quantity"
_MARKED = object()


def quantity(function: Function) -> Function:
    """Decorator: ``task.toml`` may call this function, ``function(model, data, **args) -> float``.

    It must depend on its arguments alone. A function without this mark is never called by a robot, because any function
    of a trusted module could be named, one that writes files too.
    """
    setattr(function, _MARK, _MARKED)
    return function


_AXES = {"x": 0, "y": 1, "z": 2}
_SCALAR_JOINTS = {int(mujoco.mjtJoint.mjJNT_HINGE), int(mujoco.mjtJoint.mjJNT_SLIDE)}

_OBJECTS = {
    "sensor": mujoco.mjtObj.mjOBJ_SENSOR,
    "joint": mujoco.mjtObj.mjOBJ_JOINT,
    "body": mujoco.mjtObj.mjOBJ_BODY,
    "actuator": mujoco.mjtObj.mjOBJ_ACTUATOR,
    "camera": mujoco.mjtObj.mjOBJ_CAMERA,
    "keyframe": mujoco.mjtObj.mjOBJ_KEY,
}


class UnknownNameError(ValueError):
    """A name of ``task.toml`` that the MJCF does not have; ``problem`` says where and the nearest one."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def names(model: Any, kind: str) -> list[str]:
    """All names of a kind (``sensor``, ``joint``, ``body``, ``actuator``, ``camera``, ``keyframe``) in the model."""
    count = {
        "sensor": model.nsensor,
        "joint": model.njnt,
        "body": model.nbody,
        "actuator": model.nu,
        "camera": model.ncam,
        "keyframe": model.nkey,
    }[kind]
    found = [mujoco.mj_id2name(model, _OBJECTS[kind], i) for i in range(count)]
    return [name for name in found if name]


def index(model: Any, kind: str, name: str, where: str) -> int:
    """Index of a named object.

    Raises:
        UnknownNameError: the model has no such object.
    """
    found = int(mujoco.mj_name2id(model, _OBJECTS[kind], name))
    if found < 0:
        remedy = nearest(name, names(model, kind))
        raise UnknownNameError(Problem(where, f"the MJCF has no {kind} '{name}'", remedy))
    return found


def build(quantity: Any, model: Any, data: Any, where: str) -> Read:
    """Bind one quantity to a simulation; ``where`` names it in errors.

    Raises:
        UnknownNameError: it names something that the model or Python does not have.
    """
    return _BUILDERS[type(quantity)](quantity, model, data, where)


def sensor(quantity: spec.SensorQuantity, model: Any, data: Any, where: str) -> Read:
    """``sensordata[address + component]``."""
    i = index(model, "sensor", quantity.sensor, f"{where}.sensor")
    size = int(model.sensor_dim[i])
    if quantity.component >= size:
        message = f"sensor '{quantity.sensor}' has {size} components, so {quantity.component} is not one of them"
        raise UnknownNameError(Problem(f"{where}.component", message, f"take 0 to {size - 1}"))
    return partial(data.sensordata.item, int(model.sensor_adr[i]) + quantity.component)


def joint_position(quantity: spec.JointPositionQuantity, model: Any, data: Any, where: str) -> Read:
    """``qpos`` of a hinge or slide."""
    return partial(data.qpos.item, int(model.jnt_qposadr[scalar_joint(model, quantity.joint, where)]))


def joint_velocity(quantity: spec.JointVelocityQuantity, model: Any, data: Any, where: str) -> Read:
    """``qvel`` of a hinge or slide."""
    return partial(data.qvel.item, int(model.jnt_dofadr[scalar_joint(model, quantity.joint, where)]))


def scalar_joint(model: Any, name: str, where: str) -> int:
    """Index of a joint with one degree of freedom; UnknownNameError when it is absent or has more."""
    i = index(model, "joint", name, f"{where}.joint")
    if int(model.jnt_type[i]) not in _SCALAR_JOINTS:
        message = f"joint '{name}' is not a hinge or a slide"
        raise UnknownNameError(Problem(f"{where}.joint", message, "read a free or ball joint through sensors"))
    return i


def body_position(quantity: spec.BodyPositionQuantity, model: Any, data: Any, where: str) -> Read:
    """``xpos[body, axis]``."""
    i = index(model, "body", quantity.body, f"{where}.body")
    return partial(data.xpos.item, 3 * i + _AXES[quantity.axis])


def body_angle(quantity: spec.BodyAngleQuantity, model: Any, data: Any, where: str) -> Read:
    """``atan2`` of two elements of the body's rotation matrix, row-major in ``xmat``."""
    first = 9 * index(model, "body", quantity.body, f"{where}.body")
    element, atan2 = data.xmat.item, math.atan2

    def roll() -> float:
        return atan2(element(first + 7), element(first + 8))

    def pitch() -> float:
        return atan2(-element(first + 6), element(first + 8))

    def yaw() -> float:
        return atan2(element(first + 3), element(first))

    return {"roll": roll, "pitch": pitch, "yaw": yaw}[quantity.angle]


def body_distance(quantity: spec.BodyDistanceQuantity, model: Any, data: Any, where: str) -> Read:
    """``hypot(x - x0, y - y0)``."""
    first = 3 * index(model, "body", quantity.body, f"{where}.body")
    element, hypot = data.xpos.item, math.hypot
    x0, y0 = quantity.point
    return lambda: hypot(element(first) - x0, element(first + 1) - y0)


def control(quantity: spec.ControlQuantity, model: Any, data: Any, where: str) -> Read:
    """``ctrl[actuator]``."""
    return partial(data.ctrl.item, index(model, "actuator", quantity.actuator, f"{where}.actuator"))


def python(quantity: spec.PythonQuantity, model: Any, data: Any, where: str) -> Read:
    """A function named by import path and marked as a quantity, called with (model, data, **args)."""
    path, where = quantity.function, f"{where}.function"
    if slots.stays_unresolved(path):
        return partial(_unread, where, path)
    try:
        if ":" in path:
            slots.require_trust(path)
        function = slots.imported(path)
    except ValueError as error:
        raise UnknownNameError(Problem(where, str(error))) from error
    if getattr(function, _MARK, None) is not _MARKED:
        message = f"'{path}' is not marked as a quantity, so a robot may not call it"
        raise UnknownNameError(Problem(where, message, "put @snnctl.robots.quantities.quantity before your function"))
    call = partial(function, model, data, **quantity.args)
    return lambda: float(call())


def _unread(where: str, path: str) -> float:
    """A quantity whose function was not imported."""
    raise RobotError(Problem(where, f"'{path}' was not imported, so it cannot be read"))


_BUILDERS: dict[type, Callable[[Any, Any, Any, str], Read]] = {
    spec.SensorQuantity: sensor,
    spec.JointPositionQuantity: joint_position,
    spec.JointVelocityQuantity: joint_velocity,
    spec.BodyPositionQuantity: body_position,
    spec.BodyAngleQuantity: body_angle,
    spec.BodyDistanceQuantity: body_distance,
    spec.ControlQuantity: control,
    spec.PythonQuantity: python,
}
