"""Dopamine-modulated STDP: spike pairs mark a synapse, dopamine that comes seconds later turns the mark into a weight.

    x' = -x / tau_pre      + a_plus at presynaptic spikes     (``pairing = "nearest"``: = a_plus)
    y' = -y / tau_post     + a_plus at postsynaptic spikes    (``pairing = "nearest"``: = a_plus)
    c' = -c / tau_c        + x at postsynaptic, - depression y at presynaptic spikes              eligibility
    d' = -d / tau_d        + what is released (the signal)                                        dopamine
    s' = gain (tonic + d) c,  s in [weight_min, weight_max]                                       the weight

Three schemes:

``exact``: spikes and releases of a tick act at its start, in between everything is exponential and is integrated
exactly, with h = tick_s and r = 1/tau_c + 1/tau_d:

    s += gain c [d (1 - exp(-r h)) / r + tonic tau_c (1 - exp(-h / tau_c))];  c *= exp(-h/tau_c);  d *= exp(-h/tau_d)

The limits hold at every tick. This visits each synapse in each tick and is the reference of event-driven forms.

``euler``: the same order, but c, d and s by one forward Euler step a tick, all from their values at its start, as
Brian2 does with ``method="euler"``; x and y stay exact (its ``event-driven``):

    s += gain h (tonic + d) c;  c *= 1 - h / tau_c;  d *= 1 - h / tau_d

``daspnet``: the script that Izhikevich published with the paper, to the last bit. Decays are 1 - tick_s / tau; the
weight changes every ``every_s`` (10 ms) by gain every_s (tonic + d) c, then c *= 1 - every_s / tau_c. Three details
matter. (i) LTD reads the postsynaptic trace before it decays in this tick: y decays after delivery. (ii) Consolidation
precedes the potentiation by spikes of the same tick: there ``fire`` consolidates first and ``consolidate`` leaves those
synapses alone. (iii) A release is decayed once before it acts. A spike of the script's millisecond t + 1 is one of tick
t here: the script tests its thresholds at the start of a millisecond, and here a tick ends with that test.

**Coincident spikes**: pre before post; a pair in one tick has lag 0 and adds the full a_plus to c. With ``exact`` and
``euler`` a pair of lag D adds a_plus exp(-D / tau_pre_s) for D >= 0 and -depression a_plus exp(D / tau_post_s) for
D < 0; with ``daspnet`` the latter's lag is one tick less.

Units: s and c in the unit of the weight (the paper: mV), d dimensionless, gain in 1/s; the script's 1 per 10 ms is 100.
Source: Izhikevich, Cereb. Cortex 17:2443 (2007), and its script daspnet.m, from which the defaults are.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Gt
from numba.extending import register_jitable

from snnctl.config import Hertz, Seconds, schema
from snnctl.plasticity.limits import decay, limits


@schema
class DopamineStdp:
    """Parameters of the rule."""

    rule: Literal["dopamine_stdp"] = "dopamine_stdp"
    scheme: Literal["exact", "euler", "daspnet"] = "exact"
    pairing: Literal["all_to_all", "nearest"] = "nearest"
    tau_pre_s: Annotated[Seconds, Gt(0)] = 20e-3
    tau_post_s: Annotated[Seconds, Gt(0)] = 20e-3
    tau_c_s: Annotated[Seconds, Gt(0)] = 1.0
    tau_d_s: Annotated[Seconds, Gt(0)] = 0.2
    a_plus: Annotated[float, Ge(0)] = 0.1
    depression: Annotated[float, Ge(0)] = 1.5  # a_minus / a_plus
    gain_hz: Annotated[Hertz, Ge(0)] = 100.0
    tonic: float = 0.002
    every_s: Annotated[Seconds, Gt(0)] = 10e-3  # of ``daspnet``; the others act in every tick
    weight_min: float | None = 0.0
    weight_max: float | None = 4.0

    def __post_init__(self) -> None:
        limits(self.weight_min, self.weight_max)

    def constants(self, tick_s: float) -> DopamineStdpConstants:
        """What one tick of ``tick_s`` needs.

        Raises:
            ValueError: the tick is too long for Euler decays, or ``every_s`` of ``daspnet`` is not whole ticks.
        """
        low, high = limits(self.weight_min, self.weight_max)
        script = self.scheme == "daspnet"
        period = round(self.every_s / tick_s) if script else 1
        if script and (period < 1 or abs(period * tick_s - self.every_s) > 1e-6 * tick_s):
            raise ValueError(f"every_s {self.every_s:g} must be whole ticks of {tick_s:g} s")
        step_s = self.every_s if script else tick_s  # of c and of the weight
        if self.scheme == "exact":
            rate = 1 / self.tau_c_s + 1 / self.tau_d_s
            a_c, a_d = decay(tick_s, self.tau_c_s), decay(tick_s, self.tau_d_s)
            span_s = -math.expm1(-rate * tick_s) / rate  # int c d dt over a tick is span_s c d
            tonic = self.tonic * -self.tau_c_s * math.expm1(-tick_s / self.tau_c_s) / span_s
        else:
            steps_s = {"tau_pre_s": tick_s, "tau_post_s": tick_s} if script else {}
            for name, longest_s in (steps_s | {"tau_d_s": tick_s, "tau_c_s": step_s}).items():
                if not longest_s < getattr(self, name):
                    message = f'{name} must be longer than {longest_s:g} s in scheme "{self.scheme}": take "exact"'
                    raise ValueError(message)
            a_c, a_d = 1 - step_s / self.tau_c_s, 1 - tick_s / self.tau_d_s
            span_s, tonic = step_s, self.tonic
        kept = (1 - tick_s / tau if script else decay(tick_s, tau) for tau in (self.tau_pre_s, self.tau_post_s))
        a_pre, a_post = kept
        return DopamineStdpConstants(
            a_pre=a_pre,
            a_post=1.0 if script else a_post,
            a_post_late=a_post if script else 1.0,
            a_c=a_c,
            a_d=a_d if script else 1.0,
            a_d_late=1.0 if script else a_d,
            keep=1.0 if self.pairing == "all_to_all" else 0.0,
            mark=self.a_plus,
            depression=self.depression,
            gain=self.gain_hz * span_s,
            tonic=tonic,
            weight_min=low,
            weight_max=high,
            period=period,
            last=period - 1.0 if script else -1.0,
            late=1.0 if script else 0.0,
            zero=0.0,
            one=1.0,
        )


class DopamineStdpConstants(NamedTuple):
    """Constants of one tick."""

    a_pre: Any
    a_post: Any  # of y before delivery
    a_post_late: Any  # of y after delivery
    a_c: Any  # of c at consolidation
    a_d: Any  # of d before the tick, with what was just released
    a_d_late: Any  # of d after the tick
    keep: Any  # of a trace when its neuron spikes: 1 all_to_all, 0 nearest
    mark: Any  # what a spike adds to its trace, a_plus
    depression: Any
    gain: Any  # gain_hz times the time that one consolidation stands for
    tonic: Any
    weight_min: Any
    weight_max: Any
    period: Any  # ticks
    last: Any  # tick of a period, from 0, in which ``fire`` consolidates first; -1: none
    late: Any  # 1 where ``consolidate`` leaves the synapses of neurons that fired to ``fire``
    zero: Any
    one: Any


class Synapse(NamedTuple):
    """State of one synapse."""

    weight: Any  # s
    c: Any


class Pre(NamedTuple):
    """State of one presynaptic neuron."""

    x: Any


class Post(NamedTuple):
    """State of one postsynaptic neuron."""

    y: Any
    settled: Any  # 1 where this tick's ``fire`` has consolidated, if it is the time


class Shared(NamedTuple):
    """Shared by all synapses of a projection."""

    d: Any
    tick: Any  # of this period, from 0; stays 0 but with ``daspnet``


def modulate(c: DopamineStdpConstants, m: Shared, signal: Any) -> Shared:
    """Dopamine is released."""
    return Shared(c.a_d * (m.d + signal), m.tick)


def relax_pre(c: DopamineStdpConstants, pre: Pre) -> Pre:
    """One tick of decay."""
    return Pre(c.a_pre * pre.x)


def relax_post(c: DopamineStdpConstants, post: Post) -> Post:
    """One tick of decay, where it comes before delivery."""
    return Post(c.a_post * post.y, post.settled)


def arrive(c: DopamineStdpConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Synapse:
    """A presynaptic spike after postsynaptic ones marks the synapse for depression."""
    return Synapse(syn.weight, syn.c - c.depression * post.y)


def mark_pre(c: DopamineStdpConstants, m: Shared, pre: Pre) -> Pre:
    """A presynaptic spike arrived."""
    return Pre(c.keep * pre.x + c.mark)


def observe(c: DopamineStdpConstants, m: Shared, post: Post, _v: Any, spike: Any, _teach: Any) -> Post:
    """One tick of decay, where it comes after delivery."""
    return Post(c.a_post_late * post.y, c.late if spike else c.zero)


@register_jitable
def _consolidated(c: DopamineStdpConstants, m: Shared, syn: Synapse) -> Synapse:
    weight = syn.weight + c.gain * (c.tonic + m.d) * syn.c
    return Synapse(min(max(weight, c.weight_min), c.weight_max), c.a_c * syn.c)


def fire(c: DopamineStdpConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Synapse:
    """A postsynaptic spike after presynaptic ones marks the synapse for potentiation."""
    before = _consolidated(c, m, syn) if m.tick == c.last else syn
    return Synapse(before.weight, before.c + pre.x)


def mark_post(c: DopamineStdpConstants, m: Shared, post: Post) -> Post:
    """The neuron spiked."""
    return Post(c.keep * post.y + c.mark, post.settled)


def consolidate(c: DopamineStdpConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Synapse:
    """Dopamine turns eligibility into weight."""
    return syn if post.settled != c.zero else _consolidated(c, m, syn)


def settle(c: DopamineStdpConstants, m: Shared) -> Shared:
    """Dopamine decays over the tick; the period counts on."""
    return Shared(c.a_d_late * m.d, m.tick + c.one if m.tick < c.last else c.zero)
