"""What the spikes of a decision set off: weights that they reach, cores that they go to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from snnctl.hardware.family import Rasters
from snnctl.hardware.placement import Core, Part, fan
from snnctl.hardware.stages import Integers
from snnctl.network.program import Link, Program


class SynapticEvents:
    """Stored weights that a decision's spikes are multiplied with: zeros of dense rows count."""

    def __init__(self, program: Program) -> None:
        self._fans = [(link.source, _even(fan(program, link))) for link in program.links]

    def count(self, rasters: Rasters) -> int:
        """Weights reached, for the spikes of all nodes, (ticks, n) each."""
        return sum(
            int(rasters[source].sum()) * each if isinstance(each, int) else int(rasters[source].sum(axis=0) @ each)
            for source, each in self._fans
        )


def _even(counts: Integers) -> Integers | int:
    """One number where all neurons have the same."""
    return int(counts[0]) if (counts == counts[0]).all() else counts


def fans(program: Program, link: Link, cores: Sequence[Core]) -> Integers:
    """Stored weights of each source neuron of a link on each core of its target.  # (n_source, cores)"""
    return np.stack([fan(program, link, Part(c.node, c.first, c.neurons)) for c in cores], axis=1)


def spikes_of(raster: NDArray[np.uint8]) -> Integers:
    """Spikes of each neuron.  # (n,)"""
    return raster.sum(axis=0, dtype=np.int64)  # type: ignore[no-any-return]
