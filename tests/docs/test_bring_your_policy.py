"""The commands of docs/bring_your_policy.md run, one after the other, with the file that they name."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from snnctl.cli import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "bring_your_policy.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^snnctl (.*)$", PAGE, re.MULTILINE)


@pytest.mark.needs_compiler
def test_the_commands_of_the_page_run(tmp_path, monkeypatch, capsys):
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    monkeypatch.chdir(tmp_path)
    assert [command.split()[0] for command in COMMANDS] == ["import", "show", "check", "run", "evaluate"]
    for command in COMMANDS:
        assert main.call(shlex.split(command)) == 0, command
    told = capsys.readouterr()
    assert "largest difference from 64 recorded decisions" in told.err
    assert "multiply-accumulates" in told.out


def test_activations_and_squashes_of_the_page_are_those_there_are():
    from snnctl.interop.importing import SQUASHES
    from snnctl.network.activations import FUNCTIONS

    assert f"`{' '.join(FUNCTIONS)}`" in PAGE
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == list(SQUASHES)
