"""What drives a robot: observation in, action out, and a record of the spikes in between."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from snnctl.agent.description import AgentDescription
from snnctl.coding.code import Action

Spikes = NDArray[np.uint8]
Cost = TypeVar("Cost", covariant=True)


class Activity(NamedTuple):
    """What the network did in the last decision."""

    spikes: dict[str, Spikes]  # population name -> (ticks, n) of 0 and 1, inputs included; none of a dense network
    synaptic_events: int  # weights that a spike, or a number, was multiplied with and added


class Controller(Protocol):
    """An agent at work, in floating point or on an emulated chip."""

    @property
    def description(self) -> AgentDescription:
        """The agent that this controller runs."""
        ...

    def reset(self, seed: int) -> None:
        """Start an episode: clear the state and seed the encoder's random stream."""
        ...

    def act(self, observation: NDArray[Any]) -> Action:
        """One decision. Continuous actions are within the limits; discrete ones are an index,
        or an index for each of several choices.
        """
        ...

    def activity(self) -> Activity:
        """Spikes and counts of the last decision (built on demand; costs nothing if never asked)."""
        ...


@runtime_checkable
class CountingController(Controller, Protocol):
    """A controller that counts its spikes while it decides, so that nobody has to ask after every decision."""

    @property
    def populations(self) -> dict[str, tuple[int, int]]:
        """Name -> neurons, and neurons times ticks of one decision."""
        ...

    def counted(self) -> tuple[NDArray[np.int64], int]:
        """Spikes (populations,) and synaptic events of all decisions since the last reset."""
        ...


class Priced(Controller, Protocol[Cost]):
    """A controller that knows what its last decision cost: an emulated chip."""

    def cost(self, control_dt_s: float | None = None) -> Cost:
        """Cost of the last decision; ``control_dt_s`` is the time to the next one, by default that of its task."""
        ...


@runtime_checkable
class LearningController(Controller, Protocol):
    """A controller that changes with what its actions lead to."""

    def feedback(self, reward: float, observation: NDArray[Any], terminated: bool, truncated: bool) -> None:
        """The reward of the last action and where it led; the end of an episode is learnt from at once."""
        ...


@runtime_checkable
class ValuingController(LearningController, Protocol):
    """A learning controller with a critic, which can tell what it expected and how wrong that was."""

    @property
    def value(self) -> float:
        """What the critic expected at the last decision, in largest rewards per step."""
        ...

    @property
    def delta(self) -> float:
        """Error of the newest reward that it learnt from: after ``act`` that of the action before."""
        ...
