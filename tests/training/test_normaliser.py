"""A recipe decides whether the observation normaliser follows what training sees."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.test_ppo import make


@pytest.mark.parametrize("learnable", [True, False])
def test_only_a_learnable_normaliser_leaves_mean_0_and_deviation_1(learnable: bool) -> None:
    ppo = make("Choice", "deterministic", 1, 5, f"normaliser.learnable={str(learnable).lower()}")
    for _ in range(2):
        ppo.update()
    tensors = ppo.agent().tensors
    ppo.close()
    unchanged = np.array_equal(tensors["normaliser.mean"], [0.0]) and np.array_equal(tensors["normaliser.std"], [1.0])
    assert unchanged is not learnable
