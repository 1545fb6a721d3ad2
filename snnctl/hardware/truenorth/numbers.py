"""What a chip file of TrueNorth must say, and what of the language of networks the chip has."""

from __future__ import annotations

from snnctl.hardware.family import Section
from snnctl.network.capability import Capability

NUMBERS = {
    "limits": Section(("count",), ("cores", "neurons_per_core", "axons_per_core", "delay_ticks")),
    "energy": Section(("J",), ("synaptic_event",)),
    "time": Section(("s",), ("tick",)),
    "power": Section(("W",), ("chip_static",)),
}

CAPABILITY = Capability(
    machine="TrueNorth",
    neurons=("integrate_and_fire",),
    refractory=("none",),
    parameters=("v_threshold",),
    initial=("rest",),
    connectivity=("dense", "sparse"),
    decisions=("reset", "streaming"),
    plasticity=("none",),
    inputs=("spikes",),
    readouts=("spikes",),
)
