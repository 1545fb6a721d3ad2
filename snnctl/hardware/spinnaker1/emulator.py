"""SpiNNaker 1, bit for bit: any network of sPyNNaker's IF_curr_exp and IF_curr_delta neurons.

All values are s16.15 accums (accum.py), all sums wrap. Tick ``t`` of one neuron, in this order:

    1  for excitatory and inhibitory: w = ring[t][kind]; ring cleared
       exp:   syn += decay_s1615(w << shift, init)         delta: syn += w << shift
    2  (recorded) V, syn
    3  if refractory > 0: refractory -= 1, V held; else
       I = (syn_exc - syn_inh) + I_offset                  delta: each syn times scale
       alpha = I R + V_rest;  V = alpha - exp_TC (alpha - V)
    4  spike = V >= V_thresh, also while refractory; if spike: V = V_reset, refractory = T_refract
    5  exp: syn = decay_s1615(syn, decay)                  delta: syn = 0
       3 to 5 repeat n_steps times a tick; one packet at most leaves per tick
    6  packets of tick t (from outside and its own) are added to ring[t + delay], delay 1..15,
       saturating at 65535

A neuron *wraps* in a tick in which a sum or a product of steps 1 and 3 does not fit 32 bits.

Constants as the chip derives them (ts = time_step // n_steps):

    R = kdivk(tau_m, c_m); exp_TC = expk(-ts / tau_m); T_refract = ceil(t_refract / ts)
    decay = expulr(-ts / tau_syn); init = kdivk(tau_syn, ts) (0xFFFFFFFF - decay) >> 15; scale = 1 / ts

Not emulated: plasticity, delay extensions, late packets, timer overruns.
Source: sPyNNaker C code (29f4c46), spinn_common 1e3a090, host code 7.4.1.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.errors import InputError, NetworkError, Problem
from snnctl.hardware.spinnaker1 import accum
from snnctl.hardware.spinnaker1.accum import decay_s1615, multiply, wrap32
from snnctl.hardware.synapses import Integers, Synapses

SynapseShape = Literal["exp", "delta"]
DELAY_SLOTS = 16  # delays 1..15
WEIGHT_MAX = (1 << 16) - 1  # synapse word and ring-buffer entry
ALWAYS = np.iinfo(np.int64).max
_ULR_ONE = 0xFFFFFFFF


@dataclasses.dataclass(frozen=True)
class Neurons:
    """Per-neuron constants as they stand in the chip's memory, each an int64 array (n,) unless it says otherwise."""

    exponential: NDArray[np.bool_]  # (n,) the shape of the synapses: exp, else delta; one for each core on the chip
    v_rest: Integers
    v_reset: Integers
    v_thresh: Integers
    i_offset: Integers
    r_membrane: Integers
    exp_tc: Integers
    t_refract: Integers  # substeps
    decay: Integers  # (2, n) unsigned 0.32; excitatory, inhibitory
    init: Integers  # (2, n) unsigned 0.32
    scale: int  # s16.15, used by delta
    steps: int = 1

    @property
    def size(self) -> int:
        """Number of neurons."""
        return len(self.v_rest)


class Parameters(NamedTuple):
    """What a user sets, per neuron (n,): mV, ms, nF, nA."""

    v_rest: Sequence[float]
    v_reset: Sequence[float]
    v_thresh: Sequence[float]
    i_offset: Sequence[float]
    tau_m: Sequence[float]
    c_m: Sequence[float]
    t_refract: Sequence[float]
    tau_syn_exc: Sequence[float]
    tau_syn_inh: Sequence[float]


def derive(
    parameters: Parameters, *, time_step_ms: float = 1.0, steps: int = 1, shape: SynapseShape = "exp"
) -> Neurons:
    """Encode parameters as the host does and derive the constants as the chip does.

    Raises:
        NetworkError: one problem for every parameter that s16.15 cannot hold or that divides by zero.
    """
    found: list[Problem] = []
    raw: dict[str, list[int]] = {}
    for name, values in parameters._asdict().items():
        try:
            raw[name] = [accum.encode(v) for v in values]
        except OverflowError as error:
            found.append(Problem(f"spinnaker1 {name}", str(error)))
            continue
        divides = name in {"tau_m", "c_m"} or (name.startswith("tau_syn") and shape == "exp")
        if divides and min(raw[name], default=1) <= 0:
            found.append(Problem(f"spinnaker1 {name}", "must be at least 1/32768 after rounding"))
    if found:
        raise NetworkError(*found)
    ts = accum.encode(time_step_ms) // steps
    decay, init = [], []
    for taus in (raw["tau_syn_exc"], raw["tau_syn_inh"]):
        pairs = [exponential(tau, ts) if shape == "exp" else (0, 0) for tau in taus]
        decay.append([d for d, _ in pairs])
        init.append([i for _, i in pairs])

    def array(values: Any) -> Integers:
        return np.ascontiguousarray(np.array(values, dtype=np.int64))

    return Neurons(
        exponential=np.full(len(raw["v_rest"]), shape == "exp"),
        v_rest=array(raw["v_rest"]),
        v_reset=array(raw["v_reset"]),
        v_thresh=array(raw["v_thresh"]),
        i_offset=array(raw["i_offset"]),
        r_membrane=array([accum.signed32(accum.kdivk(t, c)) for t, c in zip(raw["tau_m"], raw["c_m"], strict=True)]),
        exp_tc=array([accum.expk(accum.signed32(-accum.kdivk(ts, t))) for t in raw["tau_m"]]),
        t_refract=array([-(-accum.signed32(accum.kdivk(t, ts)) // accum.ONE) for t in raw["t_refract"]]),
        decay=array(decay).reshape(2, -1),
        init=array(init).reshape(2, -1),
        scale=accum.signed32(accum.kdivk(accum.ONE, ts)),
        steps=steps,
    )


def exponential(tau: int, ts: int) -> tuple[int, int]:
    """``decay`` and ``init`` of a synaptic time constant as the chip derives them (raw s16.15 in)."""
    decay = accum.expulr(accum.signed32(-accum.kdivk(ts, tau)))
    return decay, ((accum.kdivk(tau, ts) * (_ULR_ONE - decay)) >> 15) & _ULR_ONE


# --------------------------------------------------------------------------- any network


class Network(NamedTuple):
    """Neurons, rows from outside and from the neurons themselves, and the ring-buffer left shifts.

    The neurons may be those of several cores: a shift is one for each neuron, though a core has a single pair.
    """

    neurons: Neurons
    inputs: Synapses
    recurrent: Synapses
    shift: Integers  # (2, n) excitatory, inhibitory


class State(NamedTuple):
    """Everything that a tick reads and writes."""

    v: Integers  # (n,) s16.15
    synapse: Integers  # (2, n) s16.15
    refractory: Integers  # (n,)
    ring: Integers  # (slots, 2, n) 16-bit
    tick: int


class Recording(NamedTuple):
    """``v_before`` and ``synapse`` as the chip records them (before step 3), ``v`` and spikes after step 5."""

    v_before: Integers  # (ticks, n)
    synapse: Integers  # (ticks, 2, n)
    v: Integers  # (ticks, n)
    spikes: NDArray[np.uint8]  # (ticks, n)
    saturations: int  # of ring buffers
    synaptic_events: int
    wraps: int  # ticks of neurons


def initial_state(
    network: Network,
    *,
    v: Integers | None = None,
    synapse: Integers | None = None,
    refractory: Integers | None = None,
) -> State:
    """V = V_rest and the rest zero, unless given (raw s16.15; refractory in substeps).

    Raises:
        NetworkError: a synapse has a delay outside 1..15 ticks.
    """
    n = network.neurons.size
    for where, rows in (("inputs", network.inputs), ("recurrent", network.recurrent)):
        if len(rows.delay) and not (rows.delay.min() >= 1 and rows.delay.max() < DELAY_SLOTS):
            raise NetworkError(Problem(f"spinnaker1 {where}", f"need delays of 1 to {DELAY_SLOTS - 1} ticks"))
    return State(
        np.array(network.neurons.v_rest if v is None else v, np.int64),
        np.zeros((2, n), np.int64) if synapse is None else np.array(synapse, np.int64),
        np.zeros(n, np.int64) if refractory is None else np.array(refractory, np.int64),
        np.zeros((DELAY_SLOTS, 2, n), np.int64),
        0,
    )


def run(
    network: Network,
    state: State,
    ticks: int,
    packets: NDArray[Any] | None = None,
    windows: Integers | None = None,
) -> tuple[State, Recording]:
    """Advance by ``ticks``; ``packets`` (k, 2) are (tick from now, input row), in the order of arrival.

    ``windows`` (n, 2), if given, gates each neuron: it is updated in ticks first .. last (counted from
    tick 0 of the state) and held at V_rest with empty synapses outside.

    Raises:
        InputError: a packet names an input row that does not exist, or a tick outside of these.
    """
    m, n = network.neurons, network.neurons.size
    arrivals = np.zeros((0, 2), np.int64) if packets is None else np.asarray(packets, np.int64).reshape(-1, 2)
    for column, what, count in ((0, "tick", ticks), (1, "input row", network.inputs.sources)):
        outside = arrivals[(arrivals[:, column] < 0) | (arrivals[:, column] >= count), column]
        if outside.size:
            message = f"name the {what} {outside[0]}, of {count}"
            raise InputError(Problem("spinnaker1 packets", message, f"give (tick, row) with 0 <= {what} < {count}"))
    arrivals = np.ascontiguousarray(arrivals[np.argsort(arrivals[:, 0], kind="stable")])
    first = np.searchsorted(arrivals[:, 0], np.arange(ticks + 1)).astype(np.int64)  # (ticks + 1,)
    if windows is None:
        windows = np.broadcast_to(np.array([0, ALWAYS]), (n, 2))
    new = State(state.v.copy(), state.synapse.copy(), state.refractory.copy(), state.ring.copy(), state.tick + ticks)
    v_before, v = np.zeros((ticks, n), np.int64), np.zeros((ticks, n), np.int64)
    synapse = np.zeros((ticks, 2, n), np.int64)
    spikes = np.zeros((ticks, n), np.uint8)
    counts = np.zeros(3, np.int64)  # saturations, synaptic events, wraps
    _run(
        state.tick, np.ascontiguousarray(arrivals[:, 1]), first,
        *network.inputs, *network.recurrent, network.shift,
        m.exponential, m.v_rest, m.v_reset, m.v_thresh, m.i_offset, m.r_membrane, m.exp_tc, m.t_refract,
        m.decay, m.init, m.scale, m.steps, np.ascontiguousarray(windows, np.int64),
        *new[:4], v_before, synapse, v, spikes, counts,
    )  # fmt: skip
    return new, Recording(v_before, synapse, v, spikes, *(int(count) for count in counts))


def packets_of(spikes: NDArray[np.uint8]) -> Integers:
    """(tick, row) of every spike of a (ticks, rows) raster, in the order of the ticks."""
    return np.argwhere(spikes).astype(np.int64)


@njit(cache=True, nogil=True, error_model="numpy")
def _receive(syn: Any, w: Any, shift: Any, init: Any, exponential: Any) -> Any:
    """Step 1: one ring-buffer entry into one synaptic state, and the bits that wraps changed."""
    if w == 0:
        return syn, w
    shifted = w << shift
    value = wrap32(shifted)
    total = syn + (decay_s1615(value, init) if exponential else value)
    return wrap32(total), (value ^ shifted) | (wrap32(total) ^ total)


@njit(cache=True, nogil=True, error_model="numpy")
def _changed(x: Any) -> Any:
    """Bits that the wrap of a sum changes."""
    return wrap32(x) ^ x


@njit(cache=True, nogil=True, error_model="numpy")
def _changed_product(a: Any, b: Any) -> Any:
    """Bits that the wrap of a product changes."""
    return _changed((a * b) >> 15)


@njit(cache=True, nogil=True, error_model="numpy")
def _update(
    v: Any, exc: Any, inh: Any, refractory: Any, exponential: Any, v_rest: Any, v_reset: Any, v_thresh: Any,
    i_offset: Any, r: Any, exp_tc: Any, t_refract: Any, decay_exc: Any, decay_inh: Any, scale: Any, steps: Any,
) -> Any:  # fmt: skip
    """Steps 3 to 5, ``steps`` times: (v, exc, inh, refractory, spike, bits that wraps changed)."""
    spike, lost = False, v ^ v
    for _ in range(steps):
        if refractory <= 0:
            current = exc - inh if exponential else multiply(exc, scale) - multiply(inh, scale)
            if not exponential:
                lost |= _changed_product(exc, scale) | _changed_product(inh, scale)
            total = wrap32(current + i_offset)
            driven = multiply(total, r) + v_rest
            alpha = wrap32(driven)
            below = wrap32(alpha - v)
            following = alpha - multiply(exp_tc, below)
            lost |= _changed(current + i_offset) | _changed_product(total, r) | _changed(driven)
            lost |= _changed(alpha - v) | _changed_product(exp_tc, below) | _changed(following)
            v = wrap32(following)
        else:
            refractory -= 1
        if v >= v_thresh:
            spike = True
            v = v_reset
            refractory = t_refract
        if exponential:
            exc = decay_s1615(exc, decay_exc)
            inh = decay_s1615(inh, decay_inh)
        else:
            exc = exc * 0
            inh = inh * 0
    return v, exc, inh, refractory, spike, lost


@njit(cache=True, nogil=True, error_model="numpy")
def _deliver(
    now: Any, row: Any, indptr: Any, target: Any, weight: Any, delay: Any, kind: Any, ring: Any, counts: Any
) -> None:
    """Step 6 for one packet."""
    slots = ring.shape[0]
    for j in range(indptr[row], indptr[row + 1]):
        slot = (now + delay[j]) % slots
        total = ring[slot, kind[j], target[j]] + weight[j]
        if total > 65535:
            total = 65535
            counts[0] += 1
        ring[slot, kind[j], target[j]] = total
        counts[1] += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _run(
    tick: Any, rows: Any, first: Any,
    in_indptr: Any, in_target: Any, in_weight: Any, in_delay: Any, in_kind: Any,
    re_indptr: Any, re_target: Any, re_weight: Any, re_delay: Any, re_kind: Any, shift: Any,
    exponential: Any, v_rest: Any, v_reset: Any, v_thresh: Any, i_offset: Any, r: Any, exp_tc: Any, t_refract: Any,
    decay: Any, init: Any, scale: Any, steps: Any, windows: Any,
    v: Any, synapse: Any, refractory: Any, ring: Any,
    out_before: Any, out_synapse: Any, out_v: Any, out_s: Any, counts: Any,
) -> None:  # fmt: skip
    n = v.shape[0]
    for k in range(len(first) - 1):
        now = tick + k
        slot = now % ring.shape[0]
        for i in range(n):
            if now < windows[i, 0] or now > windows[i, 1]:
                v[i], synapse[0, i], synapse[1, i], refractory[i] = v_rest[i], 0, 0, 0
                out_before[k, i] = v[i]
                continue
            wrapped = False
            for kind in range(2):
                synapse[kind, i], lost = _receive(
                    synapse[kind, i], ring[slot, kind, i], shift[kind, i], init[kind, i], exponential[i]
                )
                wrapped |= lost != 0
                out_synapse[k, kind, i] = synapse[kind, i]
            out_before[k, i] = v[i]
            v[i], synapse[0, i], synapse[1, i], refractory[i], spike, lost = _update(
                v[i], synapse[0, i], synapse[1, i], refractory[i], exponential[i], v_rest[i], v_reset[i], v_thresh[i],
                i_offset[i], r[i], exp_tc[i], t_refract[i], decay[0, i], decay[1, i], scale, steps,
            )  # fmt: skip
            out_s[k, i] = spike
            counts[2] += wrapped or lost != 0
        out_v[k] = v
        ring[slot] = 0
        for j in range(first[k], first[k + 1]):
            _deliver(now, rows[j], in_indptr, in_target, in_weight, in_delay, in_kind, ring, counts)
        for i in range(n):
            if out_s[k, i]:
                _deliver(now, i, re_indptr, re_target, re_weight, re_delay, re_kind, ring, counts)


# --------------------------------------------------------------------------- weights


def encode_weights(weights: NDArray[Any], shift: tuple[int, int]) -> NDArray[np.int32]:
    """16-bit words of real weights (nA): rint(|w| 2^(15 - shift)), at most 65535, with the sign of their kind."""
    scale = np.where(weights < 0, 2.0 ** (15 - shift[1]), 2.0 ** (15 - shift[0]))
    words = np.minimum(np.rint(np.abs(weights) * scale), WEIGHT_MAX)
    return np.asarray(np.copysign(words, weights), np.int32)


def ring_shift(largest: float) -> int:
    """Left shift whose ring buffer holds ``largest`` (nA) without saturating: largest < 2^shift ... 2^(shift + 1)."""
    bound = max(1.0, largest)
    power = int(np.ceil(np.log2(bound)))
    return power + (1 if 2.0**power <= bound else 0)
