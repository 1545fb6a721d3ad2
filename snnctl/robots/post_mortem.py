"""Folders that tell how an episode failed, and playing it again.

    post_mortem.toml     environment, changes of the plant, seed, step and what went wrong, versions
    trail.safetensors    actions since the reset; observations, rewards and MuJoCo's states of the last 100 steps
    model.mjb            MuJoCo's model as it was, for mujoco.MjModel.from_binary_path

What is played again is the environment with the recorded seed and actions, no controller: an environment that draws its
randomness from the generator which ``reset(seed)`` seeds fails in the same way, or has been mended.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray

from snnctl import config, versions
from snnctl.agent.environment import EnvChoice
from snnctl.agent.folder import read_tensors
from snnctl.config import schema
from snnctl.errors import ContractError, InputError, Problem
from snnctl.robots import environments
from snnctl.robots.changes import changed, parse
from snnctl.robots.contract import Contract, closed
from snnctl.robots.trail import PostMortem
from snnctl.storage import ensure_writable, replace_folder

DESCRIPTION, TRAIL, MODEL = "post_mortem.toml", "trail.safetensors", "model.mjb"
MAX_KEPT = 3  # of one training
MAX_REPLAY_S = 5.0  # of the processor; a replay ends there
_REMEDY = "take a whole post-mortem"


@schema
class Described:
    """``post_mortem.toml``."""

    schema: Literal[1] = 1
    why: str
    env: EnvChoice
    changes: tuple[str, ...] = ()  # of the plant, as `snnctl run --change` takes them
    seed: Annotated[int, Ge(0)]
    steps: Annotated[int, Ge(0)]  # actions since the reset
    observed: Annotated[int, Ge(0)]  # steps that gave an observation
    versions: dict[str, str] = dataclasses.field(default_factory=dict)


class Replayed(NamedTuple):
    """What an environment did when it was given the recorded actions again."""

    why: str  # what had gone wrong
    steps: int  # that were played again
    recorded: int  # that there are
    different: int | None  # the first of the recorded steps whose observation was another one
    failed: str | None  # what goes wrong now


class Keeper:
    """Writes the first :data:`MAX_KEPT` post-mortems of a piece of work, each into a folder named by its seed."""

    def __init__(self, folder: Path, env: EnvChoice, changes: Sequence[str] = (), inside: Path | None = None) -> None:
        """Nothing is written yet.

        Args:
            folder: made when it is first needed; what it holds already counts.
            env: the environment that fails.
            changes: of the plant.
            inside: a folder that is there: once it is deleted nothing is kept any more.
        """
        self.folder, self._env, self._changes, self._inside = folder, env, tuple(changes), inside
        self.kept = list[Path]()  # by this keeper

    def keep(self, found: PostMortem | None) -> Path | None:
        """Write one; None where there is none, or enough."""
        if found is None or (self._inside is not None and not self._inside.is_dir()):
            return None
        place = self.folder / f"seed{found.seed}"
        if not is_one(place) and len(list(self.folder.glob(f"*/{DESCRIPTION}"))) >= MAX_KEPT:
            return None
        if place not in self.kept:
            self.kept.append(save(found, place, self._env, self._changes))
        return place

    def explained(self, error: ContractError) -> ContractError:
        """The error, saying where its post-mortem is."""
        place = self.keep(error.post_mortem)
        if place is None:
            return error
        hint = Problem(str(place), "holds the last states and actions", f"replay them: snnctl check {place}")
        return ContractError(*error.problems, hint)


def is_one(folder: Path) -> bool:
    """Whether a folder is a post-mortem."""
    return (folder / DESCRIPTION).is_file()


def save(found: PostMortem, folder: Path, env: EnvChoice, changes: Sequence[str] = ()) -> Path:
    """Write a post-mortem; returns the folder.

    Raises:
        OutputError, StorageError: it cannot be written.
    """
    from safetensors.numpy import save as to_bytes

    described = Described(
        why=found.why, env=env, changes=tuple(changes), seed=found.seed, steps=len(found.actions),
        observed=found.observed, versions=versions.installed(),
    )  # fmt: skip
    names = ("actions", "observations", "rewards", "states")
    arrays = {name: np.ascontiguousarray(getattr(found, name)) for name in names}
    ensure_writable(folder.parent)
    replace_folder(
        folder, {TRAIL: to_bytes(arrays), MODEL: found.model or None, DESCRIPTION: config.to_toml(described)}
    )
    return folder


def replay(folder: Path) -> Replayed:
    """Give a new environment the recorded actions.

    Raises:
        SnnctlError: the folder cannot be read, or its environment not be made.
    """
    described = config.load(Described, folder / DESCRIPTION)
    actions, observations = _read(folder / TRAIL, described)
    env = environments.opened(described.env)
    try:
        env = changed(env, parse(described.changes))
        return _played(env, described, actions, observations)
    finally:
        closed(env)


def _read(path: Path, described: Described) -> tuple[NDArray[Any], NDArray[Any]]:
    """Actions (steps, ...) and observations (k + 1, dims), as they are described."""
    arrays = read_tensors(path)
    actions, observations = (arrays.get(name, np.zeros(())) for name in ("actions", "observations"))
    found = []
    if actions.ndim == 0 or len(actions) != described.steps or not np.isfinite(actions).all():
        found.append(Problem(str(path), f"has no {described.steps} finite actions", _REMEDY))
    if observations.ndim == 0 or len(observations) > described.observed + 1:
        found.append(Problem(str(path), f"has no observations of {described.observed} steps at most", _REMEDY))
    if found:
        raise InputError(*found)
    return actions, observations


def _played(env: Any, described: Described, actions: NDArray[Any], observations: NDArray[Any]) -> Replayed:
    contract = Contract(env)
    shape = env.action_space.shape
    if len(actions) and actions.shape[1:] != shape:
        message = f"has actions of shape {actions.shape[1:]}, the environment takes {shape}"
        raise InputError(Problem(described.env.id, message, "replay it with the environment that it was made in"))
    first = described.observed - (len(observations) - 1)  # the step before which the first kept observation lies
    different: int | None = None
    try:
        seen = contract.reset(described.seed)
        begin = time.process_time()
        for step in range(len(actions) + 1):
            if time.process_time() - begin > MAX_REPLAY_S:
                return Replayed(described.why, step, len(actions), different, None)
            row = step - first
            if different is None and 0 <= row < len(observations) and not np.array_equal(seen, observations[row]):
                different = step
            if step == len(actions):
                break
            seen, *_, reason = contract.step(actions[step] if shape else int(actions[step]))
            if reason is not None:
                return Replayed(described.why, step + 1, len(actions), different, reason)
    except ContractError as error:
        return Replayed(described.why, len(contract.trail.actions), len(actions), different, str(error))
    return Replayed(described.why, len(actions), len(actions), different, None)
