"""The bits of a training do not depend on where, by how many threads and with which hash seed it runs.

``benchmarks/determinism.py`` compares real recipes, and a cold cache of kernels with a warm one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from snnctl.report import figure
from tests.training import small_works, write_points

ELSEWHERE = """
import sys
from pathlib import Path
from snnctl.report import figure
from tests.training import small_works
figure.encode = lambda *_: b"a picture"
for name in sys.argv[2:]:
    small_works.WORKS[name](Path(sys.argv[1]) / name, workers=2)
"""
TRAININGS = ("ppo", "rstdp", "sac")


@pytest.mark.needs_compiler
def test_two_workers_another_folder_and_another_hash_seed_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figure, "encode", lambda *_: b"a picture")
    for name in TRAININGS:
        small_works.WORKS[name](tmp_path / "here" / name)
    there = tmp_path / "quite" / "some where else"
    seed = str(1 + int(os.environ.get("PYTHONHASHSEED", "0").replace("random", "0")))
    subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(there), *TRAININGS],
        env={**os.environ, "PYTHONHASHSEED": seed}, check=True,
    )  # fmt: skip
    here = write_points.contents(tmp_path / "here")
    assert write_points.contents(there) == here and len(here) > 3 * 10
