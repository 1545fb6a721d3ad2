"""Neuron models, one file each: parameters, state, one step, equation and source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnctl import slots

if TYPE_CHECKING:
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
    from snnctl.neurons.noisy_lif import NoisyLif
    from snnctl.neurons.poisson import Poisson

MODELS = {
    "integrate_and_fire": "snnctl.neurons.integrate_and_fire:IntegrateAndFire",
    "lif": "snnctl.neurons.lif:Lif",
    "current_lif": "snnctl.neurons.current_lif:CurrentLif",
    "alif": "snnctl.neurons.alif:Alif",
    "delta_lif": "snnctl.neurons.delta_lif:DeltaLif",
    "cuba_lif": "snnctl.neurons.cuba_lif:CubaLif",
    "coba_lif": "snnctl.neurons.coba_lif:CobaLif",
    "escape_lif": "snnctl.neurons.escape_lif:EscapeLif",
    "noisy_lif": "snnctl.neurons.noisy_lif:NoisyLif",
    "izhikevich": "snnctl.neurons.izhikevich:Izhikevich",
    "adex": "snnctl.neurons.adex:AdEx",
    "hodgkin_huxley": "snnctl.neurons.hodgkin_huxley:HodgkinHuxley",
    "poisson": "snnctl.neurons.poisson:Poisson",
}

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
    "NoisyLif",
    "Poisson",
]

__getattr__ = slots.exports(__name__, MODELS)
