"""The raw rows of evaluations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from snnctl.errors import InputError
from snnctl.training import evaluations
from tests.training.test_selection import episode


def test_what_is_written_is_read(tmp_path: Path) -> None:
    first, second = [episode(2.0, 5), episode(1.0, 6, "because")], [episode(3.0, 7)]
    rows = [evaluations.row(3, 60, first, []), evaluations.row(4, 80, first, second)]
    (tmp_path / evaluations.EVALUATIONS).write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert evaluations.read(tmp_path) == rows
    assert rows[0] == {
        "update": 3,
        "steps": 60,
        "returns": [2.0, 1.0],
        "lengths": [3, 3],
        "episode_seeds": [5, 6],
        "diverged": [6],
        "confirmation": None,
    }
    assert rows[1]["confirmation"] == {"returns": [3.0], "lengths": [3], "episode_seeds": [7], "diverged": []}


@pytest.mark.parametrize(
    "line", ["oops", "[]", "3", '{"steps": 1}', '{"steps": 1, "returns": [], "lengths": [], "episode_seeds": []}',
             '{"steps": 1, "returns": ["a"], "lengths": [1], "episode_seeds": [1]}']
)  # fmt: skip
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / evaluations.EVALUATIONS).write_text(line + "\n")
    with pytest.raises(InputError, match=r"evaluations\.jsonl:1.* is not a line of evaluations"):
        evaluations.read(tmp_path)


def test_a_folder_without_rows(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name a run folder"):
        evaluations.read(tmp_path)
