"""R-max: a synapse learns from reward times how much it had to do with what its stochastic neuron did.

The score form for neurons with escape noise (``escape_lif``). One tick, for the synapse i -> j with presynaptic spikes
s, postsynaptic spikes y, the membrane u before the reset and rho(u) = rho_0 exp((u - v_threshold) / delta_u):

    c   = c + s                                                 current of a spike         a = exp(-tick_s / tau_s)
    eps = a_mem eps + scale c                                   its potential in mV for a weight of 1
    e   = a_eligibility e + eps [y - (1 - y) (exp(rho tick_s) - 1)]
    w   = clip(w + learning_rate signal e, weight_min, weight_max)
    c   = a_syn c;  at y: eps = 0 (reset "value"), eps = c = 0 ("srm0"), or neither ("none")

``signal`` is the success R - b: the reward of this tick less its running mean (:func:`follow`). For rho tick_s -> 0
this is e' = -e / tau_e + (Y - rho) eps. The tick form is not that with rho replaced by a probability: the neuron fires
with probability p = 1 - exp(-rho tick_s), and p - (1 - p) (exp(rho tick_s) - 1) = 0, so E[e] = 0 exactly, for ticks of
any length. It needs rho only in ticks without a spike, when the membrane after the tick is the membrane before the
reset; so ``observe`` recomputes it from v. While j is refractory its membrane is held: eps stays, and e just decays.

e is the gradient of the log-likelihood of j's spikes with respect to w, times delta_u and, in each tick, times
(exp(rho tick_s) - 1) / (rho tick_s), which goes to 1 with rho tick_s. eps(t) = epsilon / (tau_mem - tau_syn)
(exp(-t / tau_mem) - exp(-t / tau_syn)) at the ends of ticks, as in the neuron, whose constants the rule must have.
Each tick costs all synapses.

Sources: Pfister et al., Neural Comput. 18:1318 (2006); Fremaux & Gerstner, Front. Neural Circuits 9:85 (2016).
Defaults are those of ``escape_lif``.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Gt

from snnctl.config import Hertz, Seconds, schema
from snnctl.plasticity.limits import decay, limits, potential


@schema
class RMax:
    """Parameters of the rule; v_threshold and width in the unit of the neuron's membrane."""

    rule: Literal["r_max"] = "r_max"
    tau_mem_s: Annotated[Seconds, Gt(0)] = 20e-3
    tau_syn_s: Annotated[Seconds, Gt(0)] = 5e-3
    epsilon_mv_ms: Annotated[float, Gt(0)] = 20.0
    rho_0_hz: Annotated[Hertz, Gt(0)] = 60.0
    v_threshold_mv: float = 16.0
    delta_u_mv: Annotated[float, Gt(0)] = 2.0
    reset: Literal["srm0", "value", "none"] = "srm0"
    refractory_s: Annotated[Seconds, Ge(0)] = 0.0
    tau_eligibility_s: Annotated[Seconds, Gt(0)] = 0.5
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
            scale=self.epsilon_mv_ms * 1e-3 * potential(tick_s, self.tau_mem_s, self.tau_syn_s),
            a_eligibility=decay(tick_s, self.tau_eligibility_s),
            v_threshold=self.v_threshold_mv,
            sharpness=1.0 / self.delta_u_mv,
            intensity=self.rho_0_hz * tick_s,
            highest=MOST,
            refractory=float(round(self.refractory_s / tick_s)),
            keep_eps=1.0 if self.reset == "none" else 0.0,
            keep_current=0.0 if self.reset == "srm0" else 1.0,
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
    scale: Any  # mV of eps at the end of the tick in which a spike arrives
    a_eligibility: Any
    v_threshold: Any  # mV
    sharpness: Any  # 1 / delta_u
    intensity: Any  # rho_0 tick_s
    highest: Any
    refractory: Any  # ticks
    keep_eps: Any  # at a postsynaptic spike
    keep_current: Any
    learning_rate: Any
    weight_min: Any
    weight_max: Any
    one: Any
    zero: Any
    period: Any  # consolidate runs every tick


class Synapse(NamedTuple):
    """State of one synapse."""

    weight: Any
    current: Any  # c
    eps: Any  # mV
    e: Any  # mV


class Pre(NamedTuple):
    """A presynaptic neuron keeps nothing: what of it counts depends on j's last spike."""

    none: Any


class Post(NamedTuple):
    """State of one postsynaptic neuron."""

    surprise: Any  # y - (1 - y) (exp(rho tick_s) - 1) of this tick, 0 while refractory
    spike: Any
    free: Any  # whether it was not refractory in this tick
    silent: Any  # refractory ticks left


class Shared(NamedTuple):
    """What all synapses see."""

    success: Any


def modulate(c: RMaxConstants, m: Shared, signal: Any) -> Shared:
    """The success R - b of this tick."""
    return Shared(signal)


def arrive(c: RMaxConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Synapse:
    """A presynaptic spike arrived."""
    return Synapse(syn.weight, syn.current + c.one, syn.eps, syn.e)


def observe(c: RMaxConstants, m: Shared, post: Post, v: Any, spike: Any, _teach: Any) -> Post:
    """How unexpected was what j did; v is its membrane after the tick."""
    y = c.one if spike else c.zero
    free = c.one if post.silent <= c.zero else c.zero
    rho_tick = min(c.intensity * math.exp(min((v - c.v_threshold) * c.sharpness, c.highest)), c.highest)
    surprise = free * (y - (c.one - y) * math.expm1(rho_tick))
    return Post(surprise, y, free, c.refractory if spike else max(post.silent - c.one, c.zero))


def consolidate(c: RMaxConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Synapse:
    """Every tick: potential, eligibility, weight."""
    eps = c.a_mem * syn.eps + c.scale * syn.current if post.free > c.zero else syn.eps
    e = c.a_eligibility * syn.e + eps * post.surprise
    weight = min(max(syn.weight + c.learning_rate * m.success * e, c.weight_min), c.weight_max)
    kept = c.one - post.spike
    current = c.a_syn * syn.current * (kept + post.spike * c.keep_current)
    return Synapse(weight, current, eps * (kept + post.spike * c.keep_eps), e)


def follow(mean: float, reward: float, share: float) -> float:
    """Running mean b of the reward: the share of the newest reward is ``share``."""
    return mean + share * (reward - mean)
