"""Integrate-and-fire neuron without a leak: it counts its input.

    v[k] = v[k-1] + W s[k] + I[k]
    spike where v[k] > v_threshold (v[k] >= v_threshold with ``spike_at_threshold``)
    then v = v_reset (reset "value") or v -= v_threshold ("subtract")

``v`` and the weights are dimensionless; ``v`` starts at ``v_initial``. After a spike the neuron is silent for
``refractory_ticks`` ticks, holds ``v`` and takes no input. With the soft reset and ``spike_at_threshold`` the number of
spikes in T ticks is ``floor(v_initial + sum of the input)`` whenever 0 <= input <= v_threshold = 1: the spike rate is a
ReLU of the input, which is what a network converted from a rectified one needs (Diehl et al., IJCNN 2015; Rueckauer
et al., Frontiers in Neuroscience 11 (2017) 682). The hard reset loses the excess of every spike and does not converge.
Source of the model: Lapicque, J. Physiol. Pathol. Gen. 9 (1907) 620-635, without the leak.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Gt

from snnctl.config import schema
from snnctl.neurons.firing import Reset, check_reset, fire, reset_constants


@schema
class IntegrateAndFire:
    """Parameters of an integrate-and-fire population; dimensionless."""

    model: Literal["integrate_and_fire"] = "integrate_and_fire"
    v_threshold: Annotated[float, Gt(0)] = 1.0
    v_reset: float = 0.0
    v_initial: float = 0.0
    reset: Reset = "subtract"
    spike_at_threshold: bool = False
    refractory_ticks: Annotated[int, Ge(0)] = 0

    def __post_init__(self) -> None:
        check_reset(self.reset, self.v_reset, self.v_threshold)

    def constants(self, tick_s: float) -> IntegrateAndFireConstants:
        """What one step needs; the same for ticks of any length."""
        keep, shift = reset_constants(self.reset, self.v_reset, drop=self.v_threshold)
        return IntegrateAndFireConstants(
            v_threshold=self.v_threshold,
            inclusive=float(self.spike_at_threshold),
            keep=keep,
            shift=shift,
            refractory=float(self.refractory_ticks),
            one=1.0,
            zero=0.0,
        )

    def initial(self) -> IntegrateAndFireState:
        """Before the first tick."""
        return IntegrateAndFireState(v=self.v_initial, silent=0.0)


class IntegrateAndFireConstants(NamedTuple):
    """Constants of one step."""

    v_threshold: Any
    inclusive: Any  # 1 where v = v_threshold spikes
    keep: Any
    shift: Any
    refractory: Any  # silent ticks after a spike
    one: Any
    zero: Any


class IntegrateAndFireState(NamedTuple):
    """State of one neuron."""

    v: Any
    silent: Any  # ticks that it still has to be silent


def step(
    c: IntegrateAndFireConstants, s: IntegrateAndFireState, drive: Any, current: Any
) -> tuple[IntegrateAndFireState, Any]:
    """One tick of one neuron: the new state and whether it spikes."""
    integrated = s.v + drive + current
    reached = integrated > c.v_threshold or (integrated == c.v_threshold and c.inclusive > c.zero)
    v, silent, spike = fire(c, integrated, reached, s.v, s.silent)
    return IntegrateAndFireState(v, silent), spike
