"""Recorded runs of the LIF family: the selection in tests/data, and the complete files where they exist."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SELECTION = REPOSITORY / "tests" / "data" / "snn"
COMPLETE = Path(os.environ.get("SNNCTL_VECTORS", REPOSITORY.parent / "shared" / "vectors")) / "snn"


def both(name: str, complete: str | None = None) -> list[Any]:
    """The selection, then the complete file, as pytest parameters; what is absent is skipped."""
    other = COMPLETE / (complete or name)
    missing = pytest.mark.skip(reason=f"no {other}: set SNNCTL_VECTORS to a folder that has it")
    return [
        pytest.param(SELECTION / name, id="selection"),
        pytest.param(other, id="complete", marks=() if other.exists() else missing),
    ]


def spike_lists(spikes: Any) -> list[list[int]]:
    """Ticks of the spikes of each neuron; ``spikes`` is (ticks, n)."""
    return [np.flatnonzero(column).tolist() for column in np.asarray(spikes).T]


def ragged(case: Any, prefix: str = "") -> list[list[int]]:
    off = case[f"{prefix}off"]
    return [case[f"{prefix}spk"][off[i] : off[i + 1]].tolist() for i in range(len(off) - 1)]
