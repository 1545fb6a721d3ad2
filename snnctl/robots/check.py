"""Check a robot folder: everything that can be found wrong before a training starts."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from snnctl.errors import Problem, SnnctlError
from snnctl.robots import environments, folders
from snnctl.robots.divergence import Watch, number
from snnctl.robots.robot_env import RobotEnv

STEPS = 200  # of the determinism check; Gymnasium's own test takes 50
SEEDS = (0, 1)


def problems(folder: Path) -> list[Problem]:
    """All that is wrong with the folder; empty when it is sound.

    In order: schema, contradictions, MJCF, names (each stage reports all it finds, and a later stage runs when
    the earlier ones found nothing); then whether the spaces suit a spiking controller, two environments
    with the same seeds and random actions compared bit for bit while a
    :class:`~snnctl.robots.divergence.Watch` looks at every step, and Gymnasium's own checker.
    """
    where = str(folder)
    first: RobotEnv | None = None
    second: RobotEnv | None = None
    try:
        gym_id = folders.register(folder)
        first, second = RobotEnv(folder.resolve()), RobotEnv(folder.resolve())
        environments.task(first, gym_id)
        return _rollout_problems(first, second, where) or _gymnasium_problems(first, where)
    except SnnctlError as error:
        return list(error.problems)
    except Exception as error:  # a user's Python term may raise anything
        message = " ".join(str(error).split())[:200]
        return [Problem(where, f"fails when it is run ({type(error).__name__}: {message})", "mend its Python terms")]
    finally:
        for env in (first, second):
            if env is not None:
                env.close()


def _gymnasium_problems(env: RobotEnv, where: str) -> list[Problem]:
    from gymnasium.utils.env_checker import check_env

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            check_env(env, skip_render_check=True)
        except AssertionError as error:
            return [Problem(where, f"Gymnasium's checker: {' '.join(str(error).split())[:200]}")]
    return [Problem(where, f"Gymnasium's checker: {' '.join(str(w.message).split())[:200]}") for w in caught]


def _rollout_problems(first: RobotEnv, second: RobotEnv, where: str) -> list[Problem]:
    watch = Watch(first)
    remedy = "its Python terms must depend on (model, data) alone"
    for seed in SEEDS:
        generator = np.random.default_rng(seed)
        low, high = environments.limits(first)
        observation, _ = first.reset(seed=seed)
        if not _same(observation, second.reset(seed=seed)[0]):
            return [Problem(where, f"two resets with seed {seed} differ", remedy)]
        watch.start()
        for step in range(STEPS):
            action = generator.uniform(low, high)
            one, two = first.step(action), second.step(action)
            if reason := watch.reason(one[0], number(one[1]), action):
                return [
                    Problem(
                        where, f"step {step} with seed {seed} diverged: {reason}", "soften it or lower physics_dt_s"
                    )
                ]
            if not _same(one[0], two[0]) or one[1:] != two[1:]:
                return [Problem(where, f"two runs with seed {seed} differ at step {step}", remedy)]
            if one[2]:
                break
    return []


def _same(first: Any, second: Any) -> bool:
    return bool(first.tobytes() == second.tobytes())
