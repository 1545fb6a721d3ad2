"""The reference loop around one neuron whose spikes and membrane are given."""

from __future__ import annotations

from typing import Any

import numpy as np

from .clocked import Clocked


class OneNeuron(Clocked):
    """n synapses onto it; `tick` is a whole tick."""

    def __init__(self, rule: Any, tick_s: float, weight: Any) -> None:
        super().__init__(rule, tick_s, np.atleast_1d(np.asarray(weight, np.float64))[:, None])

    def tick(self, arrivals: Any, spike: Any, v: float = 0.0, teach: float = 0.0, signal: float = 0.0) -> None:
        self.begin(signal)
        self.deliver(np.asarray(arrivals))
        self.end(np.array([v]), np.array([int(spike)]), np.array([float(teach)]))
