"""The plain loop of a rule around one neuron whose spikes and membrane are given."""

from __future__ import annotations

from typing import Any

import numpy as np

from snnctl.network.interpreted import PlasticSynapses


class OneNeuron(PlasticSynapses):
    """n synapses onto it; `tick` is a whole tick."""

    def __init__(self, rule: Any, tick_s: float, weight: Any) -> None:
        n = len(weight)
        super().__init__((rule,), tick_s, (n, 1), range(n), [0] * n, weight)

    def tick(self, arrivals: Any, spike: Any, v: float = 0.0, teach: float = 0.0, signal: float = 0.0) -> None:
        self.begin(signal)
        self.deliver(np.flatnonzero(arrivals).tolist(), [0.0])
        self.end([v], [0] if spike else [], [teach])
