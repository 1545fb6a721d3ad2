from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from snnctl.cli import main
from snnctl.training import pool

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command line in an empty folder, in this process: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(pool, "START", "fork")  # workers have nothing to import

    def call_(*arguments: str) -> tuple[int, str, str]:
        code = main.call(list(arguments))
        return code, *capsys.readouterr()

    return call_
