"""Distributions that a policy draws its actions from, with the gradient of their log-probability.

``z`` (batch, actions) is the policy's read-out. Both classes have the same methods; all is float64.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LOG_STD_RANGE = (-3.0, 0.5)  # exploration noise never vanishes, nor swamps the action range


class Gradient(NamedTuple):
    """What a loss's derivatives with respect to log-probability and entropy become."""

    z: Floats  # (batch, actions)
    log_std: Floats  # (actions,), zeros for choices


class Choices:
    """An index for each of some independent choices, of ``sizes[c]`` each, with probability softmax(z of choice c).

    ``z`` has the choices one after the other. Actions are (batch, choices). Log-probabilities and entropies of
    independent choices add up.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self.width = len(sizes)
        ends = np.cumsum(sizes)
        self._parts = [slice(int(end - size), int(end)) for end, size in zip(ends, sizes, strict=True)]

    def sample(self, z: Floats, log_std: Floats, random: np.random.Generator) -> Floats:
        """Draw by the Gumbel maximum: argmax(z + g)."""
        noisy = z + random.gumbel(size=z.shape)
        return np.stack([noisy[:, part].argmax(axis=1) for part in self._parts], axis=1).astype(np.float64)

    def action(self, drawn: Floats) -> Floats:
        """The same."""
        return drawn

    def log_probability(self, z: Floats, log_std: Floats, actions: Floats) -> tuple[Floats, Floats]:
        """Log-probability of the actions and the entropy, (batch,) each."""
        rows = np.arange(len(z))
        chosen, entropy = np.zeros(len(z)), np.zeros(len(z))
        for choice, part in enumerate(self._parts):
            log_p = _log_softmax(z[:, part])
            chosen += log_p[rows, actions[:, choice].astype(np.intp)]
            entropy -= (np.exp(log_p) * log_p).sum(axis=1)
        return chosen, entropy

    def gradient(self, z: Floats, log_std: Floats, actions: Floats, d_log_p: Floats, d_entropy: float) -> Gradient:
        """By d log p / dz = onehot - p ; d H / dz[j] = -p[j] (log p[j] + H), each within its choice."""
        rows, dz = np.arange(len(z)), np.empty_like(z)
        for choice, part in enumerate(self._parts):
            log_p = _log_softmax(z[:, part])
            p = np.exp(log_p)
            entropy = -(p * log_p).sum(axis=1, keepdims=True)
            dz[:, part] = -p * d_log_p[:, None] - d_entropy * p * (log_p + entropy)
            dz[rows, part.start + actions[:, choice].astype(np.intp)] += d_log_p
        return Gradient(dz, np.zeros_like(log_std))


class Normal:
    """Each action tanh(u), u normal around z with deviation exp(log_std), in units of half the action range.

    Densities and entropy are those of u: the derivative of tanh depends on u alone and cancels in every ratio. Where z
    is far from 0 an action is at its limit whatever is drawn, so a policy that is sure of itself is not disturbed.
    """

    def __init__(self, actions: int) -> None:
        self.width = actions

    def sample(self, z: Floats, log_std: Floats, random: np.random.Generator) -> Floats:
        """Draw u (batch, actions)."""
        return z + np.exp(log_std) * random.standard_normal(z.shape)

    def action(self, drawn: Floats) -> Floats:
        """Within (-1, 1)."""
        return np.tanh(drawn)

    def log_probability(self, z: Floats, log_std: Floats, actions: Floats) -> tuple[Floats, Floats]:
        """Log-probability of the actions u and the entropy, (batch,) each."""
        score = (actions - z) * np.exp(-log_std)
        log_p = (-0.5 * score * score - log_std - 0.5 * math.log(2 * math.pi)).sum(axis=1)
        entropy = (log_std + 0.5 * math.log(2 * math.pi * math.e)).sum()
        return log_p, np.full(len(z), entropy)

    def gradient(self, z: Floats, log_std: Floats, actions: Floats, d_log_p: Floats, d_entropy: float) -> Gradient:
        """By d log p / dz = score / std ; d log p / d log_std = score^2 - 1 ; d H / d log_std = 1."""
        score = (actions - z) * np.exp(-log_std)
        dz = d_log_p[:, None] * score * np.exp(-log_std)
        d_log_std = (d_log_p[:, None] * (score * score - 1)).sum(axis=0) + d_entropy * len(z)
        return Gradient(dz, d_log_std)


def _log_softmax(z: Floats) -> Floats:
    shifted = z - z.max(axis=1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result
