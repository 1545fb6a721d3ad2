"""Bell-shaped receptive fields of one observation, and the spikes of an activity, as compiled functions.

    A[d, j] = exp(slope[d, j] (x[d] - centre[d, j])^2)                 slope = -1 / (2 width^2)

Encoders that have such fields offer them to the fused decision (:class:`snnctl.coding.code.ReceptiveFields`), which
calls these functions. Arrays that end in a padding (to a multiple of the vector length) may be given: the padding is
neither read as an observation nor written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.coding.exponential import exp_nonpositive
from snnctl.coding.xoshiro import uniform


@njit(cache=True, nogil=True, error_model="numpy")
def activation(x: NDArray[Any], centre: NDArray[Any], slope: NDArray[Any], out: NDArray[Any]) -> None:
    """A of every neuron.

    Args:
        x: normalised observations, repeated for each neuron of their dimension (n,)
        centre: (n,)
        slope: (n,)
        out: (n,), overwritten
    """
    for j in range(out.size):
        distance = x[j] - centre[j]
        out[j] = exp_nonpositive(slope[j] * (distance * distance))


@njit(cache=True, nogil=True, error_model="numpy")
def integrate(a: NDArray[Any], threshold: Any, u: NDArray[Any], spikes: NDArray[Any]) -> None:
    """One tick of soft-reset integration: u += A; spike where u > threshold, then u -= threshold.

    Args:
        a: (n,)
        threshold: a scalar of a's type
        u: (n,), changed
        spikes: (n,), overwritten with 0 and 1
    """
    zero = threshold - threshold
    for j in range(a.size):
        raised = u[j] + a[j]
        fired = raised > threshold
        u[j] = raised - (threshold if fired else zero)
        spikes[j] = np.uint8(1) if fired else np.uint8(0)


@njit(cache=True, nogil=True, error_model="numpy")
def deterministic_spikes(a: NDArray[Any], threshold: Any, u: NDArray[Any], spikes: NDArray[np.uint8]) -> None:
    """Soft-reset integration of A over all ticks, from u = 0.

    Args:
        a: (n,)
        threshold: a scalar of a's type
        u: (n,) work space, overwritten
        spikes: (ticks, n), overwritten
    """
    zero = threshold - threshold
    for j in range(a.size):
        u[j] = zero
    for t in range(spikes.shape[0]):
        integrate(a, threshold, u, spikes[t])


@njit(cache=True, nogil=True, error_model="numpy")
def poisson_spikes(a: NDArray[Any], state: NDArray[np.uint64], spikes: NDArray[np.uint8]) -> None:
    """A spike with probability A, drawn tick by tick and in the order of the neurons; ``state`` is advanced.

    Args:
        a: (n,)
        state: (4,) of the random generator
        spikes: (ticks, n), overwritten
    """
    for t in range(spikes.shape[0]):
        for j in range(a.size):
            spikes[t, j] = np.uint8(1) if uniform(state) < a[j] else np.uint8(0)


@njit(cache=True, nogil=True, error_model="numpy")
def encode(
    x: NDArray[np.float64], centre: NDArray[Any], slope: NDArray[Any], threshold: Any, poisson: bool,
    wide: NDArray[Any], a: NDArray[Any], state: NDArray[np.uint64], spikes: NDArray[np.uint8],
) -> None:  # fmt: skip
    """Spikes of an observation, whose precision is rounded to that of the fields.

    Args:
        x: (dims,)
        centre: (n,), n a multiple of dims
        slope: (n,)
        threshold: of the integration, a scalar of centre's type
        poisson: whether spikes are drawn
        wide: (n,) work space
        a: (n,) the activity, overwritten
        state: (4,) of the random generator
        spikes: (ticks, n), overwritten
    """
    repeats = centre.size // x.size
    for d in range(x.size):
        wide[d * repeats : (d + 1) * repeats] = x[d]
    activation(wide, centre, slope, a)
    if poisson:
        poisson_spikes(a, state, spikes)
    else:
        deterministic_spikes(a, threshold, wide, spikes)


def slopes(width: NDArray[Any]) -> NDArray[np.float64]:
    """-1 / (2 width^2), in float64 before it is rounded to the precision of the network."""
    return -0.5 / np.square(width.astype(np.float64))
