"""The plainest modulator: the reward itself, d = gain r.

A rule whose eligibility is 0 in the mean, such as the score form, learns by it without a bias, and slowly where all
rewards have one sign.
"""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Literal

from annotated_types import Ge
from numpy.typing import NDArray

from snnctl.agent.modulator import ModulatorConfig, Tensors, Volley
from snnctl.config import schema


@schema
class Reward(ModulatorConfig):
    """Configuration."""

    kind: Literal["reward"] = "reward"
    gain: Annotated[float, Ge(0)] = 1.0

    def slowed(self, fraction: float) -> Reward:
        """With this fraction of the gain."""
        return dataclasses.replace(self, gain=self.gain * fraction)

    def build(self, inputs: int, ticks: int, tensors: Tensors) -> PlainReward:
        """What passes rewards on."""
        return PlainReward(self)


class PlainReward:
    """Reward -> signal; it keeps nothing."""

    def __init__(self, config: Reward) -> None:
        self.config = config

    def begin(self, observation: Volley) -> None:
        """Nothing is kept."""

    def signal(self, reward: float, observation: Volley, terminated: bool, truncated: bool) -> float:
        """Gain times the reward."""
        return self.config.gain * reward

    def tensors(self) -> dict[str, NDArray[Any]]:
        """None."""
        return {}

    def state(self) -> dict[str, NDArray[Any]]:
        """None."""
        return {}

    def restore(self, state: Tensors) -> None:
        """Nothing to restore."""
