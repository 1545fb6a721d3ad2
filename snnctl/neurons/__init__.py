"""Neuron models, one file each: parameters, state, one step, equation and source."""

from __future__ import annotations

from snnctl.neurons.adex import AdEx
from snnctl.neurons.alif import Alif
from snnctl.neurons.coba_lif import CobaLif
from snnctl.neurons.cuba_lif import CubaLif
from snnctl.neurons.current_lif import CurrentLif
from snnctl.neurons.delta_lif import DeltaLif
from snnctl.neurons.escape_lif import EscapeLif
from snnctl.neurons.hodgkin_huxley import HodgkinHuxley
from snnctl.neurons.integrate_and_fire import IntegrateAndFire
from snnctl.neurons.izhikevich import Izhikevich
from snnctl.neurons.lif import Lif
from snnctl.neurons.poisson import Poisson

MODELS: tuple[type, ...] = (
    IntegrateAndFire,
    Lif,
    CurrentLif,
    Alif,
    DeltaLif,
    CubaLif,
    CobaLif,
    EscapeLif,
    Izhikevich,
    AdEx,
    HodgkinHuxley,
    Poisson,
)

__all__ = [
    "MODELS",
    "AdEx",
    "Alif",
    "CobaLif",
    "CubaLif",
    "CurrentLif",
    "DeltaLif",
    "EscapeLif",
    "HodgkinHuxley",
    "IntegrateAndFire",
    "Izhikevich",
    "Lif",
    "Poisson",
]
