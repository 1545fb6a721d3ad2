"""A part of ``python -m tests.mutation``: mutated files of every kind, read with limits of memory and time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interpreted import INTERPRETED

ROOT = Path(__file__).parents[1]


@pytest.mark.needs_compiler
@pytest.mark.parametrize(
    ("arguments", "interpreted"),
    [
        (["--cases", "90", "--seed", "0", "--kinds", "recipe,chip,budget,space,recording,agent"], False),
        (["--cases", "60", "--seed", "0", "--kinds", "run"], False),
        (["--cases", "150", "--seed", "0", "--kinds", "policy"], False),
        (["--cases", "300", "--seed", "0", "--kinds", "agent"], True),  # an index out of range is an error
    ],
)
def test_nothing_but_refusals_with_place_and_remedy(arguments, interpreted, tmp_path):
    assert not INTERPRETED
    settings = os.environ | {"NUMBA_DISABLE_JIT": str(int(interpreted)), "NUMBA_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutation", *arguments, "--out", str(tmp_path / "outcomes.jsonl")],
        cwd=ROOT, env=settings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert len((tmp_path / "outcomes.jsonl").read_text().splitlines()) == int(arguments[1])
