"""What the outputs of a critic mean: one value, or a distribution over values; target, loss and expected value.

Scalar, one output Q:

    y = r + discount (Q'[min] - bonus)                        loss = sum over the batch of (Q - y)^2 / 2, divided by it

Categorical, one logit for each of ``bins`` atoms z[k], evenly spaced from low to high; p = softmax(logits):

    Q = sum_k p[k] z[k]                                       dQ / d logit[k] = p[k] (z[k] - Q)
    t[k] = clip(r + discount (z[k] - bonus), low, high)       where the atoms of the smaller Q' move to
    m = sum_k p'[k] (shares of the two atoms beside t[k], linear in the distances)
    loss = mean over the batch of -sum_k m[k] log p[k]        d loss / d logit[k] = (p[k] - m[k]) / batch

``discount`` is gamma where the episode goes on and 0 where it terminated; ``bonus`` is alpha log pi(a' | x'). Both
critics learn the same target. Each function takes one sweep over its rows.

Sources: Fujimoto et al., ICML 2018 (smaller of two critics); Haarnoja et al., arXiv:1812.05905 (entropy in the target);
Bellemare, Dabney & Munos, ICML 2017, algorithm 1 (projection); Palenicek et al., arXiv:2509.25174 (the critic with the
smaller expectation gives its distribution).
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numba import njit
from numpy.typing import NDArray

from snnctl.coding.exponential import exp_nonpositive

Floats = NDArray[np.floating[Any]]
Real = Any  # a scalar of the type of the arrays

# Sums in the order of the vector unit; nan and inf stay what they are. Only functions that call nothing may have it:
# numba compiles what they call with the same licence, and the rounding inside exp_nonpositive would be optimised away.
_SUMS = {"reassoc", "nsz", "contract"}


class Head(Protocol):
    """Target, loss and value of the outputs (batch, outputs) of a critic."""

    outputs: int

    def target(
        self, first: Floats, second: Floats, reward: Floats, discount: Floats, bonus: Floats, y: Floats
    ) -> float:
        """Write the target ``y`` (batch, outputs) from both target critics; returns the share that was clipped."""
        ...

    def loss(self, out: Floats, y: Floats, gradient: Floats) -> float:
        """The mean loss; writes its gradient (batch, outputs)."""
        ...

    def value(self, out: Floats, q: Floats, gradient: Floats) -> None:
        """Write Q (batch,) and dQ / d out (batch, outputs)."""
        ...


class Scalar:
    """One value."""

    outputs = 1

    def target(
        self, first: Floats, second: Floats, reward: Floats, discount: Floats, bonus: Floats, y: Floats
    ) -> float:
        """Write the target ``y`` (batch, 1); nothing is clipped."""
        y[:, 0] = reward + discount * (np.minimum(first[:, 0], second[:, 0]) - bonus)
        return 0.0

    def loss(self, out: Floats, y: Floats, gradient: Floats) -> float:
        """Half the mean squared error."""
        np.subtract(out, y, out=gradient)
        loss = 0.5 * float(np.sum(gradient * gradient, dtype=np.float64)) / len(out)
        gradient /= len(out)
        return loss

    def value(self, out: Floats, q: Floats, gradient: Floats) -> None:
        """Write Q (batch,) and ones."""
        q[:] = out[:, 0]
        gradient[:] = 1


class Categorical:
    """A distribution over ``bins`` atoms from ``low`` to ``high``."""

    def __init__(self, bins: int, low: float, high: float, dtype: Any) -> None:
        self.outputs = bins
        self.atoms = np.linspace(low, high, bins).astype(dtype)  # (bins,) z
        self._p = np.zeros((2, bins), dtype=dtype)  # of the sample at hand

    def target(
        self, first: Floats, second: Floats, reward: Floats, discount: Floats, bonus: Floats, y: Floats
    ) -> float:
        """Write the projected distribution ``y`` (batch, bins)."""
        return float(_project(first, second, reward, discount, bonus, self.atoms, self._p, y)) / len(y)

    def loss(self, out: Floats, y: Floats, gradient: Floats) -> float:
        """Mean cross-entropy."""
        return float(_cross_entropy(out, y, gradient)) / len(out)

    def value(self, out: Floats, q: Floats, gradient: Floats) -> None:
        """Write the expected values (batch,) and their gradient."""
        _expected(out, self.atoms, q, gradient)


@njit(cache=True, nogil=True, error_model="numpy")
def _softmax(logits: Floats, p: Floats) -> Any:
    """Write the probabilities; returns log sum exp(logits)."""
    top = logits[0]
    for k in range(1, logits.size):
        top = logits[k] if logits[k] > top else top
    for k in range(logits.size):
        p[k] = exp_nonpositive(logits[k] - top)
    total = _sum(p)
    share = logits.dtype.type(1) / total
    for k in range(logits.size):
        p[k] *= share
    return top + np.log(total)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def _sum(p: Floats) -> Any:
    total = p.dtype.type(0)
    for k in range(p.size):
        total += p[k]
    return total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=_SUMS)
def _mean(p: Floats, atoms: Floats) -> Any:
    total = p.dtype.type(0)
    for k in range(p.size):
        total += p[k] * atoms[k]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _project(
    first: Floats,
    second: Floats,
    reward: Floats,
    discount: Floats,
    bonus: Floats,
    atoms: Floats,
    p: Floats,
    y: Floats,
) -> float:
    """Write the target distributions; returns the clipped mass of all samples."""
    bins = atoms.size
    zero, one = y.dtype.type(0), y.dtype.type(1)
    last = y.dtype.type(bins - 1)
    low = atoms[0]
    density = last / (atoms[bins - 1] - low)
    clipped = 0.0
    for row in range(y.shape[0]):
        _softmax(first[row], p[0])
        _softmax(second[row], p[1])
        chosen = p[0] if _mean(p[0], atoms) <= _mean(p[1], atoms) else p[1]
        m = y[row]
        m[:] = zero
        for k in range(bins):
            place = (reward[row] + discount[row] * (atoms[k] - bonus[row]) - low) * density
            if place < zero or place > last:
                clipped += chosen[k]
            place = zero if place < zero else (last if place > last else place)
            below = min(int(place), bins - 2)
            share = place - y.dtype.type(below)
            m[below] += chosen[k] * (one - share)
            m[below + 1] += chosen[k] * share
    return clipped


@njit(cache=True, nogil=True, error_model="numpy")
def _cross_entropy(logits: Floats, y: Floats, gradient: Floats) -> float:
    share = logits.dtype.type(1) / logits.dtype.type(logits.shape[0])
    loss = 0.0
    for row in range(logits.shape[0]):
        out, m, g = logits[row], y[row], gradient[row]
        normaliser = _softmax(out, g)
        loss += float(normaliser - _mean(m, out))  # the target's mass is one
        for k in range(out.size):
            g[k] = (g[k] - m[k]) * share
    return loss


@njit(cache=True, nogil=True, error_model="numpy")
def _expected(logits: Floats, atoms: Floats, q: Floats, gradient: Floats) -> None:
    for row in range(logits.shape[0]):
        g = gradient[row]
        _softmax(logits[row], g)
        mean = _mean(g, atoms)
        q[row] = mean
        for k in range(atoms.size):
            g[k] *= atoms[k] - mean
