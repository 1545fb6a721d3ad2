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

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

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
class DirectCurrent:
    """Configuration of the direct current."""

    kind: Literal["direct_current"] = "direct_current"
    gain: float = 1.0

    def size(self, dims: int) -> int:
        """Analog inputs needed for ``dims`` observations."""
        return dims

    def tensor_shapes(self, dims: int) -> dict[str, tuple[int | None, ...]]:
        """No tensors."""
        return {}
