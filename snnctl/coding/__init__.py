"""Encoders (observation to spikes) and decoders (spikes to action), one file each.

``ENCODERS`` and ``DECODERS`` are the tables of their slots.
"""

from __future__ import annotations

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
from snnctl.coding.normaliser import Normaliser
from snnctl.coding.phase import Phase
from snnctl.coding.place_cells import PlaceCells
from snnctl.coding.poisson import Poisson
from snnctl.coding.population_vector import PopulationVectorDecoder
from snnctl.coding.rate import RateDecoder
from snnctl.coding.send_on_delta import SendOnDelta
from snnctl.coding.winner_take_all import WinnerTakeAllDecoder

ENCODERS: tuple[type, ...] = (
    GaussianPopulation,
    PlaceCells,
    HashedPlaceCells,
    Poisson,
    Bernoulli,
    Latency,
    Phase,
    Burst,
    SendOnDelta,
    DirectCurrent,
    Analog,
)
DECODERS: tuple[type, ...] = (
    RateDecoder,
    ChoiceDecoder,
    FilteredRateDecoder,
    FirstSpikeDecoder,
    MembraneDecoder,
    PopulationVectorDecoder,
    WinnerTakeAllDecoder,
    AnalogDecoder,
    ArgmaxDecoder,
)

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
