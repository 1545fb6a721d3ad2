"""Recorded runs of biophysical neurons: where they are, and what the tests read from them."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parents[2]
SELECTION = REPOSITORY / "tests" / "data" / "snn"
COMPLETE = Path(os.environ.get("SNNCTL_VECTORS", REPOSITORY.parent / "shared" / "vectors")) / "snn"


def both(name: str) -> list[Any]:
    """The selection in tests/data, then the complete file where it exists."""
    path = COMPLETE / name
    mark = [] if path.exists() else [pytest.mark.skip(reason=f"no {path}: set SNNCTL_VECTORS to a folder that has it")]
    return [pytest.param(SELECTION / name, id="selection"), pytest.param(path, id="complete", marks=mark)]


def recorded_spikes(case: Any, key: str) -> list[NDArray[np.float64]]:
    """Spike times of each neuron (ms)."""
    flat, ends = case[f"{key}_spk_ms"], case[f"{key}_off"]
    return [flat[a:b] for a, b in itertools.pairwise(ends)]


def spike_times(spikes: NDArray[np.uint8], tick_ms: float) -> list[NDArray[np.float64]]:
    """Times of the state that crossed, the end of the tick, of each neuron (ms)."""
    return [(np.flatnonzero(column) + 1) * tick_ms for column in spikes.T]


def order(errors: list[float], steps: list[float]) -> float:
    """Slope of log error over log step."""
    return float(np.polyfit(np.log(steps), np.log(errors), 1)[0])


def steady_hz(spikes: NDArray[np.uint8], tick_s: float, intervals: int = 5) -> NDArray[np.float64]:
    """Rate of the last intervals of each neuron, 0 with fewer than two spikes (n,)."""
    rates = np.zeros(spikes.shape[1])
    for j, column in enumerate(spikes.T):
        ticks = np.flatnonzero(column)
        if len(ticks) > 1:
            rates[j] = 1 / (np.diff(ticks)[-intervals:].mean() * tick_s)
    return rates
