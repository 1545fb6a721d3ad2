"""The exponential of a non-positive number, as plain arithmetic that the compiler can turn into vector code.

    exp(x) = 2^n exp(r)        n = round(x log2 e), r = x - n ln 2, |r| <= ln 2 / 2
    exp(r) = 1 + r + r^2 P(r)

For float32 below -87 the result stays at exp(-87), about 1.6e-38, and the error is below 1.5 units in the
last place. Operations are in a fixed order without contraction, so every backend gets the same bits.
In float64 it is the C library's ``exp``.
Source: the coefficients of ``expf`` in the Cephes library (S. Moshier), single precision.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

_LOWEST = np.float32(-87.0)
_LOG2_E = np.float32(1.44269504088896341)
_LN2_HIGH = np.float32(0.693359375)
_LN2_LOW = np.float32(-2.12194440e-4)
_C0 = np.float32(1.9875691500e-4)
_C1 = np.float32(1.3981999507e-3)
_C2 = np.float32(8.3334519073e-3)
_C3 = np.float32(4.1665795894e-2)
_C4 = np.float32(1.6666665459e-1)
_C5 = np.float32(5.0000001201e-1)
_ONE = np.float32(1.0)
_ROUND = np.float32(12582912.0)  # 1.5 * 2^23: adding it leaves the nearest integer in the lowest bits
_ROUND_BITS = np.int32(0x4B400000)
_EXPONENT_BIAS = np.int32(127)
_MANTISSA_BITS = np.int32(23)


@njit(cache=True, nogil=True, error_model="numpy")
def exp_float32(x: np.float32) -> np.float32:
    """exp(x) for a float32 x <= 0."""
    clamped = x if x > _LOWEST else _LOWEST
    shifted = np.float32(clamped * _LOG2_E + _ROUND)
    n = shifted - _ROUND
    r = (clamped - n * _LN2_HIGH) - n * _LN2_LOW
    p = ((((_C0 * r + _C1) * r + _C2) * r + _C3) * r + _C4) * r + _C5
    fraction = (p * (r * r) + r) + _ONE
    exponent = np.int32(np.float32(shifted).view(np.int32) - _ROUND_BITS + _EXPONENT_BIAS)
    power: np.float32 = np.int32(exponent << _MANTISSA_BITS).view(np.float32)
    return fraction * power


def exp_nonpositive(x: Any) -> Any:
    """exp(x) for x <= 0, in the precision of x."""
    return exp_float32(x) if isinstance(x, np.float32) else np.float64(math.exp(x))


@overload(exp_nonpositive)
def _exp_nonpositive(x: Any) -> Any:
    def in_float32(x: Any) -> Any:
        return exp_float32(x)

    def in_float64(x: Any) -> Any:
        return math.exp(x)

    return in_float32 if x == types.float32 else in_float64
