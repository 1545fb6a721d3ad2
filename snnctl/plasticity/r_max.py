"""R-max: a synapse learns from reward times how much it had to do with what its stochastic neuron did.

The score form for escape-noise neurons. One tick, for the synapse i -> j with presynaptic spikes s, postsynaptic
spikes y, the membrane u before the reset and the escape rate rho(u) = rho_threshold exp((u - v_threshold) / width):

    c   = a_syn c + s                                           current of a spike         a = exp(-tick_s / tau_s)
    eps = a_mem eps + c                                         PSP as the membrane sees it
    e   = a_eligibility e + eps [y - (1 - y) (exp(rho tick_s) - 1)]
    eps = 0 where y and reset_on_spike
    w   = clip(w + learning_rate signal e, weight_min, weight_max)

``signal`` is the success R - b: the reward of this tick less its running mean (:func:`follow`). For rho tick_s -> 0
this is e' = -e / tau_e + (Y - rho) eps. The tick form is not that with rho replaced by a probability: the neuron fires
with probability p = 1 - exp(-rho tick_s), and p - (1 - p) (exp(rho tick_s) - 1) = 0, so E[e] = 0 exactly, for ticks of
any length. It needs rho only in ticks without a spike, when the membrane after the tick is the membrane before the
reset; so ``observe`` recomputes it from v. In the ``refractory_ticks`` after a spike rho is 0.

e is the gradient of the log-likelihood of j's spikes with respect to w, times ``width`` and times
(exp(rho tick_s) - 1) / (rho tick_s) in each tick, which goes to 1 with rho tick_s.

The rule must have the constants of its neuron: v_threshold, rho_threshold_hz, width, and tau_mem_s, tau_syn_s of eps
(0: the spike jumps on the membrane). reset_on_spike is right for neurons that reset v to a value.
Each tick costs all synapses.

Sources: Pfister et al., Neural Comput. 18:1318 (2006); Fremaux & Gerstner, Front. Neural Circuits 9:85 (2016).
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Gt

from snnctl.config import Hertz, Seconds, schema
from snnctl.plasticity.limits import decay, limits


@schema
class RMax:
    """Parameters of the rule; v_threshold and width in the unit of the neuron's membrane."""

    rule: Literal["r_max"] = "r_max"
    tau_mem_s: Annotated[Seconds, Gt(0)] = 20e-3
    tau_syn_s: Annotated[Seconds, Ge(0)] = 5e-3
    tau_eligibility_s: Annotated[Seconds, Gt(0)] = 0.5
    v_threshold: float = 16.0
    width: Annotated[float, Gt(0)] = 2.0
    rho_threshold_hz: Annotated[Hertz, Gt(0)] = 60.0
    refractory_ticks: Annotated[int, Ge(0)] = 0
    reset_on_spike: bool = True
    learning_rate: Annotated[float, Gt(0)] = 1e-3
    weight_min: float | None = None
    weight_max: float | None = None

    def __post_init__(self) -> None:
        limits(self.weight_min, self.weight_max)

    def constants(self, tick_s: float) -> RMaxConstants:
        """What one tick of ``tick_s`` needs."""
        low, high = limits(self.weight_min, self.weight_max)
        return RMaxConstants(
            a_syn=decay(tick_s, self.tau_syn_s),
            a_mem=decay(tick_s, self.tau_mem_s),
            a_eligibility=decay(tick_s, self.tau_eligibility_s),
            v_threshold=self.v_threshold,
            width=self.width,
            rho_tick=self.rho_threshold_hz * tick_s,
            highest=MOST,
            refractory=float(self.refractory_ticks),
            keep=0.0 if self.reset_on_spike else 1.0,
            learning_rate=self.learning_rate,
            weight_min=low,
            weight_max=high,
            one=1.0,
            zero=0.0,
            period=1,
        )


MOST = 50.0  # rho tick_s at which a tick without a spike (probability exp(-50)) still has a finite weight in float32


class RMaxConstants(NamedTuple):
    """Constants of one tick."""

    a_syn: Any
    a_mem: Any
    a_eligibility: Any
    v_threshold: Any
    width: Any
    rho_tick: Any  # rho_threshold tick_s
    highest: Any
    refractory: Any
    keep: Any  # of eps at a postsynaptic spike
    learning_rate: Any
    weight_min: Any
    weight_max: Any
    one: Any
    zero: Any
    period: Any  # consolidate runs every tick


class Synapse(NamedTuple):
    """State of one synapse."""

    weight: Any
    eps: Any
    e: Any


class Pre(NamedTuple):
    """State of one presynaptic neuron."""

    c: Any


class Post(NamedTuple):
    """State of one postsynaptic neuron."""

    surprise: Any  # y - (1 - y) (exp(rho tick_s) - 1) of this tick
    spike: Any
    silent: Any  # refractory ticks left


class Shared(NamedTuple):
    """What all synapses see."""

    success: Any


def modulate(c: RMaxConstants, m: Shared, signal: Any) -> Shared:
    """The success R - b of this tick."""
    return Shared(signal)


def relax_pre(c: RMaxConstants, pre: Pre) -> Pre:
    """One tick of decay."""
    return Pre(c.a_syn * pre.c)


def mark_pre(c: RMaxConstants, m: Shared, pre: Pre) -> Pre:
    """A presynaptic spike arrived."""
    return Pre(pre.c + c.one)


def observe(c: RMaxConstants, m: Shared, post: Post, v: Any, spike: Any, teach: Any) -> Post:
    """How unexpected was what j did; v is its membrane after the tick."""
    y = c.one if spike else c.zero
    expected = min(c.rho_tick * math.exp(min((v - c.v_threshold) / c.width, c.highest)), c.highest)
    surprise = y - (c.one - y) * math.expm1(expected)
    surprise = c.zero if post.silent > c.zero else surprise
    silent = c.refractory if spike else max(post.silent - c.one, c.zero)
    return Post(surprise, y, silent)


def consolidate(c: RMaxConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Synapse:
    """Every tick: PSP, eligibility, weight."""
    eps = c.a_mem * syn.eps + pre.c
    e = c.a_eligibility * syn.e + eps * post.surprise
    eps = eps * (c.one - post.spike * (c.one - c.keep))
    weight = min(max(syn.weight + c.learning_rate * m.success * e, c.weight_min), c.weight_max)
    return Synapse(weight, eps, e)


def follow(mean: float, reward: float, share: float) -> float:
    """Running mean b of the reward: the share of the newest reward is ``share``."""
    return mean + share * (reward - mean)
