"""How much of a SpiNNaker 1 core neurons take; inputs occupy source cores.

SDRAM: 3 header words and one word a synapse for each row of a source that reaches the core. DTCM: ring buffers of
2^ceil(log2 n) x 2 kinds x 16 slots x 2 bytes, the neurons, and a spike buffer.

Source: sPyNNaker 7.4.1.
"""

from __future__ import annotations

import math

import numpy as np

from snnctl.hardware.chip import Chip
from snnctl.hardware.placement import Core, Part, Split, Usage, fan, place
from snnctl.hardware.schedule import Schedule
from snnctl.hardware.spinnaker1.emulator import DELAY_SLOTS
from snnctl.network.program import Program

_NEURON_BYTES = 60  # IF_curr_exp: 8 words of neuron, 1 of threshold, 2 x 3 of synapse
_SPIKE_BUFFER_BYTES = 4 * 256
_ROW_HEADER_WORDS = 3


def ring_buffer_bytes(neurons: int) -> int:
    """Ring buffers of one core."""
    return int(2 ** math.ceil(math.log2(neurons))) * 2 * DELAY_SLOTS * 2


def total(chip: Chip) -> int:
    """Cores that a network may use."""
    return chip.limit("chips") * chip.limit("application_cores_per_chip")


def cores(program: Program, schedule: Schedule, chip: Chip) -> tuple[Core, ...]:
    """Cores of inputs and stages."""
    nodes = tuple(range(len(program.nodes)))
    largest = chip.limit("neurons_per_core")
    arriving = {node: [(link, schedule.longest(link)) for link in program.into(node)] for node in nodes}

    def usage(part: Part, split: Split) -> dict[str, Usage]:
        neurons = Usage(part.neurons, largest)
        if part.node < len(program.inputs):
            return {"neurons": neurons}
        incoming = arriving[part.node]
        fans = [fan(program, link, part) for link, _ in incoming]
        words = sum(_ROW_HEADER_WORDS * int(np.count_nonzero(f)) + int(f.sum()) for f in fans)
        ring = ring_buffer_bytes(part.neurons)
        dtcm = ring + part.neurons * _NEURON_BYTES + _SPIKE_BUFFER_BYTES
        longest = max((delay for _, delay in incoming), default=0)
        return {
            "neurons": neurons,
            "ring_buffer_bytes": Usage(ring, chip.limit("ring_buffer_bytes_per_core")),
            "dtcm_bytes": Usage(dtcm, chip.limit("dtcm_bytes_per_core")),
            "sdram_bytes": Usage(words * 4, chip.limit("sdram_bytes_per_chip")),
            "delay_slots": Usage(longest, chip.limit("delay_ticks")),
        }

    return place(program, nodes, largest, total(chip), usage, chip.limit("application_cores_per_chip"))
