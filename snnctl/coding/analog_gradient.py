"""Codes of numbers over a batch, (1, batch, n) in place of spikes: both pass on what they get, and gradients too."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.coding.code import Tensors

Floats = NDArray[np.floating[Any]]


class AnalogEncoderGradient:
    """The observation itself."""

    learnable = False

    def __init__(self) -> None:
        self.shapes: dict[str, tuple[int, ...]] = {}

    def initialise(self, tensors: Tensors) -> None:
        """No tensors."""

    def constrain(self, tensors: Tensors) -> None:
        """No tensors."""

    def workspace(self, batch: int) -> None:
        """No buffers."""

    def forward(self, tensors: Tensors, x: Floats, keys: NDArray[np.uint64], spikes: Floats, work: None) -> None:
        """Write ``x`` (batch, dims) into ``spikes`` (ticks, batch, dims), the same in every tick."""
        spikes[:] = x

    def backward(self, tensors: Tensors, da: Floats, x: Floats, work: None, gradients: Tensors) -> None:
        """Nothing is learnt."""


class AnalogDecoderGradient:
    """The outputs themselves."""

    def __init__(self) -> None:
        self.shapes: dict[str, tuple[int, ...]] = {}

    def initialise(self, tensors: Tensors, random: np.random.Generator, gain: float) -> None:
        """No tensors."""

    def workspace(self, batch: int, size: int, dtype: Any) -> None:
        """No buffers."""

    def forward(self, tensors: Tensors, spikes: Floats, work: None, z: Floats) -> None:
        """Write ``z`` (batch, actions) from outputs (1, batch, actions)."""
        z[:] = spikes[0]

    def backward(self, tensors: Tensors, dz: Floats, work: None, ds: Floats, gradients: Tensors) -> None:
        """Write ``ds`` (1, batch, actions) from ``dz`` (batch, actions)."""
        ds[0] = dz
