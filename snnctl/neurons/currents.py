"""Currents that are injected into neurons: step, ramp, Ornstein-Uhlenbeck noise, and any array.

A current is in the unit of the neuron that it is injected into (nA, pA, mV or dimensionless: see the model). It is
constant within a tick. Each kind has two methods:

    state = current.initial_state(n, seed)
    state, values = current.values(state, first_tick, ticks, n, tick_s)         values (ticks, n), float64

State goes in and comes out, and two calls for 50 ticks give the bits of one call for 100. Amplitudes are one number for
all neurons, or one for each.
"""

from __future__ import annotations

import dataclasses
import math
from numbers import Real
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from annotated_types import Ge, Gt
from numba import njit
from numpy.typing import ArrayLike, NDArray

from snnctl import streams
from snnctl.config import Seconds, schema

Floats = NDArray[np.float64]
Amplitude = float | tuple[float, ...]


class NoState(NamedTuple):
    """State of a current that only depends on time."""


@schema
class Step:
    """``amplitude`` in the ticks from ``start_s`` until before ``stop_s``, 0 elsewhere."""

    kind: Literal["step"] = "step"
    amplitude: Amplitude
    start_s: Annotated[Seconds, Ge(0)] = 0.0
    stop_s: Annotated[Seconds, Ge(0)] | None = None

    def __post_init__(self) -> None:
        _check_order(self.start_s, self.stop_s)

    def initial_state(self, n: int, seed: int, *indices: int) -> NoState:
        """Nothing to remember."""
        return NoState()

    def values(self, state: NoState, first_tick: int, ticks: int, n: int, tick_s: float) -> tuple[NoState, Floats]:
        """The current of ``ticks`` ticks from ``first_tick``.  # (ticks, n)"""
        tick = np.arange(first_tick, first_tick + ticks)
        active = tick >= round(self.start_s / tick_s)
        if self.stop_s is not None:
            active &= tick < round(self.stop_s / tick_s)
        return state, active[:, None] * _each(self.amplitude, n, "amplitude")


@schema
class Ramp:
    """``first`` until ``start_s``, then linear in time to ``last`` at ``stop_s``, which it keeps.

    A tick has the value of the line at its beginning.
    """

    kind: Literal["ramp"] = "ramp"
    first: Amplitude = 0.0
    last: Amplitude
    start_s: Annotated[Seconds, Ge(0)] = 0.0
    stop_s: Annotated[Seconds, Gt(0)]

    def __post_init__(self) -> None:
        _check_order(self.start_s, self.stop_s)

    def initial_state(self, n: int, seed: int, *indices: int) -> NoState:
        """Nothing to remember."""
        return NoState()

    def values(self, state: NoState, first_tick: int, ticks: int, n: int, tick_s: float) -> tuple[NoState, Floats]:
        """The current of ``ticks`` ticks from ``first_tick``.  # (ticks, n)"""
        time_s = np.arange(first_tick, first_tick + ticks) * tick_s  # (ticks,)
        part = np.clip((time_s - self.start_s) / (self.stop_s - self.start_s), 0.0, 1.0)[:, None]
        return state, (1 - part) * _each(self.first, n, "first") + part * _each(self.last, n, "last")


@schema
class OrnsteinUhlenbeck:
    """Coloured noise around ``mean`` with standard deviation ``deviation`` and correlation exp(-t / tau_s).

        x[k+1] = mean + (x[k] - mean) a + deviation sqrt(1 - a^2) N(0, 1),    a = exp(-tick_s / tau_s)

    which is exact for any tick. Tick k has x[k]; x[0] is drawn from the stationary distribution, or is ``start``.
    Every neuron has its own noise. Source: Gillespie, Physical Review E 54 (1996) 2084.
    """

    kind: Literal["ornstein_uhlenbeck"] = "ornstein_uhlenbeck"
    mean: Amplitude = 0.0
    deviation: Annotated[float, Ge(0)]
    tau_s: Annotated[Seconds, Gt(0)]
    start: float | None = None

    def __post_init__(self) -> None:
        _check_time("tau_s", self.tau_s)
        if self.tau_s == 0:
            raise ValueError("tau_s is 0: give a time above 0 s")
        if not isinstance(self.deviation, Real) or not 0 <= self.deviation < math.inf:
            raise ValueError(f"deviation is {self.deviation!r:.60}: give one finite number of at least 0")
        if self.start is not None and (not isinstance(self.start, Real) or not math.isfinite(self.start)):
            raise ValueError(f"start is {self.start!r:.60}: give one finite number, or None")

    def initial_state(self, n: int, seed: int, *indices: int) -> NoiseState:
        """Before the first tick; ``indices`` (of a population, say) separate currents with the same seed."""
        generator = streams.generator(seed, "currents", *indices)
        mean = _each(self.mean, n, "mean")
        drawn = mean + self.deviation * generator.standard_normal(n)
        x = drawn if self.start is None else np.full(n, self.start)
        return NoiseState(x, _words(generator))

    def values(
        self, state: NoiseState, first_tick: int, ticks: int, n: int, tick_s: float
    ) -> tuple[NoiseState, Floats]:
        """The current of the next ``ticks`` ticks; noise goes on from its state, whatever ``first_tick``.  # (ticks, n)

        Raises:
            ValueError: the state belongs to another number of neurons.
        """
        if state.x.shape != (n,):
            raise ValueError(
                f"state has {state.x.size} neurons, expected {n}: take the initial_state of this population"
            )
        generator = _generator(state.random)
        a = math.exp(-tick_s / self.tau_s)
        spread = self.deviation * math.sqrt(-math.expm1(-2 * tick_s / self.tau_s))
        noise = generator.standard_normal((ticks, n))
        values = np.empty((ticks, n))
        x = _relax(_each(self.mean, n, "mean"), a, spread, state.x, noise, values)
        return NoiseState(x, _words(generator)), values


class NoiseState(NamedTuple):
    """State of the noise: arrays only, so that it can be stored and continued."""

    x: Floats  # of the next tick (n,)
    random: NDArray[np.uint64]  # state and increment of a PCG64 generator (4,)


@dataclasses.dataclass(frozen=True, eq=False)
class ArrayCurrent:
    """Any current: row k of ``samples`` for ``sample_s`` seconds, or for one tick.

    Args:
        samples: (rows,) for all neurons alike, or (rows, n)
        sample_s: duration of a row, a whole number of ticks; one tick by default
        after: what follows the last row

    Raises:
        ValueError: a sample is not finite, there is none, or the shape is neither of the two.
    """

    samples: ArrayLike
    sample_s: float | None = None
    after: Literal["zero", "hold", "repeat"] = "zero"

    def __post_init__(self) -> None:
        samples = np.array(self.samples, np.float64)  # a copy: later changes of the caller's array have no effect
        if samples.ndim not in (1, 2) or samples.size == 0:
            raise ValueError(f"samples have the shape {samples.shape}, expected (rows,) or (rows, n)")
        if not np.isfinite(samples).all():
            row = int(np.argwhere(~np.isfinite(samples))[0][0])
            raise ValueError(
                f"samples are not finite in {np.count_nonzero(~np.isfinite(samples))} places, first row {row}"
            )
        if self.sample_s is not None and not 0 < self.sample_s < math.inf:
            raise ValueError(f"sample_s must be a positive time, got {self.sample_s}")
        if self.after not in ("zero", "hold", "repeat"):
            raise ValueError(f"after is {self.after!r}; choose zero, hold or repeat")
        samples.setflags(write=False)
        object.__setattr__(self, "samples", samples if samples.ndim == 2 else samples[:, None])

    def initial_state(self, n: int, seed: int, *indices: int) -> NoState:
        """Nothing to remember."""
        return NoState()

    def values(self, state: NoState, first_tick: int, ticks: int, n: int, tick_s: float) -> tuple[NoState, Floats]:
        """The current of ``ticks`` ticks from ``first_tick``.  # (ticks, n)

        Raises:
            ValueError: the samples are of another number of neurons, or a row does not last a whole number of ticks.
        """
        samples: Any = self.samples
        if samples.shape[1] not in (1, n):
            raise ValueError(f"samples are of {samples.shape[1]} neurons, the population has {n}")
        each = 1 if self.sample_s is None else round(self.sample_s / tick_s)
        if self.sample_s is not None and (each < 1 or abs(self.sample_s / tick_s - each) > 1e-6 * each):
            raise ValueError(f"sample_s {self.sample_s:g} must be a whole number of ticks of {tick_s:g} s")
        rows = np.arange(first_tick, first_tick + ticks) // each  # (ticks,)
        count = len(samples)
        chosen = samples[rows % count if self.after == "repeat" else np.minimum(rows, count - 1)]
        if self.after == "zero":
            chosen = np.where((rows < count)[:, None], chosen, 0.0)
        return state, np.array(np.broadcast_to(chosen, (ticks, n)))


Current = Step | Ramp | OrnsteinUhlenbeck | ArrayCurrent


@njit(cache=True, nogil=True, error_model="numpy")
def _relax(mean: Any, a: float, spread: float, x: Any, noise: Any, values: Any) -> Any:
    """Fill ``values`` (ticks, n) from ``x`` on; returns the x that follows (n,)."""
    following = x.copy()
    for k in range(noise.shape[0]):
        for j in range(x.size):
            values[k, j] = following[j]
            following[j] = mean[j] + (following[j] - mean[j]) * a + spread * noise[k, j]
    return following


def _each(amplitude: Amplitude, n: int, name: str) -> Floats:
    """An amplitude as one number a neuron.  # (n,)"""
    given = np.asarray(amplitude, np.float64)
    if given.shape not in ((), (n,)):
        raise ValueError(f"{name} has {given.size} values, the population has {n} neurons: give one number or {n}")
    if not np.isfinite(given).all():
        raise ValueError(f"{name} must be finite, got {amplitude}")
    return np.full(n, given)


def _check_time(name: str, time_s: float) -> None:
    if not isinstance(time_s, Real) or not 0 <= time_s < math.inf:
        raise ValueError(f"{name} is {time_s!r:.60}: give a finite number of seconds of at least 0")


def _check_order(start_s: float, stop_s: float | None) -> None:
    _check_time("start_s", start_s)
    if stop_s is None:
        return
    _check_time("stop_s", stop_s)
    if not start_s < stop_s:
        raise ValueError(f"stop_s {stop_s:g} must be after start_s {start_s:g}")


_WORD = (1 << 64) - 1


def _words(generator: np.random.Generator) -> NDArray[np.uint64]:
    """State of a PCG64 generator as an array: plain dictionaries of large integers cannot be stored in one.  # (4,)"""
    parts: Any = generator.bit_generator.state["state"]
    numbers = (parts["state"], parts["inc"])
    return np.array([half for x in numbers for half in (x >> 64, x & _WORD)], np.uint64)


def _generator(words: NDArray[np.uint64]) -> np.random.Generator:
    """The inverse of :func:`_words`."""
    high, low, inc_high, inc_low = (int(x) for x in words)
    bits = np.random.PCG64(0)
    numbers: Any = {"state": high << 64 | low, "inc": inc_high << 64 | inc_low}
    bits.state = {"bit_generator": "PCG64", "state": numbers, "has_uint32": 0, "uinteger": 0}
    return np.random.Generator(bits)
