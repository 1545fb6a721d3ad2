"""Gaussian population code: each observation drives k neurons with bell-shaped receptive fields.

    A[d, j] = exp(-(x[d] - mean[d, j])^2 / (2 width[d, j]^2))
    deterministic:  u += A each tick; spike where u > threshold, then u -= threshold
    poisson:        spike with probability A each tick

``x`` is the normalised observation (dims,); the population has dims * k neurons, d-major.
Means and widths are learnable tensors, ``encoder.mean`` and ``encoder.width``, both (dims, k).
Cost: up to ``ticks`` spikes a neuron and decision; no extra ticks.
Source: Tang et al., CoRL 2020 (PopSAN): k = 10, means even over (-3, 3), width sqrt(0.15), threshold 0.999.
"""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Gt

from snnctl.config import schema


@schema
class GaussianPopulation:
    """Configuration of the Gaussian population encoder."""

    kind: Literal["gaussian_population"] = "gaussian_population"
    neurons_per_dim: Annotated[int, Ge(1)] = 10
    low: float = -3.0
    high: float = 3.0
    width: Annotated[float, Gt(0)] = 0.3872983346207417
    spikes: Literal["deterministic", "poisson"] = "deterministic"
    threshold: Annotated[float, Gt(0)] = 0.999
    learnable: bool = True

    def size(self, dims: int) -> int:
        """Neurons needed for ``dims`` observations."""
        return dims * self.neurons_per_dim

    def tensor_shapes(self, dims: int) -> dict[str, tuple[int | None, ...]]:
        """Tensors of this encoder for ``dims`` observations."""
        return {"encoder.mean": (dims, self.neurons_per_dim), "encoder.width": (dims, self.neurons_per_dim)}
