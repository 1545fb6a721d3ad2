"""Exploration noise that is held for some steps, so that it moves a body instead of shaking it.

    e standard normal, held for n steps        P(n) proportional to n^-2, n = 1 ... 16

Source: FlashSAC, arXiv:2604.04539 (zeta-distributed repeats); Dabney, Ostrovski & Barreto, ICLR 2021.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LONGEST = 16
_CUMULATIVE = np.cumsum(np.arange(1, LONGEST + 1) ** -2.0)


class HeldNoise:
    """The noise of the moment and for how many steps more it is held."""

    def __init__(self, actions: int) -> None:
        self.noise: NDArray[np.float64] = np.zeros(actions)
        self.left = 0

    def next(self, random: np.random.Generator) -> NDArray[np.float64]:
        """The noise (actions,) of the next step."""
        if self.left == 0:
            self.left = 1 + int(np.searchsorted(_CUMULATIVE, random.random() * _CUMULATIVE[-1], side="right"))
            self.noise = random.standard_normal(len(self.noise))
        self.left -= 1
        return self.noise
