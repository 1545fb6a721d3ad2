"""Current-based leaky integrate-and-fire neuron in physical units: two exponential currents, exact integration.

    tau_mem v' = (v_rest - v) + R (i_exc + i_inh + I)     i_exc' = -i_exc / tau_exc,  i_inh' = -i_inh / tau_inh
    one tick, P_x = exp(-tick / tau_x):
        i_exc += W s (receptor excitatory),  i_inh += W s (receptor inhibitory)
        v_inf = v_rest + R I
        v = v_inf + (v - v_inf) P_mem + R (g_exc i_exc + g_inh i_inh)      g: snnctl.neurons.propagator.response
        i_exc *= P_exc,  i_inh *= P_inh
    spike where v > v_threshold; then v = v_reset, or v -= v_threshold - v_reset

Weights and currents in nA; an inhibitory weight is negative. The state before and after a tick is exact for any tick,
equal time constants included; spikes lie on the grid of ticks. While the neuron is refractory v is held and the
currents go on. A single weight w causes a potential that peaks tau_m tau_s / (tau_m - tau_s) ln(tau_m / tau_s) after
it arrives, at R w (tau_s / tau_m)^(tau_m / (tau_m - tau_s)).

Defaults: the neuron of tests/data/snn/neurons_lif_cuba.npz (tau 20 ms, R 80 MOhm, -65 / -50 mV, synapses of 5 and
10 ms, refractory 2 ms). Source: Rotter & Diesmann, Biological Cybernetics 81 (1999) 381-402; NEST's iaf_psc_exp.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Gt

from snnctl.config import Seconds, schema
from snnctl.neurons.firing import Reset, check_reset, decay, fire, reset_constants, silent_ticks
from snnctl.neurons.propagator import response


@schema
class CubaLif:
    """Parameters of a LIF population with exponential currents: weights and currents in nA."""

    model: Literal["cuba_lif"] = "cuba_lif"
    tau_mem_s: Annotated[Seconds, Gt(0)] = 20e-3
    tau_excitatory_s: Annotated[Seconds, Gt(0)] = 5e-3
    tau_inhibitory_s: Annotated[Seconds, Gt(0)] = 10e-3
    resistance_mohm: Annotated[float, Gt(0)] = 80.0
    v_rest_mv: float = -65.0
    v_threshold_mv: float = -50.0
    v_reset_mv: float = -65.0
    reset: Reset = "value"
    refractory_s: Annotated[Seconds, Ge(0)] = 2e-3

    def __post_init__(self) -> None:
        check_reset("value", self.v_reset_mv, self.v_threshold_mv, "_mv")

    def constants(self, tick_s: float) -> CubaLifConstants:
        """What one step needs. Raises ValueError if the refractory period vanishes in ticks of ``tick_s``."""
        keep, shift = reset_constants(self.reset, self.v_reset_mv, drop=self.v_threshold_mv - self.v_reset_mv)
        return CubaLifConstants(
            a_mem=decay(tick_s, self.tau_mem_s),
            a_excitatory=decay(tick_s, self.tau_excitatory_s),
            a_inhibitory=decay(tick_s, self.tau_inhibitory_s),
            gain_excitatory=self.resistance_mohm * response(tick_s, self.tau_mem_s, self.tau_excitatory_s),
            gain_inhibitory=self.resistance_mohm * response(tick_s, self.tau_mem_s, self.tau_inhibitory_s),
            resistance=self.resistance_mohm,
            v_rest=self.v_rest_mv,
            v_threshold=self.v_threshold_mv,
            keep=keep,
            shift=shift,
            refractory=silent_ticks(self.refractory_s, tick_s),
            one=1.0,
            zero=0.0,
        )

    def initial(self) -> CubaLifState:
        """At rest, without synaptic current."""
        return CubaLifState(v=self.v_rest_mv, i_excitatory=0.0, i_inhibitory=0.0, silent=0.0)


class CubaLifConstants(NamedTuple):
    """Constants of one step; mV, nA, MOhm, ticks."""

    a_mem: Any
    a_excitatory: Any
    a_inhibitory: Any
    gain_excitatory: Any  # mV at the end of the tick for 1 nA at its start
    gain_inhibitory: Any
    resistance: Any
    v_rest: Any
    v_threshold: Any
    keep: Any
    shift: Any
    refractory: Any  # silent ticks after a spike
    one: Any
    zero: Any


class CubaLifState(NamedTuple):
    """State of one neuron."""

    v: Any  # mV
    i_excitatory: Any  # nA, as it begins the next tick before spikes arrive
    i_inhibitory: Any
    silent: Any  # ticks that it still has to be silent


class CubaLifDrive(NamedTuple):
    """Summed weights of the spikes due in this tick, nA."""

    excitatory: Any
    inhibitory: Any


def step(c: CubaLifConstants, s: CubaLifState, drive: CubaLifDrive, current: Any) -> tuple[CubaLifState, Any]:
    """One tick of one neuron: the new state and whether it spikes. ``current`` in nA."""
    excitatory = s.i_excitatory + drive.excitatory
    inhibitory = s.i_inhibitory + drive.inhibitory
    v_inf = c.v_rest + c.resistance * current
    integrated = v_inf + (s.v - v_inf) * c.a_mem + c.gain_excitatory * excitatory + c.gain_inhibitory * inhibitory
    v, silent, spike = fire(c, integrated, integrated > c.v_threshold, s.v, s.silent)
    return CubaLifState(v, excitatory * c.a_excitatory, inhibitory * c.a_inhibitory, silent), spike
