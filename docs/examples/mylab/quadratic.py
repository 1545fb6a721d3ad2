"""Quadratic integrate-and-fire neuron, the normal form of neurons that begin to fire at any low rate.

    tau v' = v^2 + current          v > v_peak: spike, v = v_reset          v += drive at an arriving spike

by the midpoint rule. Dimensionless. Under a constant current I the interval of its spikes is
tau (atan(v_peak / sqrt(I)) - atan(v_reset / sqrt(I))) / sqrt(I).

Source: Ermentrout & Kopell, SIAM J. Appl. Math. 46:233 (1986).
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

from annotated_types import Gt

from snnctl.config import Seconds, schema


@schema
class Quadratic:
    """Configuration: what a user sets, and what `constants` makes of it for a tick."""

    tau_s: Annotated[Seconds, Gt(0)] = 0.01
    v_peak: float = 10.0
    v_reset: float = -10.0

    def constants(self, tick_s: float) -> Constants:
        """All numbers that a step needs. ValueError: the tick does not suit the model."""
        if tick_s > 0.02 * self.tau_s:
            raise ValueError(f"tau_s: {self.tau_s} s needs ticks of at most {0.02 * self.tau_s:g} s")
        return Constants(tick_s / self.tau_s, 0.5, self.v_peak, self.v_reset)

    def initial(self) -> State:
        """State before the first tick."""
        return State(self.v_reset)


class Constants(NamedTuple):
    """Numbers of a step, in the float type of the network."""

    h: Any
    half: Any
    v_peak: Any
    v_reset: Any


class State(NamedTuple):
    """What a neuron keeps from tick to tick."""

    v: Any


def step(c: Constants, s: State, drive: Any, current: Any) -> tuple[State, Any]:
    """One tick of one neuron: the new state, and whether it spikes."""
    v = s.v + drive
    middle = v + c.half * c.h * (v * v + current)
    v = v + c.h * (middle * middle + current)
    spike = v > c.v_peak
    return State(c.v_reset if spike else v), spike
