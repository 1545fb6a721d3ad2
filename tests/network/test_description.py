"""What no backend could run is refused: cycles without enough delay."""

from __future__ import annotations

import pytest

from snnctl.network.description import NetworkDescription, Population, Projection, problems
from snnctl.neurons import Lif


def ring(*delays: int) -> NetworkDescription:
    """Populations p0, p1, ... in a ring whose projections have these delays."""
    names = [f"p{k}" for k in range(len(delays))]
    return NetworkDescription(
        tick_s=1e-3,
        ticks=4,
        populations=(
            Population(name="input", size=1),
            *(Population(name=name, size=1, neuron=Lif(tau_mem_s=5e-3)) for name in names),
        ),
        projections=(
            Projection(source="input", target="p0"),
            *(
                Projection(source=name, target=names[(k + 1) % len(names)], delay_ticks=delay)
                for k, (name, delay) in enumerate(zip(names, delays, strict=True))
            ),
        ),
    )


@pytest.mark.parametrize("delays", [(1,), (1, 1), (0, 2), (2, 0), (0, 0, 3), (1, 1, 1)])
def test_a_cycle_with_a_tick_for_each_projection_is_sound(delays: tuple[int, ...]) -> None:
    assert problems(ring(*delays), "network") == []


@pytest.mark.parametrize("delays", [(0,), (0, 0), (0, 1), (1, 0), (0, 0, 2), (0, 1, 1)])
def test_a_faster_cycle_is_refused(delays: tuple[int, ...]) -> None:
    (problem,) = problems(ring(*delays), "network")
    assert problem.where == "network.projections"
    assert "cycle" in problem.message
