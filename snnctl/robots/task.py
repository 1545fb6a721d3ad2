"""The schema of ``task.toml``: what a robot senses, how it acts, what it is rewarded for, when it has failed.

A *quantity* is a number read from the simulation and given a name once; observations, rewards and
terminations all refer to quantities by that name. What cannot be said with the kinds below is a Python
function named by import path; nothing inside the folder is ever executed.
"""

from __future__ import annotations

import math
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, MaxLen, MinLen
from pydantic import Field

from snnctl import slots, stages
from snnctl.config import Seconds, schema
from snnctl.errors import Problem, RobotError, nearest

TASK = "task.toml"

Name = Annotated[str, MinLen(1), MaxLen(64)]
Vector = tuple[float, float, float]

# --------------------------------------------------------------------------- quantities


@schema
class SensorQuantity:
    """One component of a sensor of the MJCF: gyro, accelerometer, jointpos, framelinvel, velocimeter, ..."""

    kind: Literal["sensor"] = "sensor"
    sensor: Name
    component: Annotated[int, Ge(0)] = 0


@schema
class JointPositionQuantity:
    """Position of a hinge (rad) or slide (m) joint."""

    kind: Literal["joint_position"] = "joint_position"
    joint: Name


@schema
class JointVelocityQuantity:
    """Velocity of a hinge (rad/s) or slide (m/s) joint."""

    kind: Literal["joint_velocity"] = "joint_velocity"
    joint: Name


@schema
class BodyPositionQuantity:
    """World coordinate of a body's frame (m)."""

    kind: Literal["body_position"] = "body_position"
    body: Name
    axis: Literal["x", "y", "z"]


@schema
class BodyAngleQuantity:
    """Attitude of a body (rad): ``roll`` about its x, ``pitch`` about its y, ``yaw`` about the vertical.

    With R the rotation of the body: roll = atan2(R21, R22), pitch = atan2(-R20, R22), yaw = atan2(R10, R00).
    Roll and pitch do not depend on the heading; each is exact where the other is 0.
    """

    kind: Literal["body_angle"] = "body_angle"
    body: Name
    angle: Literal["roll", "pitch", "yaw"]


@schema
class BodyDistanceQuantity:
    """Horizontal distance of a body's frame from a point of the ground (m)."""

    kind: Literal["body_distance"] = "body_distance"
    body: Name
    point: tuple[float, float] = (0.0, 0.0)


@schema
class ControlQuantity:
    """What was last sent to an actuator, in the actuator's own unit."""

    kind: Literal["control"] = "control"
    actuator: Name


@schema
class PythonQuantity:
    """``function(model, data, **args) -> float``, named by import path: ``"mylab.terms:energy"``.

    It is called if its module is trusted (:mod:`snnctl.slots`) and it is marked by
    :func:`snnctl.robots.quantities.quantity`.
    """

    kind: Literal["python"] = "python"
    function: Annotated[Name, slots.PYTHON]
    args: dict[str, bool | int | float | str] = field(default_factory=dict)


Quantity = Annotated[
    SensorQuantity
    | JointPositionQuantity
    | JointVelocityQuantity
    | BodyPositionQuantity
    | BodyAngleQuantity
    | BodyDistanceQuantity
    | ControlQuantity
    | PythonQuantity,
    Field(discriminator="kind"),
]

# --------------------------------------------------------------------------- the objects made of them


@schema
class Observation:
    """One component: ``clip(scale * quantity + offset + noise * N(0, 1), low, high)``."""

    quantity: Name
    scale: float = 1.0
    offset: float = 0.0
    noise: Annotated[float, Ge(0)] = 0.0
    low: float = -10.0
    high: float = 10.0
    unit: str = ""


@schema
class Action:
    """One component: ``control = scale * clip(action, low, high) + offset`` of an actuator, held for a step."""

    actuator: Name
    scale: float = 1.0
    offset: float = 0.0
    low: float = -1.0
    high: float = 1.0
    unit: str = ""


Sigmoid = Literal["gaussian", "hyperbolic", "long_tail", "reciprocal", "cosine", "linear", "quadratic", "tanh_squared"]


@schema
class ToleranceReward:
    """1 while the quantity is within [low, high], falling to ``value_at_margin`` a ``margin`` outside.

    The term is ``floor + (1 - floor) * tolerance``: a floor keeps a minor wish from vetoing a product.
    """

    kind: Literal["tolerance"] = "tolerance"
    name: Name
    quantity: Name
    low: float = 0.0
    high: float = 0.0
    margin: Annotated[float, Ge(0)] = 0.0
    sigmoid: Sigmoid = "gaussian"
    value_at_margin: Annotated[float, Ge(0), Le(1)] = 0.1
    floor: Annotated[float, Ge(0), Le(1)] = 0.0
    weight: float = 1.0


@schema
class LinearReward:
    """The quantity itself; for sums only, because it is not bounded."""

    kind: Literal["linear"] = "linear"
    name: Name
    quantity: Name
    weight: float = 1.0


RewardTerm = Annotated[ToleranceReward | LinearReward, Field(discriminator="kind")]


@schema
class Reward:
    """``product`` of the terms (each in [0, 1]), or ``sum`` of weight * term; ``fall`` is added on termination."""

    combine: Literal["product", "sum"] = "product"
    fall: float = 0.0
    terms: tuple[RewardTerm, ...]


@schema
class Termination:
    """The episode has failed once the quantity leaves [low, high]; an absent bound does not bind."""

    name: Name
    quantity: Name
    low: float | None = None
    high: float | None = None


@schema
class JointReset:
    """Uniform noise of ± ``position`` and ± ``velocity`` on a hinge or slide joint."""

    kind: Literal["joint"] = "joint"
    joint: Name
    position: Annotated[float, Ge(0)] = 0.0
    velocity: Annotated[float, Ge(0)] = 0.0


@schema
class FreeReset:
    """Uniform noise on a free joint, half-widths: position (m), rotation about body x, y, z (rad), velocities."""

    kind: Literal["free"] = "free"
    joint: Name
    position: Vector = (0.0, 0.0, 0.0)
    rotation: Vector = (0.0, 0.0, 0.0)
    linear_velocity: Vector = (0.0, 0.0, 0.0)
    angular_velocity: Vector = (0.0, 0.0, 0.0)


@schema
class Reset:
    """Where an episode starts: the MJCF's own pose or a keyframe, plus noise."""

    keyframe: str = ""
    noise: tuple[Annotated[JointReset | FreeReset, Field(discriminator="kind")], ...] = ()


@schema
class Disturbance:
    """A push: ``impulse_ns / duration_s`` newtons on a body's centre of mass for ``duration_s``.

    The k-th push starts at ``first_s + k * every_s``. ``cycle`` takes the directions (world frame, made unit
    length) in turn, ``random`` draws one each time from the environment's own generator.
    """

    name: Name
    body: Name
    impulse_ns: Annotated[float, Gt(0)]
    duration_s: Annotated[Seconds, Gt(0)]
    every_s: Annotated[Seconds, Gt(0)]
    first_s: Annotated[Seconds, Ge(0)]
    directions: Annotated[tuple[Vector, ...], MinLen(1)]
    order: Literal["cycle", "random"] = "cycle"


@schema
class Clock:
    """``control_dt_s`` is one step of the environment; ``physics_dt_s`` divides it by an integer."""

    control_dt_s: Annotated[Seconds, Gt(0)]
    physics_dt_s: Annotated[Seconds, Gt(0)]
    max_episode_s: Annotated[Seconds, Gt(0)]

    @property
    def substeps(self) -> int:
        """Physics steps per control step."""
        return round(self.control_dt_s / self.physics_dt_s)


@schema
class Render:
    """The picture: a camera of the MJCF (empty: a free camera) and its size in pixels."""

    camera: str = ""
    width: Annotated[int, Ge(16), Le(4096)] = 640
    height: Annotated[int, Ge(16), Le(4096)] = 480


@schema
class RobotTask:
    """A whole ``task.toml``."""

    schema: Literal[1] = 1
    version: Annotated[int, Ge(0)] = 0
    description: str = ""
    xml: str = "robot.xml"
    clock: Clock
    quantities: dict[str, Quantity]
    observation: Annotated[tuple[Observation, ...], MinLen(1)]
    action: Annotated[tuple[Action, ...], MinLen(1)]
    reward: Reward
    termination: tuple[Termination, ...] = ()
    reset: Reset = Reset()
    disturbance: tuple[Disturbance, ...] = ()
    render: Render = Render()

    @property
    def max_episode_steps(self) -> int:
        """Control steps after which an episode is truncated."""
        return round(self.clock.max_episode_s / self.clock.control_dt_s)


def load(folder: Path) -> RobotTask:
    """Read ``task.toml`` of a robot folder.

    Raises:
        ConfigError: every mistake in its keys and values.
        RobotError: every contradiction between them.
    """
    path = folder / TASK
    if not path.is_file():
        raise RobotError(Problem(str(folder), f"has no {TASK}", "a robot is a folder with robot.xml and task.toml"))
    if not path.resolve().is_relative_to(folder.resolve()):
        raise RobotError(Problem(str(path), "is a link to a file outside the folder", "put the file itself there"))
    task = stages.load(RobotTask, path, lambda task: problems(task, str(path)))
    if found := problems(task, str(path)):
        raise RobotError(*found)
    return task


# --------------------------------------------------------------------------- contradictions

MAX_EPISODE_STEPS = 10_000_000
MAX_SUBSTEPS = 10_000


def problems(task: RobotTask, where: str) -> list[Problem]:
    """Contradictions inside a task; empty when it is sound. Names of the MJCF are checked with the model."""
    return [
        *_clock_problems(task.clock, f"{where}:clock"),
        *_reference_problems(task, where),
        *_bound_problems(task, where),
        *_reward_problems(task.reward, f"{where}:reward"),
        *_disturbance_problems(task, where),
    ]


def _multiple(whole: float, part: float) -> bool:
    ratio = whole / part
    return math.isfinite(ratio) and ratio >= 0.5 and abs(ratio - round(ratio)) < 1e-6 * ratio


def _clock_problems(clock: Clock, where: str) -> list[Problem]:
    found = []
    if not _multiple(clock.control_dt_s, clock.physics_dt_s):
        ratio = clock.control_dt_s / clock.physics_dt_s
        good = clock.control_dt_s / max(1, round(ratio) if math.isfinite(ratio) else 1)
        found.append(
            Problem(
                f"{where}.physics_dt_s",
                f"{clock.physics_dt_s:g} s does not divide control_dt_s = {clock.control_dt_s:g} s by an integer",
                f"try {good:g}",
            )
        )
    elif clock.substeps > MAX_SUBSTEPS:
        message = f"{clock.physics_dt_s:g} s makes {clock.substeps:g} physics steps of one control step"
        found.append(Problem(f"{where}.physics_dt_s", message, f"at most {MAX_SUBSTEPS}"))
    if not 1 <= clock.max_episode_s / clock.control_dt_s <= MAX_EPISODE_STEPS:
        found.append(
            Problem(
                f"{where}.max_episode_s",
                f"{clock.max_episode_s:g} s is not between 1 and {MAX_EPISODE_STEPS} control steps",
                "choose a length within them",
            )
        )
    return found


def _reference_problems(task: RobotTask, where: str) -> list[Problem]:
    used = [(f"observation.{i}", o.quantity) for i, o in enumerate(task.observation)]
    used += [(f"reward.terms.{i}", t.quantity) for i, t in enumerate(task.reward.terms)]
    used += [(f"termination.{i}", t.quantity) for i, t in enumerate(task.termination)]
    found = [
        Problem(f"{where}:{place}.quantity", f"'{name}' is not in [quantities]", nearest(name, task.quantities))
        for place, name in used
        if name not in task.quantities
    ]
    found += [
        Problem(f"{where}:quantities.{name}", "is used by no observation, reward or termination", "remove it")
        for name in sorted(set(task.quantities) - {name for _, name in used})
    ]
    for place, names in (
        ("reward.terms", [t.name for t in task.reward.terms]),
        ("termination", [t.name for t in task.termination]),
        ("disturbance", [d.name for d in task.disturbance]),
        ("action", [a.actuator for a in task.action]),
    ):
        found += [
            Problem(f"{where}:{place}", f"'{name}' occurs twice", "give each its own name")
            for name in sorted({n for n in names if names.count(n) > 1})
        ]
    return found


def _bound_problems(task: RobotTask, where: str) -> list[Problem]:
    pairs: list[tuple[str, Any, Any]] = [(f"observation.{i}", o.low, o.high) for i, o in enumerate(task.observation)]
    pairs += [(f"action.{i}", a.low, a.high) for i, a in enumerate(task.action)]
    found = [
        Problem(f"{where}:{place}", f"low = {low:g} is not below high = {high:g}", "swap or widen them")
        for place, low, high in pairs
        if not low < high
    ]
    for i, action in enumerate(task.action):
        if action.scale == 0:
            found.append(
                Problem(f"{where}:action.{i}.scale", "is 0, so the action does nothing", "give it another number")
            )
    for i, end in enumerate(task.termination):
        if end.low is None and end.high is None:
            found.append(
                Problem(
                    f"{where}:termination.{i}", "has neither low nor high, so it never ends an episode", "give it one"
                )
            )
        elif end.low is not None and end.high is not None and not end.low < end.high:
            found.append(
                Problem(f"{where}:termination.{i}", f"low = {end.low:g} is not below high = {end.high:g}", "swap them")
            )
    return found


def _reward_problems(reward: Reward, where: str) -> list[Problem]:
    found = [] if reward.terms else [Problem(f"{where}.terms", "is empty", "name at least one term")]
    for i, term in enumerate(reward.terms):
        place = f"{where}.terms.{i}"
        if reward.combine == "product" and (isinstance(term, LinearReward) or term.weight != 1.0):
            found.append(
                Problem(place, "a product takes tolerance terms without weight", 'use floor, or combine = "sum"')
            )
        if not isinstance(term, ToleranceReward):
            continue
        if term.low > term.high:
            found.append(Problem(place, f"low = {term.low:g} is above high = {term.high:g}", "swap them"))
        bounded = term.sigmoid in {"linear", "quadratic", "cosine"}
        if term.margin > 0 and (term.value_at_margin >= 1 or (term.value_at_margin == 0 and not bounded)):
            found.append(
                Problem(
                    f"{place}.value_at_margin",
                    f"{term.value_at_margin:g} is impossible for the sigmoid '{term.sigmoid}'",
                    "take 0.1",
                )
            )
    return found


def _disturbance_problems(task: RobotTask, where: str) -> list[Problem]:
    found = []
    for i, push in enumerate(task.disturbance):
        for key in ("duration_s", "every_s", "first_s"):
            value = getattr(push, key)
            if value > 0 and not _multiple(value, task.clock.control_dt_s):
                found.append(
                    Problem(
                        f"{where}:disturbance.{i}.{key}",
                        f"{value:g} s is not a multiple of control_dt_s = {task.clock.control_dt_s:g} s",
                        "round it to one",
                    )
                )
        if push.duration_s > push.every_s:
            found.append(Problem(f"{where}:disturbance.{i}.duration_s", "is longer than every_s", "shorten it"))
        found += [
            Problem(f"{where}:disturbance.{i}.directions.{k}", "has no length", "name an axis, such as [1, 0, 0]")
            for k, direction in enumerate(push.directions)
            if not math.hypot(*direction) > 0
        ]
    return found
