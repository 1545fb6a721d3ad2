"""The s16.15 arithmetic of SpiNNaker's neuron code, bit for bit.

An ``accum`` is a signed 32-bit integer that counts 1/32768; + and - wrap, nothing saturates.

    encode(x) = x * 32768 rounded half to even (what the host writes)
    multiply(a, b) = int32((a b) >> 15)                  floor, low 32 bits
    decay_s1615(x, d) = int32((x d) >> 32)               d is an unsigned 0.32 fraction, floor
    kdivk(a, b) = uint32((a << 15) / b)                  truncated
    expk(x), expulr(x) = e^x by table and series, as s16.15 and as unsigned 0.32

The two tables are e^k and 1 - e^(-k/16), scaled by 2^32 and rounded. ``expulr(0)`` is 0, not 1: the
value 2^32 does not fit. Python integers here; the two functions that run every tick are compiled.

Sources: sPyNNaker and spinn_common C code (1e3a090), checked against the shipped 7.4.1 binary.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

from numba import njit

ONE = 1 << 15
_U32 = (1 << 32) - 1
_EXP_LOW, _EXP_HIGH = -340695, 363408  # outside, e^x underflows or saturates


def _tables() -> tuple[tuple[int, ...], tuple[int, ...]]:
    with localcontext() as context:
        context.prec = 40
        high = tuple(round(Decimal(k).exp() * 2**32) for k in range(-13, 13))
        middle = tuple(round((1 - (Decimal(-k) / 16).exp()) * 2**32) for k in range(16))
    return high, middle


_HIGH, _MIDDLE = _tables()
_SERIES = (5294, 4293434720, 2081624032)  # 1 - e^(-x) for x < 1/16, unsigned 0.32


def signed32(bits: int) -> int:
    """The low 32 bits read as a signed integer."""
    bits &= _U32
    return bits - (1 << 32) if bits >> 31 else bits


def encode(value: float) -> int:
    """Round to s16.15 as the host does. Raises OverflowError beyond 32 bits."""
    raw = int((Decimal(str(value)) * ONE).to_integral_value(rounding=ROUND_HALF_EVEN))
    if not -(1 << 31) <= raw < 1 << 31:
        raise OverflowError(f"{value} does not fit s16.15 (-65536 to 65535.99997)")
    return raw


def kdivk(a: int, b: int) -> int:
    """Quotient of two s16.15 numbers, as uint32 bits."""
    return (((a & _U32) << 15) // (b & _U32)) & _U32


def _scale64(x: int, y: int) -> int:
    """(x y) >> 32 of a 64-bit x and a 32-bit y, rounded by the code's own rule."""
    low = (x & _U32) * y
    return (x >> 32) * y + (low >> 32) + (1 if low & _U32 >= 0x7FFFFFFF else 0)


def _exp(n: int) -> int:
    """e^(n / 32768) in units of 2^-32."""
    whole = n >> 15
    fraction = n - (whole << 15)
    if fraction == 0:
        return _HIGH[13 + whole]
    whole += 1
    fraction = ONE - fraction  # e^n = e^whole e^-fraction
    total = _HIGH[13 + whole]
    total -= _scale64(total, _MIDDLE[fraction >> 11])
    y = (fraction & 0x7FF) << 17
    series = (_SERIES[1] - ((_SERIES[2] * y) >> 32)) & _U32
    series = (((series * y) >> 32) + _SERIES[0]) & _U32
    return total - _scale64(total, series)


def expk(n: int) -> int:
    """e^x as s16.15, truncated."""
    if n > _EXP_HIGH:
        return (1 << 31) - 1
    return signed32(_exp(n) >> 17) if n >= _EXP_LOW else 0


def expulr(n: int) -> int:
    """e^x as an unsigned 0.32 fraction, modulo 1."""
    if n > _EXP_HIGH:
        return (1 << 31) - 1
    return _exp(n) & _U32 if n >= _EXP_LOW else 0


@njit(cache=True, nogil=True, error_model="numpy")
def wrap32(x: Any) -> Any:
    """Two's complement in 32 bits, of an int64."""
    return ((x + 0x80000000) & 0xFFFFFFFF) - 0x80000000


@njit(cache=True, nogil=True, error_model="numpy")
def multiply(a: Any, b: Any) -> Any:
    """Product of two accums: floor, low 32 bits."""
    return wrap32((a * b) >> 15)


@njit(cache=True, nogil=True, error_model="numpy")
def decay_s1615(x: Any, d: Any) -> Any:
    """An accum times an unsigned 0.32 fraction, floor."""
    return (x * d) >> 32
