"""Tolerance: a reward of 1 inside bounds that falls off smoothly outside, as in dm_control.

    tolerance(x) = 1                                if low <= x <= high
                 = sigmoid(d / margin)              otherwise, d the distance to the nearer bound
    sigmoid(0) = 1 and sigmoid(1) = value_at_margin =: y

A margin of 0 makes the edge hard. Scalars, because a robot's step has a handful of terms.

Source: ``dm_control/utils/rewards.py`` (Apache-2.0), the same eight sigmoids and parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from snnctl.robots.task import Sigmoid

Curve = Callable[[float], float]


def gaussian(y: float) -> Curve:
    """exp(-x^2 s^2 / 2), s = sqrt(-2 ln y)."""
    log_y = math.log(y)
    return lambda x: math.exp(x * x * log_y)


def hyperbolic(y: float) -> Curve:
    """1 / cosh(s x), s = acosh(1 / y)."""
    s = math.acosh(1 / y)
    return lambda x: 1 / math.cosh(min(s * x, 700.0))


def long_tail(y: float) -> Curve:
    """1 / ((s x)^2 + 1), s = sqrt(1/y - 1)."""
    s2 = 1 / y - 1
    return lambda x: 1 / (s2 * x * x + 1)


def reciprocal(y: float) -> Curve:
    """1 / (s |x| + 1), s = 1/y - 1."""
    s = 1 / y - 1
    return lambda x: 1 / (s * abs(x) + 1)


def cosine(y: float) -> Curve:
    """(1 + cos(pi s x)) / 2 while s |x| < 1, else 0; s = acos(2 y - 1) / pi."""
    s = math.acos(2 * y - 1) / math.pi
    return lambda x: (1 + math.cos(math.pi * s * x)) / 2 if abs(s * x) < 1 else 0.0


def linear(y: float) -> Curve:
    """1 - s x while s |x| < 1, else 0; s = 1 - y."""
    s = 1 - y
    return lambda x: 1 - s * x if abs(s * x) < 1 else 0.0


def quadratic(y: float) -> Curve:
    """1 - (s x)^2 while s |x| < 1, else 0; s = sqrt(1 - y)."""
    s2 = 1 - y
    return lambda x: 1 - s2 * x * x if s2 * x * x < 1 else 0.0


def tanh_squared(y: float) -> Curve:
    """1 - tanh(s x)^2, s = atanh(sqrt(1 - y))."""
    s = math.atanh(math.sqrt(1 - y))
    return lambda x: 1 - math.tanh(s * x) ** 2


_SIGMOIDS: dict[Sigmoid, Callable[[float], Curve]] = {
    "gaussian": gaussian,
    "hyperbolic": hyperbolic,
    "long_tail": long_tail,
    "reciprocal": reciprocal,
    "cosine": cosine,
    "linear": linear,
    "quadratic": quadratic,
    "tanh_squared": tanh_squared,
}


def tolerance(
    low: float = 0.0,
    high: float = 0.0,
    margin: float = 0.0,
    sigmoid: Sigmoid = "gaussian",
    value_at_margin: float = 0.1,
) -> Curve:
    """Build the function x -> [0, 1]; a non-finite x gives nan, never a full reward."""
    if margin == 0:
        return lambda x: math.nan if math.isnan(x) else float(low <= x <= high)
    curve, inverse = _SIGMOIDS[sigmoid](value_at_margin), 1 / margin

    def value(x: float) -> float:
        if low <= x <= high:
            return 1.0
        return curve((low - x if x < low else x - high) * inverse)

    return value
