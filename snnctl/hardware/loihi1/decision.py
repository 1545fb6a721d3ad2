"""A reset decision on Loihi 1, stage by stage in 32 bits: the equations of :mod:`~snnctl.hardware.loihi1.emulator`.

It is taken where no register can wrap and a stage has one compartment configuration. Then, weights being
``2^shift`` times words of 8 bits, and for ``0 <= m < 2^24``,

    q = (sum of words) << shift
    (m kept) >> 12 = (m >> 12) kept + (((m mod 2^12) kept) >> 12)         kept = 4096 - decay <= 4096

in which nothing exceeds 31 bits, and a sum of words not 15.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.hardware.layers import Layer, Staged, arrived, enter, place, room
from snnctl.hardware.loihi1.emulator import DECAY_ONE, V_LIMIT, Compartments
from snnctl.network.program import Program

_WORD = (1 << 7) - 1  # largest of 8 bits
_SUM = (1 << 15) - 1  # largest of 16


def staged(program: Program, stack: Sequence[Layer], stages: Sequence[Compartments]) -> Staged | None:
    """The decisions of a program; None where a register might wrap or compartments of a stage are configured apart.

    Args:
        program: the network
        stack: its layers; weights are effective
        stages: compartments of each stage, in the order of the program
    """
    constants: dict[int, NDArray[np.int32]] = {}
    rows = []
    for layer in stack:
        c, shift = stages[layer.number], _common_shift(layer.weights)
        words = layer.weights >> shift
        fits = int(np.abs(words).max(initial=0)) <= _WORD and _largest(words) <= _SUM
        if not (fits and _uniform(c) and _bounded(c, _largest(layer.weights), program.ticks)):
            return None
        rows.append(words.astype(np.int8))
        columns = (
            DECAY_ONE - c.decay_u, DECAY_ONE - c.decay_v, c.threshold, c.refractory, c.v_min, np.full(c.size, shift),
            c.bias,
        )  # fmt: skip
        constants[layer.number] = np.array(columns, np.int32)
    table = np.concatenate([constants[number] for number in range(len(stages))], axis=1)
    return Staged(program, stack, rows, table, _decide)


def _common_shift(weights: NDArray[np.int32]) -> int:
    """The largest power of two that divides all weights."""
    bits = int(np.bitwise_or.reduce(weights, axis=None))
    return (bits & -bits).bit_length() - 1 if bits else 0


def _largest(weights: NDArray[np.int32]) -> int:
    """Bound of the sum of any of the weights to a target, of either sign."""
    return max(int(np.maximum(sign * weights, 0).sum(axis=0, dtype=np.int64).max(initial=0)) for sign in (1, -1))


def _uniform(c: Compartments) -> bool:
    """Whether all compartments have the same registers but for the bias."""
    return all((x == x[0]).all() for x in (c.decay_u, c.decay_v, c.threshold, c.refractory, c.v_min, c.v_max))


def _bounded(c: Compartments, largest_q: int, ticks: int) -> bool:
    """Whether neither q nor u nor x can wrap in a decision, v keeps to 24 bits, and only a spike could reach v_max."""
    u, kept = 0, DECAY_ONE - int(c.decay_u[0])
    for _ in range(ticks):
        u = ((u * kept) >> 12) + largest_q
    largest_x = u + int(np.abs(c.bias).max())
    q_limit, u_limit = 1 << min(c.q_bits or 21, 21), 1 << min(c.u_bits or 23, 23)
    held = -V_LIMIT <= int(c.v_min[0]) <= 0 <= int(c.threshold[0]) < int(c.v_max[0])
    return largest_q < q_limit and largest_x < u_limit and held and int(c.threshold[0]) <= V_LIMIT


@njit(cache=True, nogil=True, error_model="numpy")
def _decide(given: Any, spikes: Any, layers: Any, links: Any, words: Any, constants: Any) -> bool:
    """One decision; the arguments are those of :class:`snnctl.hardware.layers.Staged`."""
    if not enter(given, spikes):
        return False
    n_events, n_sums = room(layers, spikes)
    events, drive = np.empty(n_events, np.int32), np.empty(n_sums, np.int16)
    state = np.empty((3, spikes.shape[1]), np.int32)  # u, v, counter
    for layer in range(layers.shape[0]):
        width = arrived(layers, layer, links, words, spikes, events, drive)
        column, n = place(layers, layer)
        _advance(spikes, column, n, constants, column - given.shape[1], drive, width, state)
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def _decay(x: Any, kept: Any) -> Any:
    """Sgn(x) ((|x| kept) >> 12)."""
    m = np.int32(abs(x))
    whole, rest = np.int32(m >> 12), np.int32(m & 4095)
    left = np.int32(np.int32(whole * kept) + np.int32(np.int32(rest * kept) >> 12))
    return np.int32(-left) if x < 0 else left


@njit(cache=True, nogil=True, error_model="numpy")
def _advance(spikes: Any, column: Any, n: Any, constants: Any, first: Any, drive: Any, width: Any, state: Any) -> None:
    """All ticks of ``n`` compartments from rest, whose spikes begin at ``column`` and whose constants at ``first``."""
    kept_u, kept_v, threshold = constants[0, first], constants[1, first], constants[2, first]
    refractory, v_min, shift = constants[3, first], constants[4, first], constants[5, first]
    bias = constants[6, first : first + n]
    u, v, counter = state[0, :n], state[1, :n], state[2, :n]
    zero = np.int32(0)
    u[:] = zero
    v[:] = zero
    counter[:] = zero
    for k in range(spikes.shape[0]):
        sums, fired = drive[k * width : k * width + n], spikes[k, column : column + n]
        for i in range(n):
            now = np.int32(_decay(u[i], kept_u) + np.int32(np.int32(sums[i]) << shift))
            following = max(np.int32(_decay(v[i], kept_v) + np.int32(now + bias[i])), v_min)
            held = counter[i]
            following = zero if held > 0 else following
            spike = following > threshold
            u[i] = now
            v[i] = zero if spike else following
            held = refractory if spike else held
            counter[i] = np.int32(held - 1) if held > 0 else zero
            fired[i] = np.uint8(1) if spike else np.uint8(0)
