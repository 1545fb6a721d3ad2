"""A training or a sweep that is killed where it writes leaves whole agents, and ends as if it had not been killed.

Forty points of four works, spread over all that they have; ``benchmarks/kill_and_resume.py --points`` tries all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from snnctl.report import figure
from snnctl.training import pool, run_folder

from . import small_works, write_points

POINTS = {"ppo": 14, "rstdp": 8, "sac": 12, "sweep": 6}


@pytest.mark.needs_compiler
@pytest.mark.parametrize(("name", "points"), POINTS.items())
def test_a_kill_at_any_point_of_writing_costs_nothing(
    name: str, points: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, attribute in ((figure, "encode"), (pool, "START"), (run_folder, "stamped")):
        monkeypatch.setattr(module, attribute, getattr(module, attribute))  # what `prepare` changes is put back
    small_works.prepare()
    work = small_works.WORKS[name]
    work(tmp_path / "warm")  # kernels are loaded once, before the children are forked
    told = write_points.labels(work, tmp_path / "told")
    chosen = [k * (len(told) - 1) // (points - 1) for k in range(points)]
    chosen += [k for k, label in enumerate(told) if "learning_curve" in label and label.endswith("replace, before")][:1]
    kills = [write_points.AtPoint(number) for number in chosen]
    assert [(told[chosen[k]], fault) for k, fault in write_points.faults(work, tmp_path, kills)] == []
