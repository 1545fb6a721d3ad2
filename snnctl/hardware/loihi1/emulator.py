"""Loihi 1, integer for integer: any network of current-based LIF compartments.

One tick ``k`` of one compartment, in this order (network/description.py gives the common order):

    q = sum of the effective weights whose spikes arrive now       wrapped to 21 bits and sign
    u = sgn(u) ((|u| (4096 - decay_u)) >> 12) + q                  wrapped to 23 bits and sign
    x = u + bias                                                   wrapped to 23 bits and sign
    v = clip(sgn(v) ((|v| (4096 - decay_v)) >> 12) + x, v_min, v_max);  v = 0 if counter > 0
    spike = v > threshold;  if spike: v = 0, counter = refractory
    counter = max(counter - 1, 0)

``decay_u`` here is the *effective* decay, the 12-bit register + 1 (the chip adds it), 1..4096;
``decay_v`` is the register. ``threshold = mantissa << 6`` and ``bias = mantissa << exponent``. A refractory
register R leaves R - 1 silent ticks. A spike of tick k arrives at k + 1 + delay; an input spike that is
given in row k arrives at k + delay. The magnitude is truncated toward zero when it decays.

Two parameters exist because third-party emulators differ: nengo-loihi (normative here) wraps ``q``
and ``u`` and clips ``v``; brian2-loihi does neither, which is ``q_bits = u_bits = 0`` and ``UNBOUNDED``.

A compartment *wraps* in a tick in which the limits on ``q``, ``u`` or ``x`` change ``u`` or ``x``.

Not emulated: learning, noise (the chip's generator is not published), multi-compartment neurons.
Sources: Davies et al., IEEE Micro 38(1), 2018; nengo-loihi 1.1.0; brian2-loihi 0.5.2.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.errors import NetworkError, Problem
from snnctl.hardware.synapses import Integers, Synapses, require_sources

DECAY_ONE = 4096  # 12-bit decays
THRESHOLD_SHIFT = 6
V_LIMIT = (1 << 23) - 1
UNBOUNDED = 1 << 62  # as v_max, its negative as v_min
ALWAYS = np.iinfo(np.int64).max

# register -> (lowest, highest)
REGISTERS = {
    "decay_u": (0, 4095),
    "decay_v": (0, 4095),
    "vth_mantissa": (0, 131071),
    "refractory": (1, 63),
    "bias_mantissa": (-4096, 4095),
    "bias_exponent": (0, 7),
}


@dataclasses.dataclass(frozen=True)
class Compartments:
    """Per-compartment constants, each an int64 array (n,)."""

    decay_u: Integers  # effective: register + 1
    decay_v: Integers
    threshold: Integers
    refractory: Integers
    bias: Integers
    v_min: Integers
    v_max: Integers
    q_bits: int = 21  # magnitude bits of the synaptic accumulator, 0 for no wrap
    u_bits: int = 23  # magnitude bits of u and u + bias, 0 for no wrap

    @property
    def size(self) -> int:
        """Number of compartments."""
        return len(self.decay_u)


def from_registers(
    n: int,
    *,
    decay_u: Any,
    decay_v: Any,
    vth_mantissa: Any,
    refractory: Any = 1,
    bias_mantissa: Any = 0,
    bias_exponent: Any = 0,
    v_min: Any = -V_LIMIT,
    v_max: Any = V_LIMIT,
) -> Compartments:
    """Constants of ``n`` compartments from register values (scalars or arrays of n).

    Raises:
        NetworkError: one problem for every register that is out of its range.
    """
    given = {
        "decay_u": decay_u,
        "decay_v": decay_v,
        "vth_mantissa": vth_mantissa,
        "refractory": refractory,
        "bias_mantissa": bias_mantissa,
        "bias_exponent": bias_exponent,
    }
    values = {name: _spread(n, value) for name, value in given.items()}
    found = []
    for name, (low, high) in REGISTERS.items():
        worst = [
            int(x) for x in (values[name].min(initial=low), values[name].max(initial=high)) if not low <= x <= high
        ]
        if worst:
            found.append(Problem(f"loihi1 register {name}", f"is {worst[0]}", f"it holds {low} to {high}"))
    if found:
        raise NetworkError(*found)
    return Compartments(
        decay_u=values["decay_u"] + 1,
        decay_v=values["decay_v"],
        threshold=values["vth_mantissa"] << THRESHOLD_SHIFT,
        refractory=values["refractory"],
        bias=values["bias_mantissa"] << values["bias_exponent"],
        v_min=_spread(n, v_min),
        v_max=_spread(n, v_max),
    )


def _spread(n: int, value: Any) -> Integers:
    return np.ascontiguousarray(np.broadcast_to(np.asarray(value, dtype=np.int64), (n,)))


# --------------------------------------------------------------------------- weights


def effective_weight(mantissa: NDArray[Any], exponent: int) -> Integers:
    """What a spike adds to ``u``: (mantissa << exponent, or >> -exponent, floor) << 6, within +-(2^21 - 64)."""
    m = np.asarray(mantissa, dtype=np.int64)
    shifted = m << exponent if exponent >= 0 else m >> -exponent
    limit = (1 << 21) - 64
    return np.asarray(np.clip(shifted << 6, -limit, limit), np.int64)


def mantissa_step(bits: int, mixed: bool) -> int:
    """Distance of two mantissas that ``bits`` weight bits can hold; a mixed sign costs one bit."""
    return 1 << (8 - bits + (1 if mixed else 0))


def round_mantissa(weight: NDArray[Any], bits: int, exponent: int, mixed: bool) -> Integers:
    """Nearest mantissa, in +-255, that the format holds and that its exponent does not cut off.

    A negative exponent shifts mantissas right, which would floor them; they are rounded first to
    what survives the shift. Half-way cases go to even, as numpy rounds.
    """
    step = mantissa_step(bits, mixed)
    limit = 256 // step - 1
    units = np.clip(np.round(np.asarray(weight) / step), -limit, limit)
    lost = 2.0 ** (np.log2(step) + exponent)
    if lost < 1:
        units = np.clip(np.trunc(np.round(units * lost) / lost), -limit, limit)
    return (units * step).astype(np.int64)


# --------------------------------------------------------------------------- any network


class Network(NamedTuple):
    """Compartments, synapses from outside (delay counts from their row) and among themselves."""

    compartments: Compartments
    inputs: Synapses
    recurrent: Synapses


class State(NamedTuple):
    """Everything that a tick reads and writes."""

    u: Integers  # (n,)
    v: Integers  # (n,)
    counter: Integers  # (n,) refractory
    pending: Integers  # (slots, n) weights on their way; slot (tick mod slots) arrives now
    tick: int


class Recording(NamedTuple):
    """State after each tick, ``q`` after its wrap; and how often compartments wrapped."""

    q: Integers  # (ticks, n)
    u: Integers  # (ticks, n)
    v: Integers  # (ticks, n)
    spikes: NDArray[np.uint8]  # (ticks, n)
    wraps: int


def initial_state(network: Network) -> State:
    """All zero."""
    n = network.compartments.size
    slots = max(network.inputs.longest_delay, network.recurrent.longest_delay) + 2
    zero = np.zeros(n, np.int64)
    return State(zero, zero.copy(), zero.copy(), np.zeros((slots, n), np.int64), 0)


def run(
    network: Network, state: State, inputs: NDArray[np.uint8], windows: Integers | None = None
) -> tuple[State, Recording]:
    """Advance by one tick for each row of ``inputs`` (ticks, sources).

    ``windows`` (n, 2), if given, gates each compartment: it is updated in ticks first .. last (counted
    from tick 0 of the state) and held at zero, without bias, outside.

    Raises:
        InputError: there is not a column for each source.
    """
    require_sources("loihi1", inputs, network.inputs.sources)
    n, ticks = network.compartments.size, inputs.shape[0]
    if windows is None:
        windows = np.broadcast_to(np.array([0, ALWAYS]), (n, 2))
    new = State(state.u.copy(), state.v.copy(), state.counter.copy(), state.pending.copy(), state.tick + ticks)
    q, u, v = (np.zeros((ticks, n), np.int64) for _ in range(3))
    spikes = np.zeros((ticks, n), np.uint8)
    c = network.compartments
    wraps = _run(
        state.tick,
        np.ascontiguousarray(inputs, np.uint8),
        *network.inputs[:4],
        *network.recurrent[:4],
        *(c.decay_u, c.decay_v, c.threshold, c.refractory, c.bias, c.v_min, c.v_max, c.q_bits, c.u_bits),
        np.ascontiguousarray(windows, np.int64),
        *new[:4],
        *(q, u, v, spikes),
    )
    return new, Recording(q, u, v, spikes, int(wraps))


@njit(cache=True, nogil=True, error_model="numpy")
def _wrap(x: Any, bits: Any) -> Any:
    """Two's complement with ``bits`` magnitude bits; 0 bits leave x alone."""
    if bits == 0:
        return x
    half = 1 << bits
    return ((x + half) & (2 * half - 1)) - half


@njit(cache=True, nogil=True, error_model="numpy")
def _decay(x: Any, decay: Any) -> Any:
    """Sgn(x) ((|x| (4096 - decay)) >> 12)."""
    if x < 0:
        return -((-x * (DECAY_ONE - decay)) >> 12)
    return (x * (DECAY_ONE - decay)) >> 12


@njit(cache=True, nogil=True, error_model="numpy")
def _update(
    q: Any, u: Any, v: Any, counter: Any, decay_u: Any, decay_v: Any, threshold: Any, refractory: Any,
    bias: Any, v_min: Any, v_max: Any, q_bits: Any, u_bits: Any,
) -> Any:  # fmt: skip
    """One compartment, one tick: (q, u, v, counter, spike, bits that a wrap of u or x changed)."""
    kept = _decay(u, decay_u)
    exact, q = kept + q, _wrap(q, q_bits)
    u = _wrap(kept + q, u_bits)
    x = _wrap(u + bias, u_bits)
    lost = (u ^ exact) | (x ^ (u + bias))
    v = min(max(_decay(v, decay_v) + x, v_min), v_max)
    if counter > 0:
        v = 0
    spike = v > threshold
    if spike:
        v = 0
        counter = refractory
    return q, u, v, max(counter - 1, 0), spike, lost


@njit(cache=True, nogil=True, error_model="numpy")
def _run(
    tick: Any, inputs: Any,
    in_indptr: Any, in_target: Any, in_weight: Any, in_delay: Any,
    re_indptr: Any, re_target: Any, re_weight: Any, re_delay: Any,
    decay_u: Any, decay_v: Any, threshold: Any, refractory: Any, bias: Any, v_min: Any, v_max: Any,
    q_bits: Any, u_bits: Any, windows: Any,
    u: Any, v: Any, counter: Any, pending: Any,
    out_q: Any, out_u: Any, out_v: Any, out_s: Any,
) -> Any:  # fmt: skip
    slots, n = pending.shape
    wraps = 0
    for row in range(inputs.shape[0]):
        now = tick + row
        for s in range(inputs.shape[1]):
            if inputs[row, s]:
                for j in range(in_indptr[s], in_indptr[s + 1]):
                    pending[(now + in_delay[j]) % slots, in_target[j]] += in_weight[j]
        due = pending[now % slots]
        for i in range(n):
            if now < windows[i, 0] or now > windows[i, 1]:
                u[i] = v[i] = counter[i] = 0
                continue
            out_q[row, i], u[i], v[i], counter[i], spike, lost = _update(
                due[i], u[i], v[i], counter[i], decay_u[i], decay_v[i], threshold[i], refractory[i],
                bias[i], v_min[i], v_max[i], q_bits, u_bits,
            )  # fmt: skip
            out_s[row, i] = spike
            wraps += lost != 0
        due[:] = 0
        for i in range(n):
            if out_s[row, i]:
                for j in range(re_indptr[i], re_indptr[i + 1]):
                    pending[(now + 1 + re_delay[j]) % slots, re_target[j]] += re_weight[j]
        out_u[row] = u
        out_v[row] = v
    return wraps
