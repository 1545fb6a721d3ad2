"""Reward-modulated STDP: spike pairs mark a synapse, a broadcast signal turns the mark into a weight.

One tick, for synapses i -> j with presynaptic spikes s[i], postsynaptic spikes o[j], the probability
rho[j] with which j was expected to spike, and a released modulator r (one number for all synapses):

    c[i]    = a_rise c[i] + s[i]                      presynaptic current        a = exp(-tick_s / tau_s)
    x[i, j] = a_pre x[i, j] + c[i]                    presynaptic trace, as j's membrane sees it
    y[j]    = a_post y[j]                             postsynaptic trace
    e[i, j] = a_eligibility e[i, j] + a_plus x[i, j] (o[j] - rho[j]) - a_minus y[j] s[i]
    y[j]    = y[j] + o[j];  x[i, j] = 0 where o[j] and reset_on_spike
    d       = a_modulator d + r                       modulator (dopamine)
    w[i, j] = clip(w[i, j] + learning_rate d e[i, j], weight_min, weight_max)

Decays are exact and a time constant of 0 means no memory. Every term is local to the synapse but d.
The limits hold after every tick; eligibility goes on accumulating at a limit.

**Coincident spikes**: pre before post. A pair in one tick has lag 0 and potentiates by the full a_plus (x already has
the presynaptic spike, y not yet the postsynaptic one), as in Brian2. In general a pair of lag D = t_post - t_pre
adds to e, with tau_rise_s = 0 and rho = 0:

    a_plus exp(-D / tau_pre_s)   for D >= 0          -a_minus exp(D / tau_post_s)   for D < 0

Two rules are slots of it. *Pair R-STDP*: rho = 0, a_minus > 0; it needs a modulator of zero mean, or it drifts
unsupervised. *Score form* (R-max): a_minus = 0, rho = the escape probability, tau_rise_s, tau_pre_s and
reset_on_spike those of the neuron; then e is the gradient of the log-probability of j's spikes with respect to w,
times the width of its escape noise, and its expectation is 0 without reward.

Sources: Izhikevich, Cereb. Cortex 17:2443 (2007) (eligibility, dopamine); Pfister et al., Neural Comput. 18:1318
(2006) (score form); Fremaux & Gerstner, Front. Neural Circuits 9:85 (2016) (both in one frame).
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from annotated_types import Ge, Gt
from numba import njit
from numpy.typing import NDArray

from snnctl.config import Seconds, schema


@schema
class RewardStdp:
    """Parameters of the rule."""

    kind: Literal["rstdp"] = "rstdp"
    tau_pre_s: Annotated[Seconds, Ge(0)] = 20e-3
    tau_rise_s: Annotated[Seconds, Ge(0)] = 0.0
    tau_post_s: Annotated[Seconds, Ge(0)] = 20e-3
    tau_eligibility_s: Annotated[Seconds, Ge(0)] = 1.0
    tau_modulator_s: Annotated[Seconds, Ge(0)] = 0.2
    a_plus: Annotated[float, Ge(0)] = 1.0
    a_minus: Annotated[float, Ge(0)] = 1.05
    reset_on_spike: bool = False
    learning_rate: Annotated[float, Gt(0)] = 1e-3
    weight_min: float = 0.0
    weight_max: float = 1.0

    def __post_init__(self) -> None:
        if not self.weight_min < self.weight_max:
            raise ValueError(f"weight_min {self.weight_min} must be below weight_max {self.weight_max}")

    def constants(self, tick_s: float, dtype: type = np.float32) -> RewardStdpConstants:
        """What one tick of ``tick_s`` needs, in the type of the weights."""
        scalar = np.dtype(dtype).type
        values = RewardStdpConstants(
            a_rise=_decay(tick_s, self.tau_rise_s),
            a_pre=_decay(tick_s, self.tau_pre_s),
            a_post=_decay(tick_s, self.tau_post_s),
            a_eligibility=_decay(tick_s, self.tau_eligibility_s),
            a_modulator=_decay(tick_s, self.tau_modulator_s),
            a_plus=self.a_plus,
            a_minus=self.a_minus,
            keep=0.0 if self.reset_on_spike else 1.0,
            learning_rate=self.learning_rate,
            weight_min=self.weight_min,
            weight_max=self.weight_max,
        )
        return RewardStdpConstants(*(scalar(v) for v in values))


def _decay(tick_s: float, tau_s: float) -> float:
    return math.exp(-tick_s / tau_s) if tau_s > 0 else 0.0


class RewardStdpConstants(NamedTuple):
    """Constants of one tick, all of the float type of the weights."""

    a_rise: Any
    a_pre: Any
    a_post: Any
    a_eligibility: Any
    a_modulator: Any
    a_plus: Any
    a_minus: Any
    keep: Any  # of the presynaptic trace when the postsynaptic neuron spikes: 0 or 1
    learning_rate: Any
    weight_min: Any
    weight_max: Any


class RewardStdpState(NamedTuple):
    """State of n x m synapses; matrices have a row a postsynaptic neuron, since the inner loop runs over i."""

    current: NDArray[Any]  # (n,) c
    pre: NDArray[Any]  # (m, n) x
    post: NDArray[Any]  # (m,) y
    eligibility: NDArray[Any]  # (m, n) e
    modulator: NDArray[Any]  # (1,) d


def initial_state(n: int, m: int, dtype: type = np.float32) -> RewardStdpState:
    """All traces 0."""
    return RewardStdpState(
        np.zeros(n, dtype), np.zeros((m, n), dtype), np.zeros(m, dtype), np.zeros((m, n), dtype), np.zeros(1, dtype)
    )


@njit(cache=True, nogil=True, error_model="numpy")
def trace(value: Any, decay: Any, event: Any) -> Any:
    """Exponential trace: decay, then add what happened in this tick."""
    return decay * value + event


@njit(cache=True, nogil=True, error_model="numpy")
def coincidence(c: RewardStdpConstants, x: Any, surprise: Any, y: Any, pre: Any) -> Any:
    """What one tick adds to an eligibility; ``surprise`` is o - rho."""
    return c.a_plus * x * surprise - c.a_minus * y * pre


@njit(cache=True, nogil=True, error_model="numpy")
def bounded(weight: Any, change: Any, low: Any, high: Any) -> Any:
    """The changed weight, within its limits."""
    return min(max(weight + change, low), high)


@njit(cache=True, nogil=True, error_model="numpy")
def advance(
    c: RewardStdpConstants,
    state: RewardStdpState,
    weight: NDArray[Any],
    pre: NDArray[np.uint8],
    post: NDArray[np.uint8],
    expected: NDArray[Any],
    release: Any,
) -> None:
    """One tick of n x m synapses, in place; :func:`tick` is the same on copies.

    Args:
        c: constants of the rule
        state: traces, overwritten
        weight: (n, m), overwritten
        pre: presynaptic spikes (n,)
        post: postsynaptic spikes (m,)
        expected: rho (m,)
        release: modulator released in this tick
    """
    scalar = state.current.dtype.type
    one = c.keep - c.keep + scalar(1)
    current = state.current
    spikes = np.empty_like(current)  # (n,) s
    for i in range(pre.size):
        spikes[i] = scalar(pre[i])
        current[i] = trace(current[i], c.a_rise, spikes[i])
    for j in range(post.size):
        x, e = state.pre[j], state.eligibility[j]  # (n,) each
        y = trace(state.post[j], c.a_post, scalar(0))
        surprise = scalar(post[j]) - expected[j]
        kept = c.keep if post[j] else one
        for i in range(pre.size):
            seen = trace(x[i], c.a_pre, current[i])
            e[i] = trace(e[i], c.a_eligibility, coincidence(c, seen, surprise, y, spikes[i]))
            x[i] = seen * kept
        state.post[j] = y + scalar(post[j])
    state.modulator[0] = trace(state.modulator[0], c.a_modulator, release)
    gain = c.learning_rate * state.modulator[0]
    if gain != 0:
        for i in range(pre.size):
            for j in range(post.size):
                change = gain * state.eligibility[j, i]
                weight[i, j] = bounded(weight[i, j], change, c.weight_min, c.weight_max)


def tick(
    c: RewardStdpConstants,
    state: RewardStdpState,
    weight: NDArray[Any],
    pre: NDArray[np.uint8],
    post: NDArray[np.uint8],
    expected: NDArray[Any],
    release: float,
) -> tuple[RewardStdpState, NDArray[Any]]:
    """One tick: new state and new weights; the arguments of :func:`advance` are left as they are."""
    after = RewardStdpState(*(array.copy() for array in state))
    changed = weight.copy()
    advance(c, after, changed, pre, post, expected, changed.dtype.type(release))
    return after, changed


@njit(cache=True, nogil=True, error_model="numpy")
def clear_traces(state: RewardStdpState) -> None:
    """Forget the spikes but not their eligibility: what a decision that clears the membranes does."""
    state.current[:] = 0
    state.pre[:] = 0
    state.post[:] = 0
