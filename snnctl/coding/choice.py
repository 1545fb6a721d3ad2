"""Choice decoder to a discrete action: the action whose population has the highest decoded rate.

    rate[a, j] = (spikes of neuron j of action a in this decision) / ticks
    logit[a] = sum_j weight[a, j] rate[a, j] + bias[a]
    action = argmax_a logit[a], the lowest index of equals

Tensors: ``decoder.weight`` (actions, k), ``decoder.bias`` (actions,). Training samples from
softmax(logit); running takes the argmax.
Cost: no extra ticks; at most ticks spikes a neuron. All silent, the largest bias decides.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray

from snnctl.coding.code import Limits, LinearReadout, Tensors
from snnctl.coding.linear_decoder import LinearDecoder
from snnctl.coding.linear_gradient import LinearGradient
from snnctl.config import schema


@schema
class ChoiceDecoder(LinearDecoder):
    """Configuration of the choice decoder (discrete actions)."""

    action_kind: ClassVar[Literal["discrete"]] = "discrete"
    has_scores: ClassVar[bool] = True
    kind: Literal["choice"] = "choice"
    neurons_per_action: Annotated[int, Ge(1)] = 10

    def fixed(self, actions: int, limits: Limits | None) -> dict[str, NDArray[Any]]:
        """Every spike counts the same."""
        return {
            "decoder.weight": np.ones((actions, self.neurons_per_action)),
            "decoder.bias": np.zeros(actions),
        }

    def fused(self, tensors: Tensors) -> LinearReadout:
        """It runs inside the decision kernel."""
        return self.counted(tensors)

    def gradient(self, actions: int) -> LinearGradient:
        """The read-out over a batch."""
        return LinearGradient(actions, self.neurons_per_action)
