"""Squashed normal actions against torch's distributions and autograd (tests/data/README.md)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from snnctl.training import squashed_normal

DATA = Path(__file__).resolve().parents[1] / "data" / "snn" / "critics.npz"


def test_actions_log_probabilities_and_gradients() -> None:
    with np.load(DATA) as file:
        own = {name.removeprefix("squashed."): file[name] for name in file if name.startswith("squashed.")}
    drawn = squashed_normal.draw(own["mean"], own["spread"], own["noise"])
    np.testing.assert_allclose(drawn.actions, own["actions"], rtol=1e-12)
    np.testing.assert_allclose(drawn.log_p, own["log_p"], rtol=1e-9)
    d_mean, d_spread = squashed_normal.gradient(drawn, own["d_actions"], own["d_log_p"])
    np.testing.assert_allclose(d_mean, own["d_mean"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(d_spread, own["d_spread"], rtol=1e-9, atol=1e-12)


def test_the_probability_of_far_actions_is_finite_and_deviations_stay_in_their_range() -> None:
    one = np.ones((1, 1))
    drawn = squashed_normal.draw(40 * one, 100 * one, 0 * one)
    assert np.isfinite(drawn.log_p).all() and drawn.actions[0, 0] == 1
    assert np.log(drawn.std[0, 0]) == pytest.approx(2)
    assert np.log(squashed_normal.draw(one, -100 * one, one).std[0, 0]) == pytest.approx(-10)
    spread = squashed_normal.spread_of(-1.0) * one
    assert np.log(squashed_normal.draw(one, spread, one).std[0, 0]) == pytest.approx(-1)
