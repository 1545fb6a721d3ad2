"""The score rule: eligibility is how the spikes of a stochastic neuron depend on the weight, a signal makes it count.

One tick, for the synapse i -> j with presynaptic spikes s, postsynaptic spikes o, and the probability rho with which j
was expected to spike, which neurons with escape noise have (``expected`` of ``noisy_lif`` and ``escape_lif``):

    c[i]    = a_syn c[i] + s[i]                    presynaptic current        a = exp(-tick_s / tau_s)
    x[i, j] = a_mem x[i, j] + c[i]                 as j's membrane sees it
    e[i, j] = a_tick e[i, j] + x[i, j] (o[j] - rho[j])                        a_tick = decay ^ (1 / decision_ticks)
    x[i, j] = 0 where j spikes and its reset clears the membrane (reset "value")

and at the start of each decision, of ``decision_ticks`` ticks, before spikes are delivered:

    E = E + e;  e = 0
    w = clip(w + learning_rate signal E, weight_min, weight_max)
    E = decay E

For ``noisy_lif`` with the same time constants E / noise is the discounted gradient of the log-probability of j's spikes
with respect to w: its mean is 0, so without news nothing drifts, and the mean of R E points along the gradient of the
expected reward (the likelihood-ratio identity). ``decay`` is the discount of a decision, gamma lambda of an
actor-critic. With ``decision = "reset"`` c and x begin at 0 in every decision, as the membranes of such a network do.

**What it costs.** A source whose newest spike is longer ago than decay takes to fall below :data:`SMALLEST` is
forgotten and rests (:mod:`snnctl.network.rules`): a tick costs the synapses of the sources that spiked lately.

The fused learner (:mod:`snnctl.agent.fused_learner`) has the same equations, in the same order of sums, for one dense
projection: where spikes and rho are the same, weights are the same bits.

Sources: Pfister et al., Neural Comput. 18:1318 (2006); Fremaux & Gerstner, Front. Neural Circuits 9:85 (2016).
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Gt, Lt

from snnctl.config import Seconds, schema
from snnctl.plasticity.limits import decay, limits

SMALLEST = 1e-3  # part of an eligibility at which it is forgotten


@schema
class Score:
    """Parameters of the rule; ``decision`` and ``decision_ticks`` are those of the network."""

    rule: Literal["score"] = "score"
    tau_mem_s: Annotated[Seconds, Gt(0)] = 8e-3
    tau_syn_s: Annotated[Seconds, Ge(0)] = 2e-3
    reset: Literal["value", "subtract"] = "value"
    decision: Literal["reset", "streaming"] = "streaming"
    decision_ticks: Annotated[int, Gt(0)] = 1
    decay: Annotated[float, Ge(0), Lt(1)] = 0.8  # of eligibilities in a decision
    learning_rate: Annotated[float, Gt(0)] = 1.0
    weight_min: float | None = -4.0
    weight_max: float | None = 4.0

    def __post_init__(self) -> None:
        limits(self.weight_min, self.weight_max)

    def constants(self, tick_s: float) -> ScoreConstants:
        """What one tick of ``tick_s`` needs."""
        low, high = limits(self.weight_min, self.weight_max)
        return ScoreConstants(
            a_syn=decay(tick_s, self.tau_syn_s),
            a_mem=decay(tick_s, self.tau_mem_s),
            a_tick=self.decay ** (1 / self.decision_ticks),
            decay=self.decay,
            keep=1.0 if self.reset == "subtract" else 0.0,
            kept=1.0 if self.decision == "streaming" else 0.0,
            ticks=float(self.decision_ticks),
            horizon=float(math.ceil(math.log(SMALLEST) / math.log(self.decay))) if self.decay > 0 else 1.0,
            learning_rate=self.learning_rate,
            weight_min=low,
            weight_max=high,
            one=1.0,
            zero=0.0,
            period=1,
        )

    def misfit(self, decision: str, ticks: int) -> str:
        """Why it cannot learn in a network with such decisions; empty if it can."""
        if decision != self.decision:
            return f"decision is '{self.decision}' where the network's is '{decision}'"
        return "" if ticks == self.decision_ticks else f"decision_ticks is {self.decision_ticks}, the network's {ticks}"


class ScoreConstants(NamedTuple):
    """Constants of one tick."""

    a_syn: Any
    a_mem: Any
    a_tick: Any
    decay: Any
    keep: Any  # of x when j spikes
    kept: Any  # of c and x between decisions
    ticks: Any  # of a decision
    horizon: Any  # decisions after its newest spike at which a source is forgotten
    learning_rate: Any
    weight_min: Any
    weight_max: Any
    one: Any
    zero: Any
    period: Any  # consolidate runs every tick


class Synapse(NamedTuple):
    """State of one synapse."""

    weight: Any
    x: Any
    e: Any  # of this decision
    eligibility: Any  # E, of those before


class Pre(NamedTuple):
    """State of one presynaptic neuron."""

    current: Any  # c
    left: Any  # decisions until it is forgotten
    ending: Any  # 1 in the tick in which it is forgotten
    tick: Any  # of the decision, of the next tick


class Post(NamedTuple):
    """State of one postsynaptic neuron."""

    spike: Any  # o
    rho: Any


class Shared(NamedTuple):
    """What all synapses see."""

    gain: Any  # learning_rate signal, in the first tick of a decision
    first: Any  # 1 in the first tick of a decision
    tick: Any  # of the decision, of the next tick


def modulate(c: ScoreConstants, m: Shared, signal: Any) -> Shared:
    """Count the ticks of a decision; the signal counts in its first tick."""
    first = c.one if m.tick <= c.zero else c.zero
    following = m.tick + c.one
    return Shared(first * c.learning_rate * signal, first, following if following < c.ticks else c.zero)


def relax_pre(c: ScoreConstants, pre: Pre) -> Pre:
    """One tick of decay; a decision less until the source is forgotten."""
    first = pre.tick <= c.zero
    following = pre.tick + c.one
    left = pre.left - c.one if first and pre.left > c.zero else pre.left
    ending = c.one if first and pre.left > c.zero and left <= c.zero else c.zero
    current = c.a_syn * pre.current
    current = c.kept * current if first else current
    return Pre(current, left, ending, following if following < c.ticks else c.zero)


def weight(c: ScoreConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Any:
    """The w of now, the signal included."""
    return min(max(syn.weight + m.gain * (syn.eligibility + m.first * syn.e), c.weight_min), c.weight_max)


def mark_pre(c: ScoreConstants, m: Shared, pre: Pre) -> Pre:
    """A presynaptic spike arrived."""
    return Pre(pre.current + c.one, c.horizon, pre.ending, pre.tick)


def observe(c: ScoreConstants, m: Shared, post: Post, expected: Any, spike: Any, _teach: Any) -> Post:
    """What j did, and with which probability."""
    return Post(c.one if spike else c.zero, expected)


def rests(c: ScoreConstants, pre: Pre) -> Any:
    """1 for a source whose synapses have nothing to remember, else 0."""
    return c.one if pre.left <= c.zero and pre.ending <= c.zero else c.zero


def consolidate(c: ScoreConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Synapse:
    """Every tick: what the signal does at the start of a decision, then trace and eligibility."""
    w, x, e, old = syn.weight, syn.x, syn.e, syn.eligibility
    if m.first > c.zero:
        old = old + e
        w = min(max(w + m.gain * old, c.weight_min), c.weight_max)
        remembered = c.one - pre.ending
        x, e, old = c.kept * remembered * x, c.zero, remembered * c.decay * old
    forgotten = pre.ending > c.zero and pre.left <= c.zero
    seen = c.zero if forgotten else c.a_mem * x + pre.current
    e = c.a_tick * e + seen * (post.spike - post.rho)
    x = seen * (c.one - post.spike + post.spike * c.keep)
    return Synapse(w, x, e, old)
