"""What a chip file of Xylo must say, and what of the language of networks the chip has."""

from __future__ import annotations

from snnctl.hardware.family import Section
from snnctl.network.capability import Capability

NUMBERS = {
    "limits": Section(
        ("count",), ("input_channels", "hidden_neurons", "output_neurons", "fan_in", "weights", "weight_shift")
    ),
    "time": Section(
        ("s", "count"),
        (
            "clock_period",
            "cycles_input_channel",
            "cycles_input_spike",
            "cycles_hidden_synapses",
            "cycles_hidden_spike",
            "cycles_output_source",
            "cycles_output_synapse",
            "cycles_hidden_neuron",
            "cycles_hidden_fired",
            "cycles_output_neuron",
        ),
    ),
}

CAPABILITY = Capability(
    machine="Xylo",
    neurons=("current_lif",),
    resets=("subtract",),
    refractory=("none",),
    parameters=("v_threshold",),
    initial=("rest",),
    connectivity=("dense", "sparse"),
    decisions=("reset", "streaming"),
    plasticity=("none",),
    inputs=("spikes",),
    readouts=("spikes",),
)
