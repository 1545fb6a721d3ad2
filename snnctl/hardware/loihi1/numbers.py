"""What a chip file of Loihi 1 must say, and what of the language of networks the chip has."""

from __future__ import annotations

from snnctl.hardware.family import Section
from snnctl.network.capability import Capability

NUMBERS = {
    "limits": Section(
        ("count", "bit", "byte"),
        (
            "cores",
            "compartments_per_core",
            "weight_bits",
            "synapse_bits_per_core",
            "input_axons_per_core",
            "output_axons_per_core",
            "compartment_configs_per_core",
            "threshold_configs_per_core",
            "delay_ticks",
            "cores_per_tile",
            "mesh_columns",
        ),
    ),
    "energy": Section(
        ("J",),
        (
            "synaptic_op",
            "neuron_update_active",
            "neuron_update_inactive",
            "spike_within_tile",
            "hop_east_west",
            "hop_north_south",
        ),
    ),
    "time": Section(
        ("s",),
        (
            "synaptic_op",
            "neuron_update_active",
            "neuron_update_inactive",
            "spike_within_tile",
            "hop_east_west",
            "hop_north_south",
            "barrier_one_tile",
            "barrier_32_tiles",
            "host_io_per_decision",
        ),
    ),
    "power": Section(("W",), ("chip_static", "chip_idle", "board_idle")),
}

CAPABILITY = Capability(
    machine="Loihi 1",
    neurons=("lif", "current_lif"),
    resets=("value",),
    reset_value=("zero",),
    parameters=("v_threshold",),
    initial=("rest",),
    connectivity=("dense", "sparse"),
    decisions=("reset", "streaming"),
    plasticity=("none",),
    inputs=("spikes",),
    readouts=("spikes",),
)
