"""Spikes and synaptic events of one episode, whichever controller makes them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.agent.controller import Activity


class Totals(NamedTuple):
    """What the network did in an episode; the names are those of its populations, inputs included."""

    spikes: dict[str, int]
    neurons: dict[str, int]
    neuron_ticks: dict[str, int]  # neurons * ticks over all decisions
    synaptic_events: int


def totals(populations: dict[str, tuple[int, int]], counts: NDArray[np.int64], events: int, decisions: int) -> Totals:
    """The totals of what counts while it decides; ``populations``: name -> neurons, neurons * ticks of a decision."""
    if not decisions:
        return Totals({}, {}, {}, events)
    return Totals(
        dict(zip(populations, counts.tolist(), strict=True)),
        {name: neurons for name, (neurons, _) in populations.items()},
        {name: ticks * decisions for name, (_, ticks) in populations.items()},
        events,
    )


class Tally:
    """Adds up the decisions of a controller that does not count."""

    def __init__(self) -> None:
        self._totals = Totals({}, {}, {}, 0)

    def add(self, activity: Activity) -> None:
        """One more decision."""
        spikes, neurons, neuron_ticks, events = self._totals
        for name, raster in activity.spikes.items():  # (ticks, n)
            spikes[name] = spikes.get(name, 0) + int(np.count_nonzero(raster))
            neurons[name] = raster.shape[1]
            neuron_ticks[name] = neuron_ticks.get(name, 0) + raster.size
        self._totals = Totals(spikes, neurons, neuron_ticks, events + int(activity.synaptic_events))

    def totals(self) -> Totals:
        """So far."""
        return self._totals
