from __future__ import annotations

import numpy as np
import pytest

from snnctl.training.exploration import Choices, Normal


@pytest.mark.parametrize("distribution", [Choices((3,)), Choices((2, 1)), Normal(3)])
def test_gradient_equals_central_differences(distribution: Choices | Normal) -> None:
    random = np.random.default_rng(0)
    z, log_std = random.normal(size=(5, 3)), np.array([-0.5, 0.1, -1.0])
    actions = distribution.sample(z, log_std, random)
    assert actions.shape == (5, distribution.width)
    d_log_p, d_entropy = random.normal(size=5), 0.7

    def loss(z: np.ndarray, log_std: np.ndarray) -> float:
        log_p, entropy = distribution.log_probability(z, log_std, actions)
        return float((d_log_p * log_p).sum() + d_entropy * entropy.sum())

    gradient = distribution.gradient(z, log_std, actions, d_log_p, d_entropy)
    for array, mine in ((z, gradient.z), (log_std, gradient.log_std)):
        for index in np.ndindex(array.shape):
            array[index] += 1e-6
            above = loss(z, log_std)
            array[index] -= 2e-6
            below = loss(z, log_std)
            array[index] += 1e-6
            assert mine[index] == pytest.approx((above - below) / 2e-6, rel=1e-5, abs=1e-7)


def test_choice_samples_with_the_probabilities_of_a_softmax() -> None:
    z = np.tile(np.log([0.2, 0.3, 0.5]), (20_000, 1))
    drawn = Choices((3,)).sample(z, np.zeros(3), np.random.default_rng(1))[:, 0]
    np.testing.assert_allclose(np.bincount(drawn.astype(int)) / 20_000, [0.2, 0.3, 0.5], atol=0.015)


def test_normal_samples_around_the_readout_and_squashes() -> None:
    normal = Normal(1)
    drawn = normal.sample(np.full((20_000, 1), 0.5), np.log([0.1]), np.random.default_rng(2))
    assert drawn.mean() == pytest.approx(0.5, abs=0.004)
    assert drawn.std() == pytest.approx(0.1, rel=0.03)
    np.testing.assert_array_equal(normal.action(drawn), np.tanh(drawn))
    sure = normal.action(normal.sample(np.full((100, 1), 4.0), np.log([0.1]), np.random.default_rng(3)))
    assert sure.min() > 0.998  # the noise does not show at a limit
