"""Gaussian population code: each observation drives k neurons with bell-shaped receptive fields.

    A[d, j] = exp(-(x[d] - mean[d, j])^2 / (2 width[d, j]^2))
    deterministic:  u += A each tick; spike where u > threshold, then u -= threshold
    poisson:        spike with probability A each tick
    latency:        one spike at tick round((ticks - 1) (1 - A)); none where A < silent_below

    uniform placement:  mean[j] = low + j (high - low) / (k - 1),  j = 0 ... k-1; width as given
    bohte placement:    mean[j] = low + (2 j - 1) / 2 (high - low) / (k - 2), width = (high - low) / (beta (k - 2))

``x`` is the normalised observation (dims,); the population has dims * k neurons, d-major.
Means and widths are learnable tensors, ``encoder.mean`` and ``encoder.width``, both (dims, k).
Bohte's outermost neurons lie half a spacing outside the range, so that its ends are covered like its middle.
Cost: no extra ticks; deterministic: floor(ticks A / threshold) spikes a neuron (one less where the sum meets the
threshold exactly), poisson: ticks A on average, both at most ticks; latency: at most one.
Source: Tang et al., CoRL 2020 (PopSAN): k = 10, means even over (-3, 3), width sqrt(0.15), threshold 0.999.
Placement and latency readout: Bohte, Kok & La Poutre, Neurocomputing 48 (2002), beta = 1.5, silent below 0.1 (from
memory, not checked against the paper).
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt
from numpy.typing import NDArray

from snnctl.coding.code import Encoder, ReceptiveFields, Shapes, Tensors
from snnctl.coding.gaussian_encoder import GaussianEncoder
from snnctl.coding.gaussian_gradient import GaussianGradient
from snnctl.coding.receptive_fields import slopes
from snnctl.config import schema


@schema
class GaussianPopulation(Encoder):
    """Configuration of the Gaussian population encoder."""

    positive: ClassVar[tuple[str, ...]] = ("encoder.width",)
    kind: Literal["gaussian_population"] = "gaussian_population"
    neurons_per_dim: Annotated[int, Ge(1)] = 10
    low: float = -3.0
    high: float = 3.0
    width: Annotated[float, Gt(0)] = 0.3872983346207417
    spikes: Literal["deterministic", "poisson", "latency"] = "deterministic"
    threshold: Annotated[float, Gt(0)] = 0.999
    learnable: bool = True
    placement: Literal["uniform", "bohte"] = "uniform"
    beta: Annotated[float, Gt(0)] = 1.5  # bohte placement: spacing / width
    silent_below: Annotated[float, Ge(0)] = 0.1  # latency: activities that do not spike

    def __post_init__(self) -> None:
        if self.placement == "bohte" and self.neurons_per_dim < 3:
            raise ValueError(f"neurons_per_dim {self.neurons_per_dim}: bohte placement needs at least 3")

    def size(self, dims: int) -> int:
        """Neurons needed for ``dims`` observations."""
        return dims * self.neurons_per_dim

    @property
    def is_steady(self) -> bool:
        """The poisson variant draws."""
        return self.spikes != "poisson"

    def tensor_shapes(self, dims: int) -> Shapes:
        """Tensors of this encoder for ``dims`` observations."""
        return {"encoder.mean": (dims, self.neurons_per_dim), "encoder.width": (dims, self.neurons_per_dim)}

    def fields(self, dims: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Means and widths of the placement, the same for each observation.  # (dims, k) both"""
        k = self.neurons_per_dim
        if self.placement == "bohte":
            spacing = (self.high - self.low) / (k - 2)
            mean, width = self.low + (2 * np.arange(k) - 1) / 2 * spacing, spacing / self.beta
        else:
            mean = np.linspace(self.low, self.high, k) if k > 1 else np.array([(self.low + self.high) / 2])
            width = self.width
        return np.tile(mean, (dims, 1)), np.full((dims, k), width)

    def initial(self, dims: int, generator: np.random.Generator) -> dict[str, NDArray[Any]]:
        """The placement."""
        mean, width = self.fields(dims)
        return {"encoder.mean": mean.astype(np.float32), "encoder.width": width.astype(np.float32)}

    def build(self, tensors: Tensors, tick_s: float, dtype: type) -> GaussianEncoder:
        """What encodes, with these means and widths."""
        return GaussianEncoder(self, tensors, dtype)

    def fused(self, tensors: Tensors) -> ReceptiveFields | None:
        """All but the latency variant run inside the decision kernel."""
        if self.spikes == "latency":
            return None
        centre, slope = tensors["encoder.mean"].ravel(), slopes(tensors["encoder.width"]).ravel()
        return ReceptiveFields(centre, slope, self.neurons_per_dim, self.threshold, self.spikes == "poisson")

    def gradient(self, dims: int, ticks: int, dtype: Any) -> GaussianGradient | None:
        """The code over a batch; the latency variant has no gradient."""
        return None if self.spikes == "latency" else GaussianGradient(self, dims, ticks, dtype)
