"""Izhikevich's neuron: a quadratic membrane and a recovery variable, in four integration schemes.

    v' = k2 v^2 + k1 v + k0 - u + I                       ms, mV; 0.04, 5, 140 unless told otherwise
    u' = a (b (v - v_u) - leak_u u)                       the published form has v_u = 0, leak_u = 1
    at v = v_peak: spike; then v = c, u = u + d
    I  = current + drive's share                          I has the unit mV/ms of v'

The schemes that are in use give different spikes, so each has its name:

- ``euler``: v and u from old values, spike where v >= v_peak at the end of the tick (Brian2).
- ``figure1``: v, then u with the NEW v, spike where v > v_peak (the script of the 20 patterns, 2004).
- ``spnet``: ticks of 1 ms; two half steps of v with the old u, one whole step of u with the new v, spike where
  v >= v_peak (the scripts spnet and daspnet, 2003 to 2007). The scripts test at the start of the next
  millisecond, before they integrate; testing at the end of the tick is the same trajectory, and with delays of one tick
  the same network, in the order of a tick that all models keep.
- ``rk4``: Runge-Kutta of order 4 in ``substeps`` steps a tick, spike where v >= v_peak: close to the equation itself.

A presynaptic spike of weight w adds the current w for 1 ms (``tau_syn_s = 0``; the charge of a 1-ms tick of the
scripts, whatever the tick), or else a current that starts at w and decays with ``tau_syn_s``. The current is held at
its mean over a tick.
Source: Izhikevich, IEEE Trans. Neural Networks 14:1569 (2003) and 15:1063 (2004, script figure1.m).
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Gt, Le
from numba.extending import register_jitable

from snnctl.config import Seconds, schema

_LONGEST_MS = {"euler": 0.5, "figure1": 0.5, "rk4": 0.1}


@schema
class Izhikevich:
    """Parameters of an Izhikevich population; the defaults are the regular spiking cell."""

    model: Literal["izhikevich"] = "izhikevich"
    scheme: Literal["euler", "figure1", "spnet", "rk4"] = "euler"
    substeps: Annotated[int, Ge(1), Le(1000)] = 1  # of rk4 in a tick
    a: float = 0.02  # rate of recovery, 1/ms
    b: float = 0.2  # sensitivity of the recovery to the membrane, 1/ms
    c: float = -65.0  # membrane after a spike, mV
    d: float = 8.0  # added to the recovery at a spike, mV/ms
    k2: Annotated[float, Gt(0)] = 0.04  # 1/(ms mV)
    k1: float = 5.0  # 1/ms
    k0: float = 140.0  # mV/ms
    v_u: float = 0.0  # membrane at which the recovery is driven to 0, mV
    leak_u: float = 1.0  # 0 makes the recovery an integrator
    v_peak: float = 30.0  # mV
    v_initial: float | None = None  # mV; the resting potential for None
    u_initial: float | None = None  # mV/ms; in equilibrium with v_initial for None
    tau_syn_s: Annotated[Seconds, Ge(0)] = 0.0

    def constants(self, tick_s: float) -> IzhikevichConstants:
        """What one step needs, for ticks of ``tick_s``.

        Raises:
            ValueError: the tick is too long for the scheme, ``substeps`` with a scheme that has none, or a reset
                that is not below the peak.
        """
        tick_ms = tick_s * 1e3
        if not self.c < self.v_peak:
            raise ValueError(f"c {self.c:g} must be below v_peak {self.v_peak:g}: the neuron would spike for ever")
        if self.substeps > 1 and self.scheme != "rk4":
            raise ValueError(f'substeps {self.substeps}: only scheme "rk4" has substeps; write 1 or take "rk4"')
        if self.scheme == "spnet":
            if abs(tick_ms - 1.0) > 1e-9:
                raise ValueError(f'scheme "spnet" is defined for tick_s = 1 ms, not {tick_ms:g} ms: take "rk4"')
        elif tick_ms / self.substeps > (longest := self._longest_ms()) * (1 + 1e-9):
            remedy = (
                f"substeps of at least {math.ceil(tick_ms / longest - 1e-9)}"
                if self.scheme == "rk4"
                else 'scheme "rk4" with substeps, or "spnet" for ticks of 1 ms'
            )
            raise ValueError(
                f'scheme "{self.scheme}" needs steps of at most {longest:g} ms with these a, k1 and k2, not '
                f"{tick_ms / self.substeps:g} ms: take a shorter tick_s or {remedy}"
            )
        tau_ms = self.tau_syn_s * 1e3
        a_syn = math.exp(-tick_ms / tau_ms) if tau_ms > 0 else 0.0
        return _SCHEMES[self.scheme](
            a=self.a,
            b=self.b,
            c=self.c,
            d=self.d,
            k2=self.k2,
            k1=self.k1,
            k0=self.k0,
            v_u=self.v_u,
            leak_u=self.leak_u,
            v_peak=self.v_peak,
            a_syn=a_syn,
            mean_syn=(1 - a_syn) * tau_ms / tick_ms if tau_ms > 0 else 1.0 / tick_ms,
            dt=tick_ms / self.substeps,
            half=0.5,
            sixth=1.0 / 6.0,
            two=2.0,
            zero=0.0,
            substeps=float(self.substeps),
        )

    def _longest_ms(self) -> float:
        """Longest step: that for the published k1 and k2 in the time scale of these, and no longer than 1 / a."""
        faster = max(1.0, abs(self.k1) / 5.0, self.k2 / 0.04)
        return min(_LONGEST_MS[self.scheme] / faster, 1.0 / max(1e-9, abs(self.a * self.leak_u)))

    def initial(self) -> IzhikevichState:
        """Rest without input, the lower fixed point; ``c`` where there is none or the recovery does not leak."""
        v = self.v_initial
        if v is None:
            # k2 v^2 + (k1 - b / leak) v + k0 + b v_u / leak = 0
            slope = self.b / self.leak_u if self.leak_u != 0 else 0.0
            linear, constant = self.k1 - slope, self.k0 + slope * self.v_u
            inside = linear**2 - 4 * self.k2 * constant
            v = (-linear - math.sqrt(inside)) / (2 * self.k2) if inside >= 0 and self.leak_u != 0 else self.c
        u = self.u_initial
        if u is None:
            u = self.b * (v - self.v_u) / self.leak_u if self.leak_u != 0 else 0.0
        return IzhikevichState(v=v, u=u, i=0.0)


class IzhikevichConstants(NamedTuple):
    """Constants of one step of any scheme."""

    a: Any
    b: Any
    c: Any
    d: Any
    k2: Any
    k1: Any
    k0: Any
    v_u: Any
    leak_u: Any
    v_peak: Any
    a_syn: Any  # decay of the synaptic current over a tick
    mean_syn: Any  # its mean over a tick, as a share of its value at the start
    dt: Any  # ms
    half: Any  # of the engine's float type: literals would widen float32
    sixth: Any
    two: Any
    zero: Any
    substeps: Any


class IzhikevichEuler(IzhikevichConstants):
    """Constants of the scheme ``euler``."""


class IzhikevichFigure1(IzhikevichConstants):
    """Constants of the scheme ``figure1``."""


class IzhikevichSpnet(IzhikevichConstants):
    """Constants of the scheme ``spnet``."""


class IzhikevichRk4(IzhikevichConstants):
    """Constants of the scheme ``rk4``."""


_SCHEMES: dict[str, type[IzhikevichConstants]] = {
    "euler": IzhikevichEuler,
    "figure1": IzhikevichFigure1,
    "spnet": IzhikevichSpnet,
    "rk4": IzhikevichRk4,
}


class IzhikevichState(NamedTuple):
    """State of one neuron."""

    v: Any  # mV
    u: Any  # mV/ms
    i: Any  # synaptic current at the end of the tick, mV/ms


@register_jitable
def _slope_v(c: Any, v: Any, u: Any, current: Any) -> Any:
    return c.k2 * v * v + c.k1 * v + c.k0 - u + current


@register_jitable
def _slope_u(c: Any, v: Any, u: Any) -> Any:
    return c.a * (c.b * (v - c.v_u) - c.leak_u * u)


def step_euler(c: IzhikevichEuler, s: IzhikevichState, drive: Any, current: Any) -> tuple[IzhikevichState, Any]:
    """One tick of one neuron: v and u from old values."""
    i = s.i + drive
    v = s.v + c.dt * _slope_v(c, s.v, s.u, current + c.mean_syn * i)
    u = s.u + c.dt * _slope_u(c, s.v, s.u)
    spike = v >= c.v_peak
    return IzhikevichState(c.c if spike else v, u + c.d if spike else u, c.a_syn * i), spike


def step_figure1(c: IzhikevichFigure1, s: IzhikevichState, drive: Any, current: Any) -> tuple[IzhikevichState, Any]:
    """One tick of one neuron: v, then u with the new v."""
    i = s.i + drive
    v = s.v + c.dt * _slope_v(c, s.v, s.u, current + c.mean_syn * i)
    u = s.u + c.dt * _slope_u(c, v, s.u)
    spike = v > c.v_peak
    return IzhikevichState(c.c if spike else v, u + c.d if spike else u, c.a_syn * i), spike


def step_spnet(c: IzhikevichSpnet, s: IzhikevichState, drive: Any, current: Any) -> tuple[IzhikevichState, Any]:
    """One tick of 1 ms of one neuron: two half steps of v with the old u, one step of u with the new v."""
    i = s.i + drive
    held = current + c.mean_syn * i
    v = s.v + c.half * _slope_v(c, s.v, s.u, held)
    v = v + c.half * _slope_v(c, v, s.u, held)
    u = s.u + _slope_u(c, v, s.u)
    spike = v >= c.v_peak
    return IzhikevichState(c.c if spike else v, u + c.d if spike else u, c.a_syn * i), spike


def step_rk4(c: IzhikevichRk4, s: IzhikevichState, drive: Any, current: Any) -> tuple[IzhikevichState, Any]:
    """One tick of one neuron: classical Runge-Kutta; a tick counts one spike, however many its substeps have."""
    i = s.i + drive
    held = current + c.mean_syn * i
    half_dt = c.half * c.dt
    v, u, spike = s.v, s.u, c.zero
    for _ in range(int(c.substeps)):
        v1, u1 = _slope_v(c, v, u, held), _slope_u(c, v, u)
        x, y = v + half_dt * v1, u + half_dt * u1
        v2, u2 = _slope_v(c, x, y, held), _slope_u(c, x, y)
        x, y = v + half_dt * v2, u + half_dt * u2
        v3, u3 = _slope_v(c, x, y, held), _slope_u(c, x, y)
        x, y = v + c.dt * v3, u + c.dt * u3
        v4, u4 = _slope_v(c, x, y, held), _slope_u(c, x, y)
        v = v + c.dt * c.sixth * (v1 + c.two * v2 + c.two * v3 + v4)
        u = u + c.dt * c.sixth * (u1 + c.two * u2 + c.two * u3 + u4)
        peak = v >= c.v_peak
        v, u = c.c if peak else v, u + c.d if peak else u
        spike = spike + c.half if peak else spike
    return IzhikevichState(v, u, c.a_syn * i), spike > c.zero
