"""What the hidden layers of a dense network compute with: functions of one number, by their name.

    relu        max(h, 0)
    tanh        tanh(h)
    elu         h where h > 0, else exp(h) - 1
    leaky_relu  h where h > 0, else 0.01 h
    selu        1.0507009873554805 (h where h > 0, else 1.6732632423543772 (exp(h) - 1))
    silu        h / (1 + exp(-h))
    gelu        h (1 + erf(h / sqrt 2)) / 2
    mish        h tanh(softplus(h))
    sigmoid     1 / (1 + exp(-h))
    softplus    log(1 + exp(h))
    softsign    h / (1 + |h|)

They are those of ``torch.nn`` with its default arguments; the constants of ``selu`` are of Klambauer et al., NeurIPS
2017. All but the first two are computed in float64 and rounded once to float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Activation = Literal[
    "relu", "tanh", "elu", "leaky_relu", "selu", "silu", "gelu", "mish", "sigmoid", "softplus", "softsign"
]
Floats32 = NDArray[np.float32]
Floats = NDArray[np.float64]

_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
_LEAK = 0.01


def relu(h: Floats32) -> Floats32:
    """Rectified."""
    return np.maximum(h, np.float32(0))


def tanh(h: Floats32) -> Floats32:
    """Hyperbolic tangent in float32."""
    found: Floats32 = np.tanh(h)
    return found


def _rounded(function: Callable[[Floats], Floats]) -> Callable[[Floats32], Floats32]:
    def rounded(h: Floats32) -> Floats32:
        return function(h.astype(np.float64)).astype(np.float32)

    return rounded


def _exponential(h: Floats) -> Floats:
    return np.expm1(np.minimum(h, 0.0))


def _sigmoid(h: Floats) -> Floats:
    from scipy.special import expit  # without overflow on either side

    found: Floats = expit(h)
    return found


def _softplus(h: Floats) -> Floats:
    return np.logaddexp(h, 0.0)


def _gelu(h: Floats) -> Floats:
    from scipy.special import erf

    found: Floats = h * (1.0 + erf(h / np.sqrt(2.0))) / 2.0
    return found


FUNCTIONS: dict[Activation, Callable[[Floats32], Floats32]] = {
    "relu": relu,
    "tanh": tanh,
    "elu": _rounded(lambda h: np.where(h > 0, h, _exponential(h))),
    "leaky_relu": _rounded(lambda h: np.where(h > 0, h, _LEAK * h)),
    "selu": _rounded(lambda h: _SELU_SCALE * np.where(h > 0, h, _SELU_ALPHA * _exponential(h))),
    "silu": _rounded(lambda h: h * _sigmoid(h)),
    "gelu": _rounded(_gelu),
    "mish": _rounded(lambda h: h * np.tanh(_softplus(h))),
    "sigmoid": _rounded(_sigmoid),
    "softplus": _rounded(_softplus),
    "softsign": _rounded(lambda h: h / (1.0 + np.abs(h))),
}
