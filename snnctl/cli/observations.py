"""Names and units of observations and actions, for figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from snnctl.errors import InputError, Problem, nearest


class Observed(NamedTuple):
    """One observation; its figure shows (observation - offset) / scale, in ``unit``."""

    label: str
    unit: str = ""
    offset: float = 0.0
    scale: float = 1.0


_CAR = (Observed("car position", "m"), Observed("car speed", "m/step"))  # it moves by its speed in a step

# Environments that do not tell themselves; cosines and sines have no unit.
_OBSERVATIONS = {
    "CartPole-v1": (
        Observed("cart position", "m"),
        Observed("cart speed", "m/s"),
        Observed("pole angle", "rad"),
        Observed("pole rate", "rad/s"),
    ),
    "InvertedPendulum-v5": (
        Observed("cart position", "m"),
        Observed("pole angle", "rad"),
        Observed("cart speed", "m/s"),
        Observed("pole rate", "rad/s"),
    ),
    "MountainCar-v0": _CAR,
    "MountainCarContinuous-v0": _CAR,
    "Pendulum-v1": (Observed("cos of angle"), Observed("sin of angle"), Observed("angular rate", "rad/s")),
    "Acrobot-v1": (
        Observed("cos of angle 1"),
        Observed("sin of angle 1"),
        Observed("cos of angle 2"),
        Observed("sin of angle 2"),
        Observed("rate 1", "rad/s"),
        Observed("rate 2", "rad/s"),
    ),
}
_CHOICES = {
    "CartPole-v1": ("push\nleft", "push\nright"),
    "MountainCar-v0": ("push\nleft", "coast", "push\nright"),
    "Acrobot-v1": ("-1 N m", "none", "+1 N m"),
}
_COMPONENTS = {
    "InvertedPendulum-v5": "push of the cart",
    "MountainCarContinuous-v0": "push of the car",
    "Pendulum-v1": "torque (N m)",
}
_PLANES = {"CartPole-v1": (2, 3)}  # what a map is over by default: where the pole decides


def known(env_id: str) -> bool:
    """Whether the names are in this file, so that nothing has to be told."""
    return env_id in _OBSERVATIONS


def named(env_id: str, size: int, told: Mapping[str, Any]) -> list[Observed]:
    """Every observation of an environment; numbered where nobody knows their names.

    Args:
        env_id: of the environment
        size: number of observations
        told: ``labels``, ``units``, ``offset`` and ``scale`` of a robot that tells them, or nothing
    """
    if len(_OBSERVATIONS.get(env_id, ())) == size:
        return list(_OBSERVATIONS[env_id])
    if "labels" not in told:
        return [Observed(f"observation {k}") for k in range(size)]
    columns = (told[name] for name in ("labels", "units", "offset", "scale"))
    return [
        Observed(str(label).replace("_", " "), str(unit), float(offset), float(scale))
        for label, unit, offset, scale in zip(*columns, strict=True)
    ]


def choices(env_id: str, size: int) -> list[str]:
    """Names of discrete actions."""
    return list(_CHOICES.get(env_id, [f"action {k}" for k in range(size)]))


def component(env_id: str, size: int) -> str:
    """Name of the first component of a continuous action."""
    return _COMPONENTS.get(env_id, "action" if size == 1 else f"action 0 of {size}")


def choose(names: str, labels: Sequence[str]) -> list[int]:
    """Numbers of the observations in ``names``, a list with commas of labels and numbers.

    Raises:
        InputError: one is neither.
    """
    chosen = []
    for name in (part.strip().replace("_", " ") for part in names.split(",")):
        if name.isdecimal() and int(name) < len(labels):
            chosen.append(int(name))
        elif name in labels:
            chosen.append(labels.index(name))
        else:
            allowed = nearest(name, labels) + f", or 0 to {len(labels) - 1}"
            raise InputError(Problem("--signals", f"'{name[:60]}' is not an observation", allowed))
    return chosen


def plane(names: str, env_id: str, labels: Sequence[str]) -> tuple[int, int]:
    """Numbers of the two observations that a map is over.

    Raises:
        InputError: ``names`` is not two different ones.
    """
    if not names:
        return _PLANES.get(env_id, (0, 1))
    chosen = choose(names, labels)
    if len(chosen) != 2 or chosen[0] == chosen[1]:
        remedy = f"write two of: {', '.join(labels)}"
        raise InputError(Problem("--signals", f"'{names[:60]}' is not two observations", remedy))
    return chosen[0], chosen[1]
