"""Modulators: the one number that all synapses of an agent learn by, computed once a decision from what came of it.

    begin(observation)                                          the first observation of an episode
    signal(reward, observation, terminated, truncated) -> d     what came of the newest action, and where it led

``d`` goes to every rule of the network that reads a signal, in the first tick of the next decision, and it is 0 in the
other ticks. In the biology of rewards d is the phasic dopamine; the error that it comes from is called the TD error.
A modulator sees an observation as the spikes that code it (:class:`Volley`), and keeps what it learns in tensors of
the agent. Its configuration is a table ``modulator`` of ``agent.toml`` and of recipes, a part of the slot
:data:`snnctl.slots.MODULATORS`: a dataclass (:func:`snnctl.config.schema`) derived from :class:`ModulatorConfig`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from snnctl import slots
from snnctl.allocation import Need

Tensors = Mapping[str, NDArray[Any]]
Self = TypeVar("Self", bound="ModulatorConfig")


class Volley(NamedTuple):
    """Input spikes of a decision: ``sources[starts[t] : starts[t + 1]]`` spike in tick t, ascending."""

    starts: NDArray[np.int64]  # (ticks + 1,)
    sources: NDArray[np.int64]  # (spikes,)


class Modulator(Protocol):
    """A modulator at work."""

    config: Any  # may be replaced between episodes by one of other rates

    def begin(self, observation: Volley) -> None:
        """Start an episode: nothing came before this observation."""
        ...

    def signal(self, reward: float, observation: Volley, terminated: bool, truncated: bool) -> float:
        """The signal d for the reward of the newest action, which led to ``observation``; learns what it needs for it.

        ``terminated``: the task has ended there, so nothing follows; ``truncated``: only the time has run out.
        """
        ...

    def tensors(self) -> dict[str, NDArray[Any]]:
        """What it has learnt, as tensors of the agent (copies)."""
        ...

    def state(self) -> dict[str, NDArray[Any]]:
        """All that its next signal depends on (copies), in the middle of an episode, too."""
        ...

    def restore(self, state: Tensors) -> None:
        """Continue from :meth:`state`, whose arrays have the shapes of this one's."""
        ...


class ModulatorConfig:
    """Base of the configurations of modulators."""

    NEEDS_SPIKES: ClassVar[bool] = False  # whether it reads the observation
    # whether the modulator at work predicts, and has value, delta and reward_scale as a ValuingController has them
    PREDICTS: ClassVar[bool] = False

    def tensor_shapes(self, inputs: int) -> dict[str, tuple[int, ...]]:
        """Names and shapes of its tensors for a network of ``inputs`` neurons that observations are coded by."""
        return {}

    def needs(self, ticks: int) -> list[Need]:
        """What it allocates and computes beyond its tensors, by its own keys."""
        return []

    def slowed(self: Self, fraction: float) -> Self:
        """The same with all rates of learning, that of the synapses included, at this fraction."""
        raise NotImplementedError(f"{type(self).__name__} must define slowed(self, fraction)")

    def build(self, inputs: int, ticks: int, tensors: Tensors) -> Modulator:
        """The modulator at work; ``tensors`` are those of :meth:`tensor_shapes`, all 0 before anything is learnt."""
        raise NotImplementedError(f"{type(self).__name__} must define build(self, inputs, ticks, tensors)")


def defects(part: Any) -> list[str]:
    """Everything that keeps a class from being the configuration of a modulator."""
    if found := slots.schema_defects(part):
        return found
    if not issubclass(part, ModulatorConfig):
        return [f"it is not derived from {ModulatorConfig.__module__}.{ModulatorConfig.__qualname__}"]
    names = ("build", "slowed")
    return [f"it does not define {n}()" for n in names if getattr(part, n) is getattr(ModulatorConfig, n)]
