"""The engine itself: shapes, tensors and descriptions are checked before the kernel reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from snnctl.errors import NetworkError
from snnctl.network import Engine, NetworkDescription, Population, Projection
from snnctl.network.description import problems
from snnctl.network.program import lower
from snnctl.neurons import CurrentLif
from tests.network.small_networks import LIF, NAN, learning, pair


def engine() -> Engine:
    return Engine(learning().program(), np.float64)


def zeros(*shape: int) -> Any:
    return np.zeros(shape, np.uint8)


ENGINE: dict[str, tuple[Callable[[Engine], Any], str]] = {
    "inputs of another width": (lambda e: e.run(e.initial_state(), zeros(4, 2)), r"inputs: .*\(4, 2\)"),
    "inputs without ticks": (lambda e: e.run(e.initial_state(), zeros(3)), r"inputs: .*\(3,\)"),
    "numbers": (lambda e: e.run(e.initial_state(), np.full((4, 3), 0.5)), "inputs: .*neither 0 nor 1"),  # type: ignore[arg-type]
    "a tick of another width": (lambda e: e.tick(e.initial_state(), zeros(9)), r"inputs: .*\(1, 9\)"),
    "currents of another width": (
        lambda e: e.run(e.initial_state(), zeros(4, 3), currents=np.zeros((4, 9))),
        r"currents: .*\(4, 9\)",
    ),
    "too few currents": (lambda e: e.run(e.initial_state(), zeros(4, 3), currents=np.zeros((1, 2))), "currents: "),
    "currents of nan": (
        lambda e: e.run(e.initial_state(), zeros(4, 3), currents=np.full((4, 2), NAN)),
        r"currents.cells: has 8 values that are not finite, the first \(nan\) for neuron 0 at tick 0",
    ),
    "too many signals": (lambda e: e.run(e.initial_state(), zeros(4, 3), signals=np.zeros((4, 2))), "signals: "),
    "too little teaching": (lambda e: e.run(e.initial_state(), zeros(4, 3), teach=np.zeros((2, 2))), "teach: "),
    "probes of nothing": (
        lambda e: e.advance(e.initial_state(), zeros(1, 3), probes=np.array([10**9])),
        "probes: must lie between 0 and 3",
    ),
    "another state": (
        lambda e: e.run(pair(CurrentLif(tau_mem_s=1e-2, tau_syn_s=1e-2)).engine.initial_state(), zeros(4, 3)),
        "state.values: ",
    ),
}


@pytest.mark.parametrize(("use", "message"), ENGINE.values(), ids=ENGINE.keys())
def test_the_engine_checks_shapes_before_the_kernel_reads(use: Callable[[Engine], Any], message: str) -> None:
    with pytest.raises(NetworkError, match=message) as caught:
        use(engine())
    assert len(caught.value.problems) == 1


def test_missing_tensors_are_all_named() -> None:
    with pytest.raises(NetworkError) as caught:
        lower(pair().description, {})
    wanted = {"projection.noise.cells.weight", "population.cells.bias"}
    assert {p.where for p in caught.value.problems} == wanted


def test_descriptions_are_refused_too() -> None:
    populations = (Population(name="in", size=1), Population(name="out", size=1, neuron=LIF))
    for projection, message in (
        (Projection(source="in", target="out", delay_ticks=70_000), "delay_ticks"),
        (Projection(source="in", target="out", delay_ticks=-1), "delay_ticks"),
        (Projection(source="inn", target="out"), "source"),
        (Projection(source="out", target="in"), "target"),
        (Projection(source="in", target="out", receptor="gaba"), "receptor"),
    ):
        description = NetworkDescription(tick_s=1e-3, ticks=1, populations=populations, projections=(projection,))
        (problem,) = problems(description, "network")
        assert problem.where == f"network.projections[0].{message}"
