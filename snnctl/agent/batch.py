"""Several controllers of one agent that decide side by side: one call for a batch of observations, a row an episode.

A row acts as :func:`snnctl.agent.controllers.make` acts alone, bit for bit, whatever the other rows do. Agents of the
fused decision take one compiled call for all rows; others, and those that make several choices at once, are a
controller a row.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from snnctl import streams
from snnctl.agent.coder import Coder
from snnctl.agent.controllers import make
from snnctl.agent.decision import Decisions
from snnctl.agent.description import AgentDescription
from snnctl.agent.float_controller import FloatController, Fused
from snnctl.agent.folder import Agent


class Batch(Protocol):
    """Controllers of one agent, a row each."""

    description: AgentDescription
    populations: dict[str, tuple[int, int]]  # name -> neurons, neurons * ticks of a decision
    observations: NDArray[np.float64]  # (rows, dims) what the next decision is made on: to be written
    actions: NDArray[Any]  # (rows, actions or choices), or (rows,) where they are indices; of the last decision

    def reset(self, row: int, seed: int) -> None:
        """Start an episode in a row."""
        ...

    def decide(self, rows: NDArray[np.int64]) -> None:
        """Decide in ``rows``."""
        ...

    def counted(self, row: int) -> tuple[NDArray[np.int64], int]:
        """Spikes (populations,) and synaptic events of all decisions since the row's last reset."""
        ...


def make_batch(agent: Agent, rows: int) -> Batch:
    """``rows`` controllers of ``agent``, warmed up."""
    controller = make(agent)
    fused = controller.path if isinstance(controller, FloatController) else None
    if isinstance(fused, Fused) and not agent.description.task.action_choices:
        made: Batch = FusedBatch(agent, fused, rows)
    else:
        made = SeparateBatch(agent, rows)
    made.decide(np.arange(rows))  # of zeros: kernels are compiled and memory is touched
    return made


class FusedBatch:
    """All rows in one call of the decision kernel."""

    def __init__(self, agent: Agent, fused: Fused, rows: int) -> None:
        self.description = agent.description
        self._decisions = Decisions(fused.decision, rows)
        self._coders = [] if fused.encodes else [Coder(agent) for _ in range(rows)]
        self._fan_out = np.array([fused.fan_out.get(name, 0) for name in self._decisions.populations])
        self.populations = self._decisions.populations
        self.observations, self.actions = self._decisions.observations, self._decisions.actions
        self.observations[:] = 0.0
        for row in range(rows):
            self.reset(row, 0)

    def reset(self, row: int, seed: int) -> None:
        """Start an episode in a row: seed the encoder's random stream."""
        self._decisions.reset(row, streams.kernel_state(seed, "encoder"))
        if self._coders:
            self._coders[row].reset(seed)

    def decide(self, rows: NDArray[np.int64]) -> None:
        """Decide in ``rows``."""
        if self._coders:
            for row in rows:
                self._decisions.inputs[row] = self._coders[row].encode(self.observations[row])
        self._decisions.decide(rows)

    def counted(self, row: int) -> tuple[NDArray[np.int64], int]:
        """Spikes (populations,) and synaptic events of all decisions since the row's last reset."""
        counts = self._decisions.counts[row].copy()
        return counts, int(counts @ self._fan_out)


class SeparateBatch:
    """A controller a row."""

    def __init__(self, agent: Agent, rows: int) -> None:
        self.description = agent.description
        task = self.description.task
        self._controllers = [make(agent) for _ in range(rows)]
        self.observations = np.zeros((rows, task.observation_size))
        if task.action_kind == "continuous":
            self.actions: NDArray[Any] = np.zeros((rows, task.action_size))
        else:
            self.actions = np.zeros((rows, len(task.action_choices)) if task.action_choices else rows, np.int64)
        first = self._controllers[0]
        first.reset(0)
        first.act(self.observations[0])
        rasters = first.activity().spikes
        self.populations = {name: (raster.shape[1], raster.size) for name, raster in rasters.items()}
        self._counts = np.zeros((rows, len(rasters)), np.int64)  # since the last reset
        self._events = np.zeros(rows, np.int64)
        for row in range(rows):
            self.reset(row, 0)

    def reset(self, row: int, seed: int) -> None:
        """Start an episode in a row."""
        self._controllers[row].reset(seed)
        self._counts[row] = self._events[row] = 0

    def decide(self, rows: NDArray[np.int64]) -> None:
        """Decide in ``rows``, one after another."""
        for row in rows:
            controller = self._controllers[row]
            self.actions[row] = controller.act(self.observations[row])
            activity = controller.activity()
            spikes = [np.count_nonzero(raster) for raster in activity.spikes.values()]
            self._counts[row] += np.array(spikes, np.int64)
            self._events[row] += activity.synaptic_events

    def counted(self, row: int) -> tuple[NDArray[np.int64], int]:
        """Spikes (populations,) and synaptic events of all decisions since the row's last reset."""
        return self._counts[row].copy(), int(self._events[row])
