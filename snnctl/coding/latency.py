"""Latency code (time to first spike): each neuron spikes once, the sooner the stronger.

    linear:       t = span (1 - u)
    logarithmic:  t = span - ln(u e^span + 1 - u)        = span - ln(alpha u + 1), alpha = e^span - 1
    charging:     t = tau ln(u / (u - theta))            a capacitor of time constant tau, fed u, reaches theta

in ticks; the spike comes at tick round(t), halves to even, and not after the last tick. ``span`` is the time of u = 0,
ticks - 1 unless it is given. A ``u`` of at most ``theta`` counts as theta + 1e-7 (for linear and charging),
or is silent. The linear law resolves u in steps of 1 / span: the decode error is at most 1 / (2 span). The logarithmic
one spends its ticks on small intensities: t falls by one for each factor e in u, so it resolves ratios.
One neuron for each observation, u of :mod:`intensity`.
Cost: exactly one spike a neuron and decision (none where silent), and the answer may need all ``ticks`` to arrive.
Source: Thorpe & Gautrais 1998 (rank and latency); the linear and logarithmic forms are spikingjelly's LatencyEncoder,
charging and the linear form with ``theta`` are snntorch.spikegen.latency, whose ``normalize`` is a choice of tau (time
is proportional to it): tau = (ticks - 1) / (largest time at tau = 1).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Gt, Lt
from numpy.typing import NDArray

from snnctl.coding.intensity import IntensityCode, check_range, finite_or_clipped
from snnctl.config import Seconds, schema

_ABOVE = 1e-7  # how far above theta an intensity counts that does not reach it

Law = Literal["linear", "logarithmic", "charging"]


def linear(u: NDArray[Any], span: float, theta: float = 0.0) -> NDArray[Any]:
    """Spike times in ticks (...) that fall linearly from ``span`` at u = 0 to 0 at u = 1, in the type of ``u`` (...).

    With ``theta`` > 0, ``u`` is first raised to at least theta + 1e-7.
    """
    values = finite_or_clipped(u, "u")
    if theta > 0:
        values = np.maximum(values, values.dtype.type(theta + _ABOVE))
    times: NDArray[Any] = values.dtype.type(span) * (1 - values)
    return times


def logarithmic(u: NDArray[Any], span: float) -> NDArray[Any]:
    """Spike times in ticks (...): ``span`` at u = 0, 0 at u = 1, one less for each factor e."""
    values = finite_or_clipped(u, "u").astype(np.float64)
    with np.errstate(divide="ignore"):  # ln 0 = -inf is the right summand
        times: NDArray[Any] = span - np.logaddexp(np.log(values) + span, np.log1p(-values))
    clamped: NDArray[Any] = np.maximum(times, 0.0)
    return clamped


def charging(u: NDArray[Any], tau: float, theta: float) -> NDArray[Any]:
    """Times in ticks (...) at which a capacitor of ``tau`` ticks reaches ``theta``, in the type of ``u`` (...)."""
    values = np.maximum(finite_or_clipped(u, "u", 0.0, np.inf), np.asarray(u).dtype.type(theta + _ABOVE))
    times: NDArray[Any] = values.dtype.type(tau) * np.log(values / (values - values.dtype.type(theta)))
    return times


def spikes_at(times: NDArray[Any], ticks: int, silent: NDArray[np.bool_] | None = None) -> NDArray[np.uint8]:
    """Spikes (ticks, ...) at the rounded times (...), the last tick for later ones; none where ``silent`` (...)."""
    tick = np.minimum(np.round(times), ticks - 1).astype(np.int64)
    raster = np.arange(ticks).reshape(-1, *(1,) * tick.ndim) == tick  # (ticks, ...)
    spikes: NDArray[np.uint8] = (raster if silent is None else raster & ~silent).astype(np.uint8)
    return spikes


def first_ticks(raster: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Tick of the first spike (...) of spikes (ticks, ...), infinity where there is none."""
    return np.where(raster.any(axis=0), raster.argmax(axis=0).astype(np.float64), np.inf)


def decode_linear(times: NDArray[Any], span: float) -> NDArray[np.float64]:
    """Intensity (...) for spike times in ticks (...); 0 for a neuron that was silent."""
    return np.clip(1.0 - np.asarray(times, np.float64) / span, 0.0, 1.0)


def decode_logarithmic(times: NDArray[Any], span: float) -> NDArray[np.float64]:
    """Intensity (...) for spike times in ticks (...): (e^(span - t) - 1) / (e^span - 1)."""
    t = np.minimum(np.asarray(times, np.float64), span)
    u: NDArray[np.float64] = (np.exp(-t) - np.exp(-span)) / -np.expm1(-span)
    return u


def decode_charging(times: NDArray[Any], tau: float, theta: float) -> NDArray[np.float64]:
    """Intensity (...) for spike times in ticks (...): theta / (1 - e^(-t / tau)); infinite for a spike at t = 0."""
    with np.errstate(divide="ignore"):
        u: NDArray[np.float64] = theta / -np.expm1(-np.asarray(times, np.float64) / tau)
    return u


@schema
class Latency(IntensityCode):
    """Configuration of the latency encoder.

    Attributes:
        low: normalised observation with intensity 0
        high: with intensity 1
        law: which equation gives the time
        theta: threshold of the charging law; the intensity below which ``silent`` neurons do not spike
        tau_s: time constant of the charging law
        silent: no spike for an intensity below ``theta``, instead of a late one
    """

    kind: Literal["latency"] = "latency"
    low: float = -3.0
    high: float = 3.0
    law: Law = "linear"
    theta: Annotated[float, Ge(0), Lt(1)] = 0.01
    tau_s: Annotated[Seconds, Gt(0)] = 1e-3
    silent: bool = False

    def __post_init__(self) -> None:
        check_range(self.low, self.high)
        if self.law == "charging" and self.theta == 0:
            raise ValueError("theta 0: the charging law needs a threshold above 0")

    @property
    def is_steady(self) -> bool:
        """It neither draws nor remembers."""
        return True

    def raster(self, u: NDArray[Any], ticks: int, tick_s: float, state: NDArray[np.uint64]) -> NDArray[np.uint8]:
        """Spikes (ticks, n) for intensities ``u`` (n,)."""
        if self.law == "charging":
            times = charging(u, self.tau_s / tick_s, self.theta)
        else:
            times = (linear if self.law == "linear" else logarithmic)(u, float(ticks - 1))
        return spikes_at(times, ticks, u < self.theta if self.silent else None)
