"""Membrane decoder: the output neurons' membranes are the answer, without the rounding of a spike count.

    value[a, j] = v[a, j] after the last tick, or its mean or largest over the decision
    y[a] = tanh(sum_j weight[a, j] value[a, j] + bias[a]), scaled to the limits as in :mod:`rate`

The output population usually has a threshold that it never reaches, or resets by subtraction: ``value`` is the membrane
after the reset, so that what a spike took away is lost. ``last`` needs the membranes (n,) after the last tick only, the
others all of them (ticks, n).
Cost: no extra ticks and no output spikes at all; n numbers are read from the neurons instead of spikes, which a
neuromorphic chip can do by probing only.
Tensors: ``decoder.weight`` (actions, k), ``decoder.bias``, ``decoder.low`` and ``decoder.high`` (actions,).
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray

from snnctl.coding.code import Tensors, required
from snnctl.coding.linear_decoder import LinearDecoder, WeightedSum
from snnctl.config import schema

Read = Literal["last", "mean", "maximum"]


def decode(membrane: NDArray[Any], read: Read = "last") -> NDArray[np.float64]:
    """Values (n,) of membranes after each tick (ticks, n), or after the last one (n,), which ``last`` alone can use.

    Raises:
        ValueError: the membrane is not finite, or has no ticks to average over.
    """
    v = np.asarray(membrane, np.float64)
    if not np.isfinite(v).all():
        index = [int(i) for i in np.argwhere(~np.isfinite(v))[0]]
        raise ValueError(f"membrane{index} is {v[tuple(index)]}: the network diverged, shorten its tick")
    if v.ndim == 1:
        if read != "last":
            raise ValueError(f"read '{read}': needs the membrane after every tick (ticks, n), got (n,)")
        return v
    value: NDArray[np.float64] = v[-1] if read == "last" else v.mean(axis=0) if read == "mean" else v.max(axis=0)
    return value


@schema
class MembraneDecoder(LinearDecoder):
    """Configuration of the membrane decoder (continuous actions)."""

    action_kind: ClassVar[Literal["continuous"]] = "continuous"
    kind: Literal["membrane"] = "membrane"
    neurons_per_action: Annotated[int, Ge(1)] = 1
    read: Read = "last"

    @property
    def reads(self) -> Literal["membranes"]:
        """Membranes, and no spikes."""
        return "membranes"

    def build(self, tensors: Tensors, tick_s: float, actions: int) -> MembraneSum:
        """What decodes with these weights."""
        return MembraneSum(self, tensors)


class MembraneSum(WeightedSum):
    """Membranes -> action."""

    def __init__(self, config: MembraneDecoder, tensors: Tensors) -> None:
        super().__init__(tensors, config.limits(tensors))
        self._read: Read = config.read

    def values(self, raster: NDArray[np.uint8], v: NDArray[Any] | None) -> tuple[NDArray[Any], int]:
        """The membranes that are read."""
        return decode(required(v), self._read), 1
