"""Conductance-based leaky integrate-and-fire neuron with two exponential conductances; the scheme is selectable.

    C v' = g_leak (v_rest - v) + g_exc (E_exc - v) + g_inh (E_inh - v) + I
    g_exc' = -g_exc / tau_exc,  g_inh' = -g_inh / tau_inh;  a spike adds its weight to its receptor's conductance
    spike where v > v_threshold; then v = v_reset, or v -= v_threshold - v_reset

Weights in nS and never negative, current in pA, capacitance in pF, so that C / g is in ms. While the neuron is
refractory v is held and the conductances go on. Schemes (h the tick; g after the spikes of the tick have been added):

- ``exponential_midpoint``: v = v_inf + (v - v_inf) exp(-h g_tot / C), v_inf = (sum of g E + I) / g_tot, with the
  conductances of the middle of the tick, g exp(-h / 2 tau). Second order, stable for any tick; conductances exact.
- ``exponential_euler``: the same with the conductances of the start of the tick. First order, stable for any tick.
- ``euler``: forward Euler of all three. First order; needs h < tau_exc, tau_inh and h g_tot / C < 2.
- ``rk4``: classical Runge-Kutta of all three. Fourth order; needs h / tau and h g_tot / C < 2.785.

The orders hold between spikes; a spike lies on the grid, which makes its time a first-order quantity in every scheme.
g_tot depends on the input: what ``constants`` can check is the tick against C / g_leak and the synapses.

Defaults: the neuron of Vogels & Abbott, J. Neuroscience 25 (2005) 10786, as in the benchmark of Brette et al.,
J. Computational Neuroscience 23 (2007) 349: C 200 pF, g_leak 10 nS, -60 / 0 / -80 mV, 5 / 10 ms, threshold -50 mV,
refractory 5 ms.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from annotated_types import Ge, Gt
from numba.extending import register_jitable

from snnctl.config import Seconds, schema
from snnctl.neurons.firing import Reset, check_reset, decay, fire, reset_constants, silent_ticks

Scheme = Literal["exponential_midpoint", "exponential_euler", "euler", "rk4"]

RK4_LIMIT = 2.785  # of h / tau: the real end of its region of stability


@schema
class CobaLif:
    """Parameters of a LIF population with conductance synapses: weights in nS, current in pA."""

    conductances: ClassVar[bool] = True  # weights are conductances: none may be negative

    model: Literal["coba_lif"] = "coba_lif"
    scheme: Scheme = "exponential_midpoint"
    capacitance_pf: Annotated[float, Gt(0)] = 200.0
    g_leak_ns: Annotated[float, Gt(0)] = 10.0
    v_rest_mv: float = -60.0
    e_excitatory_mv: float = 0.0
    e_inhibitory_mv: float = -80.0
    tau_excitatory_s: Annotated[Seconds, Gt(0)] = 5e-3
    tau_inhibitory_s: Annotated[Seconds, Gt(0)] = 10e-3
    v_threshold_mv: float = -50.0
    v_reset_mv: float = -60.0
    reset: Reset = "value"
    refractory_s: Annotated[Seconds, Ge(0)] = 5e-3

    def __post_init__(self) -> None:
        check_reset("value", self.v_reset_mv, self.v_threshold_mv, "_mv")

    def constants(self, tick_s: float) -> ExponentialConstants | EulerConstants | RungeKuttaConstants:
        """What one step of the chosen scheme needs.

        Raises:
            ValueError: the tick is too long for the scheme, or for the refractory period.
        """
        keep, shift = reset_constants(self.reset, self.v_reset_mv, drop=self.v_threshold_mv - self.v_reset_mv)
        h = tick_s * 1e3  # ms
        shared = {
            "g_leak": self.g_leak_ns,
            "v_rest": self.v_rest_mv,
            "e_excitatory": self.e_excitatory_mv,
            "e_inhibitory": self.e_inhibitory_mv,
            "v_threshold": self.v_threshold_mv,
            "keep": keep,
            "shift": shift,
            "refractory": silent_ticks(self.refractory_s, tick_s),
            "one": 1.0,
            "zero": 0.0,
        }
        synapses = (tick_s / self.tau_excitatory_s, tick_s / self.tau_inhibitory_s)
        if self.scheme == "euler":
            self._check(tick_s, membrane_limit=2.0, synapse_limit=1.0)
            return EulerConstants(
                **shared,
                per_c=h / self.capacitance_pf,
                a_excitatory=1 - synapses[0],
                a_inhibitory=1 - synapses[1],
            )
        if self.scheme == "rk4":
            self._check(tick_s, membrane_limit=RK4_LIMIT, synapse_limit=RK4_LIMIT)
            excitatory, inhibitory = (_stages(x) for x in synapses)
            return RungeKuttaConstants(
                **shared,
                per_c=h / self.capacitance_pf,
                half=0.5,
                two=2.0,
                sixth=1 / 6,
                excitatory_2=excitatory[0],
                excitatory_3=excitatory[1],
                excitatory_4=excitatory[2],
                a_excitatory=excitatory[3],
                inhibitory_2=inhibitory[0],
                inhibitory_3=inhibitory[1],
                inhibitory_4=inhibitory[2],
                a_inhibitory=inhibitory[3],
            )
        middle = tick_s / 2 if self.scheme == "exponential_midpoint" else 0.0
        return ExponentialConstants(
            **shared,
            per_c=h / self.capacitance_pf,
            mean_excitatory=decay(middle, self.tau_excitatory_s),
            mean_inhibitory=decay(middle, self.tau_inhibitory_s),
            a_excitatory=decay(tick_s, self.tau_excitatory_s),
            a_inhibitory=decay(tick_s, self.tau_inhibitory_s),
        )

    def initial(self) -> CobaLifState:
        """At rest, without synaptic conductance."""
        return CobaLifState(v=self.v_rest_mv, g_excitatory=0.0, g_inhibitory=0.0, silent=0.0)

    def _check(self, tick_s: float, membrane_limit: float, synapse_limit: float) -> None:
        allowed_s = {
            "capacitance_pf / g_leak_ns": membrane_limit * self.capacitance_pf / self.g_leak_ns * 1e-3,
            "tau_excitatory_s": synapse_limit * self.tau_excitatory_s,
            "tau_inhibitory_s": synapse_limit * self.tau_inhibitory_s,
        }
        name = min(allowed_s, key=lambda key: allowed_s[key])
        if tick_s >= allowed_s[name]:
            raise ValueError(
                f"{name}: scheme {self.scheme!r} is stable for a tick_s below {allowed_s[name]:g} s, got {tick_s:g} s; "
                f"shorten the tick or choose scheme 'exponential_midpoint'"
            )


def _stages(x: float) -> tuple[float, float, float, float]:
    """Factors of g in the stages 2 to 4 of RK4 and at the end of the tick, for g' = -x g / tick."""
    second = 1 - x / 2
    third = 1 - x / 2 * second
    fourth = 1 - x * third
    return second, third, fourth, 1 - x / 6 * (1 + 2 * second + 2 * third + fourth)


class ExponentialConstants(NamedTuple):
    """Constants of one step of the two exponential schemes; mV, nS, ticks."""

    g_leak: Any
    v_rest: Any
    e_excitatory: Any
    e_inhibitory: Any
    v_threshold: Any
    keep: Any
    shift: Any
    refractory: Any  # silent ticks after a spike
    one: Any
    zero: Any
    per_c: Any  # tick / C, 1/nS
    mean_excitatory: Any  # the conductance that acts, relative to that at the start of the tick
    mean_inhibitory: Any
    a_excitatory: Any
    a_inhibitory: Any


class EulerConstants(NamedTuple):
    """Constants of one step of forward Euler; mV, nS, ticks."""

    g_leak: Any
    v_rest: Any
    e_excitatory: Any
    e_inhibitory: Any
    v_threshold: Any
    keep: Any
    shift: Any
    refractory: Any  # silent ticks after a spike
    one: Any
    zero: Any
    per_c: Any  # tick / C, 1/nS
    a_excitatory: Any
    a_inhibitory: Any


class RungeKuttaConstants(NamedTuple):
    """Constants of one step of classical Runge-Kutta; mV, nS, ticks."""

    g_leak: Any
    v_rest: Any
    e_excitatory: Any
    e_inhibitory: Any
    v_threshold: Any
    keep: Any
    shift: Any
    refractory: Any  # silent ticks after a spike
    one: Any
    zero: Any
    per_c: Any  # tick / C, 1/nS
    half: Any
    two: Any
    sixth: Any
    excitatory_2: Any  # conductances in the stages, relative to that at the start of the tick
    excitatory_3: Any
    excitatory_4: Any
    a_excitatory: Any
    inhibitory_2: Any
    inhibitory_3: Any
    inhibitory_4: Any
    a_inhibitory: Any


class CobaLifState(NamedTuple):
    """State of one neuron."""

    v: Any  # mV
    g_excitatory: Any  # nS, as it begins the next tick before spikes arrive
    g_inhibitory: Any
    silent: Any  # ticks that it still has to be silent


class CobaLifDrive(NamedTuple):
    """Summed weights of the spikes due in this tick, nS."""

    excitatory: Any
    inhibitory: Any


@register_jitable
def net_current(c: Any, v: Any, g_excitatory: Any, g_inhibitory: Any, current: Any) -> Any:
    """The right-hand side, C v' (pA)."""
    return (
        c.g_leak * (c.v_rest - v) + g_excitatory * (c.e_excitatory - v) + g_inhibitory * (c.e_inhibitory - v) + current
    )


def step_exponential(
    c: ExponentialConstants, s: CobaLifState, drive: CobaLifDrive, current: Any
) -> tuple[CobaLifState, Any]:
    """One tick of one neuron: the new state and whether it spikes. ``current`` in pA."""
    g_excitatory = s.g_excitatory + drive.excitatory
    g_inhibitory = s.g_inhibitory + drive.inhibitory
    excitatory = g_excitatory * c.mean_excitatory
    inhibitory = g_inhibitory * c.mean_inhibitory
    g_total = c.g_leak + excitatory + inhibitory
    v_inf = (c.g_leak * c.v_rest + excitatory * c.e_excitatory + inhibitory * c.e_inhibitory + current) / g_total
    integrated = v_inf + (s.v - v_inf) * math.exp(-c.per_c * g_total)
    v, silent, spike = fire(c, integrated, integrated > c.v_threshold, s.v, s.silent)
    return CobaLifState(v, g_excitatory * c.a_excitatory, g_inhibitory * c.a_inhibitory, silent), spike


def step_euler(c: EulerConstants, s: CobaLifState, drive: CobaLifDrive, current: Any) -> tuple[CobaLifState, Any]:
    """One tick of one neuron: the new state and whether it spikes. ``current`` in pA."""
    g_excitatory = s.g_excitatory + drive.excitatory
    g_inhibitory = s.g_inhibitory + drive.inhibitory
    integrated = s.v + c.per_c * net_current(c, s.v, g_excitatory, g_inhibitory, current)
    v, silent, spike = fire(c, integrated, integrated > c.v_threshold, s.v, s.silent)
    return CobaLifState(v, g_excitatory * c.a_excitatory, g_inhibitory * c.a_inhibitory, silent), spike


def step_runge_kutta(
    c: RungeKuttaConstants, s: CobaLifState, drive: CobaLifDrive, current: Any
) -> tuple[CobaLifState, Any]:
    """One tick of one neuron: the new state and whether it spikes. ``current`` in pA."""
    e = s.g_excitatory + drive.excitatory
    i = s.g_inhibitory + drive.inhibitory
    k1 = c.per_c * net_current(c, s.v, e, i, current)
    k2 = c.per_c * net_current(c, s.v + c.half * k1, e * c.excitatory_2, i * c.inhibitory_2, current)
    k3 = c.per_c * net_current(c, s.v + c.half * k2, e * c.excitatory_3, i * c.inhibitory_3, current)
    k4 = c.per_c * net_current(c, s.v + k3, e * c.excitatory_4, i * c.inhibitory_4, current)
    integrated = s.v + c.sixth * (k1 + c.two * k2 + c.two * k3 + k4)
    v, silent, spike = fire(c, integrated, integrated > c.v_threshold, s.v, s.silent)
    return CobaLifState(v, e * c.a_excitatory, i * c.a_inhibitory, silent), spike
