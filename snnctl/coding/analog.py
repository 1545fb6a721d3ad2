"""Analog input: the normalised observation itself, as numbers, for a network that computes with numbers.

    value[d] = x[d]

One input for each observation, no spikes and no tensors. In a spiking network the values are injected as currents, as
those of :mod:`direct_current` with gain 1.
Cost: no ticks and no spikes; the first layer multiplies, dims n multiplications a decision. A chip of spikes does not
take it.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from snnctl.coding.analog_gradient import AnalogEncoderGradient
from snnctl.coding.code import Encoder, Tensors
from snnctl.config import schema


@schema
class Analog(Encoder):
    """Configuration of the analog input."""

    signal: ClassVar[Literal["analog"]] = "analog"
    kind: Literal["analog"] = "analog"

    def size(self, dims: int) -> int:
        """Analog inputs needed for ``dims`` observations."""
        return dims

    @property
    def is_steady(self) -> bool:
        """It neither draws nor remembers."""
        return True

    def gradient(self, dims: int, ticks: int, dtype: Any) -> AnalogEncoderGradient:
        """The code over a batch."""
        return AnalogEncoderGradient()

    def build(self, tensors: Tensors, tick_s: float, dtype: type) -> AnalogInput:
        """What passes observations on; no tensors are needed."""
        return AnalogInput()


class AnalogInput:
    """Normalised observation -> the same numbers, checked."""

    def reset(self) -> None:
        """Nothing is kept between decisions."""

    def values(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Numbers (dims,) for the normalised observation ``x`` (dims,).

        Raises:
            ValueError: an observation is not finite.
        """
        if not np.isfinite(x).all():
            index = int(np.flatnonzero(~np.isfinite(x))[0])
            raise ValueError(f"observation[{index}] is {x[index]}: an analog input must be finite")
        return x
