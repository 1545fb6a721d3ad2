"""What surrounds a moment in a train, at the edges of the recording too.

    index        of the last spike at or before t, -1 before the first
    interval     t[k + 1] - t[k];  before the first spike max(t[0], t[1] - t[0]), after the last one likewise
    auxiliary    one spike before and one after the train, at distance ``interval`` from its ends: at the edge of the
                 recording or beyond it
    no spikes    count as one spike at either edge of the recording

The edge correction is that of PySpike (Mulansky & Kreuz, SoftwareX 5:183, 2016).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnctl.spike_trains.train import Train, check, positive


class Extended(NamedTuple):
    """A train with its edges; position k + 1 in ``times`` and ``intervals`` belongs to spike k."""

    spikes: Train  # (n,)
    times: Train  # (n + 2,) with the auxiliary spikes
    intervals: Train  # (n + 1,) intervals[k + 1] follows spike k; both ends corrected


def extend(train: Train, t_end: float) -> Extended:
    """A checked train with the corrections at its edges."""
    spikes = train if train.size else np.array([0.0, t_end])
    inner = np.diff(spikes)
    first, last = spikes[0], t_end - spikes[-1]
    if inner.size:
        first, last = max(first, inner[0]), max(last, inner[-1])
    times = np.concatenate([[spikes[0] - first], spikes, [spikes[-1] + last]])
    return Extended(spikes, times, np.concatenate([[first], inner, [last]]))


def pair(a_ms: ArrayLike, b_ms: ArrayLike, t_end_ms: float) -> tuple[Extended, Extended, Train]:
    """Two trains with their edges, and the times 0, every spike of either, t_end without repetitions.  # (edges,)

    Raises:
        InputError: no trains, a spike after the end, or no recording.
    """
    end = positive(t_end_ms, "t_end_ms")
    a, b = check(a_ms, "a_ms", t_end_ms=end), check(b_ms, "b_ms", t_end_ms=end)
    return extend(a, end), extend(b, end), np.unique(np.concatenate([[0.0], a, b, [end]]))


def indices(train: Extended, edges: Train) -> NDArray[np.int64]:
    """Position in ``times`` of the last spike (or auxiliary one) at or before each interval of ``edges``."""
    return np.searchsorted(train.spikes, edges[:-1], side="right").astype(np.int64)
