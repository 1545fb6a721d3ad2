"""An agent on an emulated chip, as a Controller for the closed loop.

Encoder and decoder run on the host, in the same code as the float controller's; between them the image of the
agent's network runs in the chip's own arithmetic.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snnctl.agent.coder import Coder
from snnctl.agent.controller import Activity
from snnctl.agent.description import AgentDescription
from snnctl.agent.folder import Agent
from snnctl.agent.program import program
from snnctl.coding.code import Action
from snnctl.hardware import family
from snnctl.hardware.chip import Chip
from snnctl.hardware.cost import DecisionCost
from snnctl.hardware.family import Fit, Rasters
from snnctl.hardware.traffic import SynapticEvents


class ChipController:
    """A spiking controller on an emulated chip.

    Raises:
        MappingError: the agent does not fit; one problem for everything that it needs and the chip lacks.
    """

    def __init__(self, agent: Agent, chip: Chip) -> None:
        self.description: AgentDescription = agent.description
        self.fit: Fit = family.fit(program(agent), chip)
        self.overflows = 0  # wraps or saturations since the last reset; 0 by construction of the scales
        self._image = self.fit.loaded()
        self._coder = Coder(agent)
        self._model = family.cost(self.fit)
        self._events = SynapticEvents(self.fit.program)
        (readout,) = self.fit.program.readouts
        self._read = len(self.fit.program.inputs) + readout.stage  # node
        self._rasters: Rasters = [
            np.zeros((self.fit.program.ticks, node.size), np.uint8) for node in self.fit.program.nodes
        ]
        self._labels = [node.label for node in self.fit.program.nodes]
        self._state = self._image.start()

    def reset(self, seed: int) -> None:
        """Start an episode."""
        self.overflows = 0
        self._state = self._image.start()
        self._coder.reset(seed)

    def act(self, observation: NDArray[Any]) -> Action:
        """One decision."""
        spikes = np.ascontiguousarray(self._coder.encode(observation), np.uint8)  # (ticks, n_in)
        self._state, self._rasters, counters = self._image.run(self._state, spikes)
        self.overflows += counters.overflows
        return self._coder.decode(self._rasters[self._read])

    def activity(self) -> Activity:
        """Spikes and counts of the last decision, every population in its own ticks."""
        return Activity(dict(zip(self._labels, self._rasters, strict=True)), self._events.count(self._rasters))

    def cost(self, control_dt_s: float | None = None) -> DecisionCost:
        """Modelled energy, power and latency of the last decision.

        Args:
            control_dt_s: from one decision to the next; by default that of the task that the agent was made for
        """
        period = self.description.task.control_dt_s if control_dt_s is None else control_dt_s
        return self._model.decision(self._rasters, period)
