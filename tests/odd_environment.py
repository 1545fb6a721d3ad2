"""An environment with spaces of any kind, registered as ``snnctl-test/Odd-v0``: say on which side two numbers are."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

SIZES = (2, 3)  # of the choices: the sign of a, and in which third b is

EYE = spaces.Box(0, 255, (4, 4, 3), np.uint8)
UNIT = spaces.Box(-1, 1, (1,), np.float32)
OBSERVATIONS: dict[str, spaces.Space[Any]] = {
    "box": spaces.Box(-1, 1, (2,), np.float32),
    "dict": spaces.Dict({"b": UNIT, "a": UNIT}),  # the order of a plain dict is alphabetical
    "tuple": spaces.Tuple((UNIT, UNIT, spaces.Discrete(3, start=5))),
    "matrix": spaces.Box(-1, 1, (2, 1), np.float32),
    "discrete": spaces.Discrete(6),
    "image": spaces.Box(0, 255, (80, 60, 3), np.uint8),
    "grey": spaces.Box(0, 255, (80, 60), np.uint8),
    "small image": EYE,
    "mission": spaces.Dict({"a": UNIT, "b": UNIT, "say": spaces.Text(8), "eye": EYE}),
    "wide": spaces.Box(-1, 1, (5000,), np.float32),
}
ACTIONS: dict[str, spaces.Space[Any]] = {
    "several": spaces.MultiDiscrete(SIZES),
    "shifted several": spaces.MultiDiscrete([[2], [3]], start=[[1], [-1]]),
    "binary": spaces.MultiBinary(2),
    "shifted": spaces.Discrete(6, start=-2),
    "box": spaces.Box(-1, 1, (2,), np.float32),
    "matrix": spaces.Box(-1, 1, (2, 1), np.float32),
    "unbounded": spaces.Box(-np.inf, np.inf, (2,), np.float32),
    "half bounded": spaces.Box(np.array([3, -np.inf]), np.array([np.inf, 9]), dtype=np.float64),
    "dict": spaces.Dict({"a": UNIT}),
}


class Odd(gymnasium.Env[Any, Any]):
    """Numbers a and b in [-1, 1], as one of OBSERVATIONS tells them; right choices are rewarded; 20 steps."""

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012

    def __init__(self, observe: str = "dict", act: str = "several", shape: Any = None) -> None:
        self.observation_space, self.action_space = OBSERVATIONS[observe], ACTIONS[act]
        self.observe, self.act, self.shape = observe, act, shape
        self.done: list[Any] = []  # every action as it came

    def _draw(self) -> Any:
        self.ab = self.np_random.uniform(-1, 1, size=2).astype(np.float32)
        a, b = self.ab[:1], self.ab[1:]
        match self.observe:
            case "box":
                return self.ab
            case "matrix":
                return self.ab.reshape(2, 1)
            case "dict":
                return {"a": a, "b": b}
            case "tuple":
                return a, b, 5 + self.right[1]
            case "discrete":
                return int(np.ravel_multi_index(self.right, SIZES))
            case "mission":
                return {"a": a, "b": b, "say": "go", "eye": np.zeros(EYE.shape, np.uint8)}
        image = np.zeros(self.observation_space.shape, np.uint8)
        image[: len(image) // 2] = 255 * self.right[0]
        image[len(image) // 2 :] = 127 * self.right[1]
        return image

    @property
    def right(self) -> tuple[int, int]:
        return int(self.ab[0] > 0), int((self.ab[1] + 1) * 1.5)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.count = 0
        return self._draw(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert action in self.action_space, action
        self.done.append(action)
        self.count += 1
        chosen = np.ravel(action)
        if self.act == "shifted":
            chosen = np.unravel_index(int(action) + 2, SIZES)
        if self.act in ("several", "shifted"):
            reward = float(np.mean(np.array(chosen) == self.right))
        else:
            reward = 1.0 - float(np.abs(chosen - self.ab).mean()) / 2
        return self._draw(), reward, False, self.count == 20, {}


gymnasium.register("snnctl-test/Odd-v0", entry_point=Odd)
