"""Encoders (observation to spikes) and decoders (spikes to action), one file each.

``ENCODERS`` and ``DECODERS`` are the tables of their slots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnctl import slots
from snnctl.coding.normaliser import Normaliser

if TYPE_CHECKING:
    from snnctl.coding.analog import Analog
    from snnctl.coding.analog_decoder import AnalogDecoder
    from snnctl.coding.argmax import ArgmaxDecoder
    from snnctl.coding.bernoulli import Bernoulli
    from snnctl.coding.burst import Burst
    from snnctl.coding.choice import ChoiceDecoder
    from snnctl.coding.direct_current import DirectCurrent
    from snnctl.coding.filtered_rate import FilteredRateDecoder
    from snnctl.coding.first_spike import FirstSpikeDecoder
    from snnctl.coding.gaussian_population import GaussianPopulation
    from snnctl.coding.hashed_place_cells import HashedPlaceCells
    from snnctl.coding.latency import Latency
    from snnctl.coding.membrane import MembraneDecoder
    from snnctl.coding.phase import Phase
    from snnctl.coding.place_cells import PlaceCells
    from snnctl.coding.poisson import Poisson
    from snnctl.coding.population_vector import PopulationVectorDecoder
    from snnctl.coding.rate import RateDecoder
    from snnctl.coding.send_on_delta import SendOnDelta
    from snnctl.coding.winner_take_all import WinnerTakeAllDecoder

ENCODERS = {
    "gaussian_population": "snnctl.coding.gaussian_population:GaussianPopulation",
    "place_cells": "snnctl.coding.place_cells:PlaceCells",
    "hashed_place_cells": "snnctl.coding.hashed_place_cells:HashedPlaceCells",
    "poisson": "snnctl.coding.poisson:Poisson",
    "bernoulli": "snnctl.coding.bernoulli:Bernoulli",
    "latency": "snnctl.coding.latency:Latency",
    "phase": "snnctl.coding.phase:Phase",
    "burst": "snnctl.coding.burst:Burst",
    "send_on_delta": "snnctl.coding.send_on_delta:SendOnDelta",
    "direct_current": "snnctl.coding.direct_current:DirectCurrent",
    "analog": "snnctl.coding.analog:Analog",
}
DECODERS = {
    "rate": "snnctl.coding.rate:RateDecoder",
    "choice": "snnctl.coding.choice:ChoiceDecoder",
    "filtered_rate": "snnctl.coding.filtered_rate:FilteredRateDecoder",
    "first_spike": "snnctl.coding.first_spike:FirstSpikeDecoder",
    "membrane": "snnctl.coding.membrane:MembraneDecoder",
    "population_vector": "snnctl.coding.population_vector:PopulationVectorDecoder",
    "winner_take_all": "snnctl.coding.winner_take_all:WinnerTakeAllDecoder",
    "analog": "snnctl.coding.analog_decoder:AnalogDecoder",
    "argmax": "snnctl.coding.argmax:ArgmaxDecoder",
}

__all__ = [
    "DECODERS",
    "ENCODERS",
    "Analog",
    "AnalogDecoder",
    "ArgmaxDecoder",
    "Bernoulli",
    "Burst",
    "ChoiceDecoder",
    "DirectCurrent",
    "FilteredRateDecoder",
    "FirstSpikeDecoder",
    "GaussianPopulation",
    "HashedPlaceCells",
    "Latency",
    "MembraneDecoder",
    "Normaliser",
    "Phase",
    "PlaceCells",
    "Poisson",
    "PopulationVectorDecoder",
    "RateDecoder",
    "SendOnDelta",
    "WinnerTakeAllDecoder",
]

__getattr__ = slots.exports(__name__, ENCODERS, DECODERS)
