"""The recorded values of all pairs of 15 trains: the copy in tests/data, and the original where it exists."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
SELECTION = REPOSITORY / "tests" / "data" / "snn"
COMPLETE = Path(os.environ.get("SNNCTL_VECTORS", REPOSITORY.parent / "shared" / "vectors")) / "snn"


def load(name: str) -> dict[str, Any]:
    with np.load(SELECTION / name) as file:
        return {key: file[key] for key in file.files}


METRICS = load("metrics.npz")
END_MS = 1000.0
TRAINS = [METRICS["flat"][a:b] for a, b in zip(METRICS["off"][:-1], METRICS["off"][1:], strict=True)]
PAIRS = [(i, j) for i in range(len(TRAINS)) for j in range(len(TRAINS))]
