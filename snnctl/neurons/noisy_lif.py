"""Current-based leaky integrate-and-fire neuron with a noisy threshold: it explores as it acts.

    i[k] = a_syn i[k-1] + W s[k]             as snnctl.neurons.current_lif
    v[k] = a_mem v[k-1] + i[k] + b
    P(spike) = rho(v[k]) = 1 / (1 + exp((v_threshold - v[k]) / noise))
    after a spike v = v_reset (reset "value") or v -= v_threshold ("subtract")

The escape noise is logistic, of the width ``noise`` in units of the membrane, once a tick. ``expected`` is rho of the
tick that was just made, 0 while the neuron is refractory: what a rule of the form (spike - expected) x trace reads.
The derivative of the log-probability of a tick's spike, or silence, with respect to v is (spike - rho) / noise.
Source: Gerstner, Kistler, Naud & Paninski, Neuronal Dynamics (2014), chapter 9, with a logistic escape function.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Gt

from snnctl.config import Seconds, schema
from snnctl.neurons.firing import Reset, decay, fire, reset_constants

LARGEST_EXPONENT = 80.0  # exp of it is finite in float32, and a spike impossible long before


@schema
class NoisyLif:
    """Parameters of a current-based population with a noisy threshold."""

    model: Literal["noisy_lif"] = "noisy_lif"
    tau_mem_s: Annotated[Seconds, Gt(0)] = 8e-3
    tau_syn_s: Annotated[Seconds, Ge(0)] = 2e-3
    v_threshold: Annotated[float, Gt(0)] = 1.0
    v_reset: float = 0.0
    reset: Reset = "value"
    refractory_ticks: Annotated[int, Ge(0)] = 0
    noise: Annotated[float, Gt(0)] = 0.5

    def constants(self, tick_s: float) -> NoisyLifConstants:
        """What one step needs, for ticks of ``tick_s``."""
        keep, shift = reset_constants(self.reset, self.v_reset, drop=self.v_threshold)
        return NoisyLifConstants(
            a_syn=decay(tick_s, self.tau_syn_s),
            a_mem=decay(tick_s, self.tau_mem_s),
            v_threshold=self.v_threshold,
            sharpness=1.0 / self.noise,
            ceiling=LARGEST_EXPONENT,
            keep=keep,
            shift=shift,
            refractory=float(self.refractory_ticks),
            one=1.0,
            zero=0.0,
        )

    def initial(self) -> NoisyLifState:
        """At rest."""
        return NoisyLifState(i=0.0, v=0.0, silent=0.0, expected=0.0)


class NoisyLifConstants(NamedTuple):
    """Constants of one step."""

    a_syn: Any
    a_mem: Any
    v_threshold: Any
    sharpness: Any  # 1 / noise
    ceiling: Any  # largest exponent
    keep: Any
    shift: Any
    refractory: Any  # silent ticks after a spike
    one: Any
    zero: Any


class NoisyLifState(NamedTuple):
    """State of one neuron."""

    i: Any
    v: Any
    silent: Any  # ticks that it still has to be silent
    expected: Any  # probability that this tick had a spike


def step(c: NoisyLifConstants, s: NoisyLifState, drive: Any, current: Any, uniform: Any) -> tuple[NoisyLifState, Any]:
    """One tick of one neuron: the new state and whether it spikes. ``uniform`` is a fresh number in (0, 1)."""
    i = c.a_syn * s.i + drive
    integrated = c.a_mem * s.v + i + current
    exponent = (c.v_threshold - integrated) * c.sharpness
    exponent = exponent if exponent < c.ceiling else c.ceiling
    rho = c.one / (c.one + math.exp(exponent))
    v, silent, spike = fire(c, integrated, uniform < rho, s.v, s.silent)
    return NoisyLifState(i, v, silent, rho if s.silent <= c.zero else c.zero), spike
