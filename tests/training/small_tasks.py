"""Tiny environments that a controller masters in seconds, registered when this module is imported."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces


class Match(gymnasium.Env[Any, Any]):
    """Say which half-line the observation is on (discrete), or repeat it (continuous); 20 steps an episode."""

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012

    def __init__(self, continuous: bool = False, diverge_at: int = -1, ends: bool = False) -> None:
        self.observation_space = spaces.Box(-1, 1, (1,), np.float32)
        self.continuous, self.diverge_at, self.ends = continuous, diverge_at, ends
        self.action_space = spaces.Box(-2, 2, (1,), np.float32) if continuous else spaces.Discrete(2)
        self.count = 0

    def _draw(self) -> np.ndarray:
        self.x = self.np_random.uniform(-1, 1, size=1).astype(np.float32)
        return self.x

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.count = 0
        return self._draw(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        self.count += 1
        x = float(self.x[0])
        reward = 1 - min(1.0, abs(float(action[0]) - 2 * x)) if self.continuous else float(int(action) == (x > 0))
        observation = self._draw()
        if self.count == self.diverge_at:
            observation = np.array([np.nan], np.float32)
        return observation, reward, self.ends and self.count == 5, self.count == 20, {}


for kind, continuous in (("Choice", False), ("Reach", True)):
    gymnasium.register(f"snnctl-test/{kind}-v0", entry_point=Match, kwargs={"continuous": continuous})

# The recipe of a small spiking actor for Reach, without its trainer.
REACH = """
schema = 1
name = "small"
[env]
id = "snnctl-test/Reach-v0"
[encoder]
kind = "gaussian_population"
neurons_per_dim = 6
[network]
hidden = [16]
[network.neuron]
model = "current_lif"
tau_mem_s = 3.5e-3
tau_syn_s = 1.5e-3
[decoder]
kind = "rate"
neurons_per_action = 5
"""
