"""The xoshiro256++ random generator with an explicit state, for compiled kernels.

    result = rotl(s0 + s3, 23) + s0
    t = s1 << 17;  s2 ^= s0;  s3 ^= s1;  s1 ^= s2;  s0 ^= s3;  s2 ^= t;  s3 = rotl(s3, 45)

The state is four uint64 words (:func:`snnctl.streams.kernel_state`) and is advanced in place.
Source: Blackman & Vigna, ACM Transactions on Mathematical Software 47 (2021), public-domain reference code.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

_HALF = np.float64(0.5)
_UNIT = np.float64(2.0**-23)


@njit(cache=True, nogil=True, error_model="numpy")
def _rotate_left(x: np.uint64, bits: int) -> np.uint64:
    return np.uint64((x << np.uint64(bits)) | (x >> np.uint64(64 - bits)))


@njit(cache=True, nogil=True, error_model="numpy")
def next_word(state: NDArray[np.uint64]) -> np.uint64:
    """The next 64 random bits; ``state`` (4,) is advanced."""
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    # arrays wrap around without a warning where numpy scalars complain
    state[:1] += s3
    state[0] = _rotate_left(state[0], 23)
    state[:1] += s0
    result = state[0]
    s2 ^= s0
    s3 ^= s1
    state[1] = s1 ^ s2
    state[0] = s0 ^ s3
    state[2] = s2 ^ (s1 << np.uint64(17))
    state[3] = _rotate_left(s3, 45)
    return np.uint64(result)


@njit(cache=True, nogil=True, error_model="numpy")
def uniform(state: NDArray[np.uint64]) -> np.float64:
    """A number in the open interval (0, 1): one of 2^23 equal steps, exact in float32 too."""
    step = np.float64(next_word(state) >> np.uint64(41))
    return np.float64((step + _HALF) * _UNIT)
