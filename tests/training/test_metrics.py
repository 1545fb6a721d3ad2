from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from snnctl.errors import InputError
from snnctl.training import metrics
from snnctl.training.json_lines import JsonLines

ROWS: list[dict[str, Any]] = [
    {"steps": 50, "mean_return": None},
    {"steps": 100, "mean_return": 2.0, "evaluation/return": None},
    {"steps": 150, "mean_return": 3.5, "evaluation/return": 7.0, "policy/entropy": 0.5},
]


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    log = JsonLines(tmp_path / metrics.METRICS, 0)
    for row in ROWS:
        log.append(row)
    log.close()
    rows = metrics.read(tmp_path)
    assert rows == ROWS
    assert metrics.returns(rows) == [(100, 2.0), (150, 3.5)]  # updates before the first finished episode have none
    assert metrics.evaluations(rows) == [(150, 7.0)]


@pytest.mark.parametrize(
    "line", ["oops", "[]", "3", '{"steps": 1}', '{"mean_return": 1.0}', '{"steps": "many", "mean_return": 1.0}']
)
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / metrics.METRICS).write_text(json.dumps(ROWS[0]) + "\n" + line + "\n")
    with pytest.raises(InputError, match=r"metrics\.jsonl:2.* is not a line of training metrics"):
        metrics.read(tmp_path)
