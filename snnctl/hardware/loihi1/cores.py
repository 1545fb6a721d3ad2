"""How much of a Loihi 1 core neurons take.

Input spikes are injected by the embedded x86 processors and take no core. Synapse memory, per input axon with n
synapses in blocks of 64: ``n (weight_bits + delay_bits + index_bits) + 10`` bits, rounded up to words of 64. A dense
row has no index; one of a sparse link has 10 bits a synapse. Delays take 6 bits where one exceeds a tick. An axon
leaves a neuron for each core that it reaches.

Source: nengo-loihi 1.1.0 (SynapseConfig.bits_per_axon).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from snnctl.hardware.chip import Chip
from snnctl.hardware.placement import Core, Part, Split, Usage, fan, parts, place
from snnctl.hardware.schedule import Schedule
from snnctl.network.program import Link, Program

DELAY_BITS, INDEX_BITS = 6, 10
_BLOCK_SYNAPSES, _BLOCK_HEADER_BITS, _WORD_BITS = 64, 10, 64


def axon_bits(synapses: Any, synapse_bits: int) -> Any:
    """Bits of synapse memory for an input axon with ``synapses`` (a number or an array) of ``synapse_bits`` each."""
    full, rest = np.divmod(synapses, _BLOCK_SYNAPSES)
    return full * _block_bits(_BLOCK_SYNAPSES, synapse_bits) + (rest > 0) * _block_bits(rest, synapse_bits)


def _block_bits(synapses: Any, synapse_bits: int) -> Any:
    bits = synapses * synapse_bits + _BLOCK_HEADER_BITS
    return _WORD_BITS * -(-bits // _WORD_BITS)


def cores(program: Program, schedule: Schedule, chip: Chip) -> tuple[Core, ...]:
    """Cores of the stages."""
    first = len(program.inputs)
    stages = tuple(range(first, first + len(program.stages)))
    largest = chip.limit("compartments_per_core")
    arriving = {node: [(link, schedule.longest(link)) for link in program.into(node)] for node in stages}
    weight_bits = chip.limit("weight_bits")

    def usage(part: Part, split: Split) -> dict[str, Usage]:
        incoming = arriving[part.node]
        fans = [fan(program, link, part) for link, _ in incoming]
        bits = sum(int(axon_bits(f, weight_bits + _extra(*wire)).sum()) for f, wire in zip(fans, incoming, strict=True))
        return {
            "compartments": Usage(part.neurons, largest),
            "synapse_bits": Usage(bits, chip.limit("synapse_bits_per_core")),
            "input_axons": Usage(sum(int(np.count_nonzero(f)) for f in fans), chip.limit("input_axons_per_core")),
            "output_axons": Usage(_axons(program, part, split), chip.limit("output_axons_per_core")),
            "compartment_configs": Usage(1, chip.limit("compartment_configs_per_core")),
            "threshold_configs": Usage(1, chip.limit("threshold_configs_per_core")),
            "delay_slots": Usage(max((delay - 1 for _, delay in incoming), default=0), chip.limit("delay_ticks")),
        }

    return place(program, stages, largest, chip.limit("cores"), usage)


def _extra(link: Link, longest_delay: int) -> int:
    return (DELAY_BITS if longest_delay > 1 else 0) + (INDEX_BITS if link.kind == "sparse" else 0)


def _axons(program: Program, part: Part, split: Split) -> int:
    own, total = slice(part.first, part.first + part.neurons), 0
    for link in program.links:
        if link.source == part.node:
            if link.kind == "dense":
                total += part.neurons * split[link.target]
                continue
            targets = parts(link.target, program.nodes[link.target].size, split[link.target])
            total += sum(int(np.count_nonzero(fan(program, link, t)[own])) for t in targets)
    return total
