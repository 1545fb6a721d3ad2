"""The safety gate between controller and robot: an action passes finite and within its limits, or not at all.

    continuous:  every component finite, then a = min(max(a, low), high) in the type of the action space,
                 rounded before where that is whole (flat_spaces.fitted)
    discrete:    an index in 0 ... n - 1, or one for each choice where an action makes several

MuJoCo replaces a whole control vector by zeros when one component is not a number and carries on;
the gate stops such an action before the simulator can hide it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from snnctl.robots.flat_spaces import fitted


class Passage(NamedTuple):
    """What became of one action."""

    action: Any  # what ``env.step`` takes; None when refused
    limited: bool  # at least one component was outside its limits
    refusal: str | None  # why no action was passed on


class Gate:
    """Checks actions against a flat action space (:mod:`snnctl.robots.flat_spaces`)."""

    def __init__(self, space: gym.Space[Any]) -> None:
        """``space``: the action space of the environment."""
        self._space = space

    def check(self, action: Any) -> Passage:
        """Clip ``action`` to the limits, or say why it is refused."""
        if isinstance(self._space, gym.spaces.Discrete):
            return self._index(action, int(self._space.n))
        if isinstance(self._space, gym.spaces.MultiDiscrete):
            return self._indices(action, self._space)
        box = self._space
        assert isinstance(box, gym.spaces.Box)
        values = np.asarray(action, dtype=np.float64)  # (actions,)
        if values.shape != box.shape:
            return Passage(None, False, f"the action has shape {values.shape}, the robot takes {box.shape}")
        if not np.isfinite(values).all():
            index = int(np.flatnonzero(~np.isfinite(values))[0])
            return Passage(None, False, f"action[{index}] is {values.flat[index]}")
        passed, outside = fitted(box, values)
        return Passage(passed, bool(outside.any()), None)

    def check_rows(self, actions: NDArray[Any]) -> list[Passage]:
        """:meth:`check` of each row of (rows, actions), or of each index (rows,)."""
        box = self._space
        if not isinstance(box, gym.spaces.Box) or actions.shape[1:] != box.shape or not np.isfinite(actions).all():
            return [self.check(action) for action in actions]
        passed, outside = fitted(box, actions)
        limited: list[bool] = np.any(outside, axis=1).tolist()
        return [Passage(action, beyond, None) for action, beyond in zip(passed, limited, strict=True)]

    @staticmethod
    def _index(action: Any, size: int) -> Passage:
        if not isinstance(action, int | np.integer) or not 0 <= int(action) < size:
            return Passage(None, False, f"the action {action!r} is not one of 0 ... {size - 1}")
        return Passage(int(action), False, None)

    @staticmethod
    def _indices(action: Any, space: gym.spaces.MultiDiscrete) -> Passage:
        chosen = np.asarray(action)  # (choices,)
        if not np.issubdtype(chosen.dtype, np.integer) or chosen.shape != space.nvec.shape:
            return Passage(None, False, f"the action {action!r:.80} is not {space.nvec.size} indices")
        if not ((chosen >= 0) & (chosen < space.nvec)).all():
            return Passage(None, False, f"the action {action!r:.80} is not within {space.nvec.tolist()} choices")
        return Passage(chosen.astype(space.dtype), False, None)
