"""Direct current: no spikes at the input; the observation itself is injected, the same in every tick.

    current[t, d] = gain x[d]

The first layer's weights turn the analog values into currents: ``current @ weight`` (ticks, n) is each neuron's
injected current. The neurons of that layer make the first spikes, which is the least lossy input of all.
One analog input for each observation.
Cost: no extra ticks and no input spikes, but the first layer's products are multiplications, not additions: dims * n
multiply-accumulates, once a decision (the current is constant) instead of one addition for each spike and synapse. A
neuromorphic chip injects them as biases that are set anew for each decision, or not at all.
Source: Rueckauer et al., Frontiers in Neuroscience 11:682 (2017), section 2.3 (analog input).
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from snnctl.coding.code import Encoder, Tensors
from snnctl.config import schema


def encode(x: NDArray[Any], ticks: int, gain: float = 1.0) -> NDArray[np.float64]:
    """Currents (ticks, ...) for observations ``x`` (...).

    Raises:
        ValueError: an observation is not finite.
    """
    values = np.asarray(x, np.float64)
    if not np.isfinite(values).all():
        index = [int(i) for i in np.argwhere(~np.isfinite(values))[0]]
        raise ValueError(f"observation{index} is {values[tuple(index)]}: a current must be finite")
    return np.repeat(gain * values[None], ticks, axis=0)


def decode(current: NDArray[np.float64], gain: float = 1.0) -> NDArray[np.float64]:
    """Observations (...) of currents (ticks, ...)."""
    x: NDArray[np.float64] = current.mean(axis=0) / gain
    return x


@schema
class DirectCurrent(Encoder):
    """Configuration of the direct current."""

    signal: ClassVar[Literal["analog"]] = "analog"
    kind: Literal["direct_current"] = "direct_current"
    gain: float = 1.0

    def size(self, dims: int) -> int:
        """Analog inputs needed for ``dims`` observations."""
        return dims

    @property
    def is_steady(self) -> bool:
        """It neither draws nor remembers."""
        return True

    def build(self, tensors: Tensors, tick_s: float, dtype: type) -> DirectCurrentEncoder:
        """What injects; no tensors are needed."""
        return DirectCurrentEncoder(self.gain)


class DirectCurrentEncoder:
    """Normalised observation -> currents."""

    def __init__(self, gain: float) -> None:
        self._gain = gain

    def reset(self) -> None:
        """Nothing is kept between decisions."""

    def values(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Currents (dims,) of every tick for the normalised observation ``x`` (dims,)."""
        current: NDArray[np.float64] = encode(x, 1, self._gain)[0]
        return current
