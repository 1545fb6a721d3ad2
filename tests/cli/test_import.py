"""`snnctl import`: a policy becomes an agent that the other verbs take; a difference or a stranger's code ends it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.interop import policies
from tests.interop.policies import DATA

SAC = [str(DATA / "sac-pendulum-clip5.zip"), "--env", "Pendulum-v1"]
NORMALISER = ["--normaliser", str(DATA / "sac-pendulum-clip5.pkl")]
CHECK = ["--check", str(DATA / "sac-pendulum-clip5.npz")]


def test_an_imported_policy_is_an_agent_like_others(call) -> None:
    code, out, err = call("import", *SAC, *NORMALISER, *CHECK)
    assert code == 0, err
    assert out.strip() == "agents/sac-pendulum-clip5"
    assert "largest difference from 64 recorded decisions" in err
    card = Path("agents/sac-pendulum-clip5/README.md").read_text(encoding="utf-8")
    assert "SAC, TQC or CrossQ" in card and "largest difference" in card
    code, out, _ = call("show", "sac-pendulum-clip5", "--kind", "agent")
    assert code == 0 and "3 → 32 → 24 → 1, dense with relu" in out
    assert call("check", "sac-pendulum-clip5", "--kind", "agent")[0] == 0
    code, out, _ = call("run", "sac-pendulum-clip5", "--episodes", "1", "--json")
    assert code == 0 and json.loads(out)["summary"]["n"] == 1
    code, out, _ = call("evaluate", "sac-pendulum-clip5", "--episodes", "1", "--out", "e.json")
    assert code == 0
    host = json.loads(Path("e.json").read_text(encoding="utf-8"))["host"]
    assert host["macs"] == 3 * 32 + 32 * 24 + 24 * 1
    assert host["weight_bytes"] == 4 * (host["macs"] + 32 + 24 + 1)
    assert f"{host['macs']} multiply-accumulates" in out


def test_beyond_the_tolerance_nothing_is_written(call) -> None:
    code, out, err = call("import", *SAC, *CHECK)
    assert code == 1 and not out
    assert "differs by" in err and "allowed is 1e-05" in err and "--normaliser" in err
    assert not Path("agents").exists()


def test_code_in_a_file_is_refused(call, tmp_path: Path) -> None:
    hostile = policies.with_data(DATA / "ppo-cartpole.zip", tmp_path / "x.zip", clip_range=b"cposix\nsystem\n)R.")
    code, _, err = call("import", str(hostile), "--env", "CartPole-v1")
    assert code == 2 and "names posix.system" in err and not Path("agents").exists()


def test_a_folder_that_is_there_is_not_replaced(call) -> None:
    assert call("import", *SAC, "--out", "mine", "--json")[0] == 0
    code, _, err = call("import", *SAC, "--out", "mine")
    assert code == 2 and "is there already" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--activation", "hardswish"], "activation 'hardswish', which is not known"),
        (["--squash", "round"], "choose one of tanh, unit, clip, none, scores"),
        (["--squash", "none"], "end in tanh"),
    ],
)
def test_words_that_are_not_known(words: list[str], told: str, call) -> None:
    code, _, err = call("import", *SAC, *words)
    assert code == 2 and told in err


def test_actions_that_are_left_in_their_unit(call) -> None:
    code, _, err = call("import", str(DATA / "relu-tanh.onnx"), "--env", "Pendulum-v1")
    assert code == 0 and "--squash unit" in err
    assert (
        call("import", str(DATA / "relu-tanh.onnx"), "--env", "Pendulum-v1", "--squash", "unit", "--out", "u")[0] == 0
    )
    from snnctl.agent import folder

    assert folder.load(Path("u")).tensors["decoder.high"].tolist() == [1.0]
