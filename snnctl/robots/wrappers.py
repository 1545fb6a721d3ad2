"""Wrappers of environments by name: ``env.wrappers`` of a recipe or an agent, the first one innermost.

    wrappers = [{ name = "hide_observation", indices = [2, 3] }, { name = "frame_stack", size = 4 }]

A wrapper is a configuration with ``wrap(env)``, or any ``gymnasium.Wrapper`` by import path, which gets the other keys
of its table as arguments. ``WRAPPERS`` is the table of the slot. Most are Gymnasium's own, under the names of its
documentation; those that are ours, because Gymnasium has none, are at the end.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Annotated, Any, Literal

import gymnasium
import numpy as np
from annotated_types import Ge, Gt, Le
from gymnasium import spaces, wrappers
from numpy.typing import NDArray

from snnctl import slots
from snnctl.config import schema
from snnctl.errors import InputError, Problem, SnnctlError, SpaceError
from snnctl.robots.flat_spaces import (
    MAX_CHOICES,
    MAX_OBSERVATIONS,
    fitted,
    flat_action,
    flat_observation,
    kind,
    real_action,
    real_observation,
)

Env = gymnasium.Env[Any, Any]
Numbers = float | tuple[float, ...]  # one for all components, or one for each


class Wrapper:
    """Base of the configurations of wrappers."""

    def wrap(self, env: Env) -> Env:
        """The environment in this wrapper.

        Raises:
            ValueError: it does not fit this environment; says why.
        """
        raise NotImplementedError(f"{type(self).__name__} must define wrap(self, env)")


def wrapped(env: Env, chosen: tuple[Any, ...], env_id: str) -> Env:
    """The environment in all of these wrappers, the first one innermost.

    Raises:
        InputError: one of them does not fit.
    """
    for number, wrapper in enumerate(chosen):
        where, name = f"{env_id}:env.wrappers[{number}]", slots.WRAPPERS.name_of(wrapper)
        try:
            if isinstance(wrapper, slots.Unresolved):
                slots.require_trust(name)
            env = wrapper.wrap(env)
        except SnnctlError:
            raise
        except Exception as error:  # Gymnasium's wrappers and those of others raise anything
            said = " ".join(str(error).split())[:200]
            told = said if isinstance(error, ValueError) else f"{type(error).__name__}: {said}"
            raise InputError(Problem(where, f"'{name}' does not fit: {told}")) from error
    return env


def defects(part: Any) -> list[str]:
    """Everything that keeps a class from being a wrapper."""
    if isinstance(part, type) and issubclass(part, gymnasium.Wrapper):
        return []
    if found := slots.schema_defects(part):
        return [*found, "and it is not a gymnasium.Wrapper"]
    return [] if callable(getattr(part, "wrap", None)) else ["it does not define wrap(self, env)"]


@dataclasses.dataclass(frozen=True)
class Foreign(Wrapper):
    """Any ``gymnasium.Wrapper``, with the table that names it; the other keys are its arguments."""

    name: str
    cls: Any
    table: dict[str, Any]

    def wrap(self, env: Env) -> Env:
        """The environment in it."""
        inside: Env = self.cls(env, **{key: value for key, value in self.table.items() if key != "name"})
        return inside


# --------------------------------------------------------------------------- Gymnasium's


@schema
class Flatten(Wrapper):
    """Flatten any observation, images too, in the order of snnctl.robots.flat_spaces (FlattenObservation)."""

    name: Literal["flatten"] = "flatten"

    def wrap(self, env: Env) -> Env:
        """The environment in FlattenObservation."""
        if spaces.flatdim(env.observation_space) > MAX_OBSERVATIONS:
            count = spaces.flatdim(env.observation_space)
            raise ValueError(f"{count} numbers; a controller takes {MAX_OBSERVATIONS} at most")
        return wrappers.FlattenObservation(env)


@schema
class FilterObservation(Wrapper):
    """Observe only these keys of a Dict, or these numbers of a Tuple (FilterObservation)."""

    name: Literal["filter_observation"] = "filter_observation"
    keys: tuple[str | int, ...]

    def wrap(self, env: Env) -> Env:
        """The environment in FilterObservation."""
        return wrappers.FilterObservation(env, list(self.keys))


@schema
class FrameStack(Wrapper):
    """Observe the newest ``size`` observations, the oldest first (FrameStackObservation)."""

    name: Literal["frame_stack"] = "frame_stack"
    size: Annotated[int, Gt(0), Le(MAX_OBSERVATIONS)]
    padding: Literal["reset", "zero"] = "reset"  # what stands for those before the first

    def wrap(self, env: Env) -> Env:
        """The environment in FrameStackObservation."""
        env = flat_observation(env)
        count = self.size * int(np.prod(env.observation_space.shape or (1,)))
        if count > MAX_OBSERVATIONS:
            raise ValueError(f"{count} numbers; a controller takes {MAX_OBSERVATIONS} at most")
        stacked: Env = wrappers.FrameStackObservation(env, self.size, padding_type=self.padding)
        is_flat = len(env.observation_space.shape or ()) == 1  # an observation that is not flat is an image still
        return wrappers.FlattenObservation(stacked) if is_flat else stacked


@schema
class RescaleObservation(Wrapper):
    """Scale observations linearly from their finite bounds to these (RescaleObservation)."""

    name: Literal["rescale_observation"] = "rescale_observation"
    low: Numbers = -1.0
    high: Numbers = 1.0

    def wrap(self, env: Env) -> Env:
        """The environment in RescaleObservation."""
        env = real_observation(flat_observation(env))
        low, high = _bounds(self.low, self.high, _box(env.observation_space, "observations"))
        return wrappers.RescaleObservation(env, low, high)


@schema
class TransformObservation(Wrapper):
    """Observe what a function of yours makes of the observation (TransformObservation).

    function(observation) -> as many numbers as ``low`` and ``high`` bound.
    """

    name: Literal["transform_observation"] = "transform_observation"
    function: Annotated[str, slots.PYTHON]  # its import path, package.module:function
    low: tuple[float, ...]
    high: tuple[float, ...]

    def wrap(self, env: Env) -> Env:
        """The environment in TransformObservation."""
        slots.require_trust(self.function)
        function = slots.imported(self.function)
        if len(self.low) != len(self.high) or not 0 < len(self.low) <= MAX_OBSERVATIONS:
            raise ValueError(f"low and high bound 1 to {MAX_OBSERVATIONS} numbers, the same number of them")
        box = spaces.Box(np.array(self.low), np.array(self.high), dtype=np.float64)
        return wrappers.TransformObservation(env, functools.partial(_transformed, function, len(self.low)), box)


def _transformed(function: Any, size: int, observation: Any) -> NDArray[np.float64]:
    made = np.asarray(function(observation), np.float64)
    if made.shape != (size,):
        message = f"function gives an array of shape {made.shape}, low and high bound {size} numbers"
        raise SpaceError(Problem("env.wrappers:transform_observation", message))
    return made


@schema
class RescaleAction(Wrapper):
    """Scale actions linearly from these bounds to the finite ones that they have (RescaleAction)."""

    name: Literal["rescale_action"] = "rescale_action"
    low: Numbers = -1.0
    high: Numbers = 1.0

    def wrap(self, env: Env) -> Env:
        """The environment in RescaleAction."""
        env = real_action(flat_action(env))
        box = _box(env.action_space, "actions")
        if not (np.isfinite(box.low).all() and np.isfinite(box.high).all()):
            raise ValueError("a space without bounds cannot be scaled; put { name = 'limit_action', ... } before it")
        return wrappers.RescaleAction(env, *_bounds(self.low, self.high, box))


@schema
class DiscretizeAction(Wrapper):
    """Choose from ``bins`` values of each component of a continuous action, one choice each (DiscretizeAction)."""

    name: Literal["discretize_action"] = "discretize_action"
    bins: Annotated[int, Ge(2), Le(MAX_CHOICES)]

    def wrap(self, env: Env) -> Env:
        """The environment in DiscretizeAction."""
        env = real_action(flat_action(env))
        box = _box(env.action_space, "actions")
        if not (np.isfinite(box.low).all() and np.isfinite(box.high).all()):
            raise ValueError("a space without bounds cannot be divided; put { name = 'limit_action', ... } before it")
        return wrappers.DiscretizeAction(env, self.bins, multidiscrete=box.shape[0] > 1)


@schema
class ClipReward(Wrapper):
    """Clip every reward to these bounds (ClipReward)."""

    name: Literal["clip_reward"] = "clip_reward"
    low: float = -1.0
    high: float = 1.0

    def wrap(self, env: Env) -> Env:
        """The environment in ClipReward."""
        return wrappers.ClipReward(env, self.low, self.high)


@schema
class TimeLimit(Wrapper):
    """Truncate episodes after ``steps`` (TimeLimit); a shorter limit of the environment stays."""

    name: Literal["time_limit"] = "time_limit"
    steps: Annotated[int, Gt(0)]

    def wrap(self, env: Env) -> Env:
        """The environment in TimeLimit."""
        return wrappers.TimeLimit(env, self.steps)


# --------------------------------------------------------------------------- ours


@schema
class HideObservation(Wrapper):
    """Leave out these numbers of the flat observation, for example velocities."""

    name: Literal["hide_observation"] = "hide_observation"
    indices: tuple[Annotated[int, Ge(0)], ...]  # in the flat observation, from 0

    def wrap(self, env: Env) -> Env:
        """The environment without them."""
        env = flat_observation(env)
        box = _box(env.observation_space, "observations")
        dims = box.shape[0]
        if wrong := [index for index in self.indices if index >= dims]:
            raise ValueError(f"index {wrong[0]} does not exist, the flat observation has 0 to {dims - 1}")
        kept = np.setdiff1d(np.arange(dims), self.indices)
        if not kept.size:
            raise ValueError("nothing is left to observe")
        left = spaces.Box(box.low[kept], box.high[kept], dtype=box.dtype.type)
        return wrappers.TransformObservation(env, functools.partial(np.take, indices=kept), left)


@schema
class OneHot(Wrapper):
    """One-hot for each whole number of an observation: one number for each of its values, 1 for the one that it has.

    A Discrete or MultiDiscrete needs no bounds. For a Box they are its own, or these where given; a value outside
    counts as the nearest bound.
    """

    name: Literal["one_hot"] = "one_hot"
    low: int | None = None
    high: int | None = None

    def wrap(self, env: Env) -> Env:
        """The environment with one-hot observations, flat."""
        space = env.observation_space
        if not isinstance(space, spaces.Box):
            return flat_observation(env)
        low = np.full(space.shape, self.low) if self.low is not None else space.low.astype(np.float64)
        high = np.full(space.shape, self.high) if self.high is not None else space.high.astype(np.float64)
        count = float((high - low + 1).sum())
        if not math.isfinite(count) or not (low <= high).all():
            raise ValueError("it has no finite bounds; give low and high")
        if count > MAX_OBSERVATIONS:
            raise ValueError(f"{count:.0f} numbers, {MAX_OBSERVATIONS} at most; give a smaller high")
        values = spaces.MultiDiscrete((high - low + 1).astype(np.int64), start=low.astype(np.int64))
        return wrappers.TransformObservation(env, functools.partial(_one_hot, values), spaces.flatten_space(values))


def _one_hot(values: spaces.MultiDiscrete, observation: NDArray[Any]) -> NDArray[np.int64]:
    whole = np.clip(np.rint(observation).astype(np.int64), values.start, values.start + values.nvec - 1)
    return np.asarray(spaces.flatten(values, whole))


@schema
class ImageBlocks(Wrapper):
    """Observe the mean brightness, 0 to 1, of ``rows`` x ``columns`` blocks of an image, all channels together."""

    name: Literal["image_blocks"] = "image_blocks"
    rows: Annotated[int, Gt(0), Le(64)] = 8
    columns: Annotated[int, Gt(0), Le(64)] = 8

    def wrap(self, env: Env) -> Env:
        """The environment with numbers instead of pictures."""
        box = _box(env.observation_space, "observations")
        if len(box.shape) not in (2, 3) or box.dtype != np.uint8:
            raise ValueError(f"an image is an array of bytes (height, width, channels), this is {kind(box)}")
        first = len(box.shape) == 3 and box.shape[0] < box.shape[2] and box.shape[0] <= 4  # (channels, height, width)
        height, width = box.shape[1:] if first else box.shape[:2]
        if self.rows > height or self.columns > width:
            raise ValueError(f"the image has {height} rows and {width} columns; take no more blocks than that")
        axis = None if len(box.shape) == 2 else 0 if first else 2
        edges = [np.arange(n) * size // n for n, size in ((self.rows, height), (self.columns, width))]
        area = np.outer(*(np.diff(e, append=size) for e, size in zip(edges, (height, width), strict=True)))
        blocks = functools.partial(_blocks, axis, edges[0], edges[1], area)
        grid = spaces.Box(0.0, 1.0, (self.rows * self.columns,), np.float32)
        return wrappers.TransformObservation(env, blocks, grid)


def _blocks(
    axis: int | None, rows: NDArray[Any], columns: NDArray[Any], area: NDArray[Any], image: NDArray[np.uint8]
) -> NDArray[np.float32]:
    grey = image.astype(np.float64) if axis is None else image.mean(axis=axis)  # (height, width)
    sums = np.add.reduceat(np.add.reduceat(grey, rows, axis=0), columns, axis=1)  # (rows, columns)
    bright: NDArray[np.float32] = (sums / area / 255.0).astype(np.float32).ravel()
    return bright


@schema
class LimitAction(Wrapper):
    """State bounds of continuous actions; what the environment bounds itself stays within its own bounds, too."""

    name: Literal["limit_action"] = "limit_action"
    low: Numbers
    high: Numbers

    def wrap(self, env: Env) -> Env:
        """The environment with bounded actions."""
        env = flat_action(env)
        box = _box(env.action_space, "actions")
        low, high = _bounds(self.low, self.high, box)
        low, high = np.maximum(low, box.low), np.minimum(high, box.high)
        if not (low < high).all():
            index = int(np.argmin(low < high))
            own = f"[{box.low[index]:g}, {box.high[index]:g}]"
            raise ValueError(f"nothing is left of component {index}, whose own bounds are {own}")
        limited = spaces.Box(low.astype(box.dtype), high.astype(box.dtype), dtype=box.dtype.type)
        return wrappers.TransformAction(env, _same, limited)


def _same(action: Any) -> Any:
    return action


@schema
class CombineChoices(Wrapper):
    """Make one choice of all combinations of several, the last one counting fastest, for what gives one choice."""

    name: Literal["combine_choices"] = "combine_choices"

    def wrap(self, env: Env) -> Env:
        """The environment with one Discrete action."""
        env = flat_action(env)
        space = env.action_space
        if not isinstance(space, spaces.MultiDiscrete):
            raise ValueError(f"the action is {kind(space)}, not several choices")
        sizes = tuple(int(n) for n in space.nvec)
        if math.prod(sizes) > MAX_CHOICES:
            raise ValueError(f"there are {math.prod(sizes)} combinations, {MAX_CHOICES} at most")
        return wrappers.TransformAction(env, functools.partial(_apart, sizes), spaces.Discrete(math.prod(sizes)))


def _apart(sizes: tuple[int, ...], action: Any) -> NDArray[np.int64]:
    return np.array(np.unravel_index(int(action), sizes), np.int64)


def _box(space: spaces.Space[Any], what: str) -> spaces.Box:
    if not isinstance(space, spaces.Box):
        raise ValueError(f"the {what} are {kind(space)}, not a Box")
    return space


def _bounds(low: Numbers, high: Numbers, box: spaces.Box) -> tuple[NDArray[Any], NDArray[Any]]:
    """One bound for each component of a flat Box, in its type; whole ones within the real ones where that is whole."""
    found = []
    for name, given, whole in (("low", low, np.ceil), ("high", high, np.floor)):
        if isinstance(given, tuple) and len(given) != box.shape[0]:
            raise ValueError(f"{name} has {len(given)} entries for {box.shape[0]} components")
        real = np.full(box.shape, given, dtype=np.float64)
        found.append(real.astype(box.dtype) if box.dtype.kind == "f" else fitted(box, whole(real))[0])
    if not (found[0] < found[1]).all():
        raise ValueError("low must be below high")
    return found[0], found[1]


WRAPPERS: tuple[type, ...] = (
    Flatten,
    FilterObservation,
    FrameStack,
    RescaleObservation,
    TransformObservation,
    RescaleAction,
    DiscretizeAction,
    ClipReward,
    TimeLimit,
    HideObservation,
    OneHot,
    ImageBlocks,
    LimitAction,
    CombineChoices,
)
