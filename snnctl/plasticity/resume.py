"""ReSuMe, remote supervised method: target spikes potentiate what came before them, the neuron's own spikes depress it.

    dw/dt = [S_d(t) - S_o(t)] [a + int_0^inf W(s) S_in(t - s) ds]        W(s) = A exp(-s / tau)

With the presynaptic trace x that is

    x = decay x + 1 at presynaptic spikes                                decay = exp(-tick_s / tau_s)
    w = w + learning_rate (a + A x) (teach - spike)      in a tick with an output spike (spike = 1, hook ``fire``)
                                                         or a target spike (teach = 1, hook ``instruct``)

and w is kept in [weight_min, weight_max] (an absent limit is none). Where output and target coincide nothing changes;
when every target spike has its output spike, learning stops. ``a`` sets the mean rate, A x the timing.
An input spike of the same tick counts in full: pre before post. The weight has the unit of the neuron's drive, and
learning_rate too. :func:`weight_change` is the same in closed form over one trial, for spike times off any grid.

Source: Ponulak & Kasinski, Neural Comput. 22:467 (2010), eq 2.10.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from annotated_types import Ge, Gt
from numba.extending import register_jitable
from numpy.typing import ArrayLike, NDArray

from snnctl.config import Seconds, schema
from snnctl.plasticity.limits import decay, limits
from snnctl.plasticity.teacher import Post as Post
from snnctl.plasticity.teacher import observe as observe


@schema
class Resume:
    """Parameters of the rule."""

    rule: Literal["resume"] = "resume"
    tau_s: Annotated[Seconds, Gt(0)] = 5e-3
    a: Annotated[float, Ge(0)] = 0.05
    amplitude: Annotated[float, Ge(0)] = 1.0
    learning_rate: Annotated[float, Gt(0)] = 0.02
    weight_min: float | None = None
    weight_max: float | None = None

    def __post_init__(self) -> None:
        limits(self.weight_min, self.weight_max)

    def constants(self, tick_s: float) -> ResumeConstants:
        """What one tick of ``tick_s`` needs."""
        low, high = limits(self.weight_min, self.weight_max)
        return ResumeConstants(
            decay=decay(tick_s, self.tau_s),
            a=self.a,
            amplitude=self.amplitude,
            learning_rate=self.learning_rate,
            weight_min=low,
            weight_max=high,
            one=1.0,
        )


class ResumeConstants(NamedTuple):
    """Constants of one tick."""

    decay: Any
    a: Any
    amplitude: Any
    learning_rate: Any
    weight_min: Any
    weight_max: Any
    one: Any


class Synapse(NamedTuple):
    """State of one synapse."""

    weight: Any


class Pre(NamedTuple):
    """State of one presynaptic neuron."""

    x: Any


class Shared(NamedTuple):
    """Nothing is shared."""

    none: Any


def relax_pre(c: ResumeConstants, pre: Pre) -> Pre:
    """One tick of decay."""
    return Pre(c.decay * pre.x)


def mark_pre(c: ResumeConstants, m: Shared, pre: Pre) -> Pre:
    """A presynaptic spike arrived."""
    return Pre(pre.x + c.one)


def fire(c: ResumeConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Synapse:
    """The neuron fired: minus, unless it should."""
    return _changed(c, syn, pre, post.error)


def instruct(c: ResumeConstants, m: Shared, syn: Synapse, pre: Pre, post: Post, teach: Any) -> Synapse:
    """It should fire: plus, unless it did."""
    return syn if post.fired else _changed(c, syn, pre, teach)


@register_jitable
def _changed(c: ResumeConstants, syn: Synapse, pre: Pre, error: Any) -> Synapse:
    weight = syn.weight + c.learning_rate * error * (c.a + c.amplitude * pre.x)
    return Synapse(min(max(weight, c.weight_min), c.weight_max))


def weight_change(
    rule: Resume, inputs_s: Sequence[ArrayLike], target_s: ArrayLike, actual_s: ArrayLike
) -> NDArray[np.float64]:
    """Change of each weight over one trial in which the weights stay as they are, without limits.

    Args:
        rule: parameters
        inputs_s: n lists of spike times, one a presynaptic neuron
        target_s: when the neuron should fire
        actual_s: when it fired

    Returns:
        (n,) in the unit of learning_rate
    """
    target, actual = np.asarray(target_s, np.float64), np.asarray(actual_s, np.float64)

    def correlation(times: NDArray[np.float64], arrivals: NDArray[np.float64]) -> float:
        since = times[:, None] - arrivals[None, :]
        window = np.where(since >= 0, np.exp(-np.abs(since) / rule.tau_s), 0.0)
        return float(times.size * rule.a + rule.amplitude * window.sum())

    trains = [np.asarray(train, np.float64) for train in inputs_s]
    return rule.learning_rate * np.array([correlation(target, x) - correlation(actual, x) for x in trains])
