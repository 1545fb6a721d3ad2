"""Neuron models, one file each: parameters, state, one step, equation and source."""

from __future__ import annotations

from snnctl.neurons.current_lif import CurrentLif
from snnctl.neurons.lif import Lif

Neuron = Lif | CurrentLif

__all__ = ["CurrentLif", "Lif", "Neuron"]
