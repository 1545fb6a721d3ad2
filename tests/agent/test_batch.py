"""A batch of controllers: each row acts as its agent acts alone, bit for bit, whatever the other rows do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from snnctl.agent.batch import FusedBatch, SeparateBatch, make_batch
from snnctl.agent.controller import CountingController
from snnctl.agent.controllers import make
from snnctl.agent.folder import Agent
from snnctl.coding import Analog, AnalogDecoder, GaussianPopulation, PlaceCells, RateDecoder
from snnctl.network.dense import DenseNetwork
from tests import factories

DIMS, ROWS, STEPS = 3, 4, 6
POISSON = GaussianPopulation(neurons_per_dim=5, spikes="poisson")


def agent(**parts: Any) -> Agent:
    kind = parts.pop("kind", "discrete")
    return factories.agent(factories.task(DIMS, 2, kind), gain=3.0, **parts)


AGENTS = {
    "choice": (lambda: agent(encoder=GaussianPopulation(neurons_per_dim=5)), FusedBatch),
    "rates": (lambda: agent(kind="continuous", encoder=POISSON, decoder=RateDecoder()), FusedBatch),
    "two layers": (lambda: agent(encoder=POISSON, hidden=(20, 33)), FusedBatch),
    "places": (lambda: agent(encoder=PlaceCells(grid=(3, 3, 3), spikes="poisson")), FusedBatch),
    "analog": (lambda: agent(encoder=Analog()), SeparateBatch),
    "dense": (
        lambda: agent(
            kind="continuous",
            encoder=Analog(),
            decoder=AnalogDecoder(),
            network=DenseNetwork(inputs=DIMS, hidden=(7,), outputs=2),
        ),
        SeparateBatch,
    ),
}


@pytest.mark.parametrize("name", AGENTS)
def test_a_row_is_the_controller_alone(name: str) -> None:
    made, form = AGENTS[name]
    chosen = made()
    observations = np.random.default_rng(1).normal(0.0, 1.5, (STEPS, ROWS, DIMS))
    busy = [np.array(rows) for rows in ([0, 1, 2, 3], [0, 2, 3], [3, 0], [2], [0, 1, 2, 3], [1, 3])]
    batch = make_batch(chosen, ROWS)
    assert type(batch) is form
    expected: dict[tuple[int, int], tuple[Any, list[int], int]] = {}
    for row in range(ROWS):
        alone = make(chosen)
        alone.act(observations[0, row])  # a reset counts from zero
        alone.reset(row + 10)
        batch.decide(np.array([row]))
        batch.reset(row, row + 10)
        counts, events = [], 0  # since the reset
        for step in (k for k in range(STEPS) if row in busy[k]):
            action = alone.act(observations[step, row])
            activity = alone.activity()
            spikes = [int(np.count_nonzero(raster)) for raster in activity.spikes.values()]
            counts = [a + b for a, b in zip(counts or [0] * len(spikes), spikes, strict=True)]
            events += activity.synaptic_events
            expected[step, row] = (np.array(action), counts, events)
            if isinstance(alone, CountingController):
                assert (alone.counted()[0].tolist(), alone.counted()[1]) == (counts, events)
                assert alone.populations == batch.populations
            assert batch.populations == {n: (r.shape[1], r.size) for n, r in activity.spikes.items()}
    for step, rows in enumerate(busy):
        batch.observations[:] = observations[step]
        batch.decide(rows)
        for row in rows:
            action, counts, events = expected[step, int(row)]
            np.testing.assert_array_equal(batch.actions[row], action)
            told = batch.counted(int(row))
            assert (told[0].tolist(), told[1]) == (counts, events)
    if form is FusedBatch:
        assert any(sum(counts) for _, counts, _ in expected.values())  # it did spike
