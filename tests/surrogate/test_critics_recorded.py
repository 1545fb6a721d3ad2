"""Critics and Adam against values that torch's autograd gave (tests/data/README.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from snnctl.surrogate import adam, unit_rows
from snnctl.surrogate.critics import BatchNormalised, Critic, LayerNormalised, Relu

DATA = Path(__file__).resolve().parents[1] / "data" / "snn" / "critics.npz"
FORMS: dict[str, Critic] = {
    "relu": Relu(hidden=(6, 5)),
    "layer_norm": LayerNormalised(hidden=(6, 5), bins=9, shift=0.0),
    "batch_norm": BatchNormalised(hidden=(6, 5, 7), bins=9),
}


@pytest.fixture(scope="module")
def recorded() -> dict[str, NDArray[Any]]:
    with np.load(DATA) as file:
        return dict(file)


@pytest.mark.parametrize("form", FORMS)
def test_a_step_of_learning(recorded: dict[str, NDArray[Any]], form: str) -> None:
    own = {name.removeprefix(f"{form}."): array for name, array in recorded.items() if name.startswith(f"{form}.")}
    twins = FORMS[form].build(4, 2, 8, np.random.default_rng(0), dtype=np.float64)
    for name, tensor in twins.online.tensors.items():
        tensor[:] = own[f"online.{name}"]
        twins.target.tensors[name][:] = own[f"target.{name}"]
    for name, buffer in twins.running.tensors.items():
        buffer[:] = own[f"running.{name}"]
    q, gradient = twins.action_gradient(own["x"], own["a"])
    np.testing.assert_allclose(q, own["q"], rtol=1e-10)
    np.testing.assert_allclose(gradient, own["dq_da"], rtol=1e-8, atol=1e-12)

    batch = [own[name] for name in ("x", "a", "reward", "discount", "next_x", "next_a", "bonus")]
    learnt = twins.learn(*batch, lr=0.0)
    np.testing.assert_allclose(twins._y, own["y"], atol=1e-12)
    assert learnt.loss == pytest.approx(float(own["loss"]), rel=1e-10)
    for name, tensor in twins.gradients.tensors.items():
        np.testing.assert_allclose(tensor, own[f"gradient.{name}"], rtol=1e-8, atol=1e-12, err_msg=name)


def test_adam_without_rows_to_project(recorded: dict[str, NDArray[Any]]) -> None:
    flat = recorded["adam.start"].copy()
    state, parts = adam.moments(flat), unit_rows.segments({"a": (12,), "b": (8,)})
    for gradient, expected in zip(recorded["adam.gradients"], recorded["adam.parameters"], strict=True):
        unit_rows.update(flat, gradient, state, parts, 0.01)
        np.testing.assert_allclose(flat, expected, rtol=1e-11)
