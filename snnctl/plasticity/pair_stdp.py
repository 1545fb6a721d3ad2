"""Pair STDP: each pair of a presynaptic and a postsynaptic spike changes the weight by its lag.

    x = a_pre x + 1 at presynaptic spikes                a_pre  = exp(-tick_s / tau_pre_s)
    y = a_post y + 1 at postsynaptic spikes              a_post = exp(-tick_s / tau_post_s)
    pre:   w = w - a_minus f_minus(w) y                  hook ``arrive``
    post:  w = w + a_plus f_plus(w) x                    hook ``fire``

and w is kept in [weight_min, weight_max] after each (an absent limit is none). Three slots:

- ``pairing``: ``all_to_all`` adds 1 to a trace at each spike; ``nearest`` sets it to 1 (the symmetric nearest-neighbour
  scheme: a spike pairs with the last one of the other side).
- ``dependence``, with u = (w - weight_min) / (weight_max - weight_min):
  ``additive`` f_plus = f_minus = 1; ``multiplicative`` f_plus = 1 - u, f_minus = u;
  ``guetig`` f_plus = (1 - u)^mu, f_minus = u^mu, which is additive at mu = 0 and multiplicative at mu = 1.
- the limits.

a_plus and a_minus have the unit of the weight. A single pair of lag D = t_post - t_pre gives, with f = 1,

    a_plus exp(-D / tau_pre_s)   for D >= 0          -a_minus exp(D / tau_post_s)   for D < 0

**Coincident spikes**: pre before post. A pair in one tick has lag 0 and potentiates by the full a_plus, as in Brian2.
The presynaptic spike counts when it arrives, after the delay of its projection.

Sources: Song, Miller & Abbott, Nat. Neurosci. 3:919 (2000) (defaults; additive); van Rossum, Bi & Turrigiano,
J. Neurosci. 20:8812 (2000) (multiplicative); Guetig et al., J. Neurosci. 23:3697 (2003) (mu); Morrison, Diesmann &
Gerstner, Biol. Cybern. 98:459 (2008) (pairing schemes).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Gt, Le
from numba.extending import register_jitable

from snnctl.config import Seconds, schema
from snnctl.plasticity.limits import decay, limits


@schema
class PairStdp:
    """Parameters of the rule; the defaults are those of Song, Miller & Abbott for weights in [0, 1]."""

    rule: Literal["pair_stdp"] = "pair_stdp"
    pairing: Literal["all_to_all", "nearest"] = "all_to_all"
    dependence: Literal["additive", "multiplicative", "guetig"] = "additive"
    mu: Annotated[float, Ge(0), Le(1)] | None = None  # of ``guetig`` only
    tau_pre_s: Annotated[Seconds, Gt(0)] = 20e-3
    tau_post_s: Annotated[Seconds, Gt(0)] = 20e-3
    a_plus: Annotated[float, Ge(0)] = 0.01
    a_minus: Annotated[float, Ge(0)] = 0.0105
    weight_min: float | None = 0.0
    weight_max: float | None = 1.0

    def __post_init__(self) -> None:
        limits(self.weight_min, self.weight_max)
        if (self.mu is not None) != (self.dependence == "guetig"):
            raise ValueError(f'mu {self.mu}: dependence "guetig" needs one in [0, 1], the others have none')
        if self.dependence != "additive" and (self.weight_min is None or self.weight_max is None):
            raise ValueError(f'dependence "{self.dependence}" needs weight_min and weight_max')

    def constants(self, tick_s: float) -> PairStdpConstants:
        """What one tick of ``tick_s`` needs."""
        low, high = limits(self.weight_min, self.weight_max)
        return PairStdpConstants(
            a_pre=decay(tick_s, self.tau_pre_s),
            a_post=decay(tick_s, self.tau_post_s),
            keep=1.0 if self.pairing == "all_to_all" else 0.0,
            a_plus=self.a_plus,
            a_minus=self.a_minus,
            mu={"additive": 0.0, "multiplicative": 1.0, "guetig": self.mu}[self.dependence],
            weight_min=low,
            weight_max=high,
            per_range=1.0 / (high - low),
            zero=0.0,
            one=1.0,
        )


class PairStdpConstants(NamedTuple):
    """Constants of one tick."""

    a_pre: Any
    a_post: Any
    keep: Any  # of a trace when its neuron spikes: 1 all_to_all, 0 nearest
    a_plus: Any
    a_minus: Any
    mu: Any
    weight_min: Any
    weight_max: Any
    per_range: Any  # 1 / (weight_max - weight_min), 0 without limits
    zero: Any
    one: Any


class Synapse(NamedTuple):
    """State of one synapse."""

    weight: Any


class Pre(NamedTuple):
    """State of one presynaptic neuron."""

    x: Any


class Post(NamedTuple):
    """State of one postsynaptic neuron."""

    y: Any


class Shared(NamedTuple):
    """Nothing is shared."""

    none: Any


@register_jitable
def _power(c: PairStdpConstants, u: Any) -> Any:
    """u^mu; the two common exponents without a call of pow. A weight that starts outside its limits has u = 0 there."""
    if c.mu == c.zero:
        return c.one
    inside = max(u, c.zero)
    return inside if c.mu == c.one else inside**c.mu


@register_jitable
def _bounded(c: PairStdpConstants, weight: Any) -> Synapse:
    return Synapse(min(max(weight, c.weight_min), c.weight_max))


def relax_pre(c: PairStdpConstants, pre: Pre) -> Pre:
    """One tick of decay."""
    return Pre(c.a_pre * pre.x)


def relax_post(c: PairStdpConstants, post: Post) -> Post:
    """One tick of decay."""
    return Post(c.a_post * post.y)


def arrive(c: PairStdpConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Synapse:
    """A presynaptic spike after postsynaptic ones: minus."""
    share = _power(c, c.per_range * (syn.weight - c.weight_min))
    return _bounded(c, syn.weight - c.a_minus * share * post.y)


def mark_pre(c: PairStdpConstants, m: Shared, pre: Pre) -> Pre:
    """A presynaptic spike arrived."""
    return Pre(c.keep * pre.x + c.one)


def fire(c: PairStdpConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Synapse:
    """A postsynaptic spike after presynaptic ones: plus."""
    share = _power(c, c.per_range * (c.weight_max - syn.weight))
    return _bounded(c, syn.weight + c.a_plus * share * pre.x)


def mark_post(c: PairStdpConstants, m: Shared, post: Post) -> Post:
    """The neuron spiked."""
    return Post(c.keep * post.y + c.one)
