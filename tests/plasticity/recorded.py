"""Recorded runs: the selection in tests/data, or the complete file where there is one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
COMPLETE = Path(os.environ.get("SNNCTL_VECTORS", REPOSITORY.parent / "shared" / "vectors"))


def selection_and_complete(name: str) -> list[Any]:
    """Paths as pytest parameters; the second is skipped where it does not exist."""
    complete = next(iter(sorted(COMPLETE.glob(f"*/{name}"))), None)
    absent = pytest.mark.skipif(complete is None, reason=f"no {name} in {COMPLETE}: set SNNCTL_VECTORS")
    return [
        pytest.param(REPOSITORY / "tests" / "data" / "snn" / name, id="selection"),
        pytest.param(complete, id="complete", marks=absent),
    ]
