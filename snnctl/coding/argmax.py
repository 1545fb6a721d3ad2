"""Argmax decoder: of a network that computes with numbers, the action with the largest output.

    action = argmax_a z[a], the lowest index of equals

One output ``z``, a logit, for each action; no tensors. Training samples from softmax(z); running takes the argmax.
Cost: no ticks and no spikes; one number an action is read.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from snnctl.coding.analog_decoder import finite
from snnctl.coding.analog_gradient import AnalogDecoderGradient
from snnctl.coding.code import Action, Decoder, Tensors, required
from snnctl.coding.readout import choose
from snnctl.config import schema


@schema
class ArgmaxDecoder(Decoder):
    """Configuration of the argmax decoder (discrete actions)."""

    action_kind: ClassVar[Literal["discrete"]] = "discrete"
    has_scores: ClassVar[bool] = True
    kind: Literal["argmax"] = "argmax"

    @property
    def reads(self) -> Literal["values"]:
        """Numbers instead of spikes."""
        return "values"

    def size(self, actions: int) -> int:
        """One output for each action."""
        return actions

    def gradient(self, actions: int) -> AnalogDecoderGradient:
        """The logits over a batch."""
        return AnalogDecoderGradient()

    def build(self, tensors: Tensors, tick_s: float, actions: int) -> Argmax:
        """What decodes; no tensors are needed."""
        return Argmax()


class Argmax:
    """Outputs of a network -> index of an action."""

    def reset(self) -> None:
        """Nothing is kept between decisions."""

    def scores(self, raster: Any, v: NDArray[Any] | None) -> NDArray[np.float64]:
        """The outputs ``v`` (actions,)."""
        return finite(required(v, "values"))

    def decode(self, raster: Any, v: NDArray[Any] | None) -> Action:
        """The index for outputs ``v`` (actions,)."""
        return int(choose(self.scores(raster, v)))
