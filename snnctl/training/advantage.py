"""Generalised advantage estimation.

    delta[t] = r[t] + gamma next_value[t] - value[t]        next_value is 0 where the task terminated
    A[t] = delta[t] + gamma lambda A[t+1]                   A[t+1] is 0 where an episode ended at t

``next_value`` is the critic's value of the observation that step t really led to, so an episode cut by
a time limit is bootstrapped from its last observation and not from the first of the next episode.
Source: Schulman et al., ICLR 2016; time limits: Pardo et al., ICML 2018.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def advantages(
    rewards: Floats, values: Floats, next_values: Floats, ended: NDArray[np.bool_], gamma: float, lam: float
) -> Floats:
    """A of every step; all arrays (steps, envs), ``next_values`` already 0 where the task terminated."""
    delta = rewards + gamma * next_values - values
    result = np.zeros_like(delta)  # (steps, envs)
    following = np.zeros(delta.shape[1])  # (envs,)
    for t in range(len(delta) - 1, -1, -1):
        following = delta[t] + gamma * lam * np.where(ended[t], 0.0, following)
        result[t] = following
    return result
