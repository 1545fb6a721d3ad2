"""Winner-take-all decoder to a discrete action, without weights: the strongest population decides.

    count:        the most spikes of the population in this decision
    first_spike:  the earliest spike of any of its neurons
    membrane:     the highest membrane of any of its neurons after the last tick

Ties go to the lowest index, and so does silence (count and first_spike): action 0 is what an agent does that has
nothing to say. :mod:`choice` is the same for counts, but weighs the neurons of a population and has a gradient.
Cost: no extra ticks; one spike of the winner is enough. ``first_spike`` is decided at the first output spike, on
average long before the last tick; ``count`` takes all ``ticks``; ``membrane`` needs no output spikes.
Source: Maass, Neural Computation 12 (2000), on what winner-take-all computes.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray

from snnctl.coding.code import Action, Decoder, Tensors, required
from snnctl.coding.latency import first_ticks
from snnctl.config import schema


def spikes(raster: NDArray[np.uint8], actions: int) -> NDArray[np.int64]:
    """Spikes (actions,) of each population, of spikes (ticks, actions * k), action-major."""
    count: NDArray[np.int64] = raster.sum(axis=0, dtype=np.int64).reshape(actions, -1).sum(axis=1)
    return count


def earliness(raster: NDArray[np.uint8], actions: int) -> NDArray[np.float64]:
    """Minus the tick of the first spike (actions,) of each population, of spikes (ticks, actions * k), action-major."""
    early: NDArray[np.float64] = -first_ticks(raster).reshape(actions, -1).min(axis=1)
    return early


def highest_membranes(membrane: NDArray[Any], actions: int) -> NDArray[Any]:
    """Highest membrane (actions,) of each population, of membranes (actions * k,) or (ticks, actions * k).

    Raises:
        ValueError: a membrane is nan.
    """
    last = membrane if membrane.ndim == 1 else membrane[-1]
    if np.isnan(last).any():
        raise ValueError(f"membrane[{int(np.isnan(last).argmax())}] is nan: the network diverged, shorten its tick")
    highest: NDArray[Any] = last.reshape(actions, -1).max(axis=1)
    return highest


@schema
class WinnerTakeAllDecoder(Decoder):
    """Configuration of the winner-take-all decoder (discrete actions)."""

    action_kind: ClassVar[Literal["discrete"]] = "discrete"
    has_scores: ClassVar[bool] = True
    kind: Literal["winner_take_all"] = "winner_take_all"
    neurons_per_action: Annotated[int, Ge(1)] = 1
    by: Literal["count", "first_spike", "membrane"] = "count"

    def size(self, actions: int) -> int:
        """Neurons of the output population for ``actions`` actions."""
        return actions * self.neurons_per_action

    @property
    def reads(self) -> Literal["spikes", "membranes"]:
        """Membranes, if they decide."""
        return "membranes" if self.by == "membrane" else "spikes"

    def build(self, tensors: Tensors, tick_s: float, actions: int) -> WinnerTakeAll:
        """What decodes; no tensors are needed."""
        return WinnerTakeAll(self, actions)


class WinnerTakeAll:
    """Spikes or membranes -> index of an action."""

    def __init__(self, config: WinnerTakeAllDecoder, actions: int) -> None:
        self._by, self._actions = config.by, actions

    def reset(self) -> None:
        """Nothing is kept between decisions."""

    def scores(self, raster: NDArray[np.uint8], v: NDArray[Any] | None) -> NDArray[Any]:
        """What is compared (actions,)."""
        match self._by:
            case "count":
                return spikes(raster, self._actions)
            case "first_spike":
                return earliness(raster, self._actions)
            case "membrane":
                return highest_membranes(required(v), self._actions)

    def decode(self, raster: NDArray[np.uint8], v: NDArray[Any] | None) -> Action:
        """The index of the winner."""
        return int(self.scores(raster, v).argmax())
