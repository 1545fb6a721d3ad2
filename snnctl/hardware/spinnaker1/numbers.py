"""What a chip file of SpiNNaker 1 must say, and what of the language of networks the chip has."""

from __future__ import annotations

from snnctl.hardware.family import Section
from snnctl.network.capability import Capability

NUMBERS = {
    "limits": Section(
        ("count", "bit", "byte"),
        (
            "chips",
            "application_cores_per_chip",
            "neurons_per_core",
            "dtcm_bytes_per_core",
            "ring_buffer_bytes_per_core",
            "sdram_bytes_per_chip",
            "router_entries_per_chip",
            "delay_ticks",
        ),
    ),
    "energy": Section(("J",), ("packet",)),
    "time": Section(("s",), ("tick",)),
    "power": Section(("W",), ("chip_idle", "active_core", "board_idle")),
}

CAPABILITY = Capability(
    machine="SpiNNaker 1",
    neurons=("lif", "current_lif"),
    resets=("value",),
    parameters=("v_threshold",),
    initial=("rest",),
    connectivity=("dense", "sparse"),
    decisions=("reset", "streaming"),
    plasticity=("none",),
    inputs=("spikes",),
    readouts=("spikes",),
)
