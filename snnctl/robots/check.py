"""Check a robot folder, or any environment: everything that can be found wrong before a training starts."""

from __future__ import annotations

import contextlib
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import gymnasium
import mujoco
from numpy.typing import NDArray

from snnctl import slots
from snnctl.agent.environment import EnvChoice
from snnctl.errors import ContractError, Notice, Problem, SnnctlError
from snnctl.robots import environments, flat_spaces, folders, rendering, task
from snnctl.robots.contract import Contract, closed
from snnctl.robots.robot_env import RobotEnv

STEPS = 200  # of the determinism check; Gymnasium's own test takes 50
MAX_RUN_S = 3.0  # of the processor; a slower environment is compared for fewer steps
MAX_STEP_S = 0.5  # of the processor for one step
MAX_ROUNDS_S = 30.0  # that one step could take if its solvers needed all their rounds; then it is not tried
SEEDS = (0, 1)
_ROUNDS = ("iterations", "ls_iterations", "noslip_iterations", "ccd_iterations", "sdf_iterations")
_TERMS = "its Python terms must depend on (model, data) alone"
_MEND = "mend task.toml or robot.xml until it agrees"


def problems(folder: Path) -> list[Problem]:
    """All that is wrong with the folder; empty when it is sound.

    In order: schema, contradictions, MJCF, names (each stage reports all it finds, and a later stage runs when
    the earlier ones found nothing); then whether the spaces suit a spiking controller, two environments
    with the same seeds and random actions compared bit for bit while a
    :class:`~snnctl.robots.divergence.Watch` looks at every step, Gymnasium's own checker, and one picture.
    A robot that names Python which nobody allowed is told so, and not run.
    """
    where = str(folder)
    try:
        gym_id = folders.register(folder)
        return _stated_problems(folder, gym_id) or _running_problems(folder, where) or _drawing_problems(folder)
    except SnnctlError as error:
        return list(error.problems)
    except (Exception, SystemExit) as error:  # a user's Python term may raise anything
        message = " ".join(str(error).split())[:200]
        return [Problem(where, f"fails when it is run ({type(error).__name__}: {message})", "mend its Python terms")]


def _stated_problems(folder: Path, gym_id: str) -> list[Problem]:
    """What is wrong with the robot as it is written, and what it names that nobody allowed to import."""
    with slots.unresolved():
        env = RobotEnv(folder.resolve())
    try:
        environments.task(env, EnvChoice(id=gym_id))
        path = folder / task.TASK
        unchecked = [p._replace(where=f"{path}:{p.where}") for p in slots.untrusted(env.task)]
        return [*env.clipped, *unchecked, *([] if unchecked else _slow_problems(env, str(path)))]
    finally:
        closed(env)


def _slow_problems(env: RobotEnv, where: str) -> list[Problem]:
    """Whether one step takes so long that nothing could be checked, or learnt."""
    options, rounds = env.model.opt, {}
    try:
        for name in _ROUNDS:  # a step with one round of each solver tells how long all of them may take
            rounds[name] = getattr(options, name)
            setattr(options, name, min(1, rounds[name]))
        mujoco.mj_forward(env.model, env.data)
        begin = time.process_time()
        mujoco.mj_step(env.model, env.data)
        longest = (time.process_time() - begin) * max(1, sum(rounds.values()))
        for name, number in rounds.items():
            setattr(options, name, number)
        if longest > MAX_ROUNDS_S:
            message = f"{sum(rounds.values())} rounds of the solvers may take {longest:.0f} s in a physics step"
            return [Problem(str(env.folder / env.task.xml), message, "lower iterations in <option>")]
        begin = time.process_time()
        mujoco.mj_step(env.model, env.data)
    except mujoco.FatalError as error:
        message = f"MuJoCo gives up at the first step: {' '.join(str(error).split())[:200]}"
        return [Problem(str(env.folder / env.task.xml), message, "simplify the MJCF, or raise <size memory>")]
    took = (time.process_time() - begin) * env.task.clock.substeps
    if took <= MAX_STEP_S:
        return []
    message = f"one step takes about {took:.0f} s of the processor, {env.task.clock.substeps} physics steps"
    remedy = f"at most {MAX_STEP_S:g} s are allowed; raise physics_dt_s, or simplify the MJCF"
    return [Problem(f"{where}:clock.physics_dt_s", message, remedy)]


def _running_problems(folder: Path, where: str) -> list[Problem]:
    """Two copies compared, and Gymnasium's checker."""
    first, second = RobotEnv(folder.resolve()), RobotEnv(folder.resolve())
    try:
        return _rollout_problems(first, second, where, _TERMS) or _gymnasium_problems(first, where)
    finally:
        closed(first)
        closed(second)


def _gymnasium_problems(env: RobotEnv, where: str) -> list[Problem]:
    from gymnasium.utils.env_checker import check_env

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            check_env(env, skip_render_check=True)
        except AssertionError as error:
            return [Problem(where, f"Gymnasium's checker: {' '.join(str(error).split())[:200]}", _MEND)]
    return [Problem(where, f"Gymnasium's checker: {' '.join(str(w.message).split())[:200]}", _MEND) for w in caught]


def _drawing_problems(folder: Path) -> list[Problem]:
    """Whether it can be drawn, on a machine that can draw at all."""
    if rendering.choose_gl() is None and sys.platform == "linux":
        return []
    env = RobotEnv(folder.resolve(), render_mode="rgb_array")
    try:
        env.reset(seed=0)
        rendering.frame(env)
        return []
    except SnnctlError as error:
        return list(error.problems)
    finally:
        closed(env)


def examined(choice: EnvChoice) -> tuple[dict[str, str], list[Problem]]:
    """Observations and actions that a controller would have in an environment, and its problems.

    Two copies are driven by the same seeds and random actions, as the robot of a folder is.

    Raises:
        SnnctlError: it cannot be made, or not be connected to a controller.
    """
    with contextlib.ExitStack() as stack:
        copies = []
        for _ in range(2):
            copies.append(environments.opened(choice))
            stack.callback(closed, copies[-1])
        first, second = copies
        task = environments.task(first, choice)
        steps, stated = environments.max_steps(first)
        several = f", {len(task.choices)} at once: {list(task.choices)}" if task.action_choices else ""
        actions = f"{task.action_size} {'numbers' if task.action_kind == 'continuous' else 'choices'}{several}"
        told = {
            "observation": f"{task.observation_size} numbers, of {flat_spaces.kind(first.unwrapped.observation_space)}",
            "action": f"{actions}, of {flat_spaces.kind(first.unwrapped.action_space)}",
            "clock": f"{task.control_dt_s:g} s a step",
            "limit": f"{steps:,} steps" if stated else f"it {environments.no_limit(steps)}",
        }
        remedy = "it must draw from the generator that reset(seed) seeds, or training cannot be resumed bit for bit"
        try:
            return told, _rollout_problems(first, second, choice.id, remedy)
        except ContractError as error:
            return told, list(error.problems)


def _rollout_problems(
    first: gymnasium.Env[Any, Any], second: gymnasium.Env[Any, Any], where: str, remedy: str
) -> list[Problem]:
    contracts = Contract(first, where), Contract(second, where)
    end_s = time.process_time() + MAX_RUN_S
    for seed in SEEDS:
        first.action_space.seed(seed)
        observations = [contract.reset(seed) for contract in contracts]
        if not _same(*observations):
            return [Problem(where, f"two resets with seed {seed} differ", remedy)]
        for step in range(STEPS):
            if time.process_time() > end_s:
                said = f"{where} is slow: it was checked for {step} steps with seed {seed}"
                warnings.warn(said, Notice, stacklevel=2)
                return []
            action = first.action_space.sample()
            one, two = (contract.step(action) for contract in contracts)
            if one.diverged:
                said = f"step {step} with seed {seed} diverged: {one.diverged}"
                return [Problem(where, said, "soften it or lower physics_dt_s")]
            if not _same(one.observation, two.observation) or one[1:] != two[1:]:
                return [Problem(where, f"two runs with seed {seed} differ at step {step}", remedy)]
            if one.terminated or one.truncated:
                break
    return []


def _same(first: NDArray[Any], second: NDArray[Any]) -> bool:
    return first.tobytes() == second.tobytes()
