"""Leaky integrate-and-fire neuron whose threshold rises with every spike (ALIF, the neuron of LSNNs).

    v[k] = a_mem v[k-1] + W s[k] + b          a_mem = exp(-tick_s / tau_mem_s)
    a[k] = a_adapt a[k-1] + z[k-1]            a_adapt = exp(-tick_s / tau_adapt_s), z the neuron's own spikes
    z[k] = 1 where v[k] > v_threshold + beta a[k]
    then v -= v_threshold (reset "subtract") or v = v_reset ("value")

``v`` is dimensionless; both start at 0. The soft reset subtracts the baseline v_threshold, not the raised one. After
a spike the neuron is silent for ``refractory_ticks`` ticks, in which v holds and a goes on decaying.
A neuron that fires at rate r has a mean threshold of about v_threshold + beta r tau_adapt_s: strength and memory are
set by the product beta tau_adapt. The form of 2018 writes a[k] = a_adapt a[k-1] + (1 - a_adapt) z[k-1]: its beta is
ours divided by (1 - a_adapt).
Source: Bellec et al., Nature Communications 11 (2020) 3625 (e-prop); form of 2018: Bellec et al., NeurIPS 31 (2018).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Gt

from snnctl.config import Seconds, schema
from snnctl.neurons.firing import Reset, check_reset, decay, fire, reset_constants


@schema
class Alif:
    """Parameters of a population with adaptive thresholds; dimensionless."""

    model: Literal["alif"] = "alif"
    tau_mem_s: Annotated[Seconds, Gt(0)]
    tau_adapt_s: Annotated[Seconds, Gt(0)]
    beta: Annotated[float, Ge(0)]
    v_threshold: Annotated[float, Gt(0)] = 1.0
    v_reset: float = 0.0
    reset: Reset = "subtract"
    refractory_ticks: Annotated[int, Ge(0)] = 0

    def __post_init__(self) -> None:
        check_reset(self.reset, self.v_reset, self.v_threshold)

    def constants(self, tick_s: float) -> AlifConstants:
        """What one step needs, for ticks of ``tick_s``."""
        keep, shift = reset_constants(self.reset, self.v_reset, drop=self.v_threshold)
        return AlifConstants(
            a_mem=decay(tick_s, self.tau_mem_s),
            a_adapt=decay(tick_s, self.tau_adapt_s),
            beta=self.beta,
            v_threshold=self.v_threshold,
            keep=keep,
            shift=shift,
            refractory=float(self.refractory_ticks),
            one=1.0,
            zero=0.0,
        )

    def initial(self) -> AlifState:
        """At rest, not adapted."""
        return AlifState(v=0.0, a=0.0, silent=0.0)


class AlifConstants(NamedTuple):
    """Constants of one step."""

    a_mem: Any
    a_adapt: Any
    beta: Any
    v_threshold: Any
    keep: Any
    shift: Any
    refractory: Any  # silent ticks after a spike
    one: Any
    zero: Any


class AlifState(NamedTuple):
    """State of one neuron."""

    v: Any
    a: Any  # adaptation as the next tick finds it: this tick's spike is in it
    silent: Any  # ticks that it still has to be silent


def step(c: AlifConstants, s: AlifState, drive: Any, current: Any) -> tuple[AlifState, Any]:
    """One tick of one neuron: the new state and whether it spikes."""
    integrated = c.a_mem * s.v + drive + current
    v, silent, spike = fire(c, integrated, integrated > c.v_threshold + c.beta * s.a, s.v, s.silent)
    a = c.a_adapt * s.a + (c.one if spike else c.zero)
    return AlifState(v, a, silent), spike
