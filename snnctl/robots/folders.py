"""Robot folders as Gymnasium ids: ``envs/balancer`` with ``version = 0`` is ``snnctl/Balancer-v0``."""

from __future__ import annotations

import re
from pathlib import Path

import gymnasium

from snnctl import config, library
from snnctl.errors import Problem, RobotError, SnnctlError
from snnctl.robots import task as task_module

NAMESPACE = "snnctl"


def camel_case(folder_name: str) -> str:
    """``two_wheel-balancer`` -> ``TwoWheelBalancer``."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", folder_name) if part)


def gym_id(folder: Path, version: int) -> str:
    """The id under which Gymnasium knows this folder."""
    return f"{NAMESPACE}/{camel_case(folder.name)}-v{version}"


def register(folder: Path) -> str:
    """Tell Gymnasium of one folder, replacing an earlier folder of the same id; return the id.

    Raises:
        ConfigError, RobotError: every problem of its ``task.toml``.
    """
    folder = folder.resolve()
    if not camel_case(folder.name):
        raise RobotError(Problem(str(folder), "has no letter or digit in its name", "rename the folder"))
    task = task_module.load(folder)
    name = gym_id(folder, task.version)
    spec = gymnasium.registry.get(name)
    kwargs = {"folder": str(folder)}
    if spec is None or spec.kwargs != kwargs or spec.max_episode_steps != task.max_episode_steps:
        gymnasium.registry.pop(name, None)
        gymnasium.register(
            name,
            entry_point="snnctl.robots.robot_env:RobotEnv",
            max_episode_steps=task.max_episode_steps,
            kwargs=kwargs,
        )
    return name


def register_all() -> dict[str, Path]:
    """Tell Gymnasium of every sound folder that the library finds; return id -> folder.

    A folder with mistakes is left out of the result; Gymnasium knows its id all the same, so that making it raises
    every mistake and not that nothing has this name.
    """
    found: dict[str, Path] = {}
    for entry in library.entries("env"):
        try:
            found.setdefault(register(entry.path), entry.path)
        except SnnctlError:
            name = gym_id(entry.path, _version(entry.path))
            if camel_case(entry.path.name) and name not in gymnasium.registry:
                kwargs = {"folder": str(entry.path.resolve())}
                gymnasium.register(name, entry_point="snnctl.robots.robot_env:RobotEnv", kwargs=kwargs)
    return found


def _version(folder: Path) -> int:
    """The version that a folder with mistakes means, 0 where that is among them."""
    try:
        version = config.read_toml(folder / task_module.TASK).get("version", 0)
    except SnnctlError:
        return 0
    return version if isinstance(version, int) and 0 <= version < 1000 else 0
