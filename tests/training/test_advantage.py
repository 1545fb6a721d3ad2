from __future__ import annotations

import numpy as np

from snnctl.training.advantage import advantages


def test_equals_the_definition_as_a_sum_of_discounted_errors() -> None:
    random = np.random.default_rng(0)
    steps, envs, gamma, lam = 12, 3, 0.9, 0.8
    rewards, values, following = (random.normal(size=(steps, envs)) for _ in range(3))
    ended = random.random((steps, envs)) < 0.2
    result = advantages(rewards, values, following, ended, gamma, lam)
    delta = rewards + gamma * following - values
    for e in range(envs):
        for t in range(steps):
            total = 0.0
            for later in range(t, steps):
                total += (gamma * lam) ** (later - t) * delta[later, e]
                if ended[later, e]:
                    break
            np.testing.assert_allclose(result[t, e], total, rtol=1e-12)


def test_with_lambda_one_and_no_values_it_is_the_discounted_return() -> None:
    rewards = np.ones((5, 1))
    zero = np.zeros((5, 1))
    ended = np.array([[False], [False], [True], [False], [False]])
    result = advantages(rewards, zero, zero, ended, 0.5, 1.0)
    np.testing.assert_allclose(result[:, 0], [1.75, 1.5, 1.0, 1.5, 1.0])
