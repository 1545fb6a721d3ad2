"""Flat spaces: every environment as a controller meets it, whatever spaces its author chose.

    observation   Box (dims,)                     numbers
    action        Box (actions,)                  numbers with finite bounds
                  Discrete (n)                    an index from 0
                  MultiDiscrete (choices,)        an index from 0 for each choice

Observations are flattened by ``gymnasium.spaces.flatten``, in its order: a Box in row-major order; Discrete(n) one-hot
(n,); MultiDiscrete one-hot, one choice after the other; MultiBinary as 0 and 1; a Tuple part by part; a Dict key by key
in the order of its space, which is alphabetical where the space was made of a plain dict (an OrderedDict keeps its
own), and so on inside. Actions are put into the author's form by the inverse: an array of the shape of the Box, the
first of a Discrete plus the index, 0 and 1 of a MultiBinary.

A flat environment is not wrapped, so it pays nothing.
"""

from __future__ import annotations

import functools
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import FlattenObservation, TransformAction, TransformObservation
from numpy.typing import NDArray

from snnctl.errors import Problem

MAX_OBSERVATIONS = 4096  # numbers of one observation
MAX_CHOICES = 4096  # of all choices of an action together

_OWN_WRAPPER = "append { name = 'mylab:MyWrapper' }, a gymnasium.Wrapper of yours that does it, to env.wrappers"


def flat(env: gymnasium.Env[Any, Any]) -> gymnasium.Env[Any, Any]:
    """The environment with flat spaces, itself where nothing is to be done.

    A space that cannot be flattened stays as it is: :func:`observation_problems` and :func:`action_problems` say why.
    """
    return flat_action(flat_observation(env))


def flat_observation(env: gymnasium.Env[Any, Any]) -> gymnasium.Env[Any, Any]:
    """The environment with flat observations, where they can be."""
    space = env.observation_space
    if (isinstance(space, spaces.Box) and len(space.shape) == 1) or observation_problems(space, ""):
        return env
    return FlattenObservation(env)


def flat_action(env: gymnasium.Env[Any, Any]) -> gymnasium.Env[Any, Any]:
    """The environment with flat actions, where they can be."""
    space: Any = env.action_space
    if isinstance(space, spaces.Box) and len(space.shape) != 1 and space.low.size:
        return TransformAction(env, functools.partial(_shaped, space), spaces.flatten_space(space))
    if isinstance(space, spaces.Discrete) and space.start != 0:
        return TransformAction(env, functools.partial(_shifted, int(space.start)), spaces.Discrete(space.n))
    if isinstance(space, spaces.MultiDiscrete) and space.nvec.size and (space.nvec.ndim != 1 or space.start.any()):
        inverse = functools.partial(_placed, space.start, space.dtype)
        return TransformAction(env, inverse, spaces.MultiDiscrete(space.nvec.ravel()))
    if isinstance(space, spaces.MultiBinary):
        zeros = np.zeros(space.shape, space.dtype)
        inverse = functools.partial(_placed, zeros, space.dtype)
        return TransformAction(env, inverse, spaces.MultiDiscrete(np.full(zeros.size, 2)))
    return env


def fitted(space: spaces.Box, values: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Numbers as an action of this Box: rounded (half to even) where its type is whole, clipped, then cast.

    Args:
        space: of the action.
        values: (..., actions); nan stays nan, and has no whole value.

    Returns:
        The action (..., actions) in the type of the space, and whether each component was outside the limits.
    """
    if space.dtype.kind not in "iub":
        with np.errstate(over="ignore"):  # what overflows the type is clipped to the limit
            typed = values.astype(space.dtype)
        clipped: NDArray[Any] = np.clip(typed, space.low, space.high)
        return clipped, clipped != typed
    whole = np.rint(values)
    low, high = space.low.astype(np.float64), space.high.astype(np.float64)
    inside = (whole > low) & (whole < high)  # at a limit the limit itself: 2**63 - 1 has no float, and 2**63 wraps
    cast = np.where(inside, whole, 0.0).astype(space.dtype)
    return np.where(inside, cast, np.where(whole >= high, space.high, space.low)), (whole < low) | (whole > high)


def real_action(env: gymnasium.Env[Any, Any]) -> gymnasium.Env[Any, Any]:
    """The environment with real numbers for whole ones, the nearest of which is done; for what scales actions."""
    space = env.action_space
    if not isinstance(space, spaces.Box) or space.dtype.kind not in "iub":
        return env
    return TransformAction(env, functools.partial(_whole, space), _real(space))


def real_observation(env: gymnasium.Env[Any, Any]) -> gymnasium.Env[Any, Any]:
    """The environment with real numbers for whole ones; for what scales observations."""
    space = env.observation_space
    if not isinstance(space, spaces.Box) or space.dtype.kind not in "iub":
        return env
    return TransformObservation(env, functools.partial(np.asarray, dtype=np.float64), _real(space))


def _real(space: spaces.Box) -> spaces.Box:
    return spaces.Box(space.low.astype(np.float64), space.high.astype(np.float64), dtype=np.float64)


def _whole(space: spaces.Box, action: Any) -> NDArray[Any]:
    return fitted(space, np.asarray(action, np.float64))[0]


def _shaped(space: spaces.Box, action: NDArray[Any]) -> NDArray[Any]:
    shaped: NDArray[Any] = spaces.unflatten(space, action)
    return shaped


def _shifted(start: int, action: Any) -> int:
    return int(action) + start


def _placed(start: NDArray[Any], dtype: Any, action: NDArray[Any]) -> NDArray[Any]:
    placed: NDArray[Any] = (np.reshape(action, start.shape) + start).astype(dtype)
    return placed


# --------------------------------------------------------------------------- what cannot be flattened


def observation_problems(space: spaces.Space[Any], env_id: str) -> list[Problem]:
    """Why observations of this space cannot be given to a controller; empty when they can."""
    where = f"{env_id}:observation_space"
    if _is_image(space):
        return [
            Problem(where, f"is an image {space.shape}; a controller observes numbers", _smaller(space.shape or ()))
        ]
    parts = list(_parts(space, ""))
    bad = {place: said for place, part in parts if (said := _unfit(part))}
    if bad:
        told = "; ".join(f"{place.removeprefix('.') or 'it'} is {said}" for place, said in bad.items())
        return [Problem(where, f"cannot be flattened: {told}", _without(space, set(bad)))]
    count = sum(int(spaces.flatdim(part)) for _, part in parts)
    if count == 0:
        return [Problem(where, f"is {kind(space)} without components", _OWN_WRAPPER)]
    if count > MAX_OBSERVATIONS:
        message = f"is {kind(space)} of {count} numbers, a controller takes {MAX_OBSERVATIONS} at most"
        return [Problem(where, message, _OWN_WRAPPER)]
    return []


def action_problems(space: spaces.Space[Any], env_id: str) -> list[Problem]:
    """Why a controller cannot act in this space, flat where it can be; empty when it can."""
    where = f"{env_id}:action_space"
    if isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        count = int(space.n) if isinstance(space, spaces.Discrete) else int(space.nvec.sum())
        if count > MAX_CHOICES:
            message = f"is {kind(space)} of {count} choices, a controller takes {MAX_CHOICES} at most"
            return [Problem(where, message, _OWN_WRAPPER)]
        return [] if count else [Problem(where, f"is {kind(space)} without components", _OWN_WRAPPER)]
    if not isinstance(space, spaces.Box):
        message = f"is {kind(space)}; supported are Box, Discrete, MultiDiscrete and MultiBinary"
        return [Problem(where, message, _OWN_WRAPPER)]
    if not space.low.size:
        return [Problem(where, "is a Box without components", _OWN_WRAPPER)]
    finite = np.isfinite(space.low) & np.isfinite(space.high)
    if not finite.all():
        index = int(np.argmin(finite))
        bounds = f"[{space.low.flat[index]}, {space.high.flat[index]}]"
        message = f"component {index} is unbounded {bounds}; a decoder needs finite bounds to scale its output to"
        return [Problem(where, message, _limited(space))]
    if not (space.low < space.high).all():
        index = int(np.argmin(space.low < space.high))
        return [Problem(where, f"component {index} has no room between its bounds", _OWN_WRAPPER)]
    return []


def kind(space: spaces.Space[Any]) -> str:
    """A space in a few words."""
    if isinstance(space, spaces.Discrete):
        return f"Discrete({space.n})"
    return f"a Box of shape {space.shape}" if isinstance(space, spaces.Box) else f"a {type(space).__name__}"


def _parts(space: spaces.Space[Any], place: str) -> list[tuple[str, spaces.Space[Any]]]:
    """The spaces that a Dict or a Tuple is made of, in the order of flattening, and where each is."""
    if isinstance(space, spaces.Dict):
        return [part for key, below in space.items() for part in _parts(below, f"{place}.{key}")]
    if isinstance(space, spaces.Tuple):
        return [part for number, below in enumerate(space) for part in _parts(below, f"{place}.{number}")]
    return [(place, space)]


def _unfit(part: spaces.Space[Any]) -> str:
    """Why a part cannot be flattened; empty when it can."""
    if isinstance(part, spaces.Box):
        return f"an image {part.shape}" if _is_image(part) else ""
    fitting = isinstance(part, spaces.Discrete | spaces.MultiDiscrete | spaces.MultiBinary)
    return "" if fitting else f"a {type(part).__name__}"


def _is_image(box: spaces.Space[Any]) -> bool:
    """As Gymnasium says, grey ones and stacks of them included: bytes 0 to 255 in two dimensions or more."""
    if not isinstance(box, spaces.Box):
        return False
    return box.dtype == np.uint8 and len(box.shape) >= 2 and bool((box.low == 0).all() and (box.high == 255).all())


def _is_small(image: spaces.Space[Any]) -> bool:
    """Whether each pixel may be a number that is observed."""
    return 10 * int(np.prod(image.shape or ())) <= MAX_OBSERVATIONS  # leaves room for other parts


def _smaller(shape: tuple[int, ...]) -> str:
    """How to make an image small."""
    if np.prod(shape) <= MAX_OBSERVATIONS:
        return 'append { name = "flatten" } to env.wrappers to observe every pixel'
    return 'append { name = "image_blocks", rows = 8, columns = 8 } to env.wrappers to observe the brightness of blocks'


def _without(space: spaces.Space[Any], bad: set[str]) -> str:
    """How to observe a Dict or Tuple: all of it but the parts in ``bad``, and small images."""
    if not isinstance(space, spaces.Dict | spaces.Tuple):
        return _OWN_WRAPPER
    images = {place for place, part in _parts(space, "") if place in bad and _is_image(part) and _is_small(part)}

    def kept(within: set[str]) -> list[str | int]:
        names: list[str | int] = list(space) if isinstance(space, spaces.Dict) else list(range(len(space)))
        return [n for n in names if not any(b == f".{n}" or b.startswith(f".{n}.") for b in within)]

    keys = kept(bad - images)
    if not keys:
        return _OWN_WRAPPER
    written = ", ".join(f'"{key}"' if isinstance(key, str) else str(key) for key in keys)
    tables = f'{{ name = "filter_observation", keys = [{written}] }}'
    if len(kept(bad)) < len(keys):
        tables += ', { name = "flatten" }'
    return f"append {tables} to env.wrappers"


def _limited(space: spaces.Box) -> str:
    """Bounds of the same actions: those that there are, and otherwise a range of 2, around 0 where that may be."""
    low, high = (bound.ravel().astype(np.float64) for bound in (space.low, space.high))
    lowest = np.where(np.isfinite(low), low, np.where(np.isfinite(high), np.minimum(-1.0, high - 2.0), -1.0))
    highest = np.where(np.isfinite(high), high, np.maximum(1.0, lowest + 2.0))
    written = (str(e[0]) if (e == e[0]).all() else str(e.tolist()) for e in (lowest, highest))
    return 'append {{ name = "limit_action", low = {}, high = {} }} to env.wrappers'.format(*written)
