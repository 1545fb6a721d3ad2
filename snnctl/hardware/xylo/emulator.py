"""Xylo (SYNS61201), bit for bit: hidden and output neurons, two synapses, aliases, several spikes a tick.

State is 16-bit and saturates, ``sat(x) = min(max(x, -32768), 32767)``; nothing is multiplied. One tick, in this order:

    1  each input channel sends at most 15 spikes; each of them: i[s] = sat(i[s] + w), s = 0, 1 the synapse
    2  each spike of a hidden neuron of the tick before: the same, to hidden and to output neurons
    3  i[s] -= fall(i[s], dash_syn[s]);  dv = sat(i[0] + i[1] - fall(v, dash_mem));  dv = sat(dv + bias)
       v = sat(v + dv)                               fall(x, d) = x >> d, or 1 where that is 0 and x > 0
    4  while v >= threshold and count < most: v -= threshold, count += 1          most: 31 hidden, 1 output
    5  hidden neuron k adds its count to that of ``alias[k]``, at most 31 in all

Hidden neurons go through 4 and 5 one after the other. Where ``alias[k] > k`` the target begins step 4 at the count that
it was given, and so fires on its own only what is missing to 31; where ``alias[k] < k`` the count is only added. An
output neuron has one synapse. Weights are ``int8 << shift``; a weight of 0 is not a synapse.

An *overflow* is a saturation of i, of dv, or of v at the top; one of v at the bottom is not counted, where a neuron is
silent anyway. Not emulated: hibernation, the audio front end.
Source: xylosim 0.1.3 (facts only); docs/chips.md says what was compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.errors import InputError, NetworkError, Problem
from snnctl.hardware.synapses import Integers, Synapses, require_sources

TOP, BOTTOM = 32767, -32768
MOST_INPUT, MOST_HIDDEN, MOST_OUTPUT = 15, 31, 1  # spikes of one neuron in one tick
DASHES = 16  # 4 bits
WEIGHT_LOW, WEIGHT_HIGH = -128, 127
ALWAYS = np.iinfo(np.int64).max
NOBODY = -1  # no alias


@dataclass(frozen=True)
class Neurons:
    """Registers of neurons, each an int64 array (n,), ``dash_syn`` (2, n)."""

    dash_mem: Integers
    dash_syn: Integers
    threshold: Integers
    bias: Integers

    @property
    def size(self) -> int:
        """Number of neurons."""
        return len(self.threshold)


class Network(NamedTuple):
    """Weights of :class:`Synapses` are shifted already; their ``kind`` is the synapse, their ``delay`` is not read."""

    hidden: Neurons
    output: Neurons
    inputs: Synapses  # from channels to hidden neurons
    recurrent: Synapses  # from hidden to hidden
    readout: Synapses  # from hidden to output neurons
    alias: Integers  # (hidden,) a hidden neuron, or NOBODY


class State(NamedTuple):
    """Everything that a tick reads and writes."""

    i: Integers  # (2, hidden + outputs)
    v: Integers  # (hidden + outputs,)
    fired: Integers  # (hidden,) counts of the tick before
    tick: int


class Recording(NamedTuple):
    """Hidden neurons, then outputs, after every tick."""

    i: Integers  # (ticks, 2, n)
    v: Integers  # (ticks, n)
    spikes: NDArray[np.uint8]  # (ticks, n) counts
    overflows: int


def problems(network: Network) -> list[Problem]:
    """Every register that the chip does not have; empty when there is none."""
    found = []
    count = network.hidden.size
    for name, neurons in (("hidden", network.hidden), ("output", network.output)):
        for what, values, low, high in (
            ("dash_mem", neurons.dash_mem, 0, DASHES - 1),
            ("dash_syn", neurons.dash_syn, 0, DASHES - 1),
            ("threshold", neurons.threshold, BOTTOM, TOP),
            ("bias", neurons.bias, BOTTOM, TOP),
        ):
            shape = (2, neurons.size) if what == "dash_syn" else (neurons.size,)
            if np.shape(values) != shape:
                found.append(Problem(f"xylo {name}.{what}", f"has the shape {np.shape(values)}", f"give {shape}"))
            elif np.size(values) and (np.min(values) < low or np.max(values) > high):
                message = f"reaches from {np.min(values)} to {np.max(values)}"
                found.append(Problem(f"xylo {name}.{what}", message, f"must be {low} ... {high}"))
    own = np.arange(count)
    alias = np.asarray(network.alias)
    if alias.shape != (count,):
        found.append(Problem("xylo alias", f"has the shape {alias.shape}", f"give ({count},)"))
    elif ((alias < NOBODY) | (alias >= count) | (alias == own)).any():
        found.append(Problem("xylo alias", "is not another hidden neuron", f"give {NOBODY} or 0 ... {count - 1}"))
    return found


def initial_state(network: Network) -> State:
    """All zero.

    Raises:
        NetworkError: one problem for every register that the chip does not have.
    """
    if found := problems(network):
        raise NetworkError(*found)
    n = network.hidden.size + network.output.size
    return State(np.zeros((2, n), np.int64), np.zeros(n, np.int64), np.zeros(network.hidden.size, np.int64), 0)


def run(
    network: Network, state: State, inputs: NDArray[Any], windows: Integers | None = None
) -> tuple[State, Recording]:
    """Advance by as many ticks as ``inputs`` (ticks, channels) has rows of counts; more than 15 are 15.

    ``windows`` (hidden + outputs, 2), if given, gates each neuron: it is updated in ticks first .. last (counted from
    tick 0 of the state) and held at zero outside.

    Raises:
        InputError: there is not a column for each channel, or a count is negative.
    """
    require_sources("xylo", inputs, network.inputs.sources)
    if inputs.size and inputs.min() < 0:
        raise InputError(Problem("xylo inputs", f"have a count of {inputs.min()}", "give counts of 0 or more"))
    ticks, n = len(inputs), network.hidden.size + network.output.size
    counts = np.minimum(inputs, MOST_INPUT).astype(np.int64)
    if windows is None:
        windows = np.broadcast_to(np.array([0, ALWAYS]), (n, 2))
    new = State(state.i.copy(), state.v.copy(), state.fired.copy(), state.tick + ticks)
    made = Recording(
        np.zeros((ticks, 2, n), np.int64), np.zeros((ticks, n), np.int64), np.zeros((ticks, n), np.uint8), 0
    )
    parts = (network.hidden, network.output)
    registers = [
        np.ascontiguousarray(np.concatenate([getattr(part, name) for part in parts], axis=-1), np.int64)
        for name in ("dash_mem", "dash_syn", "threshold", "bias")
    ]
    rows = [column for part in (network.inputs, network.recurrent, network.readout) for column in _rows(part)]
    gates = [np.asarray(network.alias, np.int64), np.ascontiguousarray(windows, np.int64)]
    arrays = [counts, *rows, *registers, *gates, *new[:3], *made[:3]]
    overflows = _run(state.tick, *arrays)
    return new, made._replace(overflows=int(overflows))


def _rows(synapses: Synapses) -> tuple[Integers, ...]:
    return synapses.indptr, synapses.target, synapses.weight, synapses.kind


@njit(cache=True, nogil=True, error_model="numpy")
def _sat(x: Any) -> Any:
    return min(max(x, BOTTOM), TOP)


@njit(cache=True, nogil=True, error_model="numpy")
def _fall(x: Any, dash: Any) -> Any:
    """What x loses in a tick."""
    lost = x >> dash
    return 1 if lost == 0 and x > 0 else lost


@njit(cache=True, nogil=True, error_model="numpy")
def _add(i: Any, weight: Any, count: Any) -> Any:
    """``count`` times the same weight, each saturating, and whether one did."""
    exact = i + weight * count
    held = _sat(exact)
    return held, held != exact


@njit(cache=True, nogil=True, error_model="numpy")
def _integrate(i0: Any, i1: Any, v: Any, dash0: Any, dash1: Any, dash_mem: Any, bias: Any) -> Any:
    """Step 3: (i0, i1, v, whether something overflowed)."""
    i0 -= _fall(i0, dash0)
    i1 -= _fall(i1, dash1)
    wanted = i0 + i1 - _fall(v, dash_mem)
    dv = _sat(wanted)
    over = dv != wanted
    wanted = dv + bias
    dv = _sat(wanted)
    over = over or dv != wanted
    wanted = v + dv
    return i0, i1, _sat(wanted), over or wanted > TOP


@njit(cache=True, nogil=True, error_model="numpy")
def _fire(v: Any, threshold: Any, count: Any, most: Any) -> Any:
    """Step 4: (v, count)."""
    while v >= threshold and count < most:
        v -= threshold
        count += 1
    return v, count


@njit(cache=True, nogil=True, error_model="numpy")
def _deliver(fired: Any, indptr: Any, target: Any, weight: Any, kind: Any, first: Any, i: Any) -> Any:
    overflows = 0
    for s in range(fired.shape[0]):
        if fired[s]:
            for j in range(indptr[s], indptr[s + 1]):
                n = first + target[j]
                i[kind[j], n], over = _add(i[kind[j], n], weight[j], fired[s])
                overflows += over
    return overflows


@njit(cache=True, nogil=True, error_model="numpy")
def _run(
    tick: Any, counts: Any,
    in_indptr: Any, in_target: Any, in_weight: Any, in_kind: Any,
    re_indptr: Any, re_target: Any, re_weight: Any, re_kind: Any,
    ro_indptr: Any, ro_target: Any, ro_weight: Any, ro_kind: Any,
    dash_mem: Any, dash_syn: Any, threshold: Any, bias: Any, alias: Any, windows: Any,
    i: Any, v: Any, fired: Any,
    out_i: Any, out_v: Any, out_s: Any,
) -> Any:  # fmt: skip
    hidden, n = fired.shape[0], v.shape[0]
    overflows = 0
    for row in range(counts.shape[0]):
        now = tick + row
        overflows += _deliver(counts[row], in_indptr, in_target, in_weight, in_kind, 0, i)
        overflows += _deliver(fired, re_indptr, re_target, re_weight, re_kind, 0, i)
        overflows += _deliver(fired, ro_indptr, ro_target, ro_weight, ro_kind, hidden, i)
        fired[:] = 0
        for k in range(n):
            if now < windows[k, 0] or now > windows[k, 1]:
                i[0, k] = i[1, k] = v[k] = 0
                continue
            i[0, k], i[1, k], v[k], over = _integrate(
                i[0, k], i[1, k], v[k], dash_syn[0, k], dash_syn[1, k], dash_mem[k], bias[k]
            )
            overflows += over
            if k >= hidden:
                v[k], count = _fire(v[k], threshold[k], 0, MOST_OUTPUT)
                out_s[row, k] = count
                continue
            v[k], fired[k] = _fire(v[k], threshold[k], fired[k], MOST_HIDDEN)
            if alias[k] >= 0:
                fired[alias[k]] = min(fired[alias[k]] + fired[k], MOST_HIDDEN)
        for k in range(hidden):
            out_s[row, k] = fired[k]
        out_i[row] = i
        out_v[row] = v
    return overflows


# --------------------------------------------------------------------------- one layer of a reset decision


def run_layer(
    neurons: Neurons, weights: NDArray[np.int32], inputs: NDArray[np.uint8], most: int
) -> tuple[NDArray[np.uint8], int]:
    """All ticks of one layer from zero state; row k of ``inputs`` (ticks, sources) arrives in tick k.

    ``weights`` (sources, n) are shifted and go to the first synapse; ``most`` spikes leave a neuron in a tick. Returns
    the counts (ticks, n) and the overflows.

    Raises:
        InputError: there is not a column for each source.
    """
    require_sources("xylo", inputs, len(weights))
    out = np.zeros((len(inputs), neurons.size), np.uint8)
    overflows = _run_layer(
        inputs, weights, neurons.dash_mem, neurons.dash_syn, neurons.threshold, neurons.bias, most, out
    )
    return out, int(overflows)


@njit(cache=True, nogil=True, error_model="numpy")
def _run_layer(
    inputs: Any, weights: Any, dash_mem: Any, dash_syn: Any, threshold: Any, bias: Any, most: Any, out: Any
) -> Any:
    n = weights.shape[1]
    i, v = np.zeros(n, np.int64), np.zeros(n, np.int64)
    overflows = 0
    for row in range(inputs.shape[0]):
        for s in range(inputs.shape[1]):
            count = np.int64(inputs[row, s])
            if count:
                for k in range(n):
                    i[k], over = _add(i[k], weights[s, k], count)
                    overflows += over
        for k in range(n):
            i[k], _, v[k], over = _integrate(i[k], 0, v[k], dash_syn[0, k], dash_syn[1, k], dash_mem[k], bias[k])
            overflows += over
            v[k], fired = _fire(v[k], threshold[k], 0, most)
            out[row, k] = fired
    return overflows
