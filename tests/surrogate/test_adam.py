from __future__ import annotations

import numpy as np
import pytest

from snnctl.surrogate import adam


def test_first_step_has_the_size_of_lr_against_the_sign_of_the_gradient() -> None:
    p = np.zeros(4)
    adam.update(p, np.array([3.0, -0.01, 1e3, 0.0]), adam.moments(p), 0.1, epsilon=0.0 + 1e-300)
    np.testing.assert_allclose(p, [-0.1, 0.1, -0.1, 0.0], rtol=1e-12)


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 2e-5)])
def test_many_steps_equal_the_published_algorithm(dtype: type, rtol: float) -> None:
    random = np.random.default_rng(0)
    p = random.normal(size=50).astype(dtype)
    reference, m, q = p.astype(np.float64), np.zeros(50), np.zeros(50)
    state = adam.moments(p)
    for t in range(1, 101):
        g = random.normal(size=50).astype(dtype)
        adam.update(p, g, state, 0.01, beta1=0.9, beta2=0.99, epsilon=1e-8)
        wide = g.astype(np.float64)
        m, q = 0.9 * m + 0.1 * wide, 0.99 * q + 0.01 * wide**2
        reference -= 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(q / (1 - 0.99**t)) + 1e-8)
    np.testing.assert_allclose(p, reference, rtol=rtol, atol=rtol)
    assert state.steps[0] == 100


def test_kernel_interpreted_equals_kernel_compiled_but_for_rounding() -> None:
    p = np.linspace(-1, 1, 7)
    q = p.copy()
    adam.update(p, np.ones(7), adam.moments(p), 0.1)
    state = adam.moments(q)
    state.steps[0] = 1
    kernel = getattr(adam._kernel, "py_func", adam._kernel)
    kernel(q, np.ones(7), state.first, state.second, 0.1 / 0.1, 1 / np.sqrt(1 - 0.999), 0.9, 0.1, 0.999, 0.001, 1e-5)
    np.testing.assert_allclose(p, q, rtol=1e-12)
