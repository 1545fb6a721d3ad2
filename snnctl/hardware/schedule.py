"""When each stage runs on a chip, where every link takes a tick or more.

In a *reset* decision the model passes a spike through links of delay 0 within a tick. On a chip a node has a level,
the longest path that leads to it,

    level(input) = 0        level(target) = max(0, level(source) + 1 - delay)        over its links, smallest delay each

and is active in ticks ``level ... level + ticks - 1``. A spike of model tick k leaves at ``level(source) + k`` and
arrives after

    chip delay = level(target) - level(source) + delay >= 1

at ``level(target) + k + delay``: every stage sees what it sees in the model, shifted by its level. A decision takes
``ticks + largest level``. Levels exist where no cycle has a positive sum of ``1 - delay``.

Where the chip takes what comes from outside within the tick (``input_hop`` 0 instead of 1), a link from an input counts
``-delay`` in the levels, and its chip delay may be 0. Where a spike of a neuron takes ``hop`` ticks instead of one,
such a link counts ``hop - delay``, and its chip delay is ``hop`` or more.

In a *streaming* decision all delays are 1 or more already: levels are 0, and a tick of the chip is one of the model.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.network.program import Link, Program


class Schedule(NamedTuple):
    """When each node runs."""

    levels: tuple[int, ...]  # of the nodes, inputs first
    ticks: int  # of the chip in a decision

    def delay(self, link: Link, model_delay: NDArray[np.int64] | int) -> NDArray[np.int64]:
        """Chip ticks for synapses of a link that have this delay in the model."""
        return np.asarray(model_delay + self.levels[link.target] - self.levels[link.source], np.int64)

    def longest(self, link: Link) -> int:
        """The longest chip delay of a link."""
        return int(self.delay(link, link.own_delays).max())


def schedule(program: Program, input_hop: int = 1, hop: int = 1) -> Schedule | None:
    """The levels of a program; None where a cycle has a positive sum of ``hop - delay`` (Bellman-Ford)."""
    if program.decision == "streaming":
        return Schedule((0,) * len(program.nodes), program.ticks)
    first = len(program.inputs)
    hops = [hop if link.source >= first else input_hop for link in program.links]
    steps = [
        (link.source, link.target, ticks - int(link.own_delays[0]))
        for link, ticks in zip(program.links, hops, strict=True)
    ]
    levels = [0] * len(program.nodes)
    for _ in range(len(program.nodes) + 1):
        before = list(levels)
        for source, target, step in steps:
            levels[target] = max(levels[target], levels[source] + step)
        if levels == before:
            return Schedule(tuple(levels), program.ticks + max(levels))
    return None
