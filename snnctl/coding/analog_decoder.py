"""Analog decoder: the outputs of a network that computes with numbers, squashed to the limits of the actions.

    y[a] = tanh(z[a])                    squash = "tanh"
    y[a] = min(max(z[a], -1), 1)         squash = "clip"
    action[a] = low[a] + (y[a] + 1) / 2 (high[a] - low[a])
    action[a] = min(max(z[a], low[a]), high[a])      squash = "none"

One output ``z`` for each action, first clipped to +-``bound`` where there is one (what stable-baselines3 does to the
means of gSDE). With ``tanh`` it is the last step of :mod:`rate`, whose ``y`` comes from spikes.
Cost: no ticks and no spikes; one number an action is read.
Tensors: ``decoder.low`` and ``decoder.high`` (actions,), in the environment's units.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Gt
from numpy.typing import NDArray

from snnctl.coding import readout
from snnctl.coding.analog_gradient import AnalogDecoderGradient
from snnctl.coding.code import Action, Decoder, Limits, Shapes, Tensors, required
from snnctl.config import schema

Squash = Literal["tanh", "clip", "none"]


def finite(z: NDArray[Any]) -> NDArray[np.float64]:
    """``z`` (actions,) as float64, a copy. Raises ValueError where it is not finite."""
    y = np.array(z, np.float64)
    if not np.isfinite(y).all():
        index = int(np.flatnonzero(~np.isfinite(y))[0])
        raise ValueError(f"output[{index}] is {y[index]}: the network diverged")
    return y


def decode(z: NDArray[Any], low: NDArray[np.float64], high: NDArray[np.float64], squash: Squash) -> NDArray[np.float64]:
    """Actions (actions,) within their limits for outputs ``z`` (actions,).

    Raises:
        ValueError: an output is not finite.
    """
    y = finite(z)
    if squash == "tanh":
        readout.squash(y, low, high)
        return y
    scaled = y if squash == "none" else low + (np.clip(y, -1.0, 1.0) + 1.0) / 2.0 * (high - low)
    return np.minimum(np.maximum(scaled, low), high)


@schema
class AnalogDecoder(Decoder):
    """Configuration of the analog decoder (continuous actions)."""

    action_kind: ClassVar[Literal["continuous"]] = "continuous"
    kind: Literal["analog"] = "analog"
    squash: Squash = "tanh"
    bound: Annotated[float, Gt(0)] | None = None  # of the outputs, before they are squashed

    @property
    def reads(self) -> Literal["values"]:
        """Numbers instead of spikes."""
        return "values"

    def size(self, actions: int) -> int:
        """One output for each action."""
        return actions

    def tensor_shapes(self, actions: int) -> Shapes:
        """The limits."""
        return {"decoder.low": (actions,), "decoder.high": (actions,)}

    def fixed(self, actions: int, limits: Limits | None) -> dict[str, NDArray[Any]] | None:
        """The limits are all that it needs."""
        return None if limits is None else {"decoder.low": limits[0], "decoder.high": limits[1]}

    def gradient(self, actions: int) -> AnalogDecoderGradient | None:
        """The outputs over a batch; policies are trained with the action tanh(z) alone."""
        return AnalogDecoderGradient() if self.squash == "tanh" and self.bound is None else None

    def build(self, tensors: Tensors, tick_s: float, actions: int) -> AnalogOutput:
        """What decodes with these limits."""
        return AnalogOutput(self, tensors)


class AnalogOutput:
    """Outputs of a network -> action."""

    def __init__(self, config: AnalogDecoder, tensors: Tensors) -> None:
        self._squash: Squash = config.squash
        self._bound = config.bound
        self._low = tensors["decoder.low"].astype(np.float64)  # (actions,)
        self._high = tensors["decoder.high"].astype(np.float64)  # (actions,)

    def reset(self) -> None:
        """Nothing is kept between decisions."""

    def decode(self, raster: Any, v: NDArray[Any] | None) -> Action:
        """The action (actions,) for outputs ``v`` (actions,)."""
        z = required(v, "values")
        if self._bound is not None:
            z = np.clip(finite(z), -self._bound, self._bound)
        return decode(z, self._low, self._high, self._squash)
