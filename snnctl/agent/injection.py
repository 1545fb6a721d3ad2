"""Direct current into the first layer: analog input times the weights of the input's projections.

    current[j] = sum over inputs d ascending of weight[d, j] x[d]         the same in every tick of a decision

It is added to the bias of the neurons that the input projects to. The host injects it at the start of the decision, so
a delay of the projection does not apply.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.agent.folder import Agent


class Injection:
    """The input's projections as dense matrices over all driven neurons."""

    def __init__(self, agent: Agent, dtype: type) -> None:
        network = agent.description.network
        source = network.inputs[0]
        n = sum(p.size for p in network.driven)
        self._weight: NDArray[Any] = np.zeros((source.size, n), dtype)  # (n_in, n_driven)
        first = 0
        for target in network.driven:
            block = self._weight[:, first : first + target.size]
            for projection in network.projections:
                if (projection.source, projection.target) == (source.name, target.name):
                    block += _dense(agent, projection.prefix, projection.connectivity == "dense", block.shape)
            first += target.size
        self.multiplications = int(np.count_nonzero(self._weight))  # of one decision

    def currents(self, x: NDArray[np.float64], ticks: int) -> NDArray[Any]:
        """Currents (ticks, n_driven) for analog inputs ``x`` (n_in,)."""
        total = np.zeros(self._weight.shape[1], self._weight.dtype)  # (n_driven,)
        for value, row in zip(x.astype(self._weight.dtype), self._weight, strict=True):
            total += value * row  # in the order of the inputs, as a kernel would add
        return np.repeat(total[None], ticks, axis=0)


def _dense(agent: Agent, prefix: str, dense: bool, shape: tuple[int, ...]) -> NDArray[Any]:
    weight = agent.tensors[f"{prefix}.weight"]
    if dense:
        return weight
    indptr, indices = agent.tensors[f"{prefix}.indptr"], agent.tensors[f"{prefix}.indices"]
    full: NDArray[Any] = np.zeros(shape, weight.dtype)
    np.add.at(full, (np.repeat(np.arange(shape[0]), np.diff(indptr)), indices), weight)
    return full
