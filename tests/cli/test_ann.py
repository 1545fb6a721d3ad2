"""The ANN twin of a recipe from the command line: trained, run, shown, checked, plotted, and refused by chips."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from snnctl.cli.main import call

TWIN = ["name=twin", 'network={kind="dense",hidden=[8]}', 'encoder={kind="analog"}', 'decoder={kind="argmax"}']
SHORT = ["trainer.total_steps=64", "trainer.envs=2", "trainer.rollout_steps=32", "trainer.minibatch=32"]


@pytest.fixture
def agent(tmp_path: Path) -> str:
    arguments = [
        "train",
        "cartpole-ppo",
        *TWIN,
        *SHORT,
        "evaluation.episodes=1",
        "evaluation.final_episodes=1",
        "trainer.epochs=1",
    ]
    assert call([*arguments, "--out", str(tmp_path), "--name", "x"]) == 0
    return str(tmp_path / "twin" / "x-seed0" / "checkpoints" / "best")


def test_it_is_an_agent_like_others(agent: str, tmp_path: Path, capsys: Any) -> None:
    capsys.readouterr()
    assert call(["show", agent, "--kind", "agent"]) == 0
    assert "4 → 8 → 2, dense with relu, no spikes" in capsys.readouterr().out
    assert call(["check", agent, "--kind", "agent"]) == 0
    recording = tmp_path / "e.h5"
    assert call(["run", agent, "--episodes", "1", "--record", str(recording)]) == 0
    out = capsys.readouterr().out
    assert "synaptic events" in out and "population" not in out
    assert call(["run", agent, "--episodes", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["summary"]["n"] == 1
    assert call(["evaluate", agent, "--episodes", "2", "--out", str(tmp_path / "e.json")]) == 0
    assert "return IQM" in capsys.readouterr().out
    assert len(json.loads((tmp_path / "e.json").read_text())["returns"]["float"]) == 2
    assert call(["plot", str(recording), "--out", str(tmp_path / "e.png")]) == 0
    assert call(["plot", str(tmp_path / "twin"), "--out", str(tmp_path / "c.png")]) == 0


@pytest.mark.parametrize("verb", ["fit", "evaluate"])
def test_chips_refuse_it_in_one_sentence(verb: str, agent: str, capsys: Any) -> None:
    capsys.readouterr()
    assert call([verb, agent, "--chip", "loihi1"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert "twin:network: is dense, without spikes" in line and "network.kind = 'stack'" in line
