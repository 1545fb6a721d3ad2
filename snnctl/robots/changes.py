"""Changes of the plant: a robot that is not the one that its controller was made for.

    length*=0.18            a number of the environment (an attribute of ``env.unwrapped``)
    model.actuator_gear*=0.5            all entries of an array, here of MuJoCo's model
    model.body_mass[pole]=9             one of them, by number or by MuJoCo's name of the body, joint, geom or actuator
    observation[3]+=0.3     an offset of a sensor; ``=`` is one that is stuck, ``*=`` one with another gain
    action*=-1              a reversed motor (continuous actions)

Operators are ``=``, ``+=`` and ``*=``; the number is in the units of the changed quantity. Changes hold from
the first reset on, in the order given. Numbers that an environment computed from a changed one are computed again where
this is known: CartPole's ``total_mass`` and ``polemass_length``, and all that MuJoCo's ``mj_setConst`` knows.

Of MuJoCo, only real numbers of the model and of ``model.opt`` are of the plant: whole numbers and ``data`` are sizes,
addresses and settings of the simulator, and a wrong one writes beyond its memory.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from numpy.typing import NDArray

from snnctl.errors import InputError, Problem, nearest
from snnctl.robots.flat_spaces import fitted

_FORM = re.compile(r"(?P<path>[A-Za-z]\w*(?:\.[A-Za-z]\w*)*)(?:\[(?P<index>[^\[\]]+)\])?(?P<operator>[+*]?=)(?P<by>.+)")
_SIMULATORS = {"MjModel", "MjOption", "MjStatistic"}  # MuJoCo's types that describe the plant, by their numbers
_LARGEST_INTEGER = 100_000  # such as physics steps of a control step
_HOW = "write e.g. length*=0.5, model.actuator_gear*=0.8, observation[3]+=0.3 or action*=-1"


class Change(NamedTuple):
    """One change, as it is written: ``path[entry] operator by``."""

    path: str
    entry: str | None
    operator: str  # "=", "+=" or "*="
    by: float

    def __str__(self) -> str:
        entry, by = "" if self.entry is None else f"[{self.entry}]", repr(self.by).removesuffix(".0")
        return f"{self.path}{entry}{self.operator}{by}"  # exactly: a recorded command must make the same plant

    def of(self, before: Any) -> Any:
        """The changed number or array."""
        if self.operator == "=":
            return self.by
        return before + self.by if self.operator == "+=" else before * self.by


def parse(texts: Sequence[str]) -> tuple[Change, ...]:
    """Read changes.

    Raises:
        InputError: all that cannot be read.
    """
    changes, found = list[Change](), list[Problem]()
    for text in texts:
        match = _FORM.fullmatch(text.replace(" ", ""))
        try:
            by = float(match["by"]) if match else math.nan
        except ValueError:
            by = math.nan
        if match is None or not math.isfinite(by):
            found.append(Problem(f"change '{text[:80]}'", "cannot be read", _HOW))
        else:
            changes.append(Change(match["path"], match["index"], match["operator"], by))
    if found:
        raise InputError(*found)
    return tuple(changes)


def changed(env: gymnasium.Env[Any, Any], changes: Sequence[Change]) -> gymnasium.Env[Any, Any]:
    """The environment with these changes, some of them made in place; close the returned one.

    Raises:
        InputError: all changes that this environment has nothing for; it may be half changed then.
    """
    found = list[Problem]()
    for change in changes:
        try:
            if change.path in ("observation", "action"):
                env = (_Sensors if change.path == "observation" else _Motors)(env, change)
            else:
                _set(env.unwrapped, change)
        except _RefusedError as error:
            found.append(Problem(f"change '{str(change)[:80]}'", str(error), error.remedy))
    if found:
        raise InputError(*found)
    _derive(env.unwrapped, {change.path for change in changes})
    return env


class _RefusedError(Exception):
    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class _Sensors(gymnasium.ObservationWrapper[Any, Any, Any]):
    """Alters observations on their way to the controller."""

    def __init__(self, env: gymnasium.Env[Any, Any], change: Change) -> None:
        super().__init__(env)
        self._change, self._which = change, _which(change.entry, np.zeros(env.observation_space.shape or ()), None)

    def observation(self, observation: Any) -> NDArray[Any]:
        """A changed copy."""
        told = _real(observation)
        told[self._which] = self._change.of(told[self._which])
        return told


class _Motors(gymnasium.ActionWrapper[Any, Any, Any]):
    """What is done is not what was decided. A result beyond the actions' limits is the environment's to clip.

    Whole numbers are rounded and clipped, because numbers beyond their type would wrap.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], change: Change) -> None:
        if not isinstance(env.action_space, gymnasium.spaces.Box):
            raise _RefusedError("needs continuous actions, and here they are choices", "change what a choice does")
        super().__init__(env)
        self._change, self._which = change, _which(change.entry, np.zeros(env.action_space.shape), None)

    def action(self, action: Any) -> NDArray[Any]:
        """A changed copy."""
        done = _real(action)
        done[self._which] = self._change.of(done[self._which])
        space = self.action_space
        assert isinstance(space, gymnasium.spaces.Box)
        return done if space.dtype.kind == "f" else fitted(space, done)[0]


def _real(values: Any) -> NDArray[Any]:
    """A copy in which a change is not cut to a whole number."""
    copy = np.array(values)
    return copy if copy.dtype.kind == "f" else copy.astype(np.float64)


def _set(owner: Any, change: Change) -> None:
    *way, last = change.path.split(".")
    for name in way:
        owner = _attribute(owner, name)
    before = _attribute(owner, last)
    is_mujoco = type(owner).__module__.startswith("mujoco")
    if is_mujoco and (type(owner).__name__ not in _SIMULATORS or isinstance(before, int)):
        # Among these are sizes and addresses of the simulator's memory.
        remedy = "change numbers of the plant, such as model.body_mass or model.opt.gravity"
        raise _RefusedError("belongs to the simulator", remedy)
    if isinstance(before, np.ndarray) and np.issubdtype(before.dtype, np.floating):
        which = _which(change.entry, before, (owner, last))
        before[which] = change.of(before[which])
        return
    if isinstance(before, bool) or not isinstance(before, int | float | np.number):
        raise _RefusedError(f"is a {type(before).__name__}", _numbers(owner))
    if change.entry is not None:
        raise _RefusedError("is one number", "leave out the index")
    after = float(change.of(before))
    if isinstance(before, int) and not after.is_integer():
        raise _RefusedError(f"is a whole number, and would be {after:g}", "choose another change")
    if isinstance(before, int) and abs(after) > _LARGEST_INTEGER:
        raise _RefusedError(f"would be {after:g}", f"at most {_LARGEST_INTEGER} is allowed")
    try:
        setattr(owner, last, int(after) if isinstance(before, int) else after)
    except (AttributeError, TypeError) as error:
        raise _RefusedError("is computed and cannot be set", _numbers(owner)) from error


def _attribute(owner: Any, name: str) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError:
        raise _RefusedError(f"'{name}' does not exist", _numbers(owner, name)) from None


def _numbers(owner: Any, name: str = "") -> str:
    """What could have been meant: names of numbers, of float arrays, and of MuJoCo's model."""
    names = [n for n in dir(owner) if not n.startswith("_") and n != "np_random_seed"]
    values = {n: _readable(owner, n) for n in names}
    fitting = [
        n
        for n, v in values.items()
        if (isinstance(v, float | int | np.floating) and not isinstance(v, bool))
        or (isinstance(v, np.ndarray) and np.issubdtype(v.dtype, np.floating))
    ]
    if type(values.get("model")).__module__.startswith("mujoco"):
        fitting.append("model")
    return nearest(name, fitting) if fitting else "it has no numbers"


def _readable(owner: Any, name: str) -> Any:
    """The attribute, or None: a property of somebody's environment may raise anything."""
    try:
        return getattr(owner, name)
    except Exception:
        return None


def _which(index: str | None, array: NDArray[Any], field: tuple[Any, str] | None) -> Any:
    """What to index ``array`` with: all, a number, or the number of a name in MuJoCo's model ``field[0]``."""
    if index is None:
        return ...
    if re.fullmatch(r"[0-9]{1,9}", index):
        if array.ndim == 0 or int(index) >= array.shape[0]:
            size = array.shape[0] if array.ndim else 0
            raise _RefusedError(f"has {size} entries", f"index 0 to {size - 1}")
        return int(index)
    if field is not None and type(field[0]).__module__.startswith("mujoco"):
        kind = field[1].partition("_")[0]
        try:
            return getattr(field[0], kind)(index).id
        except (AttributeError, KeyError) as error:
            remedy = str(error).strip("'\"").partition(". ")[2] if isinstance(error, KeyError) else ""
            raise _RefusedError(f"{kind} '{index}' does not exist", remedy or "give its number") from None
    raise _RefusedError(f"'{index[:40]}' is not an index", "give a number, from 0")


def _derive(inner: Any, paths: set[str]) -> None:
    """Compute again what depends on the changed numbers, unless it was changed itself."""
    if {"masspole", "masscart", "length"} & paths and hasattr(inner, "polemass_length"):
        if "total_mass" not in paths:
            inner.total_mass = inner.masspole + inner.masscart
        if "polemass_length" not in paths:
            inner.polemass_length = inner.masspole * inner.length
    if any(path.startswith("model.") for path in paths) and "mujoco" in sys.modules:
        model, data = getattr(inner, "model", None), getattr(inner, "data", None)
        mujoco = sys.modules["mujoco"]
        if isinstance(model, mujoco.MjModel) and isinstance(data, mujoco.MjData):
            mujoco.mj_setConst(model, data)
