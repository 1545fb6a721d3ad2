"""The safety gate between controller and robot: an action passes finite and within its limits, or not at all.

    continuous:  every component finite, then a = min(max(a, low), high) in the type of the action space
                 (bounds.fit), rounded before where that is whole (flat_spaces.fitted)
    discrete:    an index in 0 ... n - 1, or one for each choice where an action makes several

MuJoCo replaces a whole control vector by zeros when one component is not a number and carries on;
the gate stops such an action before the simulator can hide it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from snnctl.robots.bounds import fit
from snnctl.robots.flat_spaces import fitted


class Passage(NamedTuple):
    """What became of one action."""

    action: Any  # what ``env.step`` takes; None when refused
    limited: bool  # at least one component was outside its limits
    refusal: str | None  # why no action was passed on


_passage = tuple.__new__  # a third of the time of Passage(...), in every control step


class Gate:
    """Checks actions against a flat action space (:mod:`snnctl.robots.flat_spaces`)."""

    def __init__(self, space: gym.Space[Any]) -> None:
        """``space``: the action space of the environment."""
        self._space: Any = space
        self.check: Callable[[Any], Passage]  # clips an action to the limits, or says why it is refused
        if isinstance(space, gym.spaces.Discrete):
            self._size = int(space.n)
            self.check = self._index
        elif isinstance(space, gym.spaces.MultiDiscrete):
            self.check = self._indices
        else:
            assert isinstance(space, gym.spaces.Box)
            self._shape = space.shape
            self._limits = np.stack([space.low, space.high])  # (2, actions)
            self._low = self._limits[0]
            plain = space.dtype.char in "fd" and space.dtype.isnative
            self.check = self._numbers if plain else self._other_numbers

    def _numbers(self, action: Any) -> Passage:
        values = np.asarray(action, np.float64)  # (actions,)
        if values.shape != self._shape:
            return self._misshapen(values)
        passed = self._low.copy()  # an environment may keep it
        outside = fit(values, self._limits, passed)
        if outside < 0:
            return _not_finite(values, -1 - outside)
        return _passage(Passage, (passed, outside > 0, None))

    def _other_numbers(self, action: Any) -> Passage:
        values = np.asarray(action, np.float64)  # (actions,)
        if values.shape != self._shape:
            return self._misshapen(values)
        if not np.isfinite(values).all():
            return _not_finite(values, int(np.argmin(np.isfinite(values))))
        passed, outside = fitted(self._space, values)
        return Passage(passed, bool(outside.any()), None)

    def _index(self, action: Any) -> Passage:
        if not isinstance(action, int | np.integer) or not 0 <= int(action) < self._size:
            return Passage(None, False, f"the action {action!r} is not one of 0 ... {self._size - 1}")
        return Passage(int(action), False, None)

    def _indices(self, action: Any) -> Passage:
        space, chosen = self._space, np.asarray(action)  # (choices,)
        if not np.issubdtype(chosen.dtype, np.integer) or chosen.shape != space.nvec.shape:
            return Passage(None, False, f"the action {action!r:.80} is not {space.nvec.size} indices")
        if not ((chosen >= 0) & (chosen < space.nvec)).all():
            return Passage(None, False, f"the action {action!r:.80} is not within {space.nvec.tolist()} choices")
        return Passage(chosen.astype(space.dtype), False, None)

    def _misshapen(self, values: NDArray[np.float64]) -> Passage:
        return Passage(None, False, f"the action has shape {values.shape}, the robot takes {self._shape}")


def _not_finite(values: NDArray[np.float64], index: int) -> Passage:
    return Passage(None, False, f"action[{index}] is {values[index]}")
