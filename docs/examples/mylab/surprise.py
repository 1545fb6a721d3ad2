"""A learning rule of one's own: a synapse is credited with spikes that nobody expected.

x = a_pre x + s                                        presynaptic trace
w = clip(w + learning_rate signal e, -limit, limit)
e = a_eligibility e + x (o - expected)                 ``expected``: the target's probability of a spike
"""

from __future__ import annotations

import math
from typing import Annotated, Any, NamedTuple

from annotated_types import Gt

from snnctl.config import Seconds, schema


@schema
class Surprise:
    """Parameters."""

    tau_pre_s: Annotated[Seconds, Gt(0)] = 5e-3
    tau_eligibility_s: Annotated[Seconds, Gt(0)] = 17e-3
    learning_rate: Annotated[float, Gt(0)] = 1e-3
    limit: Annotated[float, Gt(0)] = 4.0

    def constants(self, tick_s: float) -> SurpriseConstants:
        """What one tick needs."""
        return SurpriseConstants(
            a_pre=math.exp(-tick_s / self.tau_pre_s),
            a_eligibility=math.exp(-tick_s / self.tau_eligibility_s),
            learning_rate=self.learning_rate,
            limit=self.limit,
            one=1.0,
            period=1,
        )


class SurpriseConstants(NamedTuple):
    """Constants of one tick."""

    a_pre: Any
    a_eligibility: Any
    learning_rate: Any
    limit: Any
    one: Any
    period: Any  # consolidate runs every tick


class Synapse(NamedTuple):
    """State of one synapse."""

    weight: Any
    e: Any


class Pre(NamedTuple):
    """State of one presynaptic neuron."""

    x: Any


class Post(NamedTuple):
    """State of one postsynaptic neuron."""

    surprise: Any


class Shared(NamedTuple):
    """What all synapses see."""

    signal: Any


def modulate(c: SurpriseConstants, m: Shared, signal: Any) -> Shared:
    """The modulator's signal of this tick."""
    return Shared(signal)


def relax_pre(c: SurpriseConstants, pre: Pre) -> Pre:
    """One tick of decay."""
    return Pre(c.a_pre * pre.x)


def mark_pre(c: SurpriseConstants, m: Shared, pre: Pre) -> Pre:
    """A presynaptic spike arrived."""
    return Pre(pre.x + c.one)


def observe(c: SurpriseConstants, m: Shared, post: Post, expected: Any, spike: Any, _teach: Any) -> Post:
    """What the neuron did, less what it was expected to do."""
    return Post(spike - expected)


def consolidate(c: SurpriseConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Synapse:
    """Every tick: the weight by what was done so far, then the eligibility."""
    weight = min(max(syn.weight + c.learning_rate * m.signal * syn.e, -c.limit), c.limit)
    return Synapse(weight, c.a_eligibility * syn.e + pre.x * post.surprise)
