"""Random trains and deliberately awkward ones."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

END_MS = 200.0


def trains(smallest: int = 0, largest: int = 12, grid_ms: float = 0.5):
    """Increasing times on a grid, so that coincidences and equal lags do occur; 0 and END_MS included."""
    ticks = st.integers(0, round(END_MS / grid_ms))
    return st.lists(ticks, min_size=smallest, max_size=largest, unique=True).map(
        lambda found: np.array(sorted(found), np.float64) * grid_ms
    )
