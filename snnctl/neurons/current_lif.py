"""Current-based leaky integrate-and-fire neuron: the portable neuron that chips have too.

    i[k] = a_syn i[k-1] + W s[k]             a_syn = exp(-tick_s / tau_syn_s), 0 for tau_syn_s = 0
    v[k] = a_mem v[k-1] + i[k] + b           a_mem = exp(-tick_s / tau_mem_s)
    spike where v[k] > v_threshold; then v = v_reset (reset "value") or v -= v_threshold ("subtract")

``i`` and ``v`` are dimensionless and start at 0. After a spike the neuron is silent for
``refractory_ticks`` ticks: ``v`` holds its value of after the reset, ``i`` goes on decaying and adding input.
Source: Tang et al., CoRL 2020 (PopSAN), with the bias on the membrane, as Loihi and SpiNNaker have it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Gt

from snnctl.config import Seconds, schema
from snnctl.neurons.firing import Reset, decay, fire, reset_constants
from snnctl.neurons.lif import Lif


@schema
class CurrentLif:
    """Parameters of a current-based leaky integrate-and-fire population."""

    model: Literal["current_lif"] = "current_lif"
    tau_mem_s: Annotated[Seconds, Gt(0)]
    tau_syn_s: Annotated[Seconds, Ge(0)]
    v_threshold: Annotated[float, Gt(0)] = 1.0
    v_reset: float = 0.0
    reset: Reset = "value"
    refractory_ticks: Annotated[int, Ge(0)] = 0

    def constants(self, tick_s: float) -> CurrentLifConstants:
        """What one step needs, for ticks of ``tick_s``."""
        keep, shift = reset_constants(self.reset, self.v_reset, drop=self.v_threshold)
        return CurrentLifConstants(
            a_syn=decay(tick_s, self.tau_syn_s),
            a_mem=decay(tick_s, self.tau_mem_s),
            v_threshold=self.v_threshold,
            keep=keep,
            shift=shift,
            refractory=float(self.refractory_ticks),
            one=1.0,
            zero=0.0,
        )

    def initial(self) -> CurrentLifState:
        """At rest."""
        return CurrentLifState(i=0.0, v=0.0, silent=0.0)


class CurrentLifConstants(NamedTuple):
    """Constants of one step; after a spike v = keep v + shift covers both kinds of reset."""

    a_syn: Any
    a_mem: Any
    v_threshold: Any
    keep: Any
    shift: Any
    refractory: Any  # silent ticks after a spike
    one: Any  # of the engine's float type: literals would widen float32
    zero: Any


class CurrentLifState(NamedTuple):
    """State of one neuron."""

    i: Any
    v: Any
    silent: Any  # ticks that it still has to be silent


def step(c: CurrentLifConstants, s: CurrentLifState, drive: Any, bias: Any) -> tuple[CurrentLifState, Any]:
    """One tick of one neuron: the new state and whether it spikes. ``drive`` is its row of W s[k]."""
    i = c.a_syn * s.i + drive
    integrated = c.a_mem * s.v + i + bias
    v, silent, spike = fire(c, integrated, integrated > c.v_threshold, s.v, s.silent)
    return CurrentLifState(i, v, silent), spike


def portable(neuron: Any) -> CurrentLif | None:
    """The current-based LIF that a neuron is: a plain LIF is one with ``tau_syn_s = 0``; None for other models."""
    if isinstance(neuron, CurrentLif):
        return neuron
    if not isinstance(neuron, Lif):
        return None
    return CurrentLif(
        tau_mem_s=neuron.tau_mem_s,
        tau_syn_s=0.0,
        v_threshold=neuron.v_threshold,
        v_reset=neuron.v_reset,
        reset=neuron.reset,
        refractory_ticks=neuron.refractory_ticks,
    )
