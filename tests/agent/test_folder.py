import dataclasses
import json
import os
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save as to_bytes

from snnctl.agent import folder
from snnctl.agent.description import tensor_shapes
from snnctl.agent.folder import Agent
from snnctl.coding import ChoiceDecoder, GaussianPopulation, HashedPlaceCells
from snnctl.errors import AgentError, ConfigError, OutputError
from tests import factories

DESCRIPTION = factories.description(
    factories.task(2, 2, env_id="CartPole-v1"),
    encoder=GaussianPopulation(neurons_per_dim=2),
    hidden=(3,),
    ticks=3,
    decoder=ChoiceDecoder(neurons_per_action=2),
)


def tensors():
    random = np.random.default_rng(0)
    return {
        name: (np.abs(random.normal(size=shape)) + 0.1).astype(np.float32)
        for name, (shape, required, _) in tensor_shapes(DESCRIPTION).items()
        if required
    }


@pytest.fixture
def saved(tmp_path):
    folder.save(Agent(DESCRIPTION, tensors()), tmp_path / "a", card="# a", evaluation={"mean": 1.0})
    return tmp_path / "a"


def problems(path):
    with pytest.raises(AgentError) as caught:
        folder.load(path)
    return [str(p) for p in caught.value.problems]


def rewrite(path, **changes):
    """Replace tensors (None removes one) and leave the description as it is."""
    merged = {k: v for k, v in {**tensors(), **changes}.items() if v is not None}
    (path / folder.WEIGHTS).write_bytes(to_bytes(merged))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("encoder.fields", 1e6), ("encoder.fields", -3.0), ("encoder.fields", 2.5), ("encoder.fields", 3e38),
        ("encoder.shift", 1e9), ("encoder.shift", -1.0), ("encoder.shift", 1.0),
    ],
)  # fmt: skip
def test_values_that_are_indices_are_within_the_grid(tmp_path, name, value):
    encoder = HashedPlaceCells(layers=2, cells=16, fields=(3, 2))
    described = factories.description(factories.task(2, 2), encoder=encoder, hidden=(), decoder=ChoiceDecoder())
    codes = encoder.initial(2, np.random.default_rng(0))
    agent = Agent(described, factories.random_tensors(described) | codes)
    folder.save(agent, tmp_path / "a")
    assert folder.load(tmp_path / "a").tensors[name].shape == (2, 2)
    damaged = {key: np.array(array) for key, array in agent.tensors.items()}
    damaged[name][1, 1] = value
    (tmp_path / "a" / folder.WEIGHTS).write_bytes(to_bytes(damaged))
    assert [p for p in problems(tmp_path / "a") if f"tensor '{name}'" in p and "; give" in p]


def test_an_agent_comes_back_bit_for_bit(saved):
    agent = folder.load(saved)
    assert agent.description.provenance.weights_sha256 == folder.digest(tensors())
    assert dataclasses.replace(agent.description, provenance=DESCRIPTION.provenance) == DESCRIPTION
    assert {k: v.tobytes() for k, v in agent.tensors.items()} == {k: v.tobytes() for k, v in tensors().items()}
    assert (saved / folder.CARD).read_text() == "# a"
    assert json.loads((saved / folder.EVALUATION).read_text()) == {"mean": 1.0}


def test_every_wrong_tensor_is_named_at_once(saved):
    bias = tensors()["population.output.bias"].copy()
    bias[2] = np.nan
    rewrite(
        saved,
        **{
            "population.output.bias": bias,
            "population.hidden1.bias": None,
            "population.hiden1.bias": np.zeros(3, np.float32),
            "projection.input.hidden1.weight": np.zeros((3, 4), np.float32),
            "normaliser.std": np.zeros(2, np.float32),
            "normaliser.mean": np.zeros(2, np.int64),
        },
    )
    text = "\n".join(problems(saved))
    assert len(text.splitlines()) == 6
    assert "does not name: 'population.hiden1.bias'; did you mean 'population.hidden1.bias'?" in text
    assert "lacks the tensor 'population.hidden1.bias' (3,)" in text
    assert "'projection.input.hidden1.weight' has shape (3, 4); expected (4, 3)" in text
    assert "'population.output.bias' is not finite at (2,)" in text
    assert "'normaliser.std' must be positive" in text
    assert "'normaliser.mean' has type int64; expected float32 or float64" in text


def test_changed_weights_are_noticed(saved):
    rewrite(saved, **{"population.output.bias": np.ones(4, np.float32)})
    assert "its SHA-256 differs" in problems(saved)[0]


@pytest.mark.parametrize("raw", [b"", b"abc", struct.pack("<Q", 2**62), struct.pack("<Q", 2) + b"{}", b"\x80\x04." * 9])
def test_what_is_no_safetensors_file(saved, raw):
    (saved / folder.WEIGHTS).write_bytes(raw)
    assert len(problems(saved)) >= 1


def test_a_file_that_declares_more_than_it_holds_is_not_allocated(saved):
    header = json.dumps({"x": {"dtype": "F32", "shape": [10**11], "data_offsets": [0, 4 * 10**11]}}).encode()
    (saved / folder.WEIGHTS).write_bytes(struct.pack("<Q", len(header)) + header)
    assert "whole safetensors" in problems(saved)[0]


@pytest.mark.parametrize("missing", [folder.WEIGHTS, folder.DESCRIPTION])
def test_a_missing_file(saved, missing):
    (saved / missing).unlink()
    assert missing in problems(saved)[0]


# The file is restored by every example.
fuzzed = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def loads_equal_or_refuses(path):
    try:
        agent = folder.load(path)
    except (AgentError, ConfigError) as error:
        assert error.problems
        return False
    assert folder.digest(agent.tensors) == folder.digest(tensors())
    return True


@fuzzed
@given(st.data())
def test_flipped_bits_in_the_weights_are_refused(saved, data):
    raw = bytearray(to_bytes(dict(sorted(tensors().items()))))
    whole = bytes(raw)
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    (saved / folder.WEIGHTS).write_bytes(bytes(raw))
    if loads_equal_or_refuses(saved):  # only the header's white space may differ
        assert bytes(raw[-len(whole) // 2 :]) == whole[-len(whole) // 2 :]


@fuzzed
@given(st.data())
def test_truncated_and_padded_weights_are_refused(saved, data):
    whole = to_bytes(dict(sorted(tensors().items())))
    raw = whole[: data.draw(st.integers(0, len(whole) - 1))] + data.draw(st.binary(max_size=20))
    (saved / folder.WEIGHTS).write_bytes(raw)
    if raw != whole:
        assert not loads_equal_or_refuses(saved)


@fuzzed
@given(st.data())
def test_a_damaged_description_is_refused_or_harmless(saved, data):
    whole = (saved / folder.DESCRIPTION).read_bytes()
    raw = bytearray(whole)
    try:
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        (saved / folder.DESCRIPTION).write_bytes(bytes(raw[: data.draw(st.integers(0, len(raw)) | st.just(len(raw)))]))
        loads_equal_or_refuses(saved)
    finally:
        (saved / folder.DESCRIPTION).write_bytes(whole)


def test_saving_refuses_what_could_not_be_loaded(tmp_path):
    wrong = {**tensors(), "population.output.bias": np.zeros(5, np.float32)}
    with pytest.raises(AgentError, match=r"has shape \(5,\)"):
        folder.save(Agent(DESCRIPTION, wrong), tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_saving_where_nothing_can_be_written(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(OutputError):
        folder.save(Agent(DESCRIPTION, tensors()), tmp_path / "a")


@pytest.mark.parametrize("name", [folder.WEIGHTS, folder.DESCRIPTION])
def test_a_link_is_not_followed(saved, name):
    (saved / name).rename(saved / "elsewhere")
    (saved / name).symlink_to(saved / "elsewhere")
    assert "symbolic link" in problems(saved)[0]


def test_a_pipe_is_refused_without_waiting_for_it(saved):
    (saved / folder.WEIGHTS).unlink()
    os.mkfifo(saved / folder.WEIGHTS)
    assert "device or a pipe" in problems(saved)[0]
