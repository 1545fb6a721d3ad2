from __future__ import annotations

import re
import shlex
from pathlib import Path

from snnctl import library
from snnctl.agent import folder
from snnctl.cli import demo as verb
from snnctl.cli.main import call


def shorter(monkeypatch) -> None:
    """The bundled recipe with next to no training, to see the whole path in seconds."""
    from snnctl import config
    from snnctl.training.recipe import Recipe

    plain = config.load

    def load(cls, path, overrides=()):
        extra = (
            "trainer.total_steps=512",
            "trainer.envs=2",
            "trainer.epochs=1",
            "evaluation.confirm_episodes=2",
            "evaluation.episodes=2",
            "evaluation.final_episodes=3",
        )
        return plain(cls, path, (*overrides, *extra) if cls is Recipe else overrides)

    monkeypatch.setattr(config, "load", load)
    monkeypatch.setattr(verb, "EPISODES", 2)


def test_everything_at_once(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    shorter(monkeypatch)
    assert call(["demo", "--out", "my demo", "--seed", "3"]) == 0
    shown = capsys.readouterr()
    assert all(f"{k}/4" in shown.err for k in (1, 2, 3, 4))
    assert "PASS" in shown.err and "FAIL" in shown.err
    assert "loihi1" in shown.out and "spinnaker1" in shown.out
    assert Path("my demo/report.html").read_text().count("<svg") == 10
    assert Path("my demo/spikes.svg").read_text().startswith('<svg xmlns="http://www.w3.org/2000/svg" ')
    assert "Traceback" not in shown.err and "Warning" not in shown.err
    commands = re.findall(r"^  \S*snnctl (.+)$", shown.out, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        fewer = ["--episodes", "1"] if command.startswith("evaluate") else []
        assert call([*shlex.split(command), *fewer]) in (0, 1), command
    assert "Traceback" not in capsys.readouterr().err


def test_an_unwritable_folder_is_found_before_training(tmp_path, monkeypatch, capsys) -> None:
    (tmp_path / "file").write_text("in the way")
    assert call(["demo", "--out", str(tmp_path / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_the_printed_program_is_one_that_can_be_called(tmp_path, monkeypatch) -> None:
    program = tmp_path / "bin dir" / "snnctl"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(verb.sys, "argv", [str(program)])
    monkeypatch.setenv("PATH", "")
    assert verb._program() == shlex.quote(str(program))
    monkeypatch.setenv("PATH", str(program.parent))
    assert verb._program() == "snnctl"


def test_chips_that_hold_the_agent_are_found_in_a_workspace_too_and_strangers_are_left_alone(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    chips = tmp_path / "configs" / "chips"
    chips.mkdir(parents=True)
    text = library.find("chip", "loihi1").path.read_text()
    (chips / "loihi1.toml").write_text(text)  # as where a user installs the wheel beside a clone
    (chips / "stranger.toml").write_text(text.replace('family = "loihi1"', 'family = "stranger:FAMILY"'))
    assert [entry.origin for entry in library.entries("chip")].count("workspace") == 2
    agent = folder.load(library.find("agent", "cartpole-ppo").path)
    assert verb._chips(agent) == ["loihi1", "spinnaker1"]
