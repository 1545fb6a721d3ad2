"""Place cells: every cell has a bell-shaped receptive field in the whole observation space.

    A[i] = exp(-1/2 sum_d ((x[d] - centre[i, d]) / width[i, d])^2)
    deterministic:  u += A each tick; spike where u > threshold, then u -= threshold
    poisson:        spike with probability A each tick

``x`` is the normalised observation (dims,). The cells stand on a grid, the last dimension fastest;
their centres divide [low, high] evenly, ends included, and a width is ``spread`` grid spacings.
Both become tensors, ``encoder.centre`` and ``encoder.width``, (n, dims), so an agent may move them.
Cost: prod(grid) neurons, so a grid suits few dimensions; no extra ticks; deterministic: floor(ticks A / threshold)
spikes a cell (one less where the sum meets the threshold exactly), poisson: ticks A on average, both at most ticks.
Source: Fremaux, Sprekeler & Gerstner, PLoS Comput Biol 9:e1003024 (2013), place-cell input.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, MinLen
from numpy.typing import NDArray

from snnctl.coding.code import Encoder, Shapes, Tensors
from snnctl.coding.place_cell_encoder import PlaceCellEncoder
from snnctl.config import schema
from snnctl.errors import Problem


@schema
class PlaceCells(Encoder):
    """Configuration of the place-cell encoder."""

    positive: ClassVar[tuple[str, ...]] = ("encoder.width",)
    kind: Literal["place_cells"] = "place_cells"
    grid: Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)]
    low: float = -1.0
    high: float = 1.0
    spread: Annotated[float, Gt(0)] = 0.5
    spikes: Literal["deterministic", "poisson"] = "deterministic"
    threshold: Annotated[float, Gt(0)] = 0.999

    def size(self, dims: int) -> int:
        """Number of cells, whatever ``dims``."""
        return math.prod(self.grid)

    @property
    def is_steady(self) -> bool:
        """The poisson variant draws."""
        return self.spikes != "poisson"

    def problems(self, dims: int, ticks: int) -> list[Problem]:
        """The grid must have one entry for each of ``dims`` observations."""
        if len(self.grid) == dims:
            return []
        return [Problem("grid", f"has {len(self.grid)} entries", f"give one for each of {dims} observations")]

    def tensor_shapes(self, dims: int) -> Shapes:
        """Tensors of this encoder for ``dims`` observations."""
        return {"encoder.centre": (self.size(dims), dims), "encoder.width": (self.size(dims), dims)}

    def fields(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Centres and widths of the grid.  # (n, dims) each"""
        axes = [
            np.linspace(self.low, self.high, k) if k > 1 else np.array([(self.low + self.high) / 2]) for k in self.grid
        ]
        spacing = [(self.high - self.low) / max(k - 1, 1) for k in self.grid]
        centre = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(self.grid))
        width = np.broadcast_to(np.array(spacing) * self.spread, centre.shape)
        return centre.astype(np.float32), width.astype(np.float32)

    def initial(self, dims: int, generator: np.random.Generator) -> dict[str, NDArray[Any]]:
        """The grid."""
        centre, width = self.fields()
        return {"encoder.centre": centre, "encoder.width": width}

    def build(self, tensors: Tensors, tick_s: float, dtype: type) -> PlaceCellEncoder:
        """What encodes, with these centres and widths."""
        return PlaceCellEncoder(self, tensors, dtype)
