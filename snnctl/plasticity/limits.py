"""What the rules share: limits of a weight, and exact decays.

w in [weight_min, weight_max], an absent limit is none
a = exp(-tick_s / tau_s), 0 for tau_s = 0 (no memory)
"""

from __future__ import annotations

import math


def limits(weight_min: float | None, weight_max: float | None) -> tuple[float, float]:
    """Both limits as numbers.

    Raises:
        ValueError: the lower one is not below the upper one.
    """
    low = -math.inf if weight_min is None else weight_min
    high = math.inf if weight_max is None else weight_max
    if not low < high:
        raise ValueError(f"weight_min {weight_min} must be below weight_max {weight_max}")
    return low, high


def decay(tick_s: float, tau_s: float) -> float:
    """What is left of a trace after one tick."""
    return math.exp(-tick_s / tau_s) if tau_s > 0 else 0.0
