"""Which environment, and what lies between it and the controller: the same in a recipe and in an agent.

    [env]
    id = "HalfCheetah-v5"
    kwargs = { forward_reward_weight = 2.0 }
    wrappers = [{ name = "hide_observation", indices = [8, 9] }, { name = "frame_stack", size = 3 }]
    delay = { observation = 1, action = [0, 2] }
    jitter = { action = 1 }

A wrapper is a part of the slot ``WRAPPERS`` (:mod:`snnctl.robots.wrappers`); the first one is the innermost. What delay
and jitter do is in :mod:`snnctl.robots.delay`.
"""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Any

from annotated_types import Ge, Le, MaxLen

from snnctl import slots
from snnctl.config import schema
from snnctl.plain_table import Table

MAX_STEPS = 1000  # of a delay or a jitter

Steps = Annotated[int, Ge(0), Le(MAX_STEPS)]
Wrapper = Annotated[Any, slots.WRAPPERS]
Wrappers = Annotated[tuple[Wrapper, ...], MaxLen(32)]  # each is a call in every step


def ends(steps: int | tuple[int, int]) -> tuple[int, int]:
    """Lowest and highest of a number of steps, or of a range."""
    return (steps, steps) if isinstance(steps, int) else (steps[0], steps[1])


@schema
class Lag:
    """Control steps: a number, or a range [lowest, highest] from which each episode draws one."""

    observation: Steps | tuple[Steps, Steps] = 0
    action: Steps | tuple[Steps, Steps] = 0

    def __post_init__(self) -> None:
        for name, (low, high) in (("observation", ends(self.observation)), ("action", ends(self.action))):
            if low > high:
                raise ValueError(f"{name} is a range from {low} to {high}; write the lower one first")

    @property
    def is_none(self) -> bool:
        """Whether nothing is ever late."""
        return ends(self.observation)[1] == ends(self.action)[1] == 0


@schema
class EnvChoice:
    """An environment: a Gymnasium id, ``module:Env-v0``, or the name of a folder in ``envs/``."""

    id: Annotated[str, slots.ENVIRONMENT]
    kwargs: Annotated[Table, slots.PYTHON] = field(default_factory=dict)  # arguments of its constructor
    wrappers: Wrappers = ()
    delay: Lag = Lag()  # how late every observation and every action is
    jitter: Lag = Lag()  # how much later than that each single one is, at most
