"""First-spike decoder: the sooner a neuron spikes, the larger its value; later spikes do not count.

    value[a, j] = (ticks - t) / ticks        t = tick of the first spike of neuron j of action a; 0 if it is silent
    y[a] = tanh(sum_j weight[a, j] value[a, j] + bias[a]), scaled to the limits as in :mod:`rate`

The value has ticks + 1 levels, 1 / ticks apart.
Cost: one spike a neuron is enough; an answer that needs only the first spikes is known at the last of them, one that
needs to know who is silent takes all ``ticks``.
Tensors: ``decoder.weight`` (actions, k), ``decoder.bias``, ``decoder.low`` and ``decoder.high`` (actions,).
Source: Thorpe & Gautrais 1998 (latency and rank); the linear form is ours.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray

from snnctl.coding.code import Tensors
from snnctl.coding.latency import first_ticks
from snnctl.coding.linear_decoder import LinearDecoder, WeightedSum
from snnctl.config import schema


def decode(raster: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Values (...) in [0, 1] of spikes (ticks, ...)."""
    ticks = raster.shape[0]
    value: NDArray[np.float64] = np.maximum((ticks - first_ticks(raster)) / ticks, 0.0)  # a silent one has t = inf
    return value


@schema
class FirstSpikeDecoder(LinearDecoder):
    """Configuration of the first-spike decoder (continuous actions)."""

    action_kind: ClassVar[Literal["continuous"]] = "continuous"
    kind: Literal["first_spike"] = "first_spike"
    neurons_per_action: Annotated[int, Ge(1)] = 10

    def build(self, tensors: Tensors, tick_s: float, actions: int) -> FirstSpikeSum:
        """What decodes with these weights."""
        return FirstSpikeSum(tensors, self.limits(tensors))


class FirstSpikeSum(WeightedSum):
    """Spikes -> action, by the times of the first ones."""

    def values(self, raster: NDArray[np.uint8], v: NDArray[Any] | None) -> tuple[NDArray[Any], int]:
        """How early each neuron spiked."""
        return decode(raster), 1
