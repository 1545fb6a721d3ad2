"""Leaky integrate-and-fire neuron in physical units with delta synapses and exact integration.

    tau_mem v' = (v_rest - v) + R I
    spike where v > v_threshold; then v = v_reset (reset "value") or v -= v_threshold - v_reset ("subtract")
    one tick: v += W s;  v_inf = v_rest + R I;  v = v_inf + (v - v_inf) exp(-tick / tau_mem)

A spike raises the membrane by its weight (mV) at the start of the tick; the current (nA) is constant within the
tick, so the membrane has no integration error for any tick; spikes lie on the grid of ticks. While the neuron
is refractory it holds v and takes neither spikes nor current. v starts at rest.

Constant current: with I above the rheobase (v_threshold - v_rest) / R and the neuron at v_reset, it spikes after
n = floor((tau / tick) ln((R I - (v_reset - v_rest)) / (R I - (v_threshold - v_rest)))) + 1 ticks, so that the interval
is exactly n + R ticks, with R = refractory_s / tick silent ticks.

Defaults: tau 20 ms, R 80 MOhm, rest and reset -65 mV, threshold -50 mV are the neuron of the recorded runs of
tests/data/snn/neurons_lif.npz; refractory 2 ms. Source of the equation: Gerstner, Kistler, Naud & Paninski,
Neuronal Dynamics (2014), section 1.3; of the exact step: Rotter & Diesmann, Biological Cybernetics 81 (1999).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Gt

from snnctl.config import Seconds, schema
from snnctl.neurons.firing import Reset, check_reset, decay, fire, reset_constants, silent_ticks


@schema
class DeltaLif:
    """Parameters of a LIF population with delta synapses: weights in mV, current in nA."""

    model: Literal["delta_lif"] = "delta_lif"
    tau_mem_s: Annotated[Seconds, Gt(0)] = 20e-3
    resistance_mohm: Annotated[float, Gt(0)] = 80.0
    v_rest_mv: float = -65.0
    v_threshold_mv: float = -50.0
    v_reset_mv: float = -65.0
    reset: Reset = "value"
    refractory_s: Annotated[Seconds, Ge(0)] = 2e-3

    def __post_init__(self) -> None:
        check_reset("value", self.v_reset_mv, self.v_threshold_mv, "_mv")

    def constants(self, tick_s: float) -> DeltaLifConstants:
        """What one step needs. Raises ValueError if the refractory period vanishes in ticks of ``tick_s``."""
        keep, shift = reset_constants(self.reset, self.v_reset_mv, drop=self.v_threshold_mv - self.v_reset_mv)
        return DeltaLifConstants(
            a_mem=decay(tick_s, self.tau_mem_s),
            resistance=self.resistance_mohm,
            v_rest=self.v_rest_mv,
            v_threshold=self.v_threshold_mv,
            keep=keep,
            shift=shift,
            refractory=silent_ticks(self.refractory_s, tick_s),
            one=1.0,
            zero=0.0,
        )

    def initial(self) -> DeltaLifState:
        """At rest."""
        return DeltaLifState(v=self.v_rest_mv, silent=0.0)


class DeltaLifConstants(NamedTuple):
    """Constants of one step; mV, MOhm, ticks."""

    a_mem: Any
    resistance: Any
    v_rest: Any
    v_threshold: Any
    keep: Any
    shift: Any
    refractory: Any  # silent ticks after a spike
    one: Any
    zero: Any


class DeltaLifState(NamedTuple):
    """State of one neuron."""

    v: Any  # mV
    silent: Any  # ticks that it still has to be silent


def step(c: DeltaLifConstants, s: DeltaLifState, drive: Any, current: Any) -> tuple[DeltaLifState, Any]:
    """One tick of one neuron: the new state and whether it spikes. ``drive`` in mV, ``current`` in nA."""
    v_inf = c.v_rest + c.resistance * current
    integrated = v_inf + (s.v + drive - v_inf) * c.a_mem
    v, silent, spike = fire(c, integrated, integrated > c.v_threshold, s.v, s.silent)
    return DeltaLifState(v, silent), spike
