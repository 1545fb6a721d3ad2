"""Surrogate derivatives: what replaces the derivative of the spike function in the backward pass.

    spike = H(x),  x = v - v_threshold      d spike / d v := psi(x)

Each slot overwrites pre-reset membranes by ``psi``, in place, and knows nothing else.

- rectangular: psi = height where |x| < width, else 0. Source: Wu et al., Frontiers in
  Neuroscience 12:331 (2018); Tang et al., CoRL 2020 use height 1, width 0.5 at threshold 0.5.
- fast sigmoid (SuperSpike): psi = height / (1 + slope |x|)^2. Source: Zenke & Ganguli, Neural
  Computation 30:1514 (2018).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Protocol

import numpy as np
from annotated_types import Gt
from numba import njit
from numpy.typing import NDArray

from snnctl import slots
from snnctl.config import schema

Floats = NDArray[np.floating[Any]]
Real = Any  # a scalar of the type of the arrays; a Python float would widen float32 arithmetic


class Derivative(Protocol):
    """What a derivative offers: a configuration, of the package or of a user."""

    def replace(self, membrane: Floats, threshold: float) -> None:
        """Overwrite pre-reset membranes (any shape, contiguous) by psi."""
        ...


@schema
class Rectangular:
    """psi = height where |v - v_threshold| < width."""

    kind: Literal["rectangular"] = "rectangular"
    width: Annotated[float, Gt(0)] = 0.5  # half width of the window, in units of the membrane
    height: Annotated[float, Gt(0)] = 1.0

    def replace(self, membrane: Floats, threshold: float) -> None:
        """Overwrite pre-reset membranes (any shape, contiguous) by psi."""
        real = membrane.dtype.type
        _rectangular(membrane.reshape(-1), real(threshold), real(self.width), real(self.height))


@schema
class FastSigmoid:
    """psi = height / (1 + slope |v - v_threshold|)^2."""

    kind: Literal["fast_sigmoid"] = "fast_sigmoid"
    slope: Annotated[float, Gt(0)] = 4.0
    height: Annotated[float, Gt(0)] = 1.0

    def replace(self, membrane: Floats, threshold: float) -> None:
        """Overwrite pre-reset membranes (any shape, contiguous) by psi."""
        real = membrane.dtype.type
        _fast_sigmoid(membrane.reshape(-1), real(threshold), real(self.slope), real(self.height))


def defects(part: Any) -> list[str]:
    """Everything that keeps a class from being a surrogate derivative."""
    members = {"replace": "method replace(self, membrane, threshold)"}
    return slots.schema_defects(part) or slots.missing(part, members)


DERIVATIVES: tuple[type, ...] = (Rectangular, FastSigmoid)  # the table of their slot


@njit(cache=True, nogil=True, error_model="numpy")
def _rectangular(v: Floats, threshold: Real, width: Real, height: Real) -> None:
    zero = v.dtype.type(0)
    for j in range(v.size):
        x = abs(v[j] - threshold)
        v[j] = height if x < width else zero


@njit(cache=True, nogil=True, error_model="numpy")
def _fast_sigmoid(v: Floats, threshold: Real, slope: Real, height: Real) -> None:
    one = v.dtype.type(1)
    for j in range(v.size):
        y = one + slope * abs(v[j] - threshold)
        v[j] = height / (y * y)
