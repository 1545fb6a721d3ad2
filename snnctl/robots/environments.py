"""Environments by name, and what a spiking controller must know of them: sizes, limits, clock.

Three kinds of name: the folder of a robot in ``envs/`` (``balancer``, or a path), a Gymnasium id
(``CartPole-v1``, ``snnctl/Balancer-v0``), and Gymnasium's ``module:Env-v0`` for third-party ones,
which imports ``module``.

Supported spaces: observations are a one-dimensional ``Box``; actions are a one-dimensional ``Box``
with finite bounds, or ``Discrete`` starting at 0.
"""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from snnctl import library, slots
from snnctl.agent.description import Task
from snnctl.errors import InputError, MissingExtraError, NotFoundError, Problem, RobotError, SnnctlError, SpaceError
from snnctl.errors import nearest as nearest_name
from snnctl.robots import folders, rendering
from snnctl.robots.divergence import silence_simulator

DEFAULT_CONTROL_DT_S = 0.02  # where an environment has no clock at all: 50 Hz, a common control rate

_SUPPORTED_OBSERVATIONS = "a spiking encoder takes a one-dimensional Box"
_SUPPORTED_ACTIONS = "supported are a one-dimensional Box with finite bounds and Discrete starting at 0"
_MAX_PATH_CHARS = 1000  # asking the file system about a longer name is an error
_FLATTEN = "wrap it in gymnasium.wrappers.FlattenObservation"


def make(env_id: str, **kwargs: Any) -> gymnasium.Env[Any, Any]:
    """Make the environment that ``env_id`` names.

    Args:
        env_id: folder name or path, Gymnasium id, or ``module:id``.
        **kwargs: passed on; ``render_mode="rgb_array"`` also chooses a headless GL.

    Raises:
        NotFoundError: nothing has this name; the message has the nearest name.
        InputError: the environment refuses an argument, or its module cannot be imported.
        RobotError: the robot's folder is wrong, or the environment fails while it is made.
        MissingExtraError: a package that the environment needs is not installed.
        OutputError: pictures were asked for and this machine can draw none.
    """
    gym_id = _gym_id(env_id)
    if "snnctl/" not in gym_id:
        _refuse_unknown(gym_id)
    if kwargs.get("render_mode") == "rgb_array":
        rendering.choose_gl()
    env = _make(env_id, gym_id, kwargs)
    mode = kwargs.get("render_mode")
    modes = env.metadata.get("render_modes", [])
    if mode is not None and mode not in modes:
        env.close()
        raise InputError(Problem(env_id, f"has no render mode '{mode}'", nearest_name(str(mode), modes)))
    if "mujoco" in sys.modules:
        silence_simulator()
    return env


def _make(env_id: str, gym_id: str, kwargs: dict[str, Any]) -> gymnasium.Env[Any, Any]:
    try:
        # Gymnasium's passive checker looks at the first step alone; divergence.Watch looks at all of them.
        return gymnasium.make(gym_id, disable_env_checker=True, **kwargs)
    except SnnctlError:
        raise
    except gymnasium.error.DependencyNotInstalled as error:
        raise MissingExtraError(Problem(env_id, _line(error))) from error
    except (gymnasium.error.UnregisteredEnv, gymnasium.error.DeprecatedEnv) as error:
        raise NotFoundError(Problem(env_id, "does not exist", _line(error))) from error
    except ImportError as error:
        raise MissingExtraError(Problem(env_id, f"cannot be imported ({_line(error)})")) from error
    except TypeError as error:
        if "unexpected keyword argument" in str(error):
            name = str(error).split("unexpected keyword argument", 1)[1].split("'")[1]
            raise InputError(
                Problem(env_id, f"does not take the argument '{name}'", "remove it from env.kwargs")
            ) from error
        raise RobotError(Problem(env_id, f"cannot be made ({_line(error)})")) from error
    except Exception as error:  # whatever a stranger's constructor raises is one line here, its traceback is the cause
        raise RobotError(Problem(env_id, f"cannot be made ({type(error).__name__}: {_line(error)})")) from error


def _gym_id(env_id: str) -> str:
    """Register what has to be registered for ``env_id`` and return the id that Gymnasium knows."""
    name = env_id.removeprefix("snnctl.robots:")
    if name.startswith("snnctl/"):
        registered = folders.register_all()
        if name not in registered:
            _refuse_robot(name)
        return name
    if not name.strip():
        raise NotFoundError(Problem("environment", "has an empty name", "see `snnctl list envs`"))
    if (len(name) < _MAX_PATH_CHARS and Path(name).is_dir()) or name in {
        entry.name for entry in library.entries("env")
    }:
        return folders.register(library.find("env", name).path)
    return name


def _refuse_robot(name: str) -> None:
    """No sound folder gives this id: show the problems of the folder that was meant, or the nearest id."""
    meant = name.removeprefix("snnctl/").rpartition("-v")[0]
    for entry in library.entries("env"):
        if folders.camel_case(entry.name) == meant:
            folders.register(entry.path)  # raises when the folder is wrong
    known = sorted(folders.register_all())
    raise NotFoundError(Problem(f"environment '{name[:80]}'", "does not exist", nearest_name(name, known)))


def _refuse_unknown(gym_id: str) -> None:
    where = f"environment '{gym_id[:80]}'"
    module, colon, name = gym_id.rpartition(":")
    if colon:
        try:
            if module != gymnasium.__name__:  # it is imported in any case
                slots.require_trust(gym_id)
        except ValueError as error:
            raise InputError(Problem(where, str(error))) from None
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise InputError(
                Problem(where, f"module '{module}' cannot be imported ({_line(error)})", "install it first")
            ) from error
        except Exception as error:
            raise RobotError(
                Problem(where, f"importing '{module}' failed ({type(error).__name__}: {_line(error)})")
            ) from error
    if name in gymnasium.registry:
        return
    names = [*gymnasium.registry, *(entry.name for entry in library.entries("env"))]
    family = name.rpartition("-v")[0] or name
    versions = [known for known in names if known.rpartition("-v")[0] == family]
    remedy = f"did you mean '{versions[-1]}'?" if versions else nearest_name(name, names)
    if remedy.startswith("allowed"):
        remedy = "give a Gymnasium id such as CartPole-v1 or a folder of envs/; see `snnctl list envs`"
    raise NotFoundError(Problem(where, "does not exist", remedy))


def _line(error: BaseException) -> str:
    """First line of a message."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


def task(
    env: gymnasium.Env[Any, Any], env_id: str, env_kwargs: Mapping[str, bool | int | float | str] | None = None
) -> Task:
    """Describe the environment, which was made as ``make(env_id, **env_kwargs)``, as an agent's task.

    Raises:
        SpaceError: one problem for each of the two spaces that cannot be connected.
    """
    problems = [*_observation_problems(env.observation_space, env_id), *_action_problems(env.action_space, env_id)]
    if problems:
        raise SpaceError(*problems)
    discrete = isinstance(env.action_space, spaces.Discrete)
    actions: Any = env.action_space
    observations: Any = env.observation_space
    return Task(
        env_id=env_id,
        observation_size=int(observations.shape[0]),
        action_size=int(actions.n if discrete else actions.shape[0]),
        action_kind="discrete" if discrete else "continuous",
        control_dt_s=control_dt_s(env),
        env_version=env.spec.version if env.spec is not None else None,
        env_kwargs=dict(env_kwargs or {}),
    )


def limits(env: gymnasium.Env[Any, Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest continuous action, each (actions,).

    Raises:
        SpaceError: the action space is not a one-dimensional Box with finite bounds.
    """
    space = env.action_space
    where = env.spec.id if env.spec is not None else type(env.unwrapped).__name__
    problems = _action_problems(space, where)
    if not problems and not isinstance(space, spaces.Box):
        problems = [Problem(f"{where}:action_space", f"{_kind(space)} has no limits", "only a Box has")]
    if problems or not isinstance(space, spaces.Box):
        raise SpaceError(*problems)
    return space.low.astype(np.float64), space.high.astype(np.float64)


def control_dt_s(env: gymnasium.Env[Any, Any]) -> float:
    """Simulated seconds per ``env.step``.

    Read from, in this order: ``control_dt_s`` (robots of ``envs/``), ``dt`` (MuJoCo, Pendulum, Acrobot),
    ``tau`` (CartPole), the frame rate in the metadata; else :data:`DEFAULT_CONTROL_DT_S`.
    """
    inner = env.unwrapped
    for name in ("control_dt_s", "dt", "tau"):
        value = getattr(inner, name, None)
        if isinstance(value, int | float) and math.isfinite(value) and value > 0:
            return float(value)
    fps = env.metadata.get("render_fps")
    if isinstance(fps, int | float) and math.isfinite(fps) and fps > 0:
        return 1.0 / float(fps)
    return DEFAULT_CONTROL_DT_S


def _observation_problems(space: spaces.Space[Any], env_id: str) -> list[Problem]:
    where = f"{env_id}:observation_space"
    if isinstance(space, spaces.Box):
        if len(space.shape) == 1 and space.shape[0] > 0:
            return []
        if len(space.shape) == 3:
            remedy = "reduce it to a few features with gymnasium.wrappers.TransformObservation"
            return [Problem(where, f"is an image {space.shape}; {_SUPPORTED_OBSERVATIONS}", remedy)]
        remedy = _FLATTEN if space.shape != (0,) else "it has no components"
        return [Problem(where, f"is a Box of shape {space.shape}; {_SUPPORTED_OBSERVATIONS}", remedy)]
    remedies: dict[type[spaces.Space[Any]], str] = {
        spaces.Dict: "wrap it in gymnasium.wrappers.FilterObservation and FlattenObservation",
        spaces.Tuple: _FLATTEN,
        spaces.Discrete: f"{_FLATTEN} (one-hot)",
        spaces.MultiDiscrete: f"{_FLATTEN} (one-hot)",
        spaces.MultiBinary: f"{_FLATTEN}, which makes it a Box of 0 and 1",
    }
    remedy = remedies.get(type(space), "wrap it in gymnasium.wrappers.TransformObservation")
    return [Problem(where, f"is {_kind(space)}; {_SUPPORTED_OBSERVATIONS}", remedy)]


def _action_problems(space: spaces.Space[Any], env_id: str) -> list[Problem]:
    where = f"{env_id}:action_space"
    if isinstance(space, spaces.Discrete):
        if int(space.start) == 0:
            return []
        remedy = "shift it with gymnasium.wrappers.TransformAction"
        return [Problem(where, f"is Discrete starting at {int(space.start)}; {_SUPPORTED_ACTIONS}", remedy)]
    if isinstance(space, spaces.Box):
        if len(space.shape) != 1 or space.shape[0] == 0:
            remedy = "reshape it with gymnasium.wrappers.TransformAction"
            return [Problem(where, f"is a Box of shape {space.shape}; {_SUPPORTED_ACTIONS}", remedy)]
        finite = np.isfinite(space.low) & np.isfinite(space.high)
        if not finite.all():
            index = int(np.argmin(finite))
            bounds = f"[{space.low[index]}, {space.high[index]}]"
            remedy = "state finite bounds with gymnasium.wrappers.RescaleAction or TransformAction"
            return [Problem(where, f"component {index} is unbounded {bounds}; {_SUPPORTED_ACTIONS}", remedy)]
        if not (space.low < space.high).all():
            index = int(np.argmin(space.low < space.high))
            return [Problem(where, f"component {index} has no room between its bounds", "drop it with TransformAction")]
        return []
    remedy = "map it to a Box or to Discrete with gymnasium.wrappers.TransformAction"
    return [Problem(where, f"is {_kind(space)}; {_SUPPORTED_ACTIONS}", remedy)]


def _kind(space: spaces.Space[Any]) -> str:
    name = type(space).__name__
    return f"Discrete({space.n})" if isinstance(space, spaces.Discrete) else f"a {name}"
