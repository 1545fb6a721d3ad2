"""An agent on an emulated chip, as a Controller for the closed loop.

Encoder and decoder run on the host, in the same code as the float controller's; between them the
integer network runs layer by layer, each layer over all its ticks. That equals, spike for spike, the
chip that runs all layers at once with layer l active in ticks l .. l + ticks - 1 (tests prove it).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.agent.coder import Coder
from snnctl.agent.controller import Activity
from snnctl.agent.description import AgentDescription
from snnctl.agent.folder import Agent
from snnctl.errors import MappingError, Problem
from snnctl.hardware import cost, loihi1, loihi1_compiler, spinnaker1
from snnctl.hardware.chip import Chip
from snnctl.hardware.mapping import ChipLayer, Fit, fit


def run_layer(layer: ChipLayer, inputs: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int]:
    """Spikes (ticks, n) of one layer for the spikes that reach it, and its overflow count."""
    if isinstance(layer, loihi1_compiler.Layer):
        return loihi1.run_layer(layer.compartments, layer.weights, inputs)
    return spinnaker1.run_layer(layer.neurons, layer.shift, layer.weights, inputs)


class ChipController:
    """A spiking controller on an emulated chip.

    Raises:
        MappingError: the agent does not fit; one problem for every violated design rule.
    """

    def __init__(self, agent: Agent, chip: Chip) -> None:
        self.fit: Fit = fit(agent, chip)
        if not self.fit.ok:
            raise MappingError(
                *(
                    Problem(
                        f"{chip.name} {v.where}",
                        f"{v.rule}: {v.message} (used {v.used:g}, limit {v.limit:g})",
                        v.remedy,
                    )
                    for v in self.fit.violations
                )
            )
        self.overflows = 0  # wraps or saturations since the last reset; 0 by construction of the scales
        self._coder = Coder(agent)
        self._model = cost.model(self.fit)
        network = agent.description.network
        self._names = [network.inputs[0].name, *(layer.name for layer in self.fit.layers)]
        self._sizes = [layer.weights.shape[1] for layer in self.fit.layers]
        self._rasters: cost.Rasters = [
            np.zeros((network.ticks, n), np.uint8) for n in (network.inputs[0].size, *self._sizes)
        ]

    @property
    def description(self) -> AgentDescription:
        """The agent that this controller runs."""
        return self.fit.agent.description

    def reset(self, seed: int) -> None:
        """Start an episode."""
        self.overflows = 0
        self._coder.reset(seed)

    def act(self, observation: NDArray[Any]) -> NDArray[np.float64] | int:
        """One decision."""
        spikes = np.ascontiguousarray(self._coder.encode(observation), np.uint8)  # (ticks, n_in)
        self._rasters = [spikes]
        for layer in self.fit.layers:
            spikes, overflows = run_layer(layer, spikes)  # (ticks, n)
            self.overflows += overflows
            self._rasters.append(spikes)
        return self._coder.decode(spikes)

    def activity(self) -> Activity:
        """Spikes and counts of the last decision, every population in its own ticks."""
        events = sum(int(r.sum()) * n for r, n in zip(self._rasters, self._sizes, strict=False))
        return Activity(dict(zip(self._names, self._rasters, strict=True)), events)

    def cost(self) -> cost.DecisionCost:
        """Modelled energy, power and latency of the last decision."""
        return self._model.decision(self._rasters)
