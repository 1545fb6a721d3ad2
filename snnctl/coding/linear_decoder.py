"""What decoders share that add up one value a neuron with learnt weights.

    y[a] = sum_j weight[a, j] value[a, j] + bias[a]          squashed to limits, or the largest chosen

``value`` is what distinguishes them. Tensors: ``decoder.weight`` (actions, k), ``decoder.bias`` (actions,), and for
continuous actions ``decoder.low`` and ``decoder.high`` (actions,).
"""

from __future__ import annotations

import abc
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.coding.code import Action, Decoder, Limits, LinearReadout, Shapes, Tensors
from snnctl.coding.readout import choose, count, count_and_squash, count_and_sum, linear, squash


class WeightedSum(abc.ABC):
    """Values of the output population -> action; which values they are, :meth:`values` says."""

    def __init__(self, tensors: Tensors, limits: Limits | None) -> None:
        self._weight = tensors["decoder.weight"].astype(np.float64).ravel()  # (actions * k,)
        self._bias = tensors["decoder.bias"].astype(np.float64)  # (actions,)
        self._limits = limits

    def reset(self) -> None:  # noqa: B027 - most have nothing to do
        """Nothing is kept between decisions."""

    @abc.abstractmethod
    def values(self, raster: NDArray[np.uint8], v: NDArray[Any] | None) -> tuple[NDArray[Any], int]:
        """Numbers (actions * k,), and by what they are divided."""

    def scores(self, raster: NDArray[np.uint8], v: NDArray[Any] | None) -> NDArray[np.float64]:
        """The sums y (actions,)."""
        y = np.empty_like(self._bias)  # (actions,)
        values, divisor = self.values(raster, v)
        linear(values, divisor, self._weight, self._bias, y)
        return y

    def decode(self, raster: NDArray[np.uint8], v: NDArray[Any] | None) -> Action:
        """The action (actions,) within the limits, or its index."""
        y = self.scores(raster, v)
        if self._limits is None:
            return int(choose(y))
        squash(y, *self._limits)
        return y


class CountedSum(WeightedSum):
    """Counts of spikes, divided by the ticks, as in the decision kernel."""

    def __init__(self, tensors: Tensors, limits: Limits | None) -> None:
        super().__init__(tensors, limits)
        self._counts = np.zeros(self._weight.size, np.int64)  # (actions * k,)

    def values(self, raster: NDArray[np.uint8], v: NDArray[Any] | None) -> tuple[NDArray[Any], int]:
        """Spikes of each neuron, and the ticks."""
        count(raster, self._counts)
        return self._counts, raster.shape[0]

    def scores(self, raster: NDArray[np.uint8], v: NDArray[Any] | None) -> NDArray[np.float64]:
        """The sums y (actions,), by one compiled call."""
        y = np.empty_like(self._bias)  # (actions,)
        count_and_sum(raster, self._weight, self._bias, self._counts, y)
        return y

    def decode(self, raster: NDArray[np.uint8], v: NDArray[Any] | None) -> Action:
        """The action, by one compiled call if it is squashed."""
        if self._limits is None:
            return super().decode(raster, v)
        y = np.empty_like(self._bias)  # (actions,)
        count_and_squash(raster, self._weight, self._bias, *self._limits, self._counts, y)
        return y


class LinearDecoder(Decoder):
    """Base of the configurations; ``neurons_per_action`` neurons vote for each action."""

    neurons_per_action: int

    def size(self, actions: int) -> int:
        """Neurons of the output population for ``actions`` actions."""
        return actions * self.neurons_per_action

    def tensor_shapes(self, actions: int) -> Shapes:
        """Weights, biases, and the limits of continuous actions."""
        shapes: Shapes = {"decoder.weight": (actions, self.neurons_per_action), "decoder.bias": (actions,)}
        if self.action_kind == "continuous":
            shapes |= {"decoder.low": (actions,), "decoder.high": (actions,)}
        return shapes

    def limits(self, tensors: Tensors) -> Limits | None:
        """Limits of continuous actions, None for discrete ones."""
        if self.action_kind == "discrete":
            return None
        return tensors["decoder.low"].astype(np.float64), tensors["decoder.high"].astype(np.float64)

    def build(self, tensors: Tensors, tick_s: float, actions: int) -> WeightedSum:
        """What decodes spike counts with these weights."""
        return CountedSum(tensors, self.limits(tensors))

    def counted(self, tensors: Tensors) -> LinearReadout:
        """The numbers of a decoder of spike counts."""
        return LinearReadout(tensors["decoder.weight"], tensors["decoder.bias"], self.limits(tensors))
