"""Hodgkin and Huxley's squid axon: sodium, potassium and leak of one patch of membrane.

    c_m v' = I - g_na m^3 h (v - e_na) - g_k n^4 (v - e_k) - g_l (v - e_l)      ms, mV, uF/cm2, mS/cm2, uA/cm2
    x'     = q (alpha_x (1 - x) - beta_x x)      x = m, h, n;  q = q10^((temperature_c - 6.3) / 10)

    alpha_m = 0.1 (v + 40) / (1 - exp(-(v + 40) / 10))        beta_m = 4 exp(-(v + 65) / 18)
    alpha_h = 0.07 exp(-(v + 65) / 20)                        beta_h = 1 / (1 + exp(-(v + 35) / 10))       1/ms
    alpha_n = 0.01 (v + 55) / (1 - exp(-(v + 55) / 10))       beta_n = 0.125 exp(-(v + 65) / 80)

    spike where v passes v_threshold_mv upwards, in any substep; nothing is reset
    I = current + drive's share                               uA/cm2

At v = -40 and -55 alpha_m and alpha_n take their limits 1 and 0.1. Schemes, each in ``substeps`` steps a tick:

- ``exponential_euler``: the gates with the old v, then v with the NEW gates, each solved exactly with the other held.
  Unconditionally stable. The gates run half a step ahead of v, as in leapfrog, so v converges with order 2.
- ``simultaneous_exponential_euler``: all from old values (Brian2's exponential_euler), of order 1. Stable too, and
  its spikes are 40 times further off at 0.01 ms, and some are lost at 0.05 ms.
- ``euler``: all slopes from old values, of order 1 (Brian2's euler); stable for the smallest steps only.
- ``rk4``: Runge-Kutta of order 4; stable for small steps only.

A presynaptic spike of weight w injects w uA/cm2 for 1 ms in all (the charge w nC/cm2, whatever the tick) where
``tau_syn_s`` is 0, or else a current that starts at w and decays with ``tau_syn_s``. The current is held at its mean
over a tick.
Source: Hodgkin & Huxley, J. Physiol. 117:500 (1952), in today's sign convention with rest near -65 mV.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Gt, Le
from numba.extending import register_jitable

from snnctl.config import Seconds, schema

_LONGEST_MS = {"exponential_euler": 0.1, "simultaneous_exponential_euler": 0.05, "euler": 0.0125, "rk4": 0.025}
_OPEN_PER_MS = 156.3  # of the squid's membrane, for which these limits are; Euler's is 2 / 156.3, rounded down


@schema
class HodgkinHuxley:
    """Parameters of a Hodgkin-Huxley population."""

    model: Literal["hodgkin_huxley"] = "hodgkin_huxley"
    scheme: Literal["exponential_euler", "simultaneous_exponential_euler", "euler", "rk4"] = "exponential_euler"
    substeps: Annotated[int, Ge(1), Le(1000)] = 1
    c_m_uf_cm2: Annotated[float, Gt(0)] = 1.0
    g_na_ms_cm2: Annotated[float, Ge(0)] = 120.0  # mS/cm2
    g_k_ms_cm2: Annotated[float, Ge(0)] = 36.0
    g_l_ms_cm2: Annotated[float, Gt(0)] = 0.3
    e_na_mv: float = 50.0
    e_k_mv: float = -77.0
    e_l_mv: float = -54.387
    temperature_c: Annotated[float, Ge(-50), Le(100)] = 6.3
    q10: Annotated[float, Gt(0)] = 3.0
    v_threshold_mv: float = 0.0
    v_initial_mv: float | None = None  # the resting potential for None; the gates start in equilibrium with it
    tau_syn_s: Annotated[Seconds, Ge(0)] = 0.0

    def constants(self, tick_s: float) -> HodgkinHuxleyConstants:
        """What one step needs, for ticks of ``tick_s``.

        Raises:
            ValueError: the steps are too long for the scheme; the limit shrinks as temperature speeds the gates up, and
                for ``euler`` and ``rk4`` as the membrane gets faster than the squid's.
        """
        tick_ms = tick_s * 1e3
        dt = tick_ms / self.substeps
        q = self.q10 ** ((self.temperature_c - 6.3) / 10)
        open_per_ms = (self.g_na_ms_cm2 + self.g_k_ms_cm2 + self.g_l_ms_cm2) / self.c_m_uf_cm2  # all channels open
        fast = max(q, open_per_ms / _OPEN_PER_MS) if self.scheme in ("euler", "rk4") else q  # others: any membrane
        longest = _LONGEST_MS[self.scheme] / max(1.0, fast)
        if dt > longest * (1 + 1e-9):
            raise ValueError(
                f'substeps {self.substeps} gives steps of {dt:g} ms where scheme "{self.scheme}" needs at most '
                f"{longest:g} ms at {self.temperature_c:g} degrees C and c_m_uf_cm2 {self.c_m_uf_cm2:g}: write at "
                f"least {math.ceil(tick_ms / longest - 1e-9)}, or take a shorter tick_s"
            )
        tau_ms = self.tau_syn_s * 1e3
        a_syn = math.exp(-tick_ms / tau_ms) if tau_ms > 0 else 0.0
        return _SCHEMES[self.scheme](
            c_m=self.c_m_uf_cm2,
            g_na=self.g_na_ms_cm2,
            g_k=self.g_k_ms_cm2,
            g_l=self.g_l_ms_cm2,
            e_na=self.e_na_mv,
            e_k=self.e_k_mv,
            e_l=self.e_l_mv,
            v_threshold=self.v_threshold_mv,
            rate_am=q,
            rate_bm=4.0 * q,
            rate_ah=0.07 * q,
            rate_bh=q,
            rate_an=0.1 * q,
            rate_bn=0.125 * q,
            v_am=-40.0,
            v_an=-55.0,
            v_bh=-35.0,
            v_65=-65.0,
            per_10=1 / 10,
            per_18=1 / 18,
            per_20=1 / 20,
            per_80=1 / 80,
            lowest=-1000.0,
            highest=1000.0,
            a_syn=a_syn,
            mean_syn=(1 - a_syn) * tau_ms / tick_ms if tau_ms > 0 else 1.0 / tick_ms,
            dt=dt,
            half=0.5,
            sixth=1.0 / 6.0,
            one=1.0,
            two=2.0,
            zero=0.0,
            substeps=float(self.substeps),
        )

    def initial(self) -> HodgkinHuxleyState:
        """Rest without input: the lowest potential at which the ionic currents balance, gates in equilibrium."""
        v = self._rest() if self.v_initial_mv is None else self.v_initial_mv
        m, h, n = self._equilibrium(v)
        return HodgkinHuxleyState(v=v, m=m, h=h, n=n, i=0.0)

    def _equilibrium(self, v: float) -> tuple[float, float, float]:
        am, bm, ah, bh, an, bn = _rates(self.constants(1e-6), v)
        return am / (am + bm), ah / (ah + bh), an / (an + bn)

    def _rest(self) -> float:
        def outward(v: float) -> float:
            m, h, n = self._equilibrium(v)
            return (
                self.g_na_ms_cm2 * m**3 * h * (v - self.e_na_mv)
                + self.g_k_ms_cm2 * n**4 * (v - self.e_k_mv)
                + self.g_l_ms_cm2 * (v - self.e_l_mv)
            )

        low, top = min(self.e_na_mv, self.e_k_mv, self.e_l_mv), max(self.e_na_mv, self.e_k_mv, self.e_l_mv)
        high = low
        while outward(high) < 0 and high < top:  # inward at the lowest reversal, outward at the highest
            low, high = high, high + 0.25
        while low < (middle := 0.5 * (low + high)) < high:
            low, high = (middle, high) if outward(middle) < 0 else (low, middle)
        return high


class HodgkinHuxleyConstants(NamedTuple):
    """Constants of one step of any scheme."""

    c_m: Any
    g_na: Any
    g_k: Any
    g_l: Any
    e_na: Any
    e_k: Any
    e_l: Any
    v_threshold: Any
    rate_am: Any  # rates at the temperature, 1/ms
    rate_bm: Any
    rate_ah: Any
    rate_bh: Any
    rate_an: Any
    rate_bn: Any
    v_am: Any
    v_an: Any
    v_bh: Any
    v_65: Any
    per_10: Any  # 1/mV
    per_18: Any
    per_20: Any
    per_80: Any
    lowest: Any  # membranes between which the rates follow it: float32 exponentials overflow at -1600 mV
    highest: Any
    a_syn: Any  # decay of the synaptic current over a tick
    mean_syn: Any  # its mean over a tick, as a share of its value at the start
    dt: Any  # ms
    half: Any  # of the engine's float type: literals would widen float32
    sixth: Any
    one: Any
    two: Any
    zero: Any
    substeps: Any


class HodgkinHuxleySequential(HodgkinHuxleyConstants):
    """Constants of the scheme ``exponential_euler``."""


class HodgkinHuxleySimultaneous(HodgkinHuxleyConstants):
    """Constants of the scheme ``simultaneous_exponential_euler``."""


class HodgkinHuxleyEuler(HodgkinHuxleyConstants):
    """Constants of the scheme ``euler``."""


class HodgkinHuxleyRk4(HodgkinHuxleyConstants):
    """Constants of the scheme ``rk4``."""


_SCHEMES: dict[str, type[HodgkinHuxleyConstants]] = {
    "exponential_euler": HodgkinHuxleySequential,
    "simultaneous_exponential_euler": HodgkinHuxleySimultaneous,
    "euler": HodgkinHuxleyEuler,
    "rk4": HodgkinHuxleyRk4,
}


class HodgkinHuxleyState(NamedTuple):
    """State of one neuron."""

    v: Any  # mV
    m: Any  # opening of sodium
    h: Any  # its inactivation: 1 is not inactivated
    n: Any  # opening of potassium
    i: Any  # synaptic current at the end of the tick, uA/cm2


@register_jitable
def _linoid(c: Any, y: Any) -> Any:
    """The function y / (1 - exp(-y)), which is 1 at y = 0."""
    limit = y == c.zero
    return c.one if limit else -y / math.expm1(c.one if limit else -y)


@register_jitable
def _rates(c: Any, v: Any) -> Any:
    """The rates alpha and beta of m, h and n (1/ms)."""
    v = min(max(v, c.lowest), c.highest)
    below = c.v_65 - v
    return (
        c.rate_am * _linoid(c, (v - c.v_am) * c.per_10),
        c.rate_bm * math.exp(below * c.per_18),
        c.rate_ah * math.exp(below * c.per_20),
        c.rate_bh / (c.one + math.exp((c.v_bh - v) * c.per_10)),
        c.rate_an * _linoid(c, (v - c.v_an) * c.per_10),
        c.rate_bn * math.exp(below * c.per_80),
    )


@register_jitable
def _relaxed(c: Any, x: Any, alpha: Any, beta: Any) -> Any:
    """A gate after dt at constant rates."""
    rate = alpha + beta
    x_inf = alpha / rate
    return x_inf + (x - x_inf) * math.exp(-c.dt * rate)


@register_jitable
def _relaxed_gates(c: Any, v: Any, m: Any, h: Any, n: Any) -> Any:
    am, bm, ah, bh, an, bn = _rates(c, v)
    return _relaxed(c, m, am, bm), _relaxed(c, h, ah, bh), _relaxed(c, n, an, bn)


@register_jitable
def _conductances(c: Any, m: Any, h: Any, n: Any) -> Any:
    """Of sodium and potassium (mS/cm2)."""
    n2 = n * n
    return c.g_na * (m * m * m * h), c.g_k * (n2 * n2)


@register_jitable
def _relaxed_membrane(c: Any, v: Any, m: Any, h: Any, n: Any, current: Any) -> Any:
    """The membrane after dt at constant conductances and current."""
    g_na, g_k = _conductances(c, m, h, n)
    g = g_na + g_k + c.g_l
    v_inf = (g_na * c.e_na + g_k * c.e_k + c.g_l * c.e_l + current) / g
    return v_inf + (v - v_inf) * math.exp(-c.dt * g / c.c_m)


@register_jitable
def _sequential(c: Any, v: Any, m: Any, h: Any, n: Any, current: Any) -> Any:
    m, h, n = _relaxed_gates(c, v, m, h, n)
    return _relaxed_membrane(c, v, m, h, n, current), m, h, n


@register_jitable
def _simultaneous(c: Any, v: Any, m: Any, h: Any, n: Any, current: Any) -> Any:
    new_v = _relaxed_membrane(c, v, m, h, n, current)
    m, h, n = _relaxed_gates(c, v, m, h, n)
    return new_v, m, h, n


@register_jitable
def _slopes(c: Any, v: Any, m: Any, h: Any, n: Any, current: Any) -> Any:
    am, bm, ah, bh, an, bn = _rates(c, v)
    g_na, g_k = _conductances(c, m, h, n)
    slope_v = (current - g_na * (v - c.e_na) - g_k * (v - c.e_k) - c.g_l * (v - c.e_l)) / c.c_m
    return slope_v, am * (c.one - m) - bm * m, ah * (c.one - h) - bh * h, an * (c.one - n) - bn * n


@register_jitable
def _euler(c: Any, v: Any, m: Any, h: Any, n: Any, current: Any) -> Any:
    slope_v, slope_m, slope_h, slope_n = _slopes(c, v, m, h, n, current)
    return v + c.dt * slope_v, m + c.dt * slope_m, h + c.dt * slope_h, n + c.dt * slope_n


@register_jitable
def _rk4(c: Any, v: Any, m: Any, h: Any, n: Any, current: Any) -> Any:
    p, d, two = c.half * c.dt, c.dt, c.two
    v1, m1, h1, n1 = _slopes(c, v, m, h, n, current)
    v2, m2, h2, n2 = _slopes(c, v + p * v1, m + p * m1, h + p * h1, n + p * n1, current)
    v3, m3, h3, n3 = _slopes(c, v + p * v2, m + p * m2, h + p * h2, n + p * n2, current)
    v4, m4, h4, n4 = _slopes(c, v + d * v3, m + d * m3, h + d * h3, n + d * n3, current)
    e = c.dt * c.sixth
    return (
        v + e * (v1 + two * v2 + two * v3 + v4),
        m + e * (m1 + two * m2 + two * m3 + m4),
        h + e * (h1 + two * h2 + two * h3 + h4),
        n + e * (n1 + two * n2 + two * n3 + n4),
    )


@register_jitable
def _tick(c: Any, s: Any, drive: Any, current: Any, advance: Any) -> Any:
    """One tick of ``substeps`` steps ``advance``, looking for an upward crossing in each."""
    i = s.i + drive
    held = current + c.mean_syn * i
    v, m, h, n, fired = s.v, s.m, s.h, s.n, c.zero
    for _ in range(int(c.substeps)):
        before = v
        v, m, h, n = advance(c, v, m, h, n, held)
        fired = c.one if before < c.v_threshold and v >= c.v_threshold else fired
    return v, m, h, n, c.a_syn * i, fired > c.zero


def step_sequential(
    c: HodgkinHuxleySequential, s: HodgkinHuxleyState, drive: Any, current: Any
) -> tuple[HodgkinHuxleyState, Any]:
    """One tick of one neuron: gates with the old v, then v with the new gates."""
    v, m, h, n, i, spike = _tick(c, s, drive, current, _sequential)
    return HodgkinHuxleyState(v, m, h, n, i), spike


def step_simultaneous(
    c: HodgkinHuxleySimultaneous, s: HodgkinHuxleyState, drive: Any, current: Any
) -> tuple[HodgkinHuxleyState, Any]:
    """One tick of one neuron: all from old values."""
    v, m, h, n, i, spike = _tick(c, s, drive, current, _simultaneous)
    return HodgkinHuxleyState(v, m, h, n, i), spike


def step_euler(
    c: HodgkinHuxleyEuler, s: HodgkinHuxleyState, drive: Any, current: Any
) -> tuple[HodgkinHuxleyState, Any]:
    """One tick of one neuron: all slopes from old values."""
    v, m, h, n, i, spike = _tick(c, s, drive, current, _euler)
    return HodgkinHuxleyState(v, m, h, n, i), spike


def step_rk4(c: HodgkinHuxleyRk4, s: HodgkinHuxleyState, drive: Any, current: Any) -> tuple[HodgkinHuxleyState, Any]:
    """One tick of one neuron: classical Runge-Kutta."""
    v, m, h, n, i, spike = _tick(c, s, drive, current, _rk4)
    return HodgkinHuxleyState(v, m, h, n, i), spike
