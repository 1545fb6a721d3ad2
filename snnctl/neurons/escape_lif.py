"""Leaky integrate-and-fire neuron with escape noise (SRM0): it spikes at random, more often the closer to threshold.

    tau_mem v' = -v + I + tau_mem i,  i' = -i / tau_syn,  i += (epsilon / (tau_mem tau_syn)) W s     exact in a tick
    rho = rho_0 exp((v - v_threshold) / delta_u),  P(spike in a tick) = 1 - exp(-rho tick)
    after a spike v = v_reset; with reset "srm0" also i = 0

``v`` (mV) is the depolarisation from rest, starts at 0 and decays back to it; I is in mV: the depolarisation that it
would hold. A weight of 1 causes the potential
eps(t) = epsilon / (tau_mem - tau_syn) (exp(-t / tau_mem) - exp(-t / tau_syn)), with epsilon in mV ms.
Reset "srm0" is the neuron of the reward rules: only presynaptic spikes since the last own spike count, and the reset
kernel is v_reset exp(-t / tau_mem). Reset "value" keeps the synaptic current, as a LIF does.
While the neuron is refractory v is held and P = 0.

``expected`` is P of the tick that was just made: what a rule of the form (spike - expected) x trace needs; the
rate is rho = -ln(1 - expected) / tick_s.
Defaults: rho_0 60 Hz, threshold 16 mV, delta_u 2 mV, epsilon 20 mV ms, tau 20 and 5 ms, reset -5 mV, as two independent
re-implementations of Fremaux, Sprekeler & Gerstner, PLoS Computational Biology 9 (2013) e1003024 have them.
Source: Gerstner, Kistler, Naud & Paninski, Neuronal Dynamics (2014), chapter 9.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Gt

from snnctl.config import Hertz, Seconds, schema
from snnctl.neurons.firing import decay, fire, silent_ticks
from snnctl.neurons.propagator import response

LARGEST_EXPONENT = 80.0  # of rho: exp of it is finite in float32, and a spike is certain long before


@schema
class EscapeLif:
    """Parameters of a population with escape noise; weights dimensionless, current in mV."""

    model: Literal["escape_lif"] = "escape_lif"
    tau_mem_s: Annotated[Seconds, Gt(0)] = 20e-3
    tau_syn_s: Annotated[Seconds, Gt(0)] = 5e-3
    epsilon_mv_ms: Annotated[float, Gt(0)] = 20.0
    rho_0_hz: Annotated[Hertz, Gt(0)] = 60.0
    v_threshold_mv: float = 16.0
    delta_u_mv: Annotated[float, Gt(0)] = 2.0
    v_reset_mv: float = -5.0
    reset: Literal["srm0", "value"] = "srm0"
    refractory_s: Annotated[Seconds, Ge(0)] = 0.0

    def constants(self, tick_s: float) -> EscapeLifConstants:
        """What one step needs. Raises ValueError if the refractory period vanishes in ticks of ``tick_s``."""
        return EscapeLifConstants(
            a_mem=decay(tick_s, self.tau_mem_s),
            a_syn=decay(tick_s, self.tau_syn_s),
            gain=self.tau_mem_s * 1e3 * response(tick_s, self.tau_mem_s, self.tau_syn_s),
            jump=self.epsilon_mv_ms / (self.tau_mem_s * 1e3 * self.tau_syn_s * 1e3),
            intensity=self.rho_0_hz * tick_s,
            v_threshold=self.v_threshold_mv,
            sharpness=1.0 / self.delta_u_mv,
            ceiling=LARGEST_EXPONENT,
            keep=0.0,
            shift=self.v_reset_mv,
            forget=1.0 if self.reset == "srm0" else 0.0,
            refractory=silent_ticks(self.refractory_s, tick_s),
            one=1.0,
            zero=0.0,
        )

    def initial(self) -> EscapeLifState:
        """At rest."""
        return EscapeLifState(v=0.0, i=0.0, expected=0.0, silent=0.0)


class EscapeLifConstants(NamedTuple):
    """Constants of one step; mV, ms, ticks."""

    a_mem: Any
    a_syn: Any
    gain: Any  # ms: mV at the end of the tick for 1 mV/ms at its start
    jump: Any  # mV/ms for a weight of 1
    intensity: Any  # rho_0 tick
    v_threshold: Any
    sharpness: Any  # 1/mV
    ceiling: Any  # largest exponent
    keep: Any
    shift: Any
    forget: Any  # 1 where a spike clears the synaptic current
    refractory: Any  # silent ticks after a spike
    one: Any
    zero: Any


class EscapeLifState(NamedTuple):
    """State of one neuron."""

    v: Any  # mV from rest
    i: Any  # mV/ms, as it begins the next tick before spikes arrive
    expected: Any  # probability that this tick had a spike, given the membrane
    silent: Any  # ticks that it still has to be silent


def step(
    c: EscapeLifConstants, s: EscapeLifState, drive: Any, current: Any, uniform: Any
) -> tuple[EscapeLifState, Any]:
    """One tick of one neuron: the new state and whether it spikes. ``uniform`` is a fresh number in (0, 1)."""
    i = s.i + c.jump * drive
    integrated = current + (s.v - current) * c.a_mem + c.gain * i
    exponent = (integrated - c.v_threshold) * c.sharpness
    exponent = exponent if exponent < c.ceiling else c.ceiling
    probability = -math.expm1(-c.intensity * math.exp(exponent))
    expected = probability if s.silent <= c.zero else c.zero
    v, silent, spike = fire(c, integrated, uniform < probability, s.v, s.silent)
    i = i * c.a_syn
    return EscapeLifState(v, i * (c.one - c.forget) if spike else i, expected, silent), spike
