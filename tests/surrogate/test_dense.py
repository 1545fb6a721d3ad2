from __future__ import annotations

import numpy as np
import pytest

from snnctl.surrogate import dense, parameters

SIZES = (3, 8, 5, 2)


def test_gradient_equals_central_differences() -> None:
    random = np.random.default_rng(0)
    flat, tensors = parameters.allocate(dense.shapes(SIZES), np.float64)
    flat[:] = random.normal(size=flat.size)
    x, weights = random.normal(size=(6, 3)), random.normal(size=(6, 2))
    passing = dense.Pass(SIZES, 6, np.float64)
    gradient, gradients = parameters.allocate(dense.shapes(SIZES), np.float64)
    passing.forward(tensors, x)
    passing.backward(tensors, weights, gradients)
    for j in range(flat.size):
        flat[j] += 1e-6
        above = (weights * passing.forward(tensors, x)).sum()
        flat[j] -= 2e-6
        below = (weights * passing.forward(tensors, x)).sum()
        flat[j] += 1e-6
        assert gradient[j] == pytest.approx((above - below) / 2e-6, rel=1e-5, abs=1e-7)


def test_output_is_linear_and_hidden_values_are_rectified() -> None:
    flat, tensors = parameters.allocate(dense.shapes((1, 1, 1)), np.float32)
    tensors["dense.0.weight"][:] = 1
    tensors["dense.1.weight"][:] = -2
    passing = dense.Pass((1, 1, 1), 2, np.float32)
    np.testing.assert_array_equal(passing.forward(tensors, np.array([[3.0], [-3.0]]))[:, 0], [-6.0, 0.0])
    assert flat.size == 4


def test_initialisation_is_scaled_by_fan_in() -> None:
    _, tensors = parameters.allocate(dense.shapes((100, 200, 1)), np.float64)
    dense.initialise(tensors, np.random.default_rng(1))
    assert tensors["dense.0.weight"].std() == pytest.approx(np.sqrt(2 / 100), rel=0.05)
    assert tensors["dense.1.weight"].std() == pytest.approx(0.1 * np.sqrt(2 / 200), rel=0.2)
