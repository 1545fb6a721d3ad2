"""Choice decoder to a discrete action: the action whose population has the highest decoded rate.

    rate[a, j] = (spikes of neuron j of action a in this decision) / ticks
    logit[a] = sum_j weight[a, j] rate[a, j] + bias[a]
    action = argmax_a logit[a], the lowest index of equals

Tensors: ``decoder.weight`` (actions, k), ``decoder.bias`` (actions,). Training samples from
softmax(logit); running takes the argmax.
Cost: no extra ticks; at most ticks spikes a neuron. All silent, the largest bias decides.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from annotated_types import Ge

from snnctl.config import schema


@schema
class ChoiceDecoder:
    """Configuration of the choice decoder (discrete actions)."""

    action_kind: ClassVar[Literal["discrete"]] = "discrete"
    kind: Literal["choice"] = "choice"
    neurons_per_action: Annotated[int, Ge(1)] = 10

    def size(self, actions: int) -> int:
        """Neurons of the output population for ``actions`` actions."""
        return actions * self.neurons_per_action

    def tensor_shapes(self, actions: int) -> dict[str, tuple[int | None, ...]]:
        """Tensors of this decoder for ``actions`` actions."""
        return {
            "decoder.weight": (actions, self.neurons_per_action),
            "decoder.bias": (actions,),
        }
