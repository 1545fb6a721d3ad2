"""Three-factor learning, event by event: spikes mark a synapse, one broadcast number turns the mark into weight.

One tick, for the synapses i -> j of inputs i that spike in this decision, with presynaptic spikes s[i], postsynaptic
spikes o[j] and the probability rho[j] with which j was expected to spike:

    c[i]    = a_rise c[i] + s[i]                     presynaptic current        a = exp(-tick_s / tau_s)
    x[i, j] = a_pre x[i, j] + c[i]                   presynaptic trace, as j's membrane sees it
    y[j]    = a_post y[j]                            postsynaptic trace
    e[i, j] = a_tick e[i, j] + x[i, j] (o[j] - score rho[j]) - a_minus y[j] s[i]               eligibility
    y[j]    = y[j] + o[j];  x[i, j] = 0 where o[j] and the neuron's reset clears its membrane

Between decisions, when the modulator d is released:

    w[i, j] = clip(w[i, j] + rate d e[i, j], -limit, limit)

``score = 1, a_minus = 0`` is the *score form*: with rho the escape probability, e is the gradient of the
log-probability of j's spikes with respect to w, times the width of its escape noise; its expectation is 0, so without
news nothing drifts. ``score = 0, a_minus > 0`` is *pair STDP*, which needs a modulator of zero mean. Coincident spikes
count as pre before post.

**What it costs.** Only inputs that spike are marked. A mark decays exactly, a_tick^ticks a decision, and is kept until
it has fallen below :data:`SMALLEST` of what it was; so a decision costs the inputs that spiked lately, not all.

**Integers** (``levels``): x in 7 bits, e in 9 bits with its sign, w in 8 bits with its sign, the widths of Loihi's
learning engine (Davies et al., IEEE Micro 38:82, 2018); every change is rounded stochastically, up with the probability
of its fraction, so that small changes act in the mean.

Sources: Pfister et al., Neural Comput. 18:1318 (2006) (score form); Izhikevich, Cereb. Cortex 17:2443 (2007)
(eligibility, dopamine); Fremaux & Gerstner, Front. Neural Circuits 9:85 (2016) (both in one frame).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

SMALLEST = 1e-3  # part of a mark at which it is forgotten
X_LEVELS, E_LEVELS, W_LEVELS = 127, 255, 127  # 7 bits, 9 with a sign, 8 with a sign


class ThreeFactorConstants(NamedTuple):
    """Constants of the rule, in float32."""

    a_rise: Any
    a_pre: Any
    a_post: Any
    a_tick: Any  # of the eligibility
    score: Any  # 1: score form, 0: pairs
    a_minus: Any
    keep: Any  # of x when j spikes: 0 if the membrane is cleared, else 1
    limit: Any  # of the weights
    x_step: Any  # units of the integer form; 0 in floating point
    e_step: Any
    w_step: Any


def constants(
    *,
    tick_s: float,
    tau_rise_s: float,
    tau_pre_s: float,
    tau_post_s: float,
    ticks: int,
    decay: float,
    score: bool,
    a_minus: float,
    clears: bool,
    limit: float,
    integer: bool,
) -> ThreeFactorConstants:
    """Constants from time constants; ``decay`` is that of the eligibility in a decision of ``ticks``."""
    a_rise, a_pre = (math.exp(-tick_s / tau) if tau > 0 else 0.0 for tau in (tau_rise_s, tau_pre_s))
    highest = sum(sum(a_rise**n for n in range(k + 1)) * a_pre ** (ticks - 1 - k) for k in range(ticks))
    values = ThreeFactorConstants(
        a_rise=a_rise,
        a_pre=a_pre,
        a_post=math.exp(-tick_s / tau_post_s) if tau_post_s > 0 else 0.0,
        a_tick=decay ** (1 / ticks),
        score=1.0 if score else 0.0,
        a_minus=a_minus,
        keep=0.0 if clears else 1.0,
        limit=limit,
        x_step=highest / X_LEVELS if integer else 0.0,
        e_step=2 * highest / E_LEVELS if integer else 0.0,
        w_step=limit / W_LEVELS if integer else 0.0,
    )
    return ThreeFactorConstants(*(np.float32(v) for v in values))


def horizon(decay: float) -> int:
    """Decisions for which a mark that falls by ``decay`` in each is kept."""
    return math.ceil(math.log(SMALLEST) / math.log(decay)) if decay > 0 else 1


@njit(cache=True, nogil=True, error_model="numpy")
def trace(value: Any, decay: Any, event: Any) -> Any:
    """Exponential trace: decay, then add what happened in this tick."""
    return decay * value + event


@njit(cache=True, nogil=True, error_model="numpy")
def bounded(weight: Any, change: Any, low: Any, high: Any) -> Any:
    """The changed weight, within its limits."""
    return min(max(weight + change, low), high)


@njit(cache=True, nogil=True, error_model="numpy")
def rounded(value: Any, step: Any, levels: Any, chance: Any) -> Any:
    """A multiple of ``step``, up with the probability of the fraction (``chance`` is uniform), at most ``levels``."""
    return step * min(max(math.floor(value / step + chance), -levels), levels)


@njit(cache=True, nogil=True, error_model="numpy")
def mark(
    c: ThreeFactorConstants,
    current: NDArray[Any],
    x: NDArray[Any],
    e: NDArray[Any],
    y: NDArray[Any],
    pre: NDArray[Any],
    post: NDArray[Any],
    rho: NDArray[Any],
) -> None:
    """One tick of the traces of ``n`` inputs that spike in this decision and ``m`` neurons, in place.

    Args:
        c: constants
        current: (n,) c
        x: (n, m)
        e: (n, m) eligibility gathered in this decision
        y: (m,)
        pre: (n,) spikes as numbers
        post: (m,) spikes as numbers
        rho: (m,)
    """
    one = pre.dtype.type(1)
    for j in range(post.size):
        y[j] *= c.a_post
    for i in range(pre.size):
        current[i] = trace(current[i], c.a_rise, pre[i])
        for j in range(post.size):
            seen = trace(x[i, j], c.a_pre, current[i])
            e[i, j] = trace(e[i, j], c.a_tick, seen * (post[j] - c.score * rho[j]) - c.a_minus * y[j] * pre[i])
            x[i, j] = seen * (one - post[j] + post[j] * c.keep)
    for j in range(post.size):
        y[j] += post[j]


@njit(cache=True, nogil=True, error_model="numpy")
def reinforce(c: ThreeFactorConstants, weight: NDArray[Any], e: NDArray[Any], gain: Any) -> None:
    """The weights (m,) of one input after the modulator was released; ``gain`` is rate times d."""
    for j in range(weight.size):
        weight[j] = bounded(weight[j], gain * e[j], -c.limit, c.limit)
