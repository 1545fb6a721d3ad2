"""Cycles: of projections without delay, or too fast for a chip, are named."""

from __future__ import annotations

import pytest

from snnctl.errors import NetworkError
from snnctl.network import Network
from tests.network.small_networks import LIF, ran


def loop(*delays_s: float) -> Network:
    """in -> a -> b -> ... -> a with these delays, and a side branch."""
    network = Network(tick_s=1e-3)
    names = [chr(ord("a") + k) for k in range(len(delays_s))]
    network.population("in", 1)
    for name in (*names, "side"):
        network.population(name, 2, LIF)
    network.project("in", "a", weight=1.0, delay_s=0.0)
    network.project(names[-1], "side", weight=1.0, delay_s=0.0)
    for k, delay in enumerate(delays_s):
        network.project(names[k], names[(k + 1) % len(names)], weight=1.0, delay_s=delay)
    return network


@pytest.mark.parametrize("delays", [(0.0,), (0.0, 0.0), (0.0, 0.0, 0.0)])
def test_a_cycle_without_delay_is_named(delays: tuple[float, ...]) -> None:
    with pytest.raises(NetworkError, match="cycle without delay: ") as caught:
        loop(*delays).run(1e-3)
    (problem,) = caught.value.problems
    around = problem.message.split(": ")[1].split(" -> ")
    assert around[0] == around[-1]
    ring = [chr(ord("a") + k) for k in range(len(delays))]
    at = ring.index(around[0])
    assert around[:-1] == ring[at:] + ring[:at]  # in the direction of the projections, nobody else


def test_a_cycle_that_is_too_fast_is_named() -> None:
    with pytest.raises(NetworkError, match="sum to less than") as caught:
        loop(0.0, 1e-3, 1e-3).run(1e-3)
    around = caught.value.problems[0].message.split(": ")[1].split(" -> ")
    assert around[0] == around[-1]
    assert sorted(around[:-1]) == ["a", "b", "c"]
    ran(loop(0.0, 1e-3, 2e-3))
