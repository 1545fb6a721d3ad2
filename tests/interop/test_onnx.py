"""ONNX files: data beside them, gains that are folded, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from snnctl.errors import PolicyError
from snnctl.interop import importing
from tests.interop import messages
from tests.interop.messages import model, node, tensor

RANDOM = np.random.default_rng(0)
W = RANDOM.normal(size=(3, 2)).astype(np.float32)
B = RANDOM.normal(size=2).astype(np.float32)
V = RANDOM.normal(size=(2, 1)).astype(np.float32)
LAYERS = [node("MatMul", ["obs", "W"], "h"), node("Add", ["h", "B"], "g"), node("Relu", ["g"], "r"),
          node("MatMul", ["r", "V"], "y")]  # fmt: skip
TENSORS = [tensor("W", W), tensor("B", B), tensor("V", V)]


def read(tmp_path: Path, raw: bytes) -> importing.Policy:
    (tmp_path / "m.onnx").write_bytes(raw)
    return importing.read(tmp_path / "m.onnx")


def test_numbers_in_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "m.onnx.data").write_bytes(b"1234" + W.tobytes())
    told = {"location": "m.onnx.data", "offset": "4", "length": str(W.nbytes)}
    policy = read(tmp_path, model(LAYERS, [tensor("W", W, told), *TENSORS[1:]]))
    np.testing.assert_array_equal(policy.layers[0].weight, W)
    np.testing.assert_array_equal(policy.layers[0].bias, B)
    assert policy.sizes == (3, 2, 1) and policy.activation == "relu" and policy.either


@pytest.mark.parametrize("location", ["../secret", "/etc/passwd", "sub/secret", "..", ".", "", "secret\0", "link"])
def test_data_outside_of_the_folder_are_not_read(location: str, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    (inside / "sub").mkdir(parents=True)
    for place in (tmp_path / "secret", inside / "sub" / "secret"):
        place.write_bytes(W.tobytes())
    (inside / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(PolicyError, match=r"not one beside the model|is a link"):
        read(inside, model(LAYERS, [tensor("W", W, {"location": location}), *TENSORS[1:]]))


def test_gains_before_between_and_behind_layers_are_folded(tmp_path: Path) -> None:
    """Sub and Div before the first layer are the normaliser; Mul elsewhere goes into a layer."""
    nodes = [node("Sub", ["obs", "m"], "a"), node("Div", ["a", "s"], "n"), node("MatMul", ["n", "W"], "h"),
             node("Mul", ["h", "two"], "g"), node("Tanh", ["g"], "r"), node("Mul", ["r", "two"], "q"),
             node("MatMul", ["q", "V"], "p"), node("Tanh", ["p"], "t"), node("Mul", ["t", "half"], "y")]  # fmt: skip
    m, s = np.array([1.0, 2.0, 3.0], np.float32), np.array([0.5, 1.0, 2.0], np.float32)
    more = [
        tensor(name, np.array(value, np.float32)) for name, value in (("m", m), ("s", s), ("two", 2.0), ("half", 0.5))
    ]
    policy = read(tmp_path, model(nodes, [*TENSORS, *more]))
    assert policy.normalisation is not None and policy.limits is not None and policy.own_limits
    np.testing.assert_allclose(policy.normalisation.mean, m)
    np.testing.assert_allclose(policy.normalisation.std, s)
    np.testing.assert_array_equal(policy.layers[0].weight, 2 * W)
    np.testing.assert_array_equal(policy.layers[1].weight, 2 * V)
    assert policy.limits[0].tolist() == [-0.5] and policy.output == "tanh" and policy.activation == "tanh"


REFUSED = {
    "several inputs": ([node("Add", ["obs", "other"], "h"), node("MatMul", ["h", "W"], "y")], "several inputs"),
    "several activations": (
        [*LAYERS[:3], node("MatMul", ["r", "V"], "u"), node("Tanh", ["u"], "t"), node("MatMul", ["t", "X"], "y")],
        "several activations: relu, tanh",
    ),
    "no activation": (
        [node("MatMul", ["obs", "W"], "h"), node("MatMul", ["h", "V"], "y")], "other than one activation",
    ),
    "a skip": ([*LAYERS[:2], node("Add", ["h", "g"], "y")], "'Add' joins two values"),
    "an operator": ([*LAYERS[:3], node("HardSwish", ["r"], "y")], "operator 'HardSwish'"),
    "an operator of others": ([node("Mine", ["obs"], "y", "mylab")], "operator 'mylab:Mine'"),
    "attention": ([node("Attention", ["obs"], "y")], "operator 'Attention'"),
    "nothing": ([node("Relu", ["obs"], "y")], "no dense layer"),
    "a name of nowhere": ([node("MatMul", ["obs", "Z"], "y")], "which nothing before it gives"),
    "a circle": ([node("Add", ["y", "B"], "h"), node("Add", ["h", "B"], "y")], "which nothing before it gives"),
    "constants alone": ([node("Add", ["W", "W"], "y")], "does not depend on an observation"),
    "sizes that do not fit": (
        [node("MatMul", ["obs", "V"], "h"), node("Relu", ["h"], "r"), node("MatMul", ["r", "W"], "y")],
        "takes 3 numbers, the one before gives 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_a_stack_of_layers_is_refused(kind: str, tmp_path: Path) -> None:
    nodes, told = REFUSED[kind]
    with pytest.raises(PolicyError) as caught:
        read(tmp_path, model(nodes, [*TENSORS, tensor("X", np.ones((1, 1)))], ("obs", "other")))
    assert told in str(caught.value)
    assert all(problem.remedy for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "has no graph"),
        (b"\x00" * 100, "has no graph"),
        (b"\x0b", "not a message"),
        (b"\x80" * 20, "more than ten bytes"),
        (model(LAYERS, TENSORS)[:-5], "ends within"),
        (model(LAYERS, [tensor("W", W, dims=(2**30, 2**30)), *TENSORS[1:]]), "more than 250000000 bytes"),
        (model(LAYERS, [tensor("W", W, dims=(3, 3)), *TENSORS[1:]]), "has 6 numbers, its shape (3, 3) takes 9"),
        (messages.field(7, messages.field(1, b"") * 300_000), "more than 200000 fields"),
    ],
)
def test_what_is_damaged_or_too_large(raw: bytes, told: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        read(tmp_path, raw)
    assert told in str(caught.value)
