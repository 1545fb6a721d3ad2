"""Direct current into the first layer: analog input times the weights of the input's projections.

    current[j] = sum over inputs d ascending of weight[d, j] x[d]         the same in every tick of a decision

It is added to the bias of the neurons that the input projects to. The host injects it at the start of the decision, so
a delay of the projection does not apply.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.network.program import Program


class Injection:
    """The links of the analog input as dense matrices over all driven neurons."""

    def __init__(self, program: Program, dtype: type) -> None:
        (source,) = program.inputs
        n = sum(stage.size for stage in program.stages)
        self._weight: NDArray[Any] = np.zeros((source.size, n), dtype)  # (n_in, n_driven)
        first = 0
        for node, target in enumerate(program.stages, start=1):
            block = self._weight[:, first : first + target.size]
            for link in program.into(node):
                if link.source == 0:
                    synapses = link.synapses()
                    np.add.at(block, (synapses.source, synapses.target), synapses.weight)
            first += target.size
        self.multiplications = int(np.count_nonzero(self._weight))  # of one decision

    def currents(self, x: NDArray[np.float64], ticks: int) -> NDArray[Any]:
        """Currents (ticks, n_driven) for analog inputs ``x`` (n_in,)."""
        total = np.zeros(self._weight.shape[1], self._weight.dtype)  # (n_driven,)
        for value, row in zip(x.astype(self._weight.dtype), self._weight, strict=True):
            total += value * row  # in the order of the inputs, as a kernel would add
        return np.repeat(total[None], ticks, axis=0)
