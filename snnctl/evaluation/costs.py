"""What an emulated chip spent over many decisions, counted from the spikes that really occurred.

With the dynamic energy ``e[d]`` of decision d (J) and the time ``t[d]`` until the next one (s: the
control period, or the latency of the decision if that is longer):

    dynamic_w = sum_d e[d] / sum_d t[d]
    power at a boundary = static_w + idle_w + dynamic_w, with static and idle of that boundary
    energy of a control step at a boundary = its power * mean(t)

At the boundary ``board`` static and idle are those of the whole board; at ``dynamic`` both are zero.
Static is what the powered chip draws before anything runs, idle what it draws on top when it is ready
to run. All of it is modelled from sourced constants, none is measured on this network.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from snnctl.agent.controller import Controller, Priced
from snnctl.hardware.cost import DecisionCost, Power
from snnctl.loop.episode import Episode, Step

Values = NDArray[np.float64]


class Record(NamedTuple):
    """Costs of all decisions of a set of episodes."""

    control_dt_s: float
    period_s: Values  # (decisions,) until the next decision
    energy_j: dict[str, Values]  # part -> (decisions,) dynamic energy
    latency_s: dict[str, Values]  # part -> (decisions,)
    chip_w: tuple[float, float]  # static, idle
    board_w: tuple[float, float]  # static, idle, of the board with the chip
    notes: tuple[str, ...]


def latency(record: Record) -> Values:
    """Time from observation to action of every decision.  # (decisions,)"""
    return np.sum(list(record.latency_s.values()), axis=0)  # type: ignore[no-any-return]


def dynamic_energy(record: Record) -> Values:
    """Energy that the spikes of every decision cost.  # (decisions,)"""
    return np.sum(list(record.energy_j.values()), axis=0)  # type: ignore[no-any-return]


def step_s(record: Record) -> float:
    """Mean time between decisions: the control period, or longer where decisions overrun it."""
    return float(record.period_s.mean())


def power(record: Record) -> Power:
    """Mean power over all decisions."""
    dynamic_w = float(dynamic_energy(record).sum() / record.period_s.sum())
    return Power(record.chip_w, record.board_w, dynamic_w)


def p99(values: Values) -> float:
    """99th percentile: the smallest value that at least 99 % of ``values`` do not exceed."""
    return float(np.quantile(values, 0.99, method="inverted_cdf"))


class Meter:
    """Observer of the closed loop that asks an emulated chip for the cost of each decision."""

    def __init__(self, controller: Priced[DecisionCost], control_dt_s: float, trace_steps: int = 40) -> None:
        """Ask ``controller``.

        Args:
            controller: whose decisions are read
            control_dt_s: from one decision to the next in the environment
            trace_steps: decisions of the first episode whose spikes are kept for the raster
        """
        self._controller, self._control_dt_s, self._trace_steps = controller, control_dt_s, trace_steps
        self._energy: list[tuple[float, ...]] = []
        self._latency: list[tuple[float, ...]] = []
        self._periods: list[float] = []
        self._names: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        self._last: DecisionCost | None = None
        self._episode = -1
        self.rasters: list[dict[str, NDArray[np.uint8]]] = []  # decision -> population -> (ticks, n)

    def start(self, controller: Controller, env: gym.Env[Any, Any], seed: int, observation: NDArray[Any]) -> None:
        """Another episode begins."""
        self._episode += 1

    def step(self, step: Step) -> None:
        """Read the cost of the decision that was just made."""
        cost = self._controller.cost(self._control_dt_s)
        self._names = (tuple(cost.energy_j), tuple(cost.latency_s))
        self._energy.append(tuple(cost.energy_j.values()))
        self._latency.append(tuple(cost.latency_s.values()))
        self._periods.append(cost.period_s)
        self._last = cost
        if self._episode == 0 and len(self.rasters) < self._trace_steps:
            self.rasters.append({name: raster.copy() for name, raster in step.activity.spikes.items()})

    def finish(self, episode: Episode) -> None:
        """The episode is over; nothing is averaged yet."""

    def record(self) -> Record | None:
        """Everything that was read; None if no decision was made."""
        if self._last is None:
            return None
        energy = np.array(self._energy, np.float64).T  # (parts, decisions)
        times = np.array(self._latency, np.float64).T  # (parts, decisions)
        return Record(
            control_dt_s=self._control_dt_s,
            period_s=np.array(self._periods, np.float64),  # (decisions,)
            energy_j=dict(zip(self._names[0], energy, strict=True)),
            latency_s=dict(zip(self._names[1], times, strict=True)),
            chip_w=self._last.chip_w,
            board_w=self._last.board_w,
            notes=self._last.notes,
        )
