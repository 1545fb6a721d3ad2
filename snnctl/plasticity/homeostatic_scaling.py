"""Homeostatic scaling: all synapses of a neuron grow or shrink by one factor until it fires at its target rate.

    tau a' = -a + sum of its spikes                              running rate a, in Hz
    w' = w [beta (target - a) + gamma int (target - a) dt]       slow, multiplicative

solved for ticks of tick_s, the bracket held over ``every_s``:

    excess   = a_rate excess + (1 - a_rate) (spike / tick_s - target)   excess = a - target, a_rate = exp(-tick_s / tau)
    integral = integral + tick_s excess
    w = w exp(-every_s (beta excess + gamma integral))                        every ``every_s`` (hook ``consolidate``)

and then w is kept in [weight_min, weight_max] (an absent limit is none). The factor is the same for all synapses of a
neuron, so the ratios of its weights stay what learning made them, and no weight changes its sign. The estimate starts
at the target: a new network is not scaled before its neurons were observed. A regular train of rate r is estimated
without bias, with the ripple of a filter of tau_s.

Put it beside a Hebbian rule on the same projection: ``(PairStdp(...), HomeostaticScaling(...))``. Negative weights of
neurons that are too quiet grow too, which is rarely wanted: give the rule to excitatory projections.

Source: van Rossum, Bi & Turrigiano, J. Neurosci. 20:8812 (2000), eq 3 (tau 100 s, beta 4e-5 /s/Hz, gamma 1e-7 /s^2/Hz,
read in two re-implementations); the phenomenon: Turrigiano et al., Nature 391:892 (1998).
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Gt

from snnctl.config import Hertz, Seconds, schema
from snnctl.plasticity.limits import decay, limits


@schema
class HomeostaticScaling:
    """Parameters of the rule."""

    rule: Literal["homeostatic_scaling"] = "homeostatic_scaling"
    target_hz: Annotated[Hertz, Gt(0)] = 10.0
    tau_s: Annotated[Seconds, Gt(0)] = 100.0
    beta: Annotated[float, Ge(0)] = 4e-5  # 1 / (s Hz)
    gamma: Annotated[float, Ge(0)] = 1e-7  # 1 / (s^2 Hz)
    every_s: Annotated[Seconds, Gt(0)] = 1.0
    weight_min: float | None = None
    weight_max: float | None = None

    def __post_init__(self) -> None:
        limits(self.weight_min, self.weight_max)

    def constants(self, tick_s: float) -> HomeostaticScalingConstants:
        """What one tick of ``tick_s`` needs.

        Raises:
            ValueError: ``every_s`` is shorter than a tick.
        """
        period = round(self.every_s / tick_s)
        if period < 1:
            raise ValueError(f"every_s {self.every_s:g} is shorter than a tick of {tick_s:g} s: take at least one tick")
        low, high = limits(self.weight_min, self.weight_max)
        a_rate = decay(tick_s, self.tau_s)
        return HomeostaticScalingConstants(
            a_rate=a_rate,
            per_spike=-math.expm1(-tick_s / self.tau_s) / tick_s,
            target_share=-math.expm1(-tick_s / self.tau_s) * self.target_hz,
            tick_s=tick_s,
            proportional=-period * tick_s * self.beta,
            integral=-period * tick_s * self.gamma,
            weight_min=low,
            weight_max=high,
            period=period,
            zero=0.0,
        )


class HomeostaticScalingConstants(NamedTuple):
    """Constants of one tick."""

    a_rate: Any
    per_spike: Any  # (1 - a_rate) / tick_s [Hz]
    target_share: Any  # (1 - a_rate) target [Hz]
    tick_s: Any
    proportional: Any  # -period beta [1/Hz]
    integral: Any  # -period gamma [1/(s Hz)]
    weight_min: Any
    weight_max: Any
    period: Any  # ticks
    zero: Any


class Synapse(NamedTuple):
    """State of one synapse."""

    weight: Any


class Pre(NamedTuple):
    """A presynaptic neuron keeps nothing."""

    none: Any


class Post(NamedTuple):
    """State of one postsynaptic neuron."""

    excess: Any  # Hz
    integral: Any  # of excess


class Shared(NamedTuple):
    """Nothing is shared."""

    none: Any


def observe(c: HomeostaticScalingConstants, m: Shared, post: Post, _v: Any, spike: Any, _teach: Any) -> Post:
    """Running rate of the neuron and its integral."""
    excess = c.a_rate * post.excess + ((c.per_spike if spike else c.zero) - c.target_share)
    return Post(excess, post.integral + c.tick_s * excess)


def consolidate(c: HomeostaticScalingConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Synapse:
    """Scale."""
    weight = syn.weight * math.exp(c.proportional * post.excess + c.integral * post.integral)
    return Synapse(min(max(weight, c.weight_min), c.weight_max))
