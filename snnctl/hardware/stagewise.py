"""Images whose reset decisions run stage by stage, each stage by one call of the family's emulator.

It is the plain way of :mod:`snnctl.hardware.layers`, for arithmetic that may overflow, or whose neurons send several
spikes in a tick: overflows are counted.
"""

from __future__ import annotations

import abc
import functools
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from snnctl.hardware import windows
from snnctl.hardware.family import Counters, Rasters, Spikes
from snnctl.hardware.image import EmulatedImage
from snnctl.hardware.layers import Layer

S = TypeVar("S")


class StagewiseImage(EmulatedImage[S]):
    """A program on an emulated chip; ``S`` is the emulator's state."""

    @abc.abstractmethod
    def advance(self, number: int, weights: NDArray[np.int32], arriving: Spikes) -> tuple[Spikes, int]:
        """All ticks of one stage from rest, for what arrives from its sources: its spikes and overflows."""

    def fast(self, stack: Sequence[Layer]) -> None:
        """None: there is not a kernel for all stages."""

    @functools.cached_property
    def stack(self) -> tuple[Layer, ...] | None:
        """The stages with dense matrices; None where the whole network runs at once."""
        return self.layers()

    def from_rest(self, spikes: Spikes) -> tuple[Rasters, Counters]:
        """A reset decision, one stage after the other where that can be."""
        return self.at_once(spikes) if self.stack is None else self.by_stage(spikes)

    def by_stage(self, spikes: Spikes) -> tuple[Rasters, Counters]:
        """A reset decision, one stage after the other."""
        assert self.stack is not None
        first, overflows = len(self.program.inputs), 0
        rasters: dict[int, Spikes] = dict(enumerate(windows.split_inputs(self.program, spikes)))
        for layer in self.stack:
            fired, counted = self.advance(layer.number, layer.weights, _arriving(layer, rasters, len(spikes)))
            rasters[first + layer.number] = fired
            overflows += counted
        return [rasters[node] for node in range(len(self.program.nodes))], Counters(overflows)


def _arriving(layer: Layer, rasters: dict[int, Spikes], ticks: int) -> Spikes:
    """What the sources sent, delayed, side by side.  # (ticks, neurons of all sources)"""
    shifted = [_delayed(rasters[node], delay) for node, delay in layer.sources]
    if len(shifted) == 1:
        return shifted[0]
    return np.ascontiguousarray(np.concatenate([np.zeros((ticks, 0), np.uint8), *shifted], axis=1))


def _delayed(raster: Spikes, delay: int) -> Spikes:
    if delay == 0:
        return raster
    late = np.zeros_like(raster)
    late[delay:] = raster[: max(0, len(raster) - delay)]
    return late
