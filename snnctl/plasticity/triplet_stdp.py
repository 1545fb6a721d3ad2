"""Triplet STDP: pairs and triplets of spikes, so that a synapse also depends on the rate at which pairs come.

    r1, r2 decay with tau_plus_s, tau_x_s;  + 1 at presynaptic spikes    (r2 is a slow memory of the presynaptic spikes)
    o1, o2 decay with tau_minus_s, tau_y_s; + 1 at postsynaptic spikes   (o2 of the postsynaptic ones)
    pre:   w = w - o1 (a2_minus + a3_minus r2)           hook ``arrive``; r2 without this spike
    post:  w = w + r1 (a2_plus + a3_plus o2)             hook ``fire``; o2 without this spike

All decays are exact, exp(-tick_s / tau). ``pairing = "nearest"`` sets a trace to 1 instead of adding 1. w is kept in
[weight_min, weight_max] after each change; an absent limit is none. Amplitudes have the unit of the weight.

**Coincident spikes**: pre before post. A pair in one tick potentiates by the full a2_plus + a3_plus o2, as in Brian2.

The published fits are data, with a status each: ``PARAMETER_SETS["visual_cortex_all_full"].rule`` is a rule, and that
set is the default.

Source: Pfister & Gerstner, J. Neurosci. 26:9673 (2006), eqs 1 to 4 and tables 3 and 4.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Gt
from numba.extending import register_jitable

from snnctl.config import Seconds, schema
from snnctl.plasticity.limits import decay, limits


@schema
class TripletStdp:
    """Parameters of the rule."""

    rule: Literal["triplet_stdp"] = "triplet_stdp"
    pairing: Literal["all_to_all", "nearest"] = "all_to_all"
    a2_plus: float = 5e-10
    a3_plus: float = 6.2e-3
    a2_minus: float = 7e-3
    a3_minus: float = 2.3e-4
    tau_plus_s: Annotated[Seconds, Gt(0)] = 16.8e-3
    tau_x_s: Annotated[Seconds, Gt(0)] = 101e-3
    tau_minus_s: Annotated[Seconds, Gt(0)] = 33.7e-3
    tau_y_s: Annotated[Seconds, Gt(0)] = 125e-3
    weight_min: float | None = None
    weight_max: float | None = None

    def __post_init__(self) -> None:
        limits(self.weight_min, self.weight_max)

    def constants(self, tick_s: float) -> TripletStdpConstants:
        """What one tick of ``tick_s`` needs."""
        low, high = limits(self.weight_min, self.weight_max)
        return TripletStdpConstants(
            a_plus=decay(tick_s, self.tau_plus_s),
            a_x=decay(tick_s, self.tau_x_s),
            a_minus=decay(tick_s, self.tau_minus_s),
            a_y=decay(tick_s, self.tau_y_s),
            keep=1.0 if self.pairing == "all_to_all" else 0.0,
            a2_plus=self.a2_plus,
            a3_plus=self.a3_plus,
            a2_minus=self.a2_minus,
            a3_minus=self.a3_minus,
            weight_min=low,
            weight_max=high,
            one=1.0,
        )


class TripletStdpConstants(NamedTuple):
    """Constants of one tick."""

    a_plus: Any  # decays of r1, r2, o1, o2
    a_x: Any
    a_minus: Any
    a_y: Any
    keep: Any  # of a trace when its neuron spikes: 1 all_to_all, 0 nearest
    a2_plus: Any
    a3_plus: Any
    a2_minus: Any
    a3_minus: Any
    weight_min: Any
    weight_max: Any
    one: Any


class Synapse(NamedTuple):
    """State of one synapse."""

    weight: Any


class Pre(NamedTuple):
    """State of one presynaptic neuron."""

    r1: Any
    r2: Any


class Post(NamedTuple):
    """State of one postsynaptic neuron."""

    o1: Any
    o2: Any


class Shared(NamedTuple):
    """Nothing is shared."""

    none: Any


@register_jitable
def _bounded(c: TripletStdpConstants, weight: Any) -> Synapse:
    return Synapse(min(max(weight, c.weight_min), c.weight_max))


def relax_pre(c: TripletStdpConstants, pre: Pre) -> Pre:
    """One tick of decay."""
    return Pre(c.a_plus * pre.r1, c.a_x * pre.r2)


def relax_post(c: TripletStdpConstants, post: Post) -> Post:
    """One tick of decay."""
    return Post(c.a_minus * post.o1, c.a_y * post.o2)


def arrive(c: TripletStdpConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Synapse:
    """A presynaptic spike: minus."""
    return _bounded(c, syn.weight - post.o1 * (c.a2_minus + c.a3_minus * pre.r2))


def mark_pre(c: TripletStdpConstants, m: Shared, pre: Pre) -> Pre:
    """A presynaptic spike arrived."""
    return Pre(c.keep * pre.r1 + c.one, c.keep * pre.r2 + c.one)


def fire(c: TripletStdpConstants, m: Shared, syn: Synapse, pre: Pre, post: Post) -> Synapse:
    """A postsynaptic spike: plus."""
    return _bounded(c, syn.weight + pre.r1 * (c.a2_plus + c.a3_plus * post.o2))


def mark_post(c: TripletStdpConstants, m: Shared, post: Post) -> Post:
    """The neuron spiked."""
    return Post(c.keep * post.o1 + c.one, c.keep * post.o2 + c.one)


# --------------------------------------------------------------------------- published fits


class ParameterSet(NamedTuple):
    """One fit, with where its numbers come from and how far that was checked."""

    rule: TripletStdp
    source: str
    status: Literal["secondary", "unverified"]  # secondary: read in others' code or documentation; unverified: recalled


def _set(
    pairing: Literal["all_to_all", "nearest"],
    a2_plus: float,
    a3_plus: float,
    a2_minus: float,
    a3_minus: float,
    tau_x_ms: float,
    tau_y_ms: float,
    source: str,
    status: Literal["secondary", "unverified"],
) -> ParameterSet:
    rule = TripletStdp(
        pairing=pairing,
        a2_plus=a2_plus,
        a3_plus=a3_plus,
        a2_minus=a2_minus,
        a3_minus=a3_minus,
        tau_x_s=tau_x_ms * 1e-3,
        tau_y_s=tau_y_ms * 1e-3,
    )
    return ParameterSet(rule, source, status)


# A minimal set has no r2 term (a3_minus = 0), so its tau_x is never seen: any number does.
_UNSEEN_MS = 101.0
_VISUAL = "Pfister & Gerstner 2006, table 4 (visual cortex, fit to Sjostrom et al. 2001)"
_HIPPOCAMPUS = "Pfister & Gerstner 2006, table 3 (hippocampal culture, fit to Wang et al. 2005)"
# fmt: off
PARAMETER_SETS: dict[str, ParameterSet] = {
    #    pairing      A2+      A3+     A2-     A3-     tau_x       tau_y
    "visual_cortex_all_full": _set(
        "all_to_all", 5e-10,   6.2e-3, 7.0e-3, 2.3e-4, 101.0,      125.0, _VISUAL, "secondary"),
    "visual_cortex_all_minimal": _set(  # some code has tau_y 125
        "all_to_all", 0.0,     6.5e-3, 7.1e-3, 0.0,    _UNSEEN_MS, 114.0, _VISUAL, "secondary"),
    "visual_cortex_nearest_full": _set(
        "nearest",    8.8e-11, 5.3e-2, 6.6e-3, 3.1e-3, 714.0,      40.0,  _VISUAL, "unverified"),
    "hippocampus_all_full": _set(
        "all_to_all", 6.1e-3,  6.7e-3, 1.6e-3, 1.4e-3, 946.0,      27.0,  _HIPPOCAMPUS, "secondary"),
    "hippocampus_all_minimal": _set(
        "all_to_all", 5.3e-3,  8.0e-3, 3.5e-3, 0.0,    _UNSEEN_MS, 40.0,  _HIPPOCAMPUS, "unverified"),
}
# fmt: on
