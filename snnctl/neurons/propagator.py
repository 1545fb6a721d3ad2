"""The exact step of a leaky membrane driven by a current that decays exponentially.

    tau_m v' = -v + R i,  tau_s i' = -i     =>     v(t + h) = P_m v(t) + R g i(t),  i(t + h) = P_s i(t)
    P_x = exp(-h / tau_x),  g = tau_s / (tau_s - tau_m) (P_s - P_m)

Written as ``g = P_m (h / tau_m) expm1(d) / d`` with ``d = h (tau_s - tau_m) / (tau_m tau_s)`` there is nothing to
cancel when the time constants are close; where they are equal, ``expm1(d) / d = 1`` and
``g = (h / tau) exp(-h / tau)``.
Source: Rotter & Diesmann, Biological Cybernetics 81 (1999) 381-402.
"""

from __future__ import annotations

import math


def response(tick_s: float, tau_mem_s: float, tau_syn_s: float) -> float:
    """``g``: what a unit of R i at the start of a tick adds to the membrane at its end."""
    d = tick_s * (tau_syn_s - tau_mem_s) / (tau_mem_s * tau_syn_s)
    if d > 1.0:  # the slow current outlives the membrane by far: the form above would overflow
        gap = math.exp(-tick_s / tau_syn_s) - math.exp(-tick_s / tau_mem_s)
        return tau_syn_s / (tau_syn_s - tau_mem_s) * gap
    shape = math.expm1(d) / d if d != 0.0 else 1.0
    return math.exp(-tick_s / tau_mem_s) * (tick_s / tau_mem_s) * shape
