"""Which neurons sit on which core, and how much of each core they use.

    Loihi: a population is split evenly over the fewest cores on which it fits; its input spikes are
           injected by the embedded x86 processors and take no core.
    SpiNNaker: the same, at most ``neurons_per_core``; the input population occupies source cores.

Synapse memory of Loihi, per input axon with n synapses in blocks of 64 (dense format, no index):
``n (weight_bits + delay_bits) + 10`` bits, rounded up to words of 64. SpiNNaker: 3 header words and one
word a synapse for each source row; ring buffers of 2^ceil(log2 n) x 2 kinds x 16 slots x 2 bytes.
Sources: nengo-loihi 1.1.0 (SynapseConfig.bits_per_axon), sPyNNaker 7.4.1.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from snnctl.hardware.chip import Chip
from snnctl.hardware.spinnaker1 import DELAY_SLOTS
from snnctl.network.description import NetworkDescription, Population

WEIGHT_BITS = 8
_BLOCK_SYNAPSES, _BLOCK_HEADER_BITS, _WORD_BITS = 64, 10, 64
_NEURON_BYTES = 60  # IF_curr_exp: 8 words of neuron, 1 of threshold, 2 x 3 of synapse
_SPIKE_BUFFER_BYTES = 4 * 256
_ROW_HEADER_WORDS = 3


class Usage(NamedTuple):
    """How much of one resource of a core is used."""

    used: int
    limit: int


class Core(NamedTuple):
    """One core: neurons ``first .. first + neurons - 1`` of a population."""

    number: int
    chip: int
    population: str
    first: int
    neurons: int
    usage: dict[str, Usage]


def axon_bits(synapses: int, delay_bits: int = 0) -> int:
    """Bits of Loihi synapse memory for one input axon with ``synapses`` 8-bit weights, dense format."""
    total = 0
    for start in range(0, synapses, _BLOCK_SYNAPSES):
        block = min(_BLOCK_SYNAPSES, synapses - start)
        bits = block * (WEIGHT_BITS + delay_bits) + _BLOCK_HEADER_BITS
        total += _WORD_BITS * -(-bits // _WORD_BITS)
    return total


def ring_buffer_bytes(neurons: int) -> int:
    """SpiNNaker ring buffers of one core."""
    return int(2 ** math.ceil(math.log2(neurons))) * 2 * DELAY_SLOTS * 2


def place(network: NetworkDescription, chip: Chip) -> tuple[Core, ...]:
    """Cores in the order of the populations; a population that fits nowhere still gets cores."""
    placed = network.driven if chip.family == "loihi1" else network.populations
    limit = chip.limit("compartments_per_core" if chip.family == "loihi1" else "neurons_per_core")
    split: dict[str, int] = {p.name: -(-p.size // limit) for p in placed}
    most = total_cores(chip)
    for _ in range(2):  # output axons depend on how the targets were split
        for population in reversed(placed):
            for cores in range(split[population.name], min(population.size, most) + 1):
                split[population.name] = cores
                usage = _usage(network, chip, population, -(-population.size // cores), split)
                if all(u.used <= u.limit for u in usage.values()):
                    break
            else:  # splitting does not help; the rules will say what is wrong
                split[population.name] = -(-population.size // limit)
    result: list[Core] = []
    for population in placed:
        share = -(-population.size // split[population.name])
        for first in range(0, population.size, share):
            neurons = min(share, population.size - first)
            number = len(result)
            on_chip = 0 if chip.family == "loihi1" else number // chip.limit("application_cores_per_chip")
            usage = _usage(network, chip, population, neurons, split)
            result.append(Core(number, on_chip, population.name, first, neurons, usage))
    return tuple(result)


def total_cores(chip: Chip) -> int:
    """Cores that a network may use."""
    if chip.family == "loihi1":
        return chip.limit("cores")
    return chip.limit("chips") * chip.limit("application_cores_per_chip")


def _usage(
    network: NetworkDescription, chip: Chip, population: Population, neurons: int, split: dict[str, int]
) -> dict[str, Usage]:
    incoming = [p for p in network.projections if p.target == population.name]
    axons = sum(network.population(p.source).size for p in incoming)
    if chip.family == "loihi1":
        delays = [6 if p.delay_ticks > 1 else 0 for p in incoming]
        bits = sum(
            network.population(p.source).size * axon_bits(neurons, d) for p, d in zip(incoming, delays, strict=True)
        )
        targets = sum(split.get(p.target, 1) for p in network.projections if p.source == population.name)
        return {
            "compartments": Usage(neurons, chip.limit("compartments_per_core")),
            "synapse_bits": Usage(bits, chip.limit("synapse_bits_per_core")),
            "input_axons": Usage(axons, chip.limit("input_axons_per_core")),
            "output_axons": Usage(neurons * targets, chip.limit("output_axons_per_core")),
            "compartment_configs": Usage(1, chip.limit("compartment_configs_per_core")),
            "threshold_configs": Usage(1, chip.limit("threshold_configs_per_core")),
            "delay_slots": Usage(max((p.delay_ticks for p in incoming), default=0), chip.limit("delay_ticks")),
        }
    if population.neuron is None:
        return {"neurons": Usage(neurons, chip.limit("neurons_per_core"))}
    ring = ring_buffer_bytes(neurons)
    dtcm = ring + neurons * _NEURON_BYTES + _SPIKE_BUFFER_BYTES
    return {
        "neurons": Usage(neurons, chip.limit("neurons_per_core")),
        "ring_buffer_bytes": Usage(ring, chip.limit("ring_buffer_bytes_per_core")),
        "dtcm_bytes": Usage(dtcm, chip.limit("dtcm_bytes_per_core")),
        "sdram_bytes": Usage(axons * (_ROW_HEADER_WORDS + neurons) * 4, chip.limit("sdram_bytes_per_chip")),
        "delay_slots": Usage(max((max(p.delay_ticks, 1) for p in incoming), default=0), chip.limit("delay_ticks")),
    }
