"""How an integrate-and-fire neuron spikes, resets and rests: the lines that all of them share.

    free = silent <= 0                          the neuron is not refractory
    spike = free and reached
    v = integrated if free else held            a refractory membrane holds its value and takes no input
    after a spike v = keep v + shift, silent = R; else silent counts down

``keep = 0, shift = v_reset`` is the hard reset ("value"); ``keep = 1, shift = -drop`` the soft one ("subtract"),
which keeps what the membrane had above the threshold. R is the number of silent ticks *after* the tick of the
spike, so constant input gives intervals of R + (ticks to charge). Brian2 holds the membrane for
``refractory / dt - 1`` ticks: its 2 ms at 0.1 ms are R = 19.
"""

from __future__ import annotations

import math
from typing import Any, Literal

from numba.extending import register_jitable

from snnctl.neurons.selection import select

Reset = Literal["value", "subtract"]


@register_jitable
def fire(c: Any, integrated: Any, reached: Any, held: Any, silent: Any) -> Any:
    """Threshold, reset and refractory period of one tick of one neuron.

    Args:
        c: constants with the fields ``keep``, ``shift``, ``refractory`` (ticks), ``one`` and ``zero``
        integrated: the membrane at the end of the tick
        reached: whether that calls for a spike
        held: the membrane at the end of the tick before
        silent: ticks that the neuron still has to be silent

    Returns:
        the new membrane, the new ``silent``, and whether the neuron spikes
    """
    free = silent <= c.zero
    spike = free & reached
    v = select(free, integrated, held)
    left = select(free, silent, silent - c.one)
    return select(spike, c.keep * v + c.shift, v), select(spike, c.refractory, left), spike


def reset_constants(reset: Reset, v_reset: float, drop: float) -> tuple[float, float]:
    """``keep`` and ``shift`` of a reset to ``v_reset``, or by subtracting ``drop``."""
    return (1.0, -drop) if reset == "subtract" else (0.0, v_reset)


def silent_ticks(refractory_s: float, tick_s: float) -> float:
    """A refractory period in whole ticks.

    Raises:
        ValueError: the period is not 0 and yet shorter than half a tick: it would vanish.
    """
    ticks = round(refractory_s / tick_s)
    if refractory_s > 0 and ticks == 0:
        raise ValueError(
            f"refractory_s {refractory_s:g} vanishes in ticks of {tick_s:g} s: write 0, or take a tick_s of at most "
            f"{2 * refractory_s:g} s"
        )
    return float(ticks)


def check_reset(reset: Reset, v_reset: float, v_threshold: float, unit: str = "") -> None:
    """Refuse a hard reset that does not lead below the threshold: the neuron would spike in every tick for ever.

    Raises:
        ValueError: naming the two fields, with ``unit`` as their suffix (``_mv``).
    """
    if reset == "value" and not v_reset < v_threshold:
        raise ValueError(f"v_reset{unit} {v_reset:g} must be below v_threshold{unit} {v_threshold:g}")


def decay(tick_s: float, tau_s: float) -> float:
    """exp(-tick_s / tau_s); 0 for a time constant of 0."""
    return math.exp(-tick_s / tau_s) if tau_s > 0 else 0.0
