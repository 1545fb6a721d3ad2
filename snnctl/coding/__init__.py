"""Encoders (observation to spikes) and decoders (spikes to action), one file each."""

from __future__ import annotations

from snnctl.coding.choice import ChoiceDecoder
from snnctl.coding.gaussian_population import GaussianPopulation
from snnctl.coding.normaliser import Normaliser
from snnctl.coding.place_cells import PlaceCells
from snnctl.coding.rate import RateDecoder

Encoder = GaussianPopulation | PlaceCells
Decoder = RateDecoder | ChoiceDecoder

__all__ = ["ChoiceDecoder", "Decoder", "Encoder", "GaussianPopulation", "Normaliser", "PlaceCells", "RateDecoder"]
