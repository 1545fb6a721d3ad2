"""Activations are those of torch 2.13 in float64, at nine places, to the digits that are written here."""

from __future__ import annotations

import numpy as np
import pytest

from snnctl.network.activations import FUNCTIONS

PLACES = (-100.0, -3.0, -1.0, -0.1, 0.0, 0.1, 1.0, 3.0, 100.0)
OF_TORCH = {
    "relu": (0.0, 0.0, 0.0, 0.0, 0.0, 0.1, 1.0, 3.0, 100.0),
    "tanh": (-1.0, -0.9950548, -0.7615942, -0.099668, 0.0, 0.099668, 0.7615942, 0.9950548, 1.0),
    "elu": (-1.0, -0.9502129, -0.6321206, -0.09516258, 0.0, 0.1, 1.0, 3.0, 100.0),
    "leaky_relu": (-1.0, -0.03, -0.01, -0.001, 0.0, 0.1, 1.0, 3.0, 100.0),
    "selu": (-1.758099, -1.670569, -1.111331, -0.1673053, 0.0, 0.1050701, 1.050701, 3.152103, 105.0701),
    "silu": (0.0, -0.1422776, -0.2689414, -0.04750208, 0.0, 0.05249792, 0.7310586, 2.857722, 100.0),
    "gelu": (0.0, -0.004049694, -0.1586553, -0.04601722, 0.0, 0.05398278, 0.8413447, 2.99595, 100.0),
    "mish": (0.0, -0.1456475, -0.3034015, -0.05678858, 0.0, 0.06317942, 0.8650984, 2.986535, 100.0),
    "sigmoid": (0.0, 0.04742587, 0.2689414, 0.4750208, 0.5, 0.5249792, 0.7310586, 0.9525741, 1.0),
    "softplus": (0.0, 0.04858735, 0.3132617, 0.6443967, 0.6931472, 0.7443967, 1.313262, 3.048587, 100.0),
    "softsign": (-0.990099, -0.75, -0.5, -0.09090909, 0.0, 0.09090909, 0.5, 0.75, 0.990099),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_activation_is_that_of_torch(name: str) -> None:
    given = FUNCTIONS[name](np.array(PLACES, np.float32))
    assert given.dtype == np.float32
    np.testing.assert_allclose(given, OF_TORCH[name], rtol=5e-7, atol=1e-30)
