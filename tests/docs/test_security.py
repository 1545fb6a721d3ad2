"""Each promise of SECURITY.md names a test that is there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("|") and not line.startswith(("| Promise", "|---"))]


def test_there_are_promises() -> None:
    assert len(ROWS) >= 20


@pytest.mark.parametrize("row", ROWS, ids=[row.split("|")[1].strip() for row in ROWS])
def test_each_promise_names_a_test_that_is_there(row: str) -> None:
    promise, how, test = (cell.strip() for cell in row.strip("|").split("|"))
    assert promise and how
    file, _, name = test.strip("`").partition("::")
    functions = [node.name for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body
                 if isinstance(node, ast.FunctionDef)]  # fmt: skip
    assert name in functions
