"""A reset decision on SpiNNaker 1, stage by stage in 32 bits: the equations of
:mod:`~snnctl.hardware.spinnaker1.emulator`.

It is taken where no ring buffer can saturate, nothing can wrap, a tick has one step, and neurons of a stage differ only
in threshold and offset. Then an entry of the ring buffers is a plain sum of 16 bits, and a fraction ``d`` of 0.32 bits
is held as a mask and a signed number:

    (x d) >> 32 = (x & mask) + ((x low) >> 32)        below 2^31 mask = 0, low = d; from there mask = -1, low = d - 2^32

A mask of -1 with ``low = 0`` is the whole of ``x``, and 0 with 0 is nothing: so a ``delta`` synapse receives, and so it
forgets at the end of the tick.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

from snnctl.hardware.layers import Layer, Staged, arrived, enter, place, room
from snnctl.hardware.spinnaker1.accum import ONE
from snnctl.hardware.spinnaker1.emulator import WEIGHT_MAX, Neurons
from snnctl.hardware.stages import Integers
from snnctl.network.program import Program

_LIMIT = 1 << 31


def staged(program: Program, stack: Sequence[Layer], stages: Sequence[tuple[Neurons, Integers]]) -> Staged | None:
    """The decisions of a program; None where a ring buffer might saturate or a number wrap.

    Args:
        program: the network
        stack: its layers; weights are 16-bit words with the sign of their kind
        stages: neurons and shifts (2, n) of each stage, in the order of the program
    """
    rows = []
    for layer in stack:
        words = np.concatenate([np.maximum(layer.weights, 0), np.maximum(-layer.weights, 0)], axis=1)
        largest = words.sum(axis=0, dtype=np.int64).reshape(2, -1).max(axis=1, initial=0)  # (2,)
        m, shift = stages[layer.number]
        if not (_uniform(m, shift) and _bounded(m, shift, largest.tolist(), program.ticks)):
            return None
        rows.append(words.astype(np.uint16))
    constants = np.concatenate([_constants(*stage) for stage in stages], axis=1).astype(np.int32)
    return Staged(program, stack, rows, constants, _decide)


def _uniform(m: Neurons, shift: Integers) -> bool:
    """Whether all neurons have the same numbers but for threshold and offset."""
    same = (m.exponential, m.v_rest, m.v_reset, m.r_membrane, m.exp_tc, m.t_refract, *m.decay, *m.init, *shift)
    return all((x == x[0]).all() for x in same)


def _bounded(m: Neurons, shift: Integers, largest: Sequence[int], ticks: int) -> bool:
    """Whether nothing saturates or wraps where entries of the ring buffers reach ``largest``, (2,)."""
    peaks, fits = [], max(largest) <= WEIGHT_MAX and _one_step(m)
    for kind in range(2):
        value, decay, synapse = largest[kind] << int(shift[kind, 0]), int(m.decay[kind, 0]), 0
        fits = fits and value < _LIMIT
        received = (value * int(m.init[kind, 0])) >> 32 if m.exponential[0] else value
        for _ in range(ticks):
            synapse = ((synapse * decay) >> 32) + received
        peaks.append(synapse)
    current = max(peaks) + int(np.abs(m.i_offset).max())
    rest, reset, r = (abs(int(values[0])) for values in (m.v_rest, m.v_reset, m.r_membrane))
    alpha = ((current * r) >> 15) + 1 + rest
    v = max(alpha, rest, reset) + ticks  # between V and alpha, but for the rounding of each tick
    leaks = 0 <= int(m.exp_tc[0]) <= ONE
    return fits and current < _LIMIT and alpha + v < _LIMIT and leaks


def _one_step(m: Neurons) -> bool:
    """Whether a tick is one step of one chip millisecond, so that ``delta`` synapses need no scale."""
    return m.steps == 1 and (m.scale == ONE or bool(m.exponential.all()))


def _constants(m: Neurons, shift: Integers) -> Integers:
    """Rows for :func:`_advance`.  # (17, n)"""
    whole = np.where(m.exponential, 0, 1 << 32)  # (n,) of a delta synapse
    fractions = []
    for kind in range(2):
        for d in (np.where(m.exponential, m.init[kind], whole), np.where(m.exponential, m.decay[kind], 0)):
            high = d >> 31 != 0
            fractions += [np.where(high, -1, 0), d - np.where(high, 1 << 32, 0)]
    flat = (*shift, m.v_rest, m.v_reset, m.r_membrane, m.exp_tc, m.t_refract, m.v_thresh, m.i_offset)
    return np.array([*fractions, *flat], np.int64)


@njit(cache=True, nogil=True, error_model="numpy")
def _decide(given: Any, spikes: Any, layers: Any, links: Any, words: Any, constants: Any) -> bool:
    """One decision; the arguments are those of :class:`snnctl.hardware.layers.Staged`."""
    if not enter(given, spikes):
        return False
    n_events, n_sums = room(layers, spikes)
    events, drive = np.empty(n_events, np.int32), np.empty(n_sums, np.uint16)
    state = np.empty((4, spikes.shape[1]), np.int32)  # v, both synapses, refractory
    for layer in range(layers.shape[0]):
        width = arrived(layers, layer, links, words, spikes, events, drive)
        column, n = place(layers, layer)
        _advance(spikes, column, n, constants, column - given.shape[1], drive, width, state)
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def _fraction(x: Any, mask: Any, low: Any) -> Any:
    """An accum times an unsigned 0.32 fraction, floor."""
    return np.int32(np.int32(x & mask) + np.int32((np.int64(x) * np.int64(low)) >> 32))


@njit(cache=True, nogil=True, error_model="numpy")
def _multiply(a: Any, b: Any) -> Any:
    """Product of two accums, floor."""
    return np.int32((np.int64(a) * np.int64(b)) >> 15)


@njit(cache=True, nogil=True, error_model="numpy")
def _four(constants: Any, row: Any, column: Any) -> Any:
    return constants[row, column], constants[row + 1, column], constants[row + 2, column], constants[row + 3, column]


@njit(cache=True, nogil=True, error_model="numpy")
def _advance(spikes: Any, column: Any, n: Any, constants: Any, first: Any, drive: Any, width: Any, state: Any) -> None:
    """All ticks of ``n`` neurons from rest, whose spikes begin at ``column`` and whose constants at ``first``."""
    exc_in_mask, exc_in, exc_mask, exc_decay = _four(constants, 0, first)
    inh_in_mask, inh_in, inh_mask, inh_decay = _four(constants, 4, first)
    exc_shift, inh_shift, v_rest, v_reset = _four(constants, 8, first)
    r, exp_tc, t_refract = constants[12, first], constants[13, first], constants[14, first]
    v_thresh, i_offset = constants[15, first : first + n], constants[16, first : first + n]
    v, exc, inh, refractory = state[0, :n], state[1, :n], state[2, :n], state[3, :n]
    zero = np.int32(0)
    v[:] = v_rest
    exc[:] = zero
    inh[:] = zero
    refractory[:] = zero
    for k in range(spikes.shape[0]):
        arriving = drive[k * width : (k + 1) * width]
        ring_exc, ring_inh = arriving[:n], arriving[n : 2 * n]
        fired = spikes[k, column : column + n]
        for i in range(n):
            e = np.int32(exc[i] + _fraction(np.int32(np.int32(ring_exc[i]) << exc_shift), exc_in_mask, exc_in))
            h = np.int32(inh[i] + _fraction(np.int32(np.int32(ring_inh[i]) << inh_shift), inh_in_mask, inh_in))
            alpha = np.int32(_multiply(np.int32(np.int32(e - h) + i_offset[i]), r) + v_rest)
            following = np.int32(alpha - _multiply(exp_tc, np.int32(alpha - v[i])))
            held = refractory[i]
            following = v[i] if held > 0 else following
            held = np.int32(held - 1) if held > 0 else held
            spike = following >= v_thresh[i]
            v[i] = v_reset if spike else following
            refractory[i] = t_refract if spike else held
            fired[i] = np.uint8(1) if spike else np.uint8(0)
            exc[i] = _fraction(e, exc_mask, exc_decay)
            inh[i] = _fraction(h, inh_mask, inh_decay)
