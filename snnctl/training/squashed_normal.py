"""A normal distribution squashed into (-1, 1), with a deviation for every sample; and its reparametrised gradient.

    u = mu + sigma e ; a = tanh(u)                       e standard normal, sigma = exp(log_std)
    log p(a) = sum_j -e^2 / 2 - log_std - log(2 pi) / 2 - log(1 - a^2)
    log(1 - tanh(u)^2) = 2 (log 2 - u - softplus(-2 u))
    log_std = low + (high - low) (tanh(s) + 1) / 2       of the read-out s of a network

With e held, for a loss with the derivatives d_a (of the action) and d_p (of log p):

    d mu = d_a (1 - a^2) + 2 a d_p ;  d log_std = d mu sigma e - d_p ;  d s = d log_std (high - low) (1 - tanh(s)^2) / 2

All arrays are (batch, actions) in float64, log p and d_p are (batch,).
Source: Haarnoja et al., arXiv:1812.05905, appendix C.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LOG_STD_RANGE = (-10.0, 2.0)


class Draw(NamedTuple):
    """Actions and what their gradient needs."""

    actions: Floats  # a
    log_p: Floats
    noise: Floats  # sigma e
    std: Floats  # sigma
    bend: Floats  # tanh(s)


def draw(mean: Floats, spread: Floats, noise: Floats) -> Draw:
    """Actions around ``mean`` with the deviations of the read-out ``spread`` and the standard normal ``noise``."""
    low, high = LOG_STD_RANGE
    bend = np.tanh(spread)
    log_std = low + (high - low) * (bend + 1) / 2
    std = np.exp(log_std)
    scaled = std * noise
    u = mean + scaled
    volume = 2 * (math.log(2) - u - np.logaddexp(0, -2 * u))
    log_p = (-0.5 * noise * noise - log_std - 0.5 * math.log(2 * math.pi) - volume).sum(axis=1)
    return Draw(np.tanh(u), log_p, scaled, std, bend)


def gradient(drawn: Draw, d_actions: Floats, d_log_p: Floats) -> tuple[Floats, Floats]:
    """The derivatives of a loss by mean and spread, given those by actions and log-probability."""
    low, high = LOG_STD_RANGE
    a, d_p = drawn.actions, d_log_p[:, None]
    d_mean = d_actions * (1 - a * a) + 2 * a * d_p
    d_log_std = d_mean * drawn.noise - d_p
    return d_mean, d_log_std * (high - low) * (1 - drawn.bend * drawn.bend) / 2


def spread_of(log_std: float) -> float:
    """The read-out s that gives this logarithm of a deviation."""
    low, high = LOG_STD_RANGE
    return math.atanh(2 * (log_std - low) / (high - low) - 1)
