"""Integer synapses of an emulated chip, in compressed rows by source neuron.

Row ``s`` holds the synapses of source ``s``: ``target[indptr[s]:indptr[s + 1]]`` and so on. ``weight``
is in the chip's own unit (Loihi: what is added to ``u``; SpiNNaker: the 16-bit word, whose sign is
``kind``), ``delay`` in ticks, ``kind`` 0 excitatory and 1 inhibitory (SpiNNaker only).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.errors import InputError, Problem

Integers = NDArray[np.int64]


class Synapses(NamedTuple):
    """Synapses of one group of sources onto the neurons of a network."""

    indptr: Integers  # (sources + 1,)
    target: Integers  # (synapses,)
    weight: Integers  # (synapses,)
    delay: Integers  # (synapses,) ticks
    kind: Integers  # (synapses,) 0 excitatory, 1 inhibitory

    @property
    def sources(self) -> int:
        """Number of source neurons."""
        return len(self.indptr) - 1

    @property
    def longest_delay(self) -> int:
        """The longest delay in ticks, 0 without synapses."""
        return int(self.delay.max(initial=0))


def require_sources(chip: str, inputs: NDArray[Any], sources: int) -> None:
    """Refuse spikes that have not one column for each source.

    Raises:
        InputError: they have another shape than (ticks, sources).
    """
    if inputs.ndim != 2 or inputs.shape[1] != sources:
        message = f"have the shape {inputs.shape}, expected (ticks, {sources})"
        raise InputError(Problem(f"{chip} inputs", message, "give one column for each source"))


def from_table(
    sources: int, source: NDArray[Any], target: NDArray[Any], weight: NDArray[Any], delay: Any = 0, kind: Any = 0
) -> Synapses:
    """Rows from one entry a synapse; the order of entries with the same source is kept."""
    order = np.argsort(source, kind="stable")
    counts = np.bincount(np.asarray(source, np.int64), minlength=sources)  # (sources,)
    columns = [np.broadcast_to(np.asarray(c, np.int64), order.shape)[order] for c in (target, weight, delay, kind)]
    return Synapses(np.concatenate(([0], np.cumsum(counts))).astype(np.int64), *map(np.ascontiguousarray, columns))
