"""What rewards are divided by, so that discounted returns are of one size whatever the task.

    G <- gamma G + r, from 0 in every episode        over all steps: deviation of G, and the largest |G|
    scale = max(std(G), max|G| / bound)

Rewards r / scale have returns of about one deviation, and none seen so far is beyond ``bound``.
Sources: Lee et al., arXiv:2502.15280; the deviation alone, for PPO: Engstrom et al., ICLR 2020.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

SMALLEST = 1e-8  # before any reward that is not zero


class ReturnScale:
    """The returns of the running episodes and the statistics of all; ``numbers`` is the whole state.

    Args:
        gamma: discount
        bound: of the range of values
        envs: environments side by side
    """

    def __init__(self, gamma: float, bound: float, envs: int = 1) -> None:
        self._gamma, self._bound = gamma, bound
        # steps, mean, summed squared deviation, max |G|, then G of each environment
        self.numbers: NDArray[np.float64] = np.zeros(4 + envs)

    def add(self, reward: float, ended: bool, env: int = 0) -> None:
        """Take in a step of environment ``env``; ``ended`` also where time ran out."""
        steps, mean, m2, largest = self.numbers[:4].tolist()
        episode = self._gamma * float(self.numbers[4 + env]) + reward
        steps += 1
        delta = episode - mean
        mean += delta / steps
        m2 += delta * (episode - mean)
        self.numbers[:4] = steps, mean, m2, max(largest, abs(episode))
        self.numbers[4 + env] = 0.0 if ended else episode

    @property
    def scale(self) -> float:
        """What rewards are divided by."""
        steps, _, m2, largest = self.numbers[:4].tolist()
        return float(max(math.sqrt(m2 / max(steps, 1.0)), largest / self._bound, SMALLEST))
