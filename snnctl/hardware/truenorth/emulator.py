"""TrueNorth, integer for integer: cores of axons, a binary crossbar and neurons, and packets between them.

One tick of a neuron; s[g] is its signed weight for axons of type g = 0 ... 3, w its column of the crossbar:

    V += sum over axons a that are active: w[a] s[type a], or, where s is stochastic, w[a] sgn(s) if |s| >= rho_syn
    omega = 1, or sgn(V) with ``reversal``;  V += omega leak, or omega sgn(leak) if |leak| >= rho_leak (stochastic)
    eta = rho_threshold & mask
    V >= alpha + eta:           spike;  V = R (gamma 0), V - (alpha + eta) (gamma 1) or V (gamma 2)
    else V < -beta - eta        (kappa 1, saturating: V < -beta):
                                V = -R (gamma 0), V + (beta + eta) (gamma 1) or V (gamma 2); kappa 1: V = -beta

sgn(0) = 0. V is a signed 20-bit number and saturates; an *overflow* is a saturation. A spike makes one axon of one core
active ``delay`` ticks later (1 ... 15), or leaves the chip; two spikes for an axon in one tick are one. Packets from
outside name an axon and a tick from 0 to 15 later. The generators of the chip are not public: draws are given.

Dialects of the recordings: ``symmetric`` resets below at V <= -beta too (RANC, reset type 1); ``ringing`` sets V = 0
where a reversed leak changes its sign (NeMo).
Source: Cassidy et al., IJCNN 2013, as UA-RCL/RANC (08ae4bd) and markplagge/NeMo (5edb82c) have it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.errors import InputError, NetworkError, Problem
from snnctl.hardware.synapses import Integers, Synapses, require_sources

TOP, BOTTOM = (1 << 19) - 1, -(1 << 19)  # of V
SLOTS = 16  # delays 1 ... 15; 0 from outside
LARGEST_WEIGHT = 255
NOWHERE = -1  # a spike that leaves the chip
ALWAYS = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Neurons:
    """Registers of neurons, each an int64 array (n,)."""

    leak: Integers
    alpha: Integers
    beta: Integers
    reset: Integers  # R
    gamma: Integers  # 0 value, 1 linear, 2 none
    kappa: Integers  # 1: saturate at -beta
    reversal: Integers  # 1: the leak has the sign of V
    stochastic_leak: Integers  # 0 or 1
    mask: Integers  # of the draws for the threshold
    v_initial: Integers

    @property
    def size(self) -> int:
        """Number of neurons."""
        return len(self.leak)


def neurons(n: int, **registers: Any) -> Neurons:
    """Neurons with these registers, each a number or one for each neuron; the others are 0, beta is the largest."""
    default = {field.name: 0 for field in dataclasses.fields(Neurons)} | {"beta": TOP}
    filled = {k: np.broadcast_to(np.asarray(v, np.int64), (n,)).copy() for k, v in (default | registers).items()}
    return Neurons(**filled)


class Network(NamedTuple):
    """Axons and neurons of all cores, numbered through.

    The ``kind`` of a synapse is 1 where it is stochastic; its ``weight`` is s of its axon's type.
    """

    neurons: Neurons
    crossbar: Synapses  # rows of axons: the neurons that they reach
    entries: Synapses  # rows of sources outside: the axons that their packets name, with delays 0 ... 15
    axon: Integers  # (n,) that a spike makes active, or NOWHERE
    delay: Integers  # (n,)
    symmetric: bool = False
    ringing: bool = False


class Draws(NamedTuple):
    """What the chip's generators would have given, for every tick."""

    synapse: NDArray[Any]  # (ticks, synapses of the crossbar)
    leak: NDArray[Any]  # (ticks, n)
    threshold: NDArray[Any]  # (ticks, n)


class State(NamedTuple):
    """Everything that a tick reads and writes."""

    v: Integers  # (n,)
    active: NDArray[np.uint8]  # (SLOTS, axons) scheduled
    tick: int


class Recording(NamedTuple):
    """After every tick."""

    v: Integers  # (ticks, n)
    spikes: NDArray[np.uint8]  # (ticks, n)
    events: int  # synapses that active axons reached
    overflows: int


def problems(network: Network) -> list[Problem]:
    """Every register that the chip does not have; empty when there is none."""
    found = []
    m = network.neurons
    for what, values, low, high in (
        ("weight", network.crossbar.weight, -LARGEST_WEIGHT - 1, LARGEST_WEIGHT),
        ("leak", m.leak, -LARGEST_WEIGHT - 1, LARGEST_WEIGHT),
        ("alpha", m.alpha, 0, TOP),
        ("beta", m.beta, 0, TOP),
        ("gamma", m.gamma, 0, 2),
        ("kappa", m.kappa, 0, 1),
        ("delay of a spike", network.delay[network.axon != NOWHERE], 1, SLOTS - 1),
        ("delay of a packet", network.entries.delay, 0, SLOTS - 1),
        ("axon", network.axon, NOWHERE, network.crossbar.sources - 1),
        ("axon of a packet", network.entries.target, 0, network.crossbar.sources - 1),
        ("neuron of an axon", network.crossbar.target, 0, m.size - 1),
    ):
        if np.size(values) and (np.min(values) < low or np.max(values) > high):
            message = f"reaches from {np.min(values)} to {np.max(values)}"
            found.append(Problem(f"truenorth {what}", message, f"must be {low} ... {high}"))
    return found


def initial_state(network: Network) -> State:
    """``v_initial``, and nothing scheduled.

    Raises:
        NetworkError: one problem for every register that the chip does not have.
    """
    if found := problems(network):
        raise NetworkError(*found)
    return State(network.neurons.v_initial.copy(), np.zeros((SLOTS, network.crossbar.sources), np.uint8), 0)


def run(
    network: Network,
    state: State,
    inputs: NDArray[Any],
    draws: Draws | None = None,
    windows: Integers | None = None,
) -> tuple[State, Recording]:
    """Advance by as many ticks as ``inputs`` (ticks, sources outside) of 0 and 1 has rows.

    ``windows`` (n, 2), if given, gates each neuron: it is updated in ticks first .. last (counted from tick 0 of the
    state) and held at ``v_initial`` outside.

    Raises:
        InputError: there is not a column for each source; the network is stochastic and draws are missing or misshapen.
    """
    require_sources("truenorth", inputs, network.entries.sources)
    m, ticks = network.neurons, len(inputs)
    given = _draws(network, ticks, draws)
    if windows is None:
        windows = np.broadcast_to(np.array([0, ALWAYS]), (m.size, 2))
    new = State(state.v.copy(), state.active.copy(), state.tick + ticks)
    made = Recording(np.zeros((ticks, m.size), np.int64), np.zeros((ticks, m.size), np.uint8), 0, 0)
    c, e = network.crossbar, network.entries
    arrays = [
        np.ascontiguousarray(inputs, np.uint8), e.indptr, e.target, e.delay, c.indptr, c.target, c.weight, c.kind,
        network.axon, network.delay, *(getattr(m, field.name) for field in dataclasses.fields(m)),
        np.ascontiguousarray(windows, np.int64), *given, network.symmetric, network.ringing,
        new.v, new.active, made.v, made.spikes,
    ]  # fmt: skip
    events, overflows = _run(state.tick, *arrays)
    return new, made._replace(events=int(events), overflows=int(overflows))


def _draws(network: Network, ticks: int, draws: Draws | None) -> list[NDArray[Any]]:
    """What is given, or nothing where nothing is needed."""
    m, synapses = network.neurons, network.crossbar.target.size
    needed = (
        ("synapse", bool(network.crossbar.kind.any()), synapses),
        ("leak", bool(m.stochastic_leak.any()), m.size),
        ("threshold", bool(m.mask.any()), m.size),
    )
    found, arrays = [], []
    for name, is_needed, width in needed:
        values = None if draws is None or not is_needed else np.asarray(getattr(draws, name))
        if is_needed and (values is None or values.shape != (ticks, width)):
            message = "are missing" if values is None else f"have the shape {values.shape}"
            remedy = f"give ({ticks}, {width}): its generator is not public"
            found.append(Problem(f"truenorth draws.{name}", message, remedy))
        arrays.append(np.zeros((0, 0), np.int64) if values is None else np.ascontiguousarray(values, np.int64))
    if found:
        raise InputError(*found)
    return arrays


@njit(cache=True, nogil=True, error_model="numpy")
def _sign(x: Any) -> Any:
    return 1 if x > 0 else -1 if x < 0 else 0


@njit(cache=True, nogil=True, error_model="numpy")
def _leaked(v: Any, leak: Any, reversal: Any, ringing: Any) -> Any:
    """V after its leak."""
    if not reversal:
        return v + leak
    new = v + _sign(v) * leak
    return 0 if ringing and _sign(new) == -_sign(v) else new


@njit(cache=True, nogil=True, error_model="numpy")
def _fire(v: Any, alpha: Any, beta: Any, reset: Any, gamma: Any, kappa: Any, eta: Any, symmetric: Any) -> Any:
    """Threshold and reset: (V, whether it spikes)."""
    if v >= alpha + eta:
        if gamma == 0:
            return reset, True
        return (v - (alpha + eta) if gamma == 1 else v), True
    lowest = -beta if kappa else -(beta + eta)
    if v < lowest or (symmetric and v == lowest):
        if kappa:
            return -beta, False
        if gamma == 0:
            return -reset, False
        return (v + beta + eta if gamma == 1 else v), False
    return v, False


@njit(cache=True, nogil=True, error_model="numpy")
def _run(
    tick: Any, inputs: Any, en_indptr: Any, en_target: Any, en_delay: Any,
    indptr: Any, target: Any, weight: Any, kind: Any, axon: Any, delay: Any,
    leak: Any, alpha: Any, beta: Any, reset: Any, gamma: Any, kappa: Any, reversal: Any, stochastic: Any, mask: Any,
    v_initial: Any, windows: Any, rho_synapse: Any, rho_leak: Any, rho_threshold: Any, symmetric: Any, ringing: Any,
    v: Any, active: Any, out_v: Any, out_s: Any,
) -> Any:  # fmt: skip
    events = overflows = 0
    for row in range(inputs.shape[0]):
        now = tick + row
        for s in range(inputs.shape[1]):
            if inputs[row, s]:
                for j in range(en_indptr[s], en_indptr[s + 1]):
                    active[(now + en_delay[j]) % SLOTS, en_target[j]] = 1
        due = active[now % SLOTS]
        for a in range(due.shape[0]):
            if due[a]:
                due[a] = 0
                events += indptr[a + 1] - indptr[a]
                for j in range(indptr[a], indptr[a + 1]):
                    s = weight[j]
                    if kind[j]:
                        s = _sign(s) if abs(s) >= rho_synapse[row, j] else 0
                    v[target[j]] += s
        for n in range(v.shape[0]):
            if now < windows[n, 0] or now > windows[n, 1]:
                v[n] = v_initial[n]
                continue
            own = leak[n]
            if stochastic[n]:
                own = _sign(own) if abs(own) >= rho_leak[row, n] else 0
            exact = _leaked(v[n], own, reversal[n], ringing)
            held = min(max(exact, BOTTOM), TOP)
            overflows += held != exact
            eta = rho_threshold[row, n] & mask[n] if mask[n] else 0
            v[n], spike = _fire(held, alpha[n], beta[n], reset[n], gamma[n], kappa[n], eta, symmetric)
            if spike:
                out_s[row, n] = 1
                if axon[n] >= 0:
                    active[(now + delay[n]) % SLOTS, axon[n]] = 1
        out_v[row] = v
    return events, overflows


# --------------------------------------------------------------------------- one layer of a reset decision


def run_layer(
    registers: Neurons, weights: NDArray[np.int32], inputs: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], int]:
    """All ticks of one layer of deterministic neurons from ``v_initial``; row k of ``inputs`` arrives in tick k.

    ``weights`` (sources, n) are the sums over the axons of a source. Returns the spikes (ticks, n) and the overflows.

    Raises:
        InputError: there is not a column for each source.
    """
    require_sources("truenorth", inputs, len(weights))
    m = registers
    out = np.zeros((len(inputs), m.size), np.uint8)
    overflows = _run_layer(inputs, weights, m.leak, m.alpha, m.beta, m.reset, m.gamma, m.kappa, m.v_initial, out)
    return out, int(overflows)


@njit(cache=True, nogil=True, error_model="numpy")
def _run_layer(
    inputs: Any, weights: Any, leak: Any, alpha: Any, beta: Any, reset: Any, gamma: Any, kappa: Any, v_initial: Any,
    out: Any,
) -> Any:  # fmt: skip
    n = weights.shape[1]
    v = v_initial.copy()
    overflows = 0
    for row in range(inputs.shape[0]):
        for s in range(inputs.shape[1]):
            if inputs[row, s]:
                for k in range(n):
                    v[k] += weights[s, k]
        for k in range(n):
            exact = v[k] + leak[k]
            held = min(max(exact, BOTTOM), TOP)
            overflows += held != exact
            v[k], out[row, k] = _fire(held, alpha[k], beta[k], reset[k], gamma[k], kappa[k], 0, False)
    return overflows
