"""The spikes of all nodes of a decision, side by side in one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import numpy as np

from snnctl.hardware.family import Rasters, Spikes


class SideBySide(Sequence[Spikes]):
    """Rasters (ticks, n) that are columns of one array; each is made when it is asked for."""

    __slots__ = ("_columns", "spikes")

    def __init__(self, spikes: Spikes, columns: Sequence[slice]) -> None:
        """``columns`` of each node in ``spikes`` (ticks, neurons), one behind the other."""
        self.spikes, self._columns = spikes, columns

    def __len__(self) -> int:
        return len(self._columns)

    @overload
    def __getitem__(self, node: int) -> Spikes: ...

    @overload
    def __getitem__(self, node: slice) -> list[Spikes]: ...

    def __getitem__(self, node: int | slice) -> Spikes | list[Spikes]:
        if isinstance(node, slice):
            return [self.spikes[:, columns] for columns in self._columns[node]]
        return self.spikes[:, self._columns[node]]


def joined(rasters: Rasters) -> Spikes:
    """The rasters side by side, (ticks, neurons of all nodes)."""
    return rasters.spikes if isinstance(rasters, SideBySide) else np.concatenate(rasters, axis=1)
