"""Parameters with their gradient and the moments of Adam, as trainers with a replay memory keep them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.surrogate import adam, parameters

EPSILON = 1e-8  # of Adam


class Trained:
    """Flat vectors and their views by name, in float32."""

    def __init__(self, shapes: parameters.Shapes) -> None:
        self.flat, self.tensors = parameters.allocate(shapes, np.float32)
        self.gradient, self.gradients = parameters.allocate(shapes, np.float32)
        self.moments = adam.moments(self.flat)

    def step(self, lr: float) -> None:
        """One update by the gradient."""
        adam.update(self.flat, self.gradient, self.moments, lr, epsilon=EPSILON)

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """Everything that the next step depends on (the arrays themselves)."""
        return {name: self.flat, **self.moments.arrays(name)}
