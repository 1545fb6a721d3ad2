"""Memoryless delta code: an event where two samples in a row differ by a threshold.

    on:  x[t] - x[t-1] >= threshold          +1
    off: x[t-1] - x[t] >= threshold          -1, if wanted

It is the ``delta`` of snntorch.spikegen, here to read data that was made with it. It keeps no level, so that a drift
slower than the threshold in every sample is never sent, and a jump of many thresholds is one event:
for control use :mod:`send_on_delta`.
Cost: at most one event a sample.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray


def encode(
    x: NDArray[Any], threshold: float, off: bool = False, before: Literal["zero", "first_sample"] = "zero"
) -> NDArray[np.int8]:
    """Events (samples, ...) of a signal (samples, ...), compared in the float type of the signal.

    Args:
        x: the signal
        threshold: in its units
        off: give -1 where it falls; falls give nothing otherwise
        before: what the first sample is compared with (``first_sample``: itself, so it gives no event)

    Raises:
        ValueError: the signal has a nan.
    """
    if np.isnan(x).any():
        raise ValueError(f"x{[int(i) for i in np.argwhere(np.isnan(x))[0]]} is nan: a missing sample has no events")
    previous = np.concatenate([x[:1] if before == "first_sample" else np.zeros_like(x[:1]), x[:-1]])
    step = x - previous  # (samples, ...)
    bound = step.dtype.type(threshold)
    events: NDArray[np.int8] = (step >= bound).astype(np.int8)
    if off:
        events -= (step <= -bound).astype(np.int8)
    return events
