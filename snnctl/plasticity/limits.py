"""What the rules share: limits of a weight, exact decays, and the potential of a spike.

w in [weight_min, weight_max], an absent limit is none
a = exp(-tick_s / tau_s), 0 for tau_s = 0 (no memory)
    eps(t) = (exp(-t / tau_mem) - exp(-t / tau_syn)) / (tau_mem - tau_syn)          of area 1; t exp(-t / tau) / tau^2
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


def potential(tick_s: float, tau_mem_s: float, tau_syn_s: float) -> float:
    """The eps of one tick after its spike, in 1/s: from there on eps = a_mem eps + eps(tick_s) a_syn^k."""
    if math.isclose(tau_mem_s, tau_syn_s, rel_tol=1e-9):
        return tick_s / tau_mem_s**2 * math.exp(-tick_s / tau_mem_s)
    return (math.exp(-tick_s / tau_mem_s) - math.exp(-tick_s / tau_syn_s)) / (tau_mem_s - tau_syn_s)
