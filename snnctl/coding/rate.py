"""Rate decoder to continuous actions: a linear map of each action's population rate, squashed to its limits.

    rate[a, j] = (spikes of neuron j of action a in this decision) / ticks
    y[a] = tanh(sum_j weight[a, j] rate[a, j] + bias[a])
    action[a] = low[a] + (y[a] + 1) / 2 * (high[a] - low[a])

Tensors: ``decoder.weight`` (actions, k), ``decoder.bias`` (actions,), ``decoder.low`` and
``decoder.high`` (actions,) in the environment's units. The output population is action-major.
Cost: no extra ticks; the rate has ticks + 1 levels, 1 / ticks apart, so a decision of few ticks decodes few values from
one neuron. At most ticks spikes a neuron.
Source: Tang et al., CoRL 2020 (PopSAN).
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray

from snnctl.coding.code import LinearReadout, Tensors
from snnctl.coding.linear_decoder import LinearDecoder
from snnctl.coding.linear_gradient import LinearGradient
from snnctl.config import schema


def decode(raster: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Spikes per tick (...) of spikes (ticks, ...)."""
    rate: NDArray[np.float64] = raster.sum(axis=0, dtype=np.int64) / raster.shape[0]
    return rate


@schema
class RateDecoder(LinearDecoder):
    """Configuration of the rate decoder (continuous actions)."""

    action_kind: ClassVar[Literal["continuous"]] = "continuous"
    kind: Literal["rate"] = "rate"
    neurons_per_action: Annotated[int, Ge(1)] = 10

    def fused(self, tensors: Tensors) -> LinearReadout:
        """It runs inside the decision kernel."""
        return self.counted(tensors)

    def gradient(self, actions: int) -> LinearGradient:
        """The read-out over a batch."""
        return LinearGradient(actions, self.neurons_per_action)
