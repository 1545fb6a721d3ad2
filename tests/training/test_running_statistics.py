from __future__ import annotations

import numpy as np

from snnctl.training.running_statistics import MIN_STD, nothing_seen


def test_merging_batches_equals_seeing_all_at_once() -> None:
    rows = np.random.default_rng(0).normal(5.0, 3.0, size=(1000, 4))
    statistics = nothing_seen(4)
    np.testing.assert_array_equal(statistics.std(), np.ones(4))
    for part in np.split(rows, [10, 11, 500]):
        statistics = statistics.merge(part)
    np.testing.assert_allclose(statistics.mean, rows.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(statistics.std(), rows.std(axis=0), rtol=1e-12)


def test_a_constant_observation_keeps_a_positive_deviation() -> None:
    assert nothing_seen(1).merge(np.ones((5, 1))).std()[0] == MIN_STD
