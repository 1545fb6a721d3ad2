"""Environments by name, and what a spiking controller must know of them: sizes, limits, clock.

Three kinds of name: the folder of a robot in ``envs/`` (``balancer``, or a path), a Gymnasium id
(``CartPole-v1``, ``snnctl/Balancer-v0``), and Gymnasium's ``module:Env-v0`` for third-party ones,
which imports ``module``.

An environment that was opened has flat spaces (:mod:`snnctl.robots.flat_spaces`), so nothing else in the package asks
which spaces its author chose.
"""

from __future__ import annotations

import importlib
import math
import sys
import warnings
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import OrderEnforcing, TimeLimit
from numpy.typing import NDArray

from snnctl import library, slots
from snnctl.agent.description import Task
from snnctl.agent.environment import EnvChoice
from snnctl.errors import (
    InputError,
    MissingExtraError,
    NotFoundError,
    Notice,
    Problem,
    RobotError,
    SnnctlError,
    SpaceError,
    brief,
)
from snnctl.errors import nearest as nearest_name
from snnctl.robots import arguments, folders, rendering
from snnctl.robots.contract import closed, named
from snnctl.robots.delay import delayed
from snnctl.robots.divergence import silence_simulator
from snnctl.robots.flat_spaces import action_problems, flat, kind, observation_problems
from snnctl.robots.wrappers import wrapped

DEFAULT_CONTROL_DT_S = 0.02  # where an environment has no clock at all: 50 Hz, a common control rate

DEFAULT_MAX_STEPS = 10_000  # of an episode where an environment states no limit: one that never ends would hang

_MAX_PATH_CHARS = 1000  # asking the file system about a longer name is an error


def make(env_id: str, **kwargs: Any) -> gymnasium.Env[Any, Any]:
    """The environment that ``env_id`` names, made with these arguments: :func:`opened` without wrappers or delay."""
    return opened(EnvChoice(id=env_id, kwargs=kwargs))


def opened(choice: EnvChoice, **more: Any) -> gymnasium.Env[Any, Any]:
    """Make an environment, in its wrappers, with flat spaces where they can be, as late as it is to be.

    Where neither it nor a wrapper states a limit of steps, episodes are cut after :data:`DEFAULT_MAX_STEPS`.

    Args:
        choice: folder name or path, Gymnasium id, or ``module:id``; arguments, wrappers, delay and jitter.
        **more: arguments on top; ``render_mode="rgb_array"`` also chooses a headless GL.

    Raises:
        NotFoundError: nothing has this name; the message has the nearest name.
        InputError: the environment refuses an argument, its module cannot be imported, or a wrapper does not fit it.
        RobotError: the robot's folder is wrong, or the environment fails while it is made.
        MissingExtraError: a package that the environment needs is not installed.
        OutputError: pictures were asked for and this machine can draw none.
    """
    env = _bare(choice.id, {**choice.kwargs, **more})
    try:
        env = _limited(flat(wrapped(env, choice.wrappers, choice.id)))
        if action_problems(env.action_space, choice.id):
            return env  # as it is: task() tells
        return delayed(env, choice)
    except BaseException:
        closed(env)
        raise


class DefaultLimit(TimeLimit):
    """A limit of steps for an environment that states none; tells when it first cuts an episode."""

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Do the action, and cut the episode where it has become too long."""
        given = super().step(action)
        elapsed: Any = self._elapsed_steps
        if given[3] and not given[2] and elapsed >= self._max_episode_steps:
            warnings.warn(f"{named(self)} {no_limit(self._max_episode_steps)}", Notice, stacklevel=2)
        return given


def no_limit(steps: int) -> str:
    """What becomes of an environment without a limit of steps."""
    other = "for another number put { name = 'time_limit', steps = ... } into env.wrappers"
    return f"states no limit of steps; its episodes are cut after {steps:,} steps; {other}"


def max_steps(env: gymnasium.Env[Any, Any]) -> tuple[int, bool]:
    """Steps after which an opened environment's episodes are cut at the latest, and whether it states so itself."""
    found = list[tuple[int, bool]]()
    while isinstance(env, gymnasium.Wrapper):
        if isinstance(env, TimeLimit):
            found.append((env._max_episode_steps, not isinstance(env, DefaultLimit)))
        env = env.env
    return min(found, default=(DEFAULT_MAX_STEPS, False))


def _limited(env: gymnasium.Env[Any, Any]) -> gymnasium.Env[Any, Any]:
    return env if max_steps(env)[1] else DefaultLimit(env, DEFAULT_MAX_STEPS)


def _bare(env_id: str, kwargs: dict[str, Any]) -> gymnasium.Env[Any, Any]:
    if found := arguments.problems(env_id, kwargs):
        raise InputError(*found)
    gym_id = _gym_id(env_id)
    if not gym_id.startswith("snnctl/"):
        _refuse_unknown(gym_id)
    if kwargs.get("render_mode") == "rgb_array":
        rendering.choose_gl()
    spec = gymnasium.registry.get(gym_id.rpartition(":")[2])
    if "mujoco" in sys.modules or "mujoco" in str(getattr(spec, "entry_point", "")) or "snnctl/" in gym_id:
        silence_simulator()  # before a model is compiled: it warns into a file in the current folder
    env = _make(env_id, gym_id, kwargs)
    mode = kwargs.get("render_mode")
    modes = env.metadata.get("render_modes", [])
    if mode is not None and mode not in modes:
        closed(env)
        raise InputError(Problem(env_id, f"has no render mode '{mode}'", nearest_name(str(mode), modes)))
    if "mujoco" in sys.modules:
        silence_simulator()
    return env


def _make(env_id: str, gym_id: str, kwargs: dict[str, Any]) -> gymnasium.Env[Any, Any]:
    try:
        # Gymnasium's passive checker looks at the first step alone; divergence.Watch looks at all of them.
        env = gymnasium.make(gym_id, disable_env_checker=True, **kwargs)
        if isinstance(env, TimeLimit) and isinstance(env.env, OrderEnforcing):
            env.env = env.env.env  # it would ask in every step whether there was a reset
        return env
    except SnnctlError:
        raise
    except gymnasium.error.DependencyNotInstalled as error:
        raise MissingExtraError(Problem(env_id, brief(error))) from error
    except (gymnasium.error.UnregisteredEnv, gymnasium.error.DeprecatedEnv) as error:
        raise NotFoundError(Problem(env_id, "does not exist", brief(error))) from error
    except ImportError as error:
        raise MissingExtraError(
            Problem(env_id, f"cannot be imported ({brief(error)})", "install what it needs")
        ) from error
    except TypeError as error:
        if "unexpected keyword argument" in str(error):
            name = str(error).split("unexpected keyword argument", 1)[1].split("'")[1]
            raise InputError(
                Problem(env_id, f"does not take the argument '{name}'", "remove it from env.kwargs")
            ) from error
        raise RobotError(Problem(env_id, f"cannot be made ({brief(error)})")) from error
    except (
        Exception,
        SystemExit,
    ) as error:  # whatever a stranger's constructor raises is one line here, its traceback is the cause
        raise RobotError(Problem(env_id, f"cannot be made ({type(error).__name__}: {brief(error)})")) from error


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
    module, colon, name = gym_id.partition(":")
    name = name if colon else gym_id
    if colon:
        try:
            if module not in slots.ENVIRONMENT.known:
                slots.require_trust(gym_id)
        except ValueError as error:
            raise InputError(Problem(where, str(error))) from None
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise InputError(
                Problem(where, f"module '{module}' cannot be imported ({brief(error)})", _importable(module, error))
            ) from error
        except (Exception, SystemExit) as error:
            raise RobotError(
                Problem(where, f"importing '{module}' failed ({type(error).__name__}: {brief(error)})")
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


def _importable(module: str, error: ImportError) -> str:
    """What makes a module importable."""
    package = module.partition(".")[0]
    if error.name not in (package, module):  # it was found, and something that it imports was not
        return f"install '{error.name}', which it needs" if error.name else "mend or install it"
    if Path(f"{package}.py").is_file() or Path(package).is_dir():
        return "it is in the current folder, where snnctl does not look: write PYTHONPATH=. before the command"
    return "install it, or write PYTHONPATH=FOLDER before the command, with the folder that it is in"


def task(env: gymnasium.Env[Any, Any], choice: EnvChoice) -> Task:
    """Describe the environment, which was :func:`opened` as ``choice``, as an agent's task.

    Raises:
        SpaceError: one problem for each of the two spaces that cannot be connected.
    """
    found = [*observation_problems(env.observation_space, choice.id), *action_problems(env.action_space, choice.id)]
    if found:
        raise SpaceError(*found)
    actions: Any = env.action_space
    observations: Any = env.observation_space
    several = tuple(int(n) for n in actions.nvec) if isinstance(actions, spaces.MultiDiscrete) else ()
    continuous = isinstance(actions, spaces.Box)
    return Task(
        env_id=choice.id,
        observation_size=int(observations.shape[0]),
        action_size=sum(several) or int(actions.shape[0] if continuous else actions.n),
        action_kind="continuous" if continuous else "discrete",
        action_choices=several,
        control_dt_s=control_dt_s(env),
        env_version=env.spec.version if env.spec is not None else None,
        env_kwargs=choice.kwargs,
        env_wrappers=choice.wrappers,
        env_delay=choice.delay,
        env_jitter=choice.jitter,
    )


def limits(env: gymnasium.Env[Any, Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest continuous action, each (actions,).

    Raises:
        SpaceError: the action space is not a Box with finite bounds.
    """
    space = env.action_space
    where = env.spec.id if env.spec is not None else type(env.unwrapped).__name__
    problems = action_problems(space, where)
    if not problems and not isinstance(space, spaces.Box):
        problems = [Problem(f"{where}:action_space", f"{kind(space)} has no limits", "only a Box has")]
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
