from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from snnctl import streams
from snnctl.agent.controller import Activity
from snnctl.agent.description import AgentDescription
from tests import factories


class Scripted:
    """A controller that plays ``policy(observation, k)`` and spikes at random, 10 % of the time."""

    def __init__(self, description: AgentDescription, policy: Callable[[NDArray[Any], int], Any]) -> None:
        self._description, self._policy = description, policy
        self.resets: list[int] = []
        self.rasters: list[dict[str, NDArray[np.uint8]]] = []

    @property
    def description(self) -> AgentDescription:
        return self._description

    def reset(self, seed: int) -> None:
        self.resets.append(seed)
        self.rasters = []
        self._random = streams.generator(seed, "encoder")
        self._step = 0

    def act(self, observation: NDArray[Any]) -> Any:
        network = self._description.network
        self.rasters.append(
            {p.name: (self._random.random((network.ticks, p.size)) < 0.1).astype(np.uint8) for p in network.populations}
        )
        self._step += 1
        return self._policy(observation, self._step - 1)

    def activity(self) -> Activity:
        return Activity(self.rasters[-1], 7)


@pytest.fixture
def pendulum() -> Callable[..., Scripted]:
    """Makes a controller of InvertedPendulum-v5; by default a PD law that stands to the end."""

    def stand(observation: NDArray[Any], _: int) -> NDArray[np.float64]:
        return np.array([observation @ [0.5, 10.0, 1.0, 2.0]]).clip(-3, 3)

    return lambda policy=stand: Scripted(factories.description("InvertedPendulum-v5", name="scripted"), policy)


@pytest.fixture
def cartpole() -> Callable[..., Scripted]:
    """Makes a controller of CartPole-v1; by default one that leans into the fall."""

    def lean(observation: NDArray[Any], _: int) -> int:
        return int(observation[2] + 0.3 * observation[3] > 0)

    return lambda policy=lean: Scripted(factories.description("CartPole-v1", name="scripted"), policy)
