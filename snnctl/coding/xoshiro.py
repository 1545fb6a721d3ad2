"""The xoshiro256++ random generator with an explicit state, for compiled kernels.

    result = rotl(s0 + s3, 23) + s0
    t = s1 << 17;  s2 ^= s0;  s3 ^= s1;  s1 ^= s2;  s0 ^= s3;  s2 ^= t;  s3 = rotl(s3, 45)

The state is four uint64 words (:func:`snnctl.streams.kernel_state`) and is advanced in place.
Source: Blackman & Vigna, ACM Transactions on Mathematical Software 47 (2021), public-domain reference code.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numba.extending import overload, register_jitable
from numpy.typing import NDArray

_HALF = np.float64(0.5)
_UNIT = np.float64(2.0**-23)
_17, _19, _23, _27, _30, _31, _41, _45 = (np.uint64(bits) for bits in (17, 19, 23, 27, 30, 31, 41, 45))
_GAMMA, _MIX_1, _MIX_2 = (np.uint64(n) for n in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


@njit(cache=True, nogil=True, error_model="numpy")
def following(s0: Any, s1: Any, s2: Any, s3: Any) -> Any:
    """64 random bits and the next four words. Interpreted it needs ``np.errstate(over="ignore")``: the sums wrap."""
    mixed = s0 + s3
    word = ((mixed << _23) | (mixed >> _41)) + s0
    shifted = s1 << _17
    s2 = s2 ^ s0
    s3 = s3 ^ s1
    s1 = s1 ^ s2
    s0 = s0 ^ s3
    s2 = s2 ^ shifted
    s3 = (s3 << _45) | (s3 >> _19)
    return word, s0, s1, s2, s3


def next_word(state: NDArray[np.uint64]) -> np.uint64:
    """The next 64 random bits; ``state`` (4,) is advanced."""
    with np.errstate(over="ignore"):
        word, *words = following(*state)
    state[:] = words
    return np.uint64(word)


@overload(next_word, strict=False)
def _next_word(state: Any) -> Any:
    def compiled(state: Any) -> Any:
        word, state[0], state[1], state[2], state[3] = following(state[0], state[1], state[2], state[3])
        return word

    return compiled


@njit(cache=True, nogil=True, error_model="numpy")
def uniform(state: NDArray[np.uint64]) -> np.float64:
    """A number in the open interval (0, 1): one of 2^23 equal steps, exact in float32 too."""
    step = np.float64(next_word(state) >> _41)
    return np.float64((step + _HALF) * _UNIT)


def uniforms(state: NDArray[np.uint64], out: NDArray[Any]) -> None:
    """Fill ``out`` with numbers as of :func:`uniform`; ``state`` advances by one word, whatever the size.

    The word is the seed of a SplitMix64 sequence, z[k] = mix(word + (k + 1) gamma). No number waits for the one before
    it, so that the loop vectorises: a network's noise costs a fifth of a loop over ``uniform``.
    Source: Steele, Lea & Flood, OOPSLA (2014), with Stafford's mixer 13.
    """
    with np.errstate(over="ignore"):
        words = _mixed(next_word(state) + np.arange(1, out.size + 1, dtype=np.uint64) * _GAMMA)
    out[:] = ((words >> _41) + _HALF) * _UNIT


@register_jitable
def _mixed(z: Any) -> Any:
    z = (z ^ (z >> _30)) * _MIX_1
    z = (z ^ (z >> _27)) * _MIX_2
    return z ^ (z >> _31)


@overload(uniforms, strict=False)
def _uniforms(state: Any, out: Any) -> Any:
    number = np.dtype(str(out.dtype)).type

    def compiled(state: Any, out: Any) -> None:
        z = next_word(state)
        for k in range(out.size):
            z += _GAMMA  # no product for each number; a step of 2^-23 is exact in float32 too
            out[k] = (number(np.int32(_mixed(z) >> _41)) + number(_HALF)) * number(_UNIT)

    return compiled
