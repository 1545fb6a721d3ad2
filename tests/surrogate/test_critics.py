"""Twin critics: gradients, what each forward pass takes as statistics, and what a step changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from snnctl import config
from snnctl.errors import ConfigError
from snnctl.surrogate import unit_rows
from snnctl.surrogate.critics import CRITICS, BatchNormalised, Critic, LayerNormalised, Relu, defects
from snnctl.surrogate.normalisation import BatchNorm, Mode
from snnctl.surrogate.twin_critics import TwinCritics

DIMS, ACTIONS, BATCH = 3, 2, 6
FORMS = (
    Relu(hidden=(7, 5)),
    LayerNormalised(hidden=(7, 5), bins=11),
    LayerNormalised(hidden=(7, 5), bins=11, shift=0.0),
    BatchNormalised(hidden=(7, 6, 5), bins=11),
)


def made(form: Critic, seed: int = 0, workers: int = 1, dtype: Any = np.float64) -> TwinCritics:
    twins = form.build(DIMS, ACTIONS, BATCH, np.random.default_rng(seed), workers, dtype)
    random = np.random.default_rng(seed + 100)
    for flat in (twins.online.flat, twins.target.flat):  # scales and offsets away from one and zero
        flat += (0.1 * random.standard_normal(flat.size)).astype(dtype)
    return twins


def batch(seed: int = 1, dtype: Any = np.float64) -> dict[str, NDArray[Any]]:
    random = np.random.default_rng(seed)
    drawn = {
        "x": random.standard_normal((BATCH, DIMS)),
        "a": random.uniform(-1, 1, (BATCH, ACTIONS)),
        "reward": random.standard_normal(BATCH),
        "discount": np.where(np.arange(BATCH) == 2, 0.0, 0.99),
        "next_x": random.standard_normal((BATCH, DIMS)),
        "next_a": random.uniform(-1, 1, (BATCH, ACTIONS)),
        "bonus": 0.1 * random.standard_normal(BATCH),
    }
    return {name: array.astype(dtype) for name, array in drawn.items()}


def measured(flat: NDArray[Any], loss: Any, step: float = 1e-6) -> NDArray[Any]:
    found = np.zeros_like(flat)
    for j in range(flat.size):
        kept = flat[j]
        flat[j] = kept + step
        above = loss()
        flat[j] = kept - step
        found[j] = (above - loss()) / (2 * step)
        flat[j] = kept
    return found


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.kind)
def test_the_gradient_of_the_loss_equals_central_differences(form: Critic) -> None:
    twins, drawn = made(form), batch()
    twins.tau = 0.0
    moments = [array.copy() for array in twins.moments]

    def loss() -> float:
        online = twins.online.flat.copy()
        value = twins.learn(**drawn, lr=0.0).loss
        twins.online.flat[:] = online  # no step, and no projection either
        for array, kept in zip(twins.moments, moments, strict=True):
            array[:] = kept
        return value

    loss()
    gradient = twins.gradients.flat.copy()
    np.testing.assert_allclose(gradient, measured(twins.online.flat, loss), rtol=1e-5, atol=1e-7)
    assert np.abs(gradient).max() > 1e-3


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.kind)
def test_the_gradient_of_the_actions_equals_central_differences(form: Critic) -> None:
    twins, drawn = made(form), batch()
    twins.learn(**drawn, lr=1e-3)  # running statistics that are not those of the start
    x, a = drawn["x"], drawn["a"]
    q, gradient = (array.copy() for array in twins.action_gradient(x, a))
    flat = a.reshape(-1)
    found = measured(flat, lambda: twins.action_gradient(x, a)[0].sum())
    np.testing.assert_allclose(gradient.reshape(-1), found, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(q, twins.action_gradient(x, a)[0])
    q, gradient = (array.copy() for array in twins.first_action_gradient(x, a))
    found = measured(flat, lambda: twins.first_action_gradient(x, a)[0].sum())
    np.testing.assert_allclose(gradient.reshape(-1), found, rtol=1e-5, atol=1e-7)
    assert (q >= twins.action_gradient(x, a)[0]).all() and (q > twins.action_gradient(x, a)[0]).any()


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.kind)
def test_two_threads_give_the_same_bits(form: Critic) -> None:
    results = []
    for workers in (1, 2):
        twins = made(form, workers=workers, dtype=np.float32)
        for step in range(4):
            twins.learn(**batch(step, np.float32), lr=1e-2)
        q, gradient = twins.action_gradient(batch(9, np.float32)["x"], batch(9, np.float32)["a"])
        results.append([q.copy(), gradient.copy(), *(array.copy() for array in twins.arrays().values())])
        twins.close()
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_mode_of_every_forward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, Mode, int]] = []
    twins, drawn = made(BatchNormalised(hidden=(5, 4), bins=5)), batch()
    owners = {}
    for name, running in (("online", twins.running), ("target", twins.target_running)):
        for layers in running.layers:
            for buffers in (layers.inputs, *layers.between):
                owners[buffers["mean"].ctypes.data] = name
    between = type(BatchNorm().between(1, 1, np.float64))
    original = between.forward

    def forward(self: Any, tensors: Any, buffers: Any, h: Any, y: Any, mode: Mode) -> None:
        calls.append((owners[buffers["mean"].ctypes.data], mode, len(h)))
        original(self, tensors, buffers, h, y, mode)

    monkeypatch.setattr(between, "forward", forward)
    before = twins.running.flat.copy(), twins.target_running.flat.copy()
    twins.learn(**drawn, lr=1e-3)
    places = 3  # inputs and two hidden layers
    assert calls == [("target", "batch", 2 * BATCH)] * 2 * places + [("online", "batch", 2 * BATCH)] * 2 * places
    after = twins.running.flat.copy(), twins.target_running.flat.copy()
    assert not np.array_equal(before[0], after[0]) and not np.array_equal(before[1], after[1])
    assert not np.array_equal(*after)  # the statistics of the target are its own

    calls.clear()
    twins.action_gradient(drawn["x"], drawn["a"])
    assert calls == [("online", "running", BATCH)] * 2 * places
    np.testing.assert_array_equal(twins.running.flat, after[0])
    np.testing.assert_array_equal(twins.target_running.flat, after[1])


def test_running_statistics_follow_those_of_the_joint_batch() -> None:
    twins, drawn = made(BatchNormalised(hidden=(5,), bins=5, momentum=0.9)), batch()
    twins.learn(**drawn, lr=0.0)
    here, following = np.hstack([drawn["x"], drawn["a"]]), np.hstack([drawn["next_x"], drawn["next_a"]])
    joint = np.vstack([here, following])
    inputs = twins.running.layers[0].inputs
    np.testing.assert_allclose(inputs["mean"], 0.1 * joint.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(inputs["variance"], 0.9 + 0.1 * joint.var(axis=0), atol=1e-12)


@pytest.mark.parametrize("form", FORMS[1:], ids=lambda form: form.kind)
def test_rows_of_weights_have_unit_length_after_a_step_and_nothing_else_is_projected(form: Critic) -> None:
    twins = form.build(DIMS, ACTIONS, BATCH, np.random.default_rng(0))
    for step in range(3):
        twins.learn(**batch(step, np.float32), lr=3e-2)
    for name, tensor in twins.online.tensors.items():
        if name.endswith("weight"):
            np.testing.assert_allclose(np.linalg.norm(tensor, axis=1), 1, rtol=1e-6)
    scales = [tensor for name, tensor in twins.online.tensors.items() if name.endswith("scale")]
    assert max(abs(np.linalg.norm(scale) - np.sqrt(scale.size)) for scale in scales) > 1e-2
    plain = made(FORMS[0], dtype=np.float32)
    plain.learn(**batch(0, np.float32), lr=3e-2)
    assert np.abs(np.linalg.norm(plain.online.tensors["0.layer.0.weight"], axis=1) - 1).max() > 0.1


def test_targets_approach_the_critics_and_a_step_lowers_the_loss() -> None:
    twins, drawn = made(FORMS[1]), batch()
    before = twins.target.flat.copy()
    first = twins.learn(**drawn, lr=3e-3).loss
    np.testing.assert_allclose(twins.target.flat, before + 0.005 * (twins.online.flat - before), rtol=1e-12)
    for _ in range(100):
        last = twins.learn(**drawn, lr=3e-3).loss
    assert last < first


def test_segments_cover_a_flat_vector() -> None:
    parts = unit_rows.segments({"a": (2, 3), "b": (4,), "c": (1, 5)})
    assert parts.tolist() == [[2, 3, 1], [1, 4, 0], [1, 5, 1]]


def test_forms_are_a_slot() -> None:
    assert all(defects(part) == [] for part in CRITICS)
    assert defects(Critic) and "derived" in defects(config.schema(type("Other", (), {})))[0]

    @config.schema
    class Unfinished(Critic):
        kind: str = "unfinished"

    assert "build" in defects(Unfinished)[0]
    with pytest.raises(NotImplementedError, match="Unfinished"):
        Unfinished().build(1, 1, 1, np.random.default_rng(0))
    with pytest.raises(ConfigError, match="high"):
        config.validate(LayerNormalised, {"low": 2.0, "high": 1.0}, "x")


def test_layer_norm_sees_the_size_of_its_inputs_by_the_constant_beside_them_alone() -> None:
    given = batch()
    for shift, same in ((0.0, True), (3.0, False)):
        twins = LayerNormalised(hidden=(7, 5), bins=11, shift=shift).build(
            DIMS, ACTIONS, BATCH, np.random.default_rng(0), dtype=np.float64
        )
        q, _ = twins.action_gradient(given["x"], given["a"])
        near = q.copy()
        far, _ = twins.action_gradient(3 * given["x"], 3 * given["a"])
        assert np.allclose(near, far, atol=1e-3) == same
