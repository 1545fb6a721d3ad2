"""Tables of trainings in the docs are those that the kept rows of evaluations give."""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"
PAGE = ROOT / "docs" / "benchmarks.md"
LINE = {"env", "algorithm", "actor", "seed", "steps", "returns", "episode_seeds"}


@pytest.fixture(scope="module")
def script() -> Any:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import mujoco_table
    finally:
        sys.path.remove(str(BENCHMARKS))
    return mujoco_table


TABLES = re.findall(r"<!-- table: (\w+) -->\n\n(.*?)\n\n", PAGE.read_text(encoding="utf-8") + "\n\n", re.DOTALL)


@pytest.mark.parametrize(("table", "text"), TABLES, ids=[table for table, _ in TABLES])
def test_the_table_is_recomputed_from_the_rows(table: str, text: str, script: Any) -> None:
    assert text.splitlines() == script.table_lines(table)


def test_every_table_with_rows_is_in_the_docs(script: Any) -> None:
    assert TABLES
    kept = {path.stem for path in (BENCHMARKS / "tables").glob("*.toml") if len(script.table_lines(path.stem)) > 2}
    assert kept == {table for table, _ in TABLES}


@pytest.mark.parametrize("table", sorted(path.stem for path in (BENCHMARKS / "tables").glob("*.toml")))
def test_recipes_and_rows_of_a_table_are_sound(table: str, script: Any) -> None:
    for entry in script.entries(table):
        recipe = entry.resolved()
        found = [json.loads(line) for line in entry.rows.read_text().splitlines()] if entry.rows.exists() else []
        for row in found:
            assert set(row) == LINE
            assert (row["env"], row["algorithm"], row["seed"]) == (recipe.env.id, recipe.trainer.kind, entry.seed)
            assert len(row["returns"]) == len(set(row["episode_seeds"])) == 10
            assert all(math.isfinite(value) for value in row["returns"])
        assert [row["steps"] for row in found] == sorted({row["steps"] for row in found})
