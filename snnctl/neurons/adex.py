"""Adaptive exponential integrate-and-fire neuron (AdEx), integrated so that its upstroke cannot overflow.

    c_m v'     = g_l (e_l - v) + g_l delta_t exp((v - v_t) / delta_t) + I - w          ms, mV, nS, pF, pA
    tau_w w'   = a (v - e_l) - w
    at v > v_cut: spike; then v = v_reset, w = w + b; v held for the refractory period while w goes on
    I          = current + drive's share                                              pA

The upstroke reaches infinity in finite time, so every scheme bounds it in its own way:

- ``euler``: v and w from old values, exponent at most 100 (Brian2).
- ``exponential_euler``: leak and adaptation exact, the rest held at its old value, exponent at most 100.
- ``rk4``: Runge-Kutta of order 4 with min(v, v_cut) in place of v in BOTH right-hand sides (NEST's aeif). A bound on
  the exponent alone is not enough: a stage with v of a million would still be added to w.

Each takes ``substeps`` steps a tick; v is reset in the substep in which it passes v_cut, and a tick counts one spike.
A presynaptic spike of weight w injects w pA for 1 ms in all (the charge w fC, whatever the tick) where ``tau_syn_s``
is 0, or else a current that starts at w pA and decays with ``tau_syn_s``. The current is held at its mean over a tick.
Source: Brette & Gerstner, J. Neurophysiol. 94:3637 (2005), whose regular cell the defaults are.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Gt, Le
from numba.extending import register_jitable

from snnctl.config import Seconds, schema
from snnctl.neurons.firing import silent_ticks

LONGEST_STEP_MS = 0.1


@schema
class AdEx:
    """Parameters of an AdEx population."""

    model: Literal["adex"] = "adex"
    scheme: Literal["euler", "exponential_euler", "rk4"] = "rk4"
    substeps: Annotated[int, Ge(1), Le(1000)] = 1
    c_m_pf: Annotated[float, Gt(0)] = 281.0
    g_l_ns: Annotated[float, Gt(0)] = 30.0
    e_l_mv: float = -70.6
    v_t_mv: float = -50.4
    delta_t_mv: Annotated[float, Gt(0)] = 2.0
    tau_w_s: Annotated[Seconds, Gt(0)] = 144e-3
    a_ns: float = 4.0
    b_pa: float = 80.5
    v_reset_mv: float = -70.6
    v_cut_mv: float = 20.0
    refractory_s: Annotated[Seconds, Ge(0)] = 0.0
    tau_syn_s: Annotated[Seconds, Ge(0)] = 0.0

    def constants(self, tick_s: float) -> AdExConstants:
        """What one step needs, for ticks of ``tick_s``.

        Raises:
            ValueError: steps of more than 0.1 ms or than the time constant of the membrane or of the adaptation, a
                reset that is not below v_cut, a v_cut that is not above v_t, or a refractory period below half a tick.
        """
        tick_ms, tau_w = tick_s * 1e3, self.tau_w_s * 1e3
        dt = tick_ms / self.substeps
        longest = min(LONGEST_STEP_MS, self.c_m_pf / self.g_l_ns, tau_w)
        if dt > longest * (1 + 1e-9):
            raise ValueError(
                f"substeps {self.substeps} gives steps of {dt:g} ms where at most {longest:g} ms resolve these "
                f"parameters: write at least {math.ceil(tick_ms / longest - 1e-9)}, or take a shorter tick_s"
            )
        if not self.v_reset_mv < self.v_cut_mv:
            raise ValueError(f"v_reset_mv {self.v_reset_mv:g} must be below v_cut_mv {self.v_cut_mv:g}")
        if not self.v_t_mv < self.v_cut_mv:
            raise ValueError(
                f"v_cut_mv {self.v_cut_mv:g} must be above v_t_mv {self.v_t_mv:g}, where the upstroke starts"
            )
        tau_ms = self.tau_syn_s * 1e3
        a_syn = math.exp(-tick_ms / tau_ms) if tau_ms > 0 else 0.0
        return _SCHEMES[self.scheme](
            c_m=self.c_m_pf,
            g_l=self.g_l_ns,
            e_l=self.e_l_mv,
            v_t=self.v_t_mv,
            delta_t=self.delta_t_mv,
            tau_w=tau_w,
            a=self.a_ns,
            b=self.b_pa,
            v_reset=self.v_reset_mv,
            v_cut=self.v_cut_mv,
            e_v=math.exp(-dt * self.g_l_ns / self.c_m_pf),
            e_w=math.exp(-dt / tau_w),
            a_syn=a_syn,
            mean_syn=(1 - a_syn) * tau_ms / tick_ms if tau_ms > 0 else 1.0 / tick_ms,
            dt=dt,
            refractory=silent_ticks(self.refractory_s, tick_s),
            bound=100.0,
            half=0.5,
            sixth=1.0 / 6.0,
            one=1.0,
            two=2.0,
            zero=0.0,
            substeps=float(self.substeps),
        )

    def initial(self) -> AdExState:
        """The leak's potential without adaptation (rest is some microvolts above it)."""
        return AdExState(v=self.e_l_mv, w=0.0, i=0.0, silent=0.0)


class AdExConstants(NamedTuple):
    """Constants of one step of any scheme."""

    c_m: Any
    g_l: Any
    e_l: Any
    v_t: Any
    delta_t: Any
    tau_w: Any  # ms
    a: Any
    b: Any
    v_reset: Any
    v_cut: Any
    e_v: Any  # decay of the leak over dt
    e_w: Any  # decay of the adaptation over dt
    a_syn: Any  # decay of the synaptic current over a tick
    mean_syn: Any  # its mean over a tick, as a share of its value at the start
    dt: Any  # ms
    refractory: Any  # silent ticks after a spike
    bound: Any  # of the exponent
    half: Any  # of the engine's float type: literals would widen float32
    sixth: Any
    one: Any
    two: Any
    zero: Any
    substeps: Any


class AdExEuler(AdExConstants):
    """Constants of the scheme ``euler``."""


class AdExExponentialEuler(AdExConstants):
    """Constants of the scheme ``exponential_euler``."""


class AdExRk4(AdExConstants):
    """Constants of the scheme ``rk4``."""


_SCHEMES: dict[str, type[AdExConstants]] = {
    "euler": AdExEuler,
    "exponential_euler": AdExExponentialEuler,
    "rk4": AdExRk4,
}


class AdExState(NamedTuple):
    """State of one neuron."""

    v: Any  # mV
    w: Any  # pA
    i: Any  # synaptic current at the end of the tick, pA
    silent: Any  # ticks that it still has to be silent


@register_jitable
def _upstroke(c: Any, v: Any) -> Any:
    """The exponential current (pA)."""
    exponent = (v - c.v_t) / c.delta_t
    return c.g_l * c.delta_t * math.exp(exponent if exponent < c.bound else c.bound)


@register_jitable
def _slope_v(c: Any, v: Any, w: Any, current: Any) -> Any:
    return (c.g_l * (c.e_l - v) + _upstroke(c, v) + current - w) / c.c_m


@register_jitable
def _slope_w(c: Any, v: Any, w: Any) -> Any:
    return (c.a * (v - c.e_l) - w) / c.tau_w


@register_jitable
def _euler(c: Any, v: Any, w: Any, current: Any) -> Any:
    return v + c.dt * _slope_v(c, v, w, current), w + c.dt * _slope_w(c, v, w)


@register_jitable
def _exponential_euler(c: Any, v: Any, w: Any, current: Any) -> Any:
    v_inf = c.e_l + (_upstroke(c, v) + current - w) / c.g_l
    return v * c.e_v + v_inf * (c.one - c.e_v), w * c.e_w + c.a * (v - c.e_l) * (c.one - c.e_w)


@register_jitable
def _rk4(c: Any, v: Any, w: Any, current: Any) -> Any:
    half_dt = c.half * c.dt
    v1, w1 = _slope_v(c, min(v, c.v_cut), w, current), _slope_w(c, min(v, c.v_cut), w)
    x, y = min(v + half_dt * v1, c.v_cut), w + half_dt * w1
    v2, w2 = _slope_v(c, x, y, current), _slope_w(c, x, y)
    x, y = min(v + half_dt * v2, c.v_cut), w + half_dt * w2
    v3, w3 = _slope_v(c, x, y, current), _slope_w(c, x, y)
    x, y = min(v + c.dt * v3, c.v_cut), w + c.dt * w3
    v4, w4 = _slope_v(c, x, y, current), _slope_w(c, x, y)
    return (
        v + c.dt * c.sixth * (v1 + c.two * v2 + c.two * v3 + v4),
        w + c.dt * c.sixth * (w1 + c.two * w2 + c.two * w3 + w4),
    )


@register_jitable
def _tick(c: Any, s: Any, drive: Any, current: Any, advance: Any) -> Any:
    """One tick of ``substeps`` steps ``advance``, with threshold, reset and refractory period after each."""
    i = s.i + drive
    held = current + c.mean_syn * i
    v, w, fired, silent = s.v, s.w, c.zero, s.silent
    for _ in range(int(c.substeps)):
        x, y = advance(c, v, w, held)
        free = silent <= c.zero
        spike = free and x > c.v_cut
        v = c.v_reset if spike else (x if free else v)
        w = y + c.b if spike else y
        silent = c.refractory if spike else silent
        fired = c.one if spike else fired
    silent = s.silent - c.one if s.silent > c.zero else silent
    return v, w, c.a_syn * i, silent, fired > c.zero


def step_euler(c: AdExEuler, s: AdExState, drive: Any, current: Any) -> tuple[AdExState, Any]:
    """One tick of one neuron."""
    v, w, i, silent, spike = _tick(c, s, drive, current, _euler)
    return AdExState(v, w, i, silent), spike


def step_exponential_euler(c: AdExExponentialEuler, s: AdExState, drive: Any, current: Any) -> tuple[AdExState, Any]:
    """One tick of one neuron."""
    v, w, i, silent, spike = _tick(c, s, drive, current, _exponential_euler)
    return AdExState(v, w, i, silent), spike


def step_rk4(c: AdExRk4, s: AdExState, drive: Any, current: Any) -> tuple[AdExState, Any]:
    """One tick of one neuron."""
    v, w, i, silent, spike = _tick(c, s, drive, current, _rk4)
    return AdExState(v, w, i, silent), spike
