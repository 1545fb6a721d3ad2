"""Leaky integrate-and-fire neuron driven by weighted spikes.

    v[k] = a_mem v[k-1] + W s[k] + b         a_mem = exp(-tick_s / tau_mem_s)
    spike where v[k] > v_threshold; then v = v_reset (reset "value") or v -= v_threshold ("subtract")

``v`` is dimensionless and starts at 0. After a spike the neuron is silent for ``refractory_ticks`` ticks:
``v`` holds its value of after the reset and takes no input.
Source: Gerstner, Kistler, Naud & Paninski, Neuronal Dynamics (2014), section 1.3.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Gt

from snnctl.config import Seconds, schema
from snnctl.neurons.firing import Reset, decay, fire, reset_constants


@schema
class Lif:
    """Parameters of a leaky integrate-and-fire population."""

    model: Literal["lif"] = "lif"
    tau_mem_s: Annotated[Seconds, Gt(0)]
    v_threshold: Annotated[float, Gt(0)] = 1.0
    v_reset: float = 0.0
    reset: Reset = "value"
    refractory_ticks: Annotated[int, Ge(0)] = 0

    def constants(self, tick_s: float) -> LifConstants:
        """What one step needs, for ticks of ``tick_s``."""
        keep, shift = reset_constants(self.reset, self.v_reset, drop=self.v_threshold)
        return LifConstants(
            a_mem=decay(tick_s, self.tau_mem_s),
            v_threshold=self.v_threshold,
            keep=keep,
            shift=shift,
            refractory=float(self.refractory_ticks),
            one=1.0,
            zero=0.0,
        )

    def initial(self) -> LifState:
        """At rest."""
        return LifState(v=0.0, silent=0.0)


class LifConstants(NamedTuple):
    """Constants of one step; after a spike v = keep v + shift covers both kinds of reset."""

    a_mem: Any
    v_threshold: Any
    keep: Any
    shift: Any
    refractory: Any  # silent ticks after a spike
    one: Any  # of the engine's float type: literals would widen float32
    zero: Any


class LifState(NamedTuple):
    """State of one neuron."""

    v: Any
    silent: Any  # ticks that it still has to be silent


def step(c: LifConstants, s: LifState, drive: Any, bias: Any) -> tuple[LifState, Any]:
    """One tick of one neuron: the new state and whether it spikes. ``drive`` is its row of W s[k]."""
    integrated = c.a_mem * s.v + drive + bias
    v, silent, spike = fire(c, integrated, integrated > c.v_threshold, s.v, s.silent)
    return LifState(v, silent), spike
