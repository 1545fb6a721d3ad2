"""Targets, losses and values of critics against plain numpy, in both precisions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from snnctl.coding.exponential import exp_nonpositive
from snnctl.surrogate.value_heads import Categorical, Scalar

BATCH, BINS = 40, 21
LOW, HIGH = -5.0, 5.0


def softmax(logits: NDArray[Any]) -> NDArray[Any]:
    e = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def drawn(dtype: Any) -> tuple[NDArray[Any], ...]:
    random = np.random.default_rng(3)
    first, second = 3 * random.standard_normal((2, BATCH, BINS))
    reward, bonus = 2 * random.standard_normal((2, BATCH))
    discount = np.where(np.arange(BATCH) % 7 == 0, 0.0, 0.99)
    return tuple(array.astype(dtype) for array in (first, second, reward, discount, bonus))


def projected(first: Any, second: Any, reward: Any, discount: Any, bonus: Any) -> tuple[NDArray[Any], float]:
    """Bellemare et al., algorithm 1, atom by atom."""
    z = np.linspace(LOW, HIGH, BINS)
    p, q = softmax(first), softmax(second)
    m, clipped = np.zeros_like(p), 0.0
    for row in range(BATCH):
        chosen = p[row] if p[row] @ z <= q[row] @ z else q[row]
        for k in range(BINS):
            t = reward[row] + discount[row] * (z[k] - bonus[row])
            clipped += chosen[k] * (not LOW <= t <= HIGH)
            b = (np.clip(t, LOW, HIGH) - LOW) / (z[1] - z[0])
            lower, upper = int(np.floor(b)), int(np.ceil(b))
            m[row, lower] += chosen[k] * (upper - b if upper > lower else 1)
            m[row, upper] += chosen[k] * (b - lower)
    return m, clipped / BATCH


@pytest.mark.parametrize(("dtype", "close"), [(np.float32, 3e-6), (np.float64, 1e-12)])
def test_categorical_against_numpy(dtype: Any, close: float) -> None:
    head, inputs = Categorical(BINS, LOW, HIGH, dtype), drawn(dtype)
    y = np.zeros((BATCH, BINS), dtype)
    share = head.target(*inputs, y)
    m, clipped = projected(*inputs)
    np.testing.assert_allclose(y, m, atol=close)
    np.testing.assert_allclose(y.sum(axis=1), 1, rtol=close)
    assert share == pytest.approx(clipped, rel=1e-5) and 0.05 < share < 1
    out, gradient, q = inputs[0], np.zeros((BATCH, BINS), dtype), np.zeros(BATCH, dtype)
    p = softmax(out)
    assert head.loss(out, y, gradient) == pytest.approx(-(y * np.log(p)).sum(axis=1).mean(), rel=10 * close)
    np.testing.assert_allclose(gradient, (p - y) / BATCH, atol=close)
    z = np.linspace(LOW, HIGH, BINS)
    head.value(out, q, gradient)
    np.testing.assert_allclose(q, p @ z, rtol=0, atol=5 * close)
    np.testing.assert_allclose(gradient, p * (z - (p @ z)[:, None]), atol=5 * close)
    assert exp_nonpositive(np.float32(-0.36)) == pytest.approx(np.exp(-0.36), rel=1e-6)  # compiled without licence


def test_an_ended_episode_puts_the_mass_beside_the_reward() -> None:
    head, y = Categorical(11, LOW, HIGH, np.float64), np.zeros((3, 11))
    logits, zero = np.zeros((3, 11)), np.zeros(3)
    head.target(logits, logits, np.array([1.25, 5.0, -7.0]), zero, zero + 9.0, y)
    np.testing.assert_allclose(y[0], [0, 0, 0, 0, 0, 0, 0.75, 0.25, 0, 0, 0], atol=1e-15)
    np.testing.assert_allclose((y[1, 10], y[2, 0]), 1)


def test_scalar_takes_the_smaller_critic() -> None:
    head, y, gradient, q = Scalar(), np.zeros((2, 1)), np.zeros((2, 1)), np.zeros(2)
    first, second = np.array([[1.0], [4.0]]), np.array([[3.0], [2.0]])
    assert head.target(first, second, np.array([0.5, 0.5]), np.array([0.9, 0.0]), np.array([0.1, 0.1]), y) == 0
    np.testing.assert_allclose(y[:, 0], [0.5 + 0.9 * 0.9, 0.5])
    assert head.loss(first, y, gradient) == pytest.approx(((1 - 1.31) ** 2 + 3.5**2) / 4)
    np.testing.assert_allclose(gradient[:, 0], (first - y)[:, 0] / 2)
    head.value(first, q, gradient)
    np.testing.assert_array_equal(q, first[:, 0])
    assert gradient.min() == gradient.max() == 1
