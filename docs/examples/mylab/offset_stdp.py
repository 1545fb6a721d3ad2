"""STDP at postsynaptic spikes alone: what was active just before grows, what was not shrinks.

    x' = -x / tau, x = 1 at a presynaptic spike     at a postsynaptic spike: w += gain (x - offset), in [0, weight_max]

Source: Diehl & Cook, Front. Comput. Neurosci. 9:99 (2015), with an additive weight dependence.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, NamedTuple

from annotated_types import Ge, Gt

from snnctl.config import Seconds, schema


@schema
class OffsetStdp:
    """Configuration: what a user sets, and what `constants` makes of it for a tick."""

    tau_s: Annotated[Seconds, Gt(0)] = 0.02
    gain: Annotated[float, Gt(0)] = 0.01
    offset: Annotated[float, Ge(0)] = 0.4
    weight_max: Annotated[float, Gt(0)] = 1.0

    def constants(self, tick_s: float) -> Constants:
        """All numbers that the functions below need."""
        return Constants(math.exp(-tick_s / self.tau_s), self.gain, self.offset, self.weight_max, 0.0, 1.0)


class Constants(NamedTuple):
    """Numbers of the rule, in the float type of the network."""

    keep: Any
    gain: Any
    offset: Any
    weight_max: Any
    zero: Any
    one: Any


class Synapse(NamedTuple):
    """What each synapse keeps; the first is its weight."""

    weight: Any


class Pre(NamedTuple):
    """What each presynaptic neuron keeps."""

    x: Any


class Post(NamedTuple):
    """What each postsynaptic neuron keeps: nothing."""

    none: Any


class Shared(NamedTuple):
    """What the whole projection keeps: nothing."""

    none: Any


def relax_pre(c: Constants, pre: Pre) -> Pre:
    """Every tick, every presynaptic neuron."""
    return Pre(c.keep * pre.x)


def mark_pre(c: Constants, m: Shared, pre: Pre) -> Pre:
    """A presynaptic spike arrives."""
    return Pre(c.one)


def fire(c: Constants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Synapse:
    """A postsynaptic spike, at each of its synapses."""
    return Synapse(min(max(syn.weight + c.gain * (pre.x - c.offset), c.zero), c.weight_max))
