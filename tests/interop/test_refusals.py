"""Files that carry code, and policies that are not dense networks: each is refused by name, and nothing runs."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from snnctl.errors import InputError, PolicyError
from snnctl.interop import files, importing, vec_normalize
from snnctl.interop.pickled import Machine
from tests.interop import policies
from tests.interop.policies import DATA

PPO, SAC = DATA / "ppo-cartpole.zip", DATA / "sac-pendulum-clip5.zip"


class Runs:
    """A pickle of it runs a command."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (self.command,)


def named(module: str, name: str) -> bytes:
    """A pickle that calls a name without arguments."""
    return f"c{module}\n{name}\n)R.".encode()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("place", ["policy.pth", "pytorch_variables.pth", "data", "normaliser"])
def test_a_command_is_refused_by_name_and_not_run(place: str, protocol: int, tmp_path: Path) -> None:
    ran, target = tmp_path / "ran", tmp_path / "x.zip"
    hostile = pickle.dumps(Runs(f"touch {ran}"), protocol)
    assert b"system" in hostile
    with pytest.raises(PolicyError, match=rf"names {os.name if os.name == 'nt' else 'posix'}\.system") as caught:
        if place == "normaliser":
            target.write_bytes(hostile)
            importing.read(SAC, target)
        elif place == "data":
            importing.read(policies.with_data(SAC, target, lr_schedule=hostile))
        else:
            importing.read(policies.with_pickle(SAC, target, lambda raw: hostile, place))
    assert "nothing of it was imported or run" in str(caught.value)
    assert not ran.exists()


FOREIGN = [
    "os.system", "posix.system", "nt.system", "subprocess.Popen", "builtins.eval", "builtins.exec", "__builtin__.eval",
    "builtins.__import__", "builtins.getattr", "builtins.open", "importlib.import_module", "runpy.run_path", "sys.exit",
    "shutil.rmtree", "socket.socket", "ctypes.CDLL", "pty.spawn", "webbrowser.open", "pickle.loads", "torch.load",
    "torch.hub.load", "numpy.load", "numpy.f2py.crackfortran.getlincoef", "numpy.testing._private.utils.runstring",
    "torch.jit.unsupported_tensor_ops.execWrapper", "functools.partial", "operator.attrgetter", "types.CodeType",
    "cloudpickle.cloudpickle._make_function", "mylab.policies.Mine", "stable_baselines3.common.save_util.load_from_pkl",
    "builtins.print", "codecs.open", "logging.config.dictConfig", "gymnasium.make", "torch.storage._load_from_bytes",
]  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_no_class_is_known_but_those_of_such_files(name: str, tmp_path: Path) -> None:
    raw = named(*name.rsplit(".", 1))
    (tmp_path / "n.pkl").write_bytes(raw)
    for read in (
        lambda: vec_normalize.read(tmp_path / "n.pkl"),
        lambda: importing.read(policies.with_pickle(PPO, tmp_path / "x.zip", lambda _: raw)),
    ):
        with pytest.raises(PolicyError) as caught:
            read()
        assert f"names {name}," in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["os.system", "posix.popen", "subprocess.run", "builtins.eval", "builtins.exec", "builtins.__import__", "pty.spawn",
     "shutil.rmtree", "importlib.import_module", "runpy.run_module", "pickle.loads", "torch.serialization.os.system"],
)  # fmt: skip
def test_what_is_not_needed_may_not_name_them_either(name: str, tmp_path: Path) -> None:
    module, function = name.rsplit(".", 1)
    raw = f"\x8c{chr(len(module))}{module}\x8c{chr(len(function))}{function}\x93)R.".encode("latin-1")
    with pytest.raises(PolicyError, match="which runs commands or code"):
        importing.read(policies.with_data(PPO, tmp_path / "x.zip", ep_info_buffer=b"\x80\x04" + raw))


def test_a_class_of_the_users_own_that_is_not_needed_is_left_alone(tmp_path: Path) -> None:
    raw = named("rl_zoo3.utils", "SimpleLinearSchedule")
    assert importing.read(policies.with_data(PPO, tmp_path / "x.zip", lr_schedule=raw)).sizes == (4, 16, 12, 2)


def test_codes_of_a_registry_of_extensions_are_refused() -> None:
    with pytest.raises(PolicyError, match="opcode EXT1"):
        Machine("x").run(b"\x80\x02\x82\x01.")


# --------------------------------------------------------------------------- not a dense network


def _renamed(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    assert len(old) == len(new)  # the lengths of texts stand before them
    return lambda raw: raw.replace(old, new)


POLICIES = b"cstable_baselines3.common.policies\n"
ACTIVATION = b"}X\x0d\x00\x00\x00activation_fnc"
KINDS: dict[str, tuple[dict[str, Any], Callable[[bytes], bytes] | None, str]] = {
    "images": ({"policy_class": POLICIES + b"ActorCriticCnnPolicy\n."}, None, "CnnPolicy"),
    "images by tensors": ({}, _renamed(b"mlp_extractor.policy_net.0", b"features_extractor.cnn.net"), "CnnPolicy"),
    "Dict": ({"observation_space": named("gymnasium.spaces.dict", "Dict")}, None, "takes a Dict of observations"),
    "Dict by its policy": (
        {"policy_class": POLICIES + b"MultiInputActorCriticPolicy\n."}, None, "MultiInputPolicy",
    ),
    "recurrent": ({}, _renamed(b"mlp_extractor.policy_net", b"lstm_actor.weight_ih_l00"), "is recurrent"),
    "an extractor": ({}, _renamed(b"mlp_extractor.value_net", b"features_extractor.nets"), "features extractor"),
    "an activation": (
        {"policy_kwargs": ACTIVATION + b"torch.nn.modules.activation\nHardswish\ns."}, None, "activation 'Hardswish'",
    ),
    "an activation of one's own": (
        {"policy_kwargs": ACTIVATION + b"mylab.nets\nMine\ns."}, None, "activation 'mylab.nets.Mine'",
    ),
    "another policy": (
        {}, lambda raw: raw.replace(b"mlp_extractor", b"mlp_abcdefghi").replace(b"action_net", b"some_thing"),
        "no policy of a known kind",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_that_no_dense_network_has_is_refused_with_what_to_do(kind: str, tmp_path: Path) -> None:
    data, change, told = KINDS[kind]
    path = policies.with_data(PPO, tmp_path / "a.zip", **data)
    if change is not None:
        path = policies.with_pickle(path, tmp_path / "b.zip", change)
    with pytest.raises(PolicyError) as caught:
        importing.read(path)
    assert told in str(caught.value)
    assert all(problem.remedy for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("name", "told"), [("conv", "takes images"), ("gru", "is recurrent"), ("layernorm", "'LayerNormalization'")]
)
def test_a_graph_that_is_not_one_of_dense_layers(name: str, told: str) -> None:
    with pytest.raises(PolicyError, match=told):
        importing.read(DATA / f"{name}.onnx")


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (None, "a folder without config.json"),
        ("[]", "names no input_features"),
        ("{", "is not JSON"),
        (
            '{"type": "act", "input_features": {"observation.images.top": {"type": "VISUAL", "shape": [3, 96, 96]}}}',
            "LeRobot policy 'act' of images: observation.images.top",
        ),
        (
            '{"type": "tdmpc", "input_features": {"observation.state": {"type": "STATE", "shape": [6]}}}',
            "LeRobot policy 'tdmpc', which is not known",
        ),
    ],
)
def test_a_folder_of_lerobot_is_refused_with_what_it_is(config: str | None, told: str, tmp_path: Path) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(InputError) as caught:
        importing.read(tmp_path)
    assert told in str(caught.value)


# --------------------------------------------------------------------------- sizes


def test_a_zip_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as made:
        with made.open("data", "w", force_zip64=True) as file:
            for _ in range(300):
                file.write(bytes(10**6))
        made.writestr("policy.pth", b"")
    assert bomb.stat().st_size < 10**6
    with pytest.raises(PolicyError, match="says that it unpacks to 300000000 bytes"):
        importing.read(bomb)


def test_a_member_that_is_longer_than_it_says_is_not_read_on(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("data", bytes(10**6))
        made.writestr("policy.pth", b"")
    raw = bomb.read_bytes()
    bomb.write_bytes(raw.replace((10**6).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(PolicyError, match="damaged"):
        importing.read(bomb)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"}" * (600_000) + b".", "more than 500000 opcodes"),
        (b"\x8b\xff\xff\xff\x7f", "not a whole pickle"),  # an integer of 2 GB
        (b"\x8e" + b"\xff" * 7 + b"\x7f", "not a whole pickle"),  # bytes without end
        (b"(" * 100_000 + b"t" * 100_000 + b"\x8c\x01a\x86.", ""),  # tuples in tuples
        (b"\x8a\x41" + b"\x01" * 65 + b".", "more than 64 bytes"),
    ],
)
def test_a_pickle_is_counted(raw: bytes, told: str) -> None:
    try:
        Machine("x").run(b"\x80\x04" + raw)
    except PolicyError as error:
        assert told and told in str(error)
    else:
        assert not told


@pytest.mark.parametrize("file", ["", "\0", "absent.zip", "."])
def test_what_is_not_a_file_of_a_policy(file: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyError):
        importing.read(tmp_path / file if file != "\0" else Path(file))
    (tmp_path / "text.zip").write_text("hello")
    with pytest.raises(PolicyError, match="no known format"):
        importing.read(tmp_path / "text.zip")
    assert files.MAX_FILE_BYTES < 10**9
