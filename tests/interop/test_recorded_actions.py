"""Every policy of the folder gives the actions that its own library recorded."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from snnctl.errors import DifferenceError, PolicyError, SpaceError
from snnctl.interop import importing, recorded
from tests.interop import policies
from tests.interop.policies import DATA

ZIPS = sorted(path.stem for path in DATA.glob("*.zip"))
GRAPHS = ["gelu", "norm-clip", "relu-tanh", "rsl-elu", "sde", "silu", "softmax"]


@pytest.mark.parametrize("name", ZIPS)
def test_a_zip_of_stable_baselines3_within_1e_6(name: str) -> None:
    made = policies.agent(DATA / f"{name}.zip")
    found = recorded.difference(made, recorded.read(DATA / f"{name}.npz"), name)
    assert found.decisions >= 32
    assert found.largest < 1e-6


@pytest.mark.parametrize("name", GRAPHS)
def test_an_onnx_file_within_1e_6(name: str) -> None:
    made = policies.agent(DATA / f"{name}.onnx")
    assert recorded.difference(made, recorded.read(DATA / f"{name}.npz"), name).largest < 1e-6


@pytest.mark.parametrize("ending", ["pt", "safetensors"])
def test_a_state_dict_with_what_it_does_not_say(ending: str) -> None:
    path = DATA / f"relu-tanh.{ending}"
    made = policies.agent(path, importing.told("relu", "tanh"))
    assert recorded.difference(made, recorded.read(DATA / "relu-tanh.npz"), "").largest < 1e-6
    with pytest.raises(PolicyError, match="which activation"):
        policies.agent(path)


def test_what_the_agents_are_made_of() -> None:
    """Each needs what another lacks: clips, bounds, activations, limits of actions."""
    made = {name: policies.agent(DATA / f"{name}.zip").description for name in ZIPS}
    assert made["sac-sde-clip"].decoder.bound == 0.5 and made["sac-sde"].decoder.bound == 2.0
    assert made["sac-pendulum-clip5"].normaliser.clip == 5.0 and made["ppo-pendulum"].normaliser.clip == 2.0
    assert made["ppo-pendulum"].network.activation == "elu" and made["tqc"].network.activation == "relu"
    assert made["ppo-box"].decoder.squash == "none" and made["ppo-sde-squashed"].decoder.squash == "tanh"
    assert made["multi-binary"].network.outputs == 6
    assert made["td3-pendulum"].provenance.versions["stable-baselines3"] == "2.9.2"


def test_a_policy_without_its_normaliser_differs_and_says_so() -> None:
    path = DATA / "sac-pendulum-clip5.zip"
    policy = importing.read(path)
    assert any("--normaliser" in note for note in policy.notes)
    assert not importing.read(path, path.with_suffix(".pkl")).notes
    bare = policies.dense_agent.agent(policy, policies.EnvChoice(id="Pendulum-v1"), "bare")
    found = recorded.difference(bare, recorded.read(path.with_suffix(".npz")), "file")
    with pytest.raises(DifferenceError, match="differs by"):
        recorded.require_close(found, "file")


def test_another_environment_is_refused_with_both_numbers() -> None:
    policy = importing.read(DATA / "ppo-cartpole.zip")
    with pytest.raises(SpaceError) as caught:
        policies.dense_agent.agent(policy, policies.EnvChoice(id="Pendulum-v1"), "x")
    assert "takes 4 observations, the environment gives 3" in str(caught.value)
    assert "gives discrete actions" in str(caught.value)
    policy = importing.read(DATA / "td3-pendulum.zip")
    with pytest.raises(SpaceError, match=r"trained with actions in \[-2, 2\], here they are in \[-1, 1\]"):
        policies.dense_agent.agent(policy, policies.EnvChoice(id="MountainCarContinuous-v0"), "x")


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"obs": np.zeros((3, 3))}, "no array 'action'"),
        ({"obs": np.zeros((3, 3)), "action": np.zeros((4, 1))}, "has obs (3, 3) and action (4, 1)"),
        ({"obs": np.zeros((0, 3)), "action": np.zeros((0, 1))}, "at least one"),
        ({"obs": np.full((3, 3), np.nan), "action": np.zeros((3, 1))}, "not finite"),
        ({"obs": np.array([["a"]]), "action": np.zeros((1, 1))}, "not of numbers"),
        ({"obs": np.zeros((3, 3)), "action": "{'descr': ("}, "not an array of numpy"),
        ({"obs": np.array([[None]]), "action": np.zeros((1, 1))}, "not of numbers"),
    ],
)
def test_a_recording_that_is_none(arrays: dict[str, np.ndarray | str], told: str, tmp_path: Path) -> None:
    broken = {name: header for name, header in arrays.items() if isinstance(header, str)}
    np.savez(tmp_path / "r.npz", **{name: array for name, array in arrays.items() if name not in broken})
    with zipfile.ZipFile(tmp_path / "r.npz", "a") as file:
        for name, header in broken.items():
            file.writestr(f"{name}.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
    with pytest.raises(PolicyError) as caught:
        recorded.read(tmp_path / "r.npz")
    assert told in str(caught.value)
