"""What rewards are divided by, so that discounted returns fit into a fixed range of values.

    G <- gamma G + r, from 0 in every episode        over all steps: deviation of G, and the largest |G|
    scale = max(std(G), max|G| / bound)

Rewards r / scale have returns of about one deviation, and none seen so far is beyond ``bound``.
Source: Lee et al., arXiv:2502.15280.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

SMALLEST = 1e-8  # before any reward that is not zero


class ReturnScale:
    """The return of the running episode and the statistics of all; ``numbers`` is the whole state.

    Args:
        gamma: discount
        bound: of the range of values
    """

    def __init__(self, gamma: float, bound: float) -> None:
        self._gamma, self._bound = gamma, bound
        self.numbers: NDArray[np.float64] = np.zeros(5)  # steps, mean, summed squared deviation, max |G|, G

    def add(self, reward: float, ended: bool) -> None:
        """Take in a step; ``ended`` also where time ran out."""
        steps, mean, m2, largest, episode = self.numbers.tolist()
        episode = self._gamma * episode + reward
        steps += 1
        delta = episode - mean
        mean += delta / steps
        m2 += delta * (episode - mean)
        self.numbers[:] = steps, mean, m2, max(largest, abs(episode)), 0.0 if ended else episode

    @property
    def scale(self) -> float:
        """What rewards are divided by."""
        steps, _, m2, largest, _ = self.numbers.tolist()
        return float(max(math.sqrt(m2 / max(steps, 1.0)), largest / self._bound, SMALLEST))
