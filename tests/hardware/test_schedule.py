from __future__ import annotations

import pytest

from snnctl.hardware.schedule import schedule
from snnctl.network.description import NetworkDescription, Population, Projection
from snnctl.network.program import Program, structure
from snnctl.neurons import Lif
from tests.hardware.programs import random_program

NEURON = Lif(tau_mem_s=0.004)


def program(pairs: list[tuple[str, str, int]], decision: str = "reset") -> Program:
    """Stages a, b, c and an input."""
    populations = (Population(name="in", size=1), *(Population(name=n, size=1, neuron=NEURON) for n in "abc"))
    projections = tuple(Projection(source=s, target=t, delay_ticks=d) for s, t, d in pairs)
    return structure(
        NetworkDescription(tick_s=1e-3, ticks=4, decision=decision, populations=populations, projections=projections)
    )


@pytest.mark.parametrize(
    ("pairs", "levels"),
    [
        ([("in", "a", 0), ("a", "b", 0), ("b", "c", 0)], (0, 1, 2, 3)),  # a chain: hops
        ([("in", "a", 0), ("a", "b", 0), ("in", "c", 0), ("b", "c", 0)], (0, 1, 2, 3)),  # a skip is padded
        ([("in", "a", 2), ("a", "b", 0), ("b", "c", 3)], (0, 0, 1, 0)),  # a delay of the model is one of the chip
        ([("in", "a", 0), ("a", "b", 0), ("b", "a", 2), ("b", "c", 0)], (0, 1, 2, 3)),  # a cycle
    ],
)
def test_levels_are_longest_paths(pairs: list[tuple[str, str, int]], levels: tuple[int, ...]) -> None:
    found = schedule(program(pairs))
    assert found is not None
    assert found.levels == levels
    assert found.ticks == 4 + max(levels)


def test_streaming_has_no_levels() -> None:
    found = schedule(program([("in", "a", 1), ("a", "b", 3), ("b", "c", 1), ("c", "a", 1)], "streaming"))
    assert found is not None
    assert (found.levels, found.ticks) == ((0, 0, 0, 0), 4)


@pytest.mark.parametrize("seed", range(50))
def test_every_synapse_takes_a_tick_or_more(seed: int) -> None:
    made = random_program(seed, "reset")
    found = schedule(made)
    assert found is not None
    for link in made.links:
        delays = found.delay(link, link.own_delays)
        assert delays.min() >= 1
        assert delays.max() == found.longest(link)
