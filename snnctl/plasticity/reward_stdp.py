"""Reward-modulated STDP: spike pairs mark a synapse, dopamine turns the mark into weight. Cost: only spikes.

    x' = -x / tau_pre_s,  x += 1 at presynaptic spikes          y' = -y / tau_post_s,  y += 1 at postsynaptic spikes
    c' = -c / tau_eligibility_s;   pre: c -= a_minus y   (hook ``arrive``);   post: c += a_plus x
    d' = -d / tau_modulator_s;     d += signal at the start of a tick         (hook ``modulate``)
    w' = learning_rate c (d + baseline),  w in [weight_min, weight_max]

Between ticks all of it is integrated exactly (``scheme = "exact"``); with ``"euler"`` c, d and w take one forward Euler
step a tick, all from their values at its start, and x and y stay exact, as in Brian2. tau_modulator_s = 0: d is the
signal, held for one tick. c has the unit of the weight, learning_rate is in 1/s, d is a number. A pair of lag
D = t_post - t_pre adds to c

    a_plus exp(-D / tau_pre_s)   for D >= 0          -a_minus exp(D / tau_post_s)   for D < 0

**Coincident spikes**: pre before post, so a pair in one tick has lag 0 and potentiates by the full a_plus.

**How only spikes cost.** d is one number for all synapses. Since the last fold, t ago,

    s = exp(-t / tau_eligibility_s)      c = k s      w = u + k g      g = learning_rate int (d + baseline) s dt

with u and k that change only at spikes. Between two spikes of i also x_i = a_i e, e = exp(-t / tau_pre_s), with a
constant a_i. So what the postsynaptic spikes of j since the fold did is a product of a row and a column, and
no synapse is touched by them: at a postsynaptic spike  p_j += a_plus e / s,  q_j += a_plus g e / s,  and

    c = (k + a_i p_j) s         w = u + k g + a_i r_j,   r_j = p_j g - q_j

A presynaptic spike changes a_i by 1 / e. It passes its row once and keeps c and w what they are:

    k -= a_minus y_j / s + p_j / e          u = w - k g - (a_i + 1 / e) r_j

Every fold_s a fold writes k = c and u = w and starts afresh, before 1 / e eats up the digits of float32. By default
that is after 5 tau_pre_s, at most after tau_eligibility_s: 1 / e < 149, 1 / s < 2.8. It visits all synapses.
The field ``weight`` of a synapse is u: hook ``weight`` gives w, from delivery on until the end of the tick.

**Limits** act when a weight is delivered and at folds, on all that it gathered since. The clock-driven form clips every
tick; the two differ only for a synapse that reaches a limit and would have left it again before its next spike.

Source: Izhikevich, Cereb. Cortex 17:2443 (2007). There tau_eligibility_s 1, tau_modulator_s 0.2, a_minus = 1.5 a_plus.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Gt
from numba.extending import register_jitable

from snnctl.config import Seconds, schema
from snnctl.plasticity.limits import decay, limits

_FOLD_PRE = 5.0  # time constants of the presynaptic trace between two folds: exp(5) = 148 of float32's 1.7e7
_FOLD_LONGEST = 10.0  # of either trace: times exp(10), a rounding is 2e-12 in float64, 1e-3 in float32


@schema
class RewardStdp:
    """Parameters of the rule; a_plus and a_minus have the unit of the weight, learning_rate is in 1/s."""

    rule: Literal["reward_stdp"] = "reward_stdp"
    scheme: Literal["exact", "euler"] = "exact"
    tau_pre_s: Annotated[Seconds, Gt(0)] = 20e-3
    tau_post_s: Annotated[Seconds, Gt(0)] = 20e-3
    tau_eligibility_s: Annotated[Seconds, Gt(0)] = 1.0
    tau_modulator_s: Annotated[Seconds, Ge(0)] = 0.2
    a_plus: float = 0.1
    a_minus: float = 0.15
    baseline: float = 0.0
    learning_rate: Annotated[float, Gt(0)] = 1.0
    weight_min: float | None = 0.0
    weight_max: float | None = 4.0
    fold_s: Annotated[Seconds, Gt(0)] | None = None

    def __post_init__(self) -> None:
        limits(self.weight_min, self.weight_max)

    def constants(self, tick_s: float) -> RewardStdpConstants:
        """What one tick of ``tick_s`` needs.

        Raises:
            ValueError: the tick is too long for ``euler``, or folds are too far apart.
        """
        low, high = limits(self.weight_min, self.weight_max)
        per_tau_c = 1 / self.tau_eligibility_s
        per_tau_d = 1 / self.tau_modulator_s if self.tau_modulator_s > 0 else 0.0  # 0: held
        a_modulator, eligibility_rate = decay(tick_s, self.tau_modulator_s), tick_s * per_tau_c
        phasic_s, tonic_s = _area(tick_s, per_tau_c + per_tau_d), _area(tick_s, per_tau_c)
        if self.scheme == "euler":
            for name in ("tau_eligibility_s", "tau_modulator_s"):
                if 0 < getattr(self, name) <= tick_s:
                    raise ValueError(f'{name} must be longer than {tick_s:g} s in scheme "euler": take "exact"')
            a_modulator = 1 - tick_s * per_tau_d if self.tau_modulator_s > 0 else 0.0
            eligibility_rate = -math.log1p(-tick_s * per_tau_c)
            phasic_s = tonic_s = tick_s
        fold_s = self.fold_s or min(_FOLD_PRE * self.tau_pre_s, self.tau_eligibility_s)
        period = max(1, math.floor(fold_s / tick_s + 1e-9))
        for name in ("tau_pre_s", "tau_eligibility_s"):
            longest_s = _FOLD_LONGEST * getattr(self, name)
            if period * tick_s > longest_s:
                raise ValueError(
                    f"fold_s: folds are {period * tick_s:g} s apart (a tick at least); more than {longest_s:g} s, ten "
                    f"times {name}, cost all digits: shorten fold_s or the tick, or take dopamine_stdp"
                )
        return RewardStdpConstants(
            a_modulator=a_modulator,
            a_pre=decay(tick_s, self.tau_pre_s),
            a_post=decay(tick_s, self.tau_post_s),
            pre_rate=tick_s / self.tau_pre_s,
            eligibility_rate=eligibility_rate,
            gain=self.learning_rate * phasic_s,
            drift=self.learning_rate * self.baseline * tonic_s,
            a_plus=self.a_plus,
            a_minus=self.a_minus,
            weight_min=low,
            weight_max=high,
            zero=0.0,
            one=1.0,
            period=period,
        )


def _area(tick_s: float, rate: float) -> float:
    """Integral of exp(-rate t) over a tick."""
    return -math.expm1(-rate * tick_s) / rate


class RewardStdpConstants(NamedTuple):
    """Constants of one tick."""

    a_modulator: Any
    a_pre: Any
    a_post: Any
    pre_rate: Any  # tick_s / tau_pre_s
    eligibility_rate: Any  # tick_s / tau_eligibility_s, or what decays like its Euler step
    gain: Any  # of g, per s d
    drift: Any  # of g, per s
    a_plus: Any
    a_minus: Any
    weight_min: Any
    weight_max: Any
    zero: Any
    one: Any
    period: Any  # ticks between folds


class Synapse(NamedTuple):
    """State of one synapse; the weight of now is that of the hook of that name."""

    weight: Any  # u
    k: Any


class Pre(NamedTuple):
    """State of one presynaptic neuron."""

    x: Any


class Post(NamedTuple):
    """State of one postsynaptic neuron."""

    y: Any
    p: Any
    q: Any
    age: Any  # ticks since the fold


class Shared(NamedTuple):
    """The modulator, and how far the time since the last fold has got."""

    d: Any
    g: Any
    age: Any  # ticks since the fold
    s: Any
    per_s: Any  # 1 / s
    per_e: Any  # 1 / e


def modulate(c: RewardStdpConstants, m: Shared, signal: Any) -> Shared:
    """The tick that has passed goes into g and the decays, then the modulator is released."""
    folded = m.age >= c.period
    g = c.zero if folded else m.g
    passed = c.zero if folded else m.age
    age = passed + c.one
    return Shared(
        d=c.a_modulator * m.d + signal,
        g=g + math.exp(-c.eligibility_rate * passed) * (c.gain * m.d + c.drift),
        age=age,
        s=math.exp(-c.eligibility_rate * age),
        per_s=math.exp(c.eligibility_rate * age),
        per_e=math.exp(c.pre_rate * age),
    )


def relax_pre(c: RewardStdpConstants, pre: Pre) -> Pre:
    """One tick of decay."""
    return Pre(c.a_pre * pre.x)


def relax_post(c: RewardStdpConstants, post: Post) -> Post:
    """One tick of decay; p and q are 0 in the first tick after a fold."""
    folded = post.age >= c.period
    return Post(
        y=c.a_post * post.y,
        p=c.zero if folded else post.p,
        q=c.zero if folded else post.q,
        age=c.one if folded else post.age + c.one,
    )


def weight(c: RewardStdpConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Any:
    """The w of now, within its limits."""
    now = syn.weight + syn.k * m.g + m.per_e * pre.x * (post.p * m.g - post.q)
    return min(max(now, c.weight_min), c.weight_max)


def arrive(c: RewardStdpConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Synapse:
    """A presynaptic spike: minus for the postsynaptic ones before it; a_i becomes a_i + 1 / e."""
    k = syn.k - c.a_minus * m.per_s * post.y - m.per_e * post.p
    row = m.per_e * pre.x + m.per_e
    return Synapse(weight(c, m, syn, pre, post) - k * m.g - row * (post.p * m.g - post.q), k)


def mark_pre(c: RewardStdpConstants, m: Shared, pre: Pre) -> Pre:
    """A presynaptic spike arrived."""
    return Pre(pre.x + c.one)


def mark_post(c: RewardStdpConstants, m: Shared, post: Post) -> Post:
    """The neuron spiked: plus for all presynaptic spikes before it, without a visit to any synapse."""
    mark = c.a_plus * m.per_s / m.per_e
    return Post(post.y + c.one, post.p + mark, post.q + mark * m.g, post.age)


@register_jitable
def eligibility(c: RewardStdpConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Any:
    """The c of now."""
    return (syn.k + m.per_e * pre.x * post.p) * m.s


def consolidate(c: RewardStdpConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Synapse:
    """The fold: u = w and k = c. What else it starts afresh is done at the start of the next tick."""
    return Synapse(weight(c, m, syn, pre, post), eligibility(c, m, syn, pre, post))
