"""Which neurons sit on which core, which axons reach them, and the splitters between.

A *channel* is a (source neuron, delay) that reaches a core of a stage: it takes the axons that a precision costs. A
spike of a neuron makes one axon active, so a neuron with more axons to reach goes to a *splitter*: an axon of another
core with a neuron for each, which sends the spike on. That takes a tick more. Packets from outside name any axon.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from snnctl.hardware.chip import Chip
from snnctl.hardware.placement import Core, Usage, parts
from snnctl.hardware.schedule import Schedule
from snnctl.hardware.stages import Integers
from snnctl.hardware.truenorth.quantise import Precision, precision
from snnctl.network.program import Program


class Wiring(NamedTuple):
    """What reaches a stage. Neurons of a core are ``share`` consecutive ones."""

    share: int
    source: Integers  # (channels,) neuron, inputs first, numbered through all nodes
    delay: Integers  # (channels,) chip ticks
    core: Integers  # (channels,) of the stage
    channel: Integers  # (synapses,) NOTHING where the weight is 0
    precision: Precision

    def largest(self) -> int:
        """Channels of the core that has most."""
        return int(np.bincount(self.core).max()) if self.core.size else 0


NOTHING = -1


def wiring(program: Program, schedule: Schedule, chip: Chip) -> tuple[Wiring, ...]:
    """Of every stage."""
    begin = np.cumsum([0, *(node.size for node in program.nodes)])
    found = []
    for node, stage in enumerate(program.stages, start=len(program.inputs)):
        share = parts(node, stage.size, -(-stage.size // chip.limit("neurons_per_core")))[0].neurons
        rows, present = [np.zeros((0, 3), np.int64)], [np.zeros(0, bool)]
        for link in program.into(node):
            synapses = link.synapses()
            delay = schedule.delay(link, synapses.delay)
            rows.append(np.stack([synapses.target // share, synapses.source + begin[link.source], delay], axis=1))
            present.append(synapses.weight != 0)
        table, used = np.concatenate(rows), np.concatenate(present)
        channels, number = np.unique(table[used], axis=0, return_inverse=True)
        channel = np.full(len(table), NOTHING, np.int64)
        channel[used] = number.reshape(-1)
        core, source, delays = channels.T
        made = Wiring(share, source, delays, core, channel, Precision(2, 1))
        found.append(made._replace(precision=precision(made.largest(), chip.limit("axons_per_core"))))
    return tuple(found)


def fan_out(program: Program, wired: tuple[Wiring, ...]) -> Integers:
    """Axons that a spike of each neuron has to reach, and the host where it is read.  # (neurons of all nodes,)"""
    sizes = [node.size for node in program.nodes]
    begin = np.cumsum([0, *sizes])
    found = np.zeros(begin[-1], np.int64)
    for wires in wired:
        found += wires.precision.axons * np.bincount(wires.source, minlength=begin[-1])
    for readout in program.readouts:
        node = len(program.inputs) + readout.stage
        found[begin[node] : begin[node + 1]] += 1
    return found


class Splitter(NamedTuple):
    """Source neurons ``first`` ... that share a splitter core."""

    first: int  # among the neurons of all nodes
    neurons: int
    relays: int


def splitters(program: Program, fans: Integers, most: int) -> tuple[Splitter, ...]:
    """Cores in the order of the neurons; each source takes an axon, and a relay for each axon that it has to reach."""
    found: list[Splitter] = []
    begin = sum(node.size for node in program.inputs)
    for neuron in range(begin, len(fans)):
        fan = int(fans[neuron])
        if fan <= 1:
            continue
        last = found[-1] if found else None
        if last is None or last.relays + fan > most or last.first + last.neurons != neuron or last.neurons >= most:
            found.append(Splitter(neuron, 1, fan))
        else:
            found[-1] = last._replace(neurons=last.neurons + 1, relays=last.relays + fan)
    return tuple(found)


def cores(program: Program, schedule: Schedule, chip: Chip) -> tuple[Core, ...]:
    """Cores of the stages, then splitters."""
    wired, limits = wiring(program, schedule, chip), (chip.limit("neurons_per_core"), chip.limit("axons_per_core"))
    found: list[Core] = []
    for node, (stage, wires) in enumerate(zip(program.stages, wired, strict=True), start=len(program.inputs)):
        used = np.bincount(wires.core, minlength=-(-stage.size // wires.share)) * wires.precision.axons
        for number, first in enumerate(range(0, stage.size, wires.share)):
            neurons = min(wires.share, stage.size - first)
            usage = {"neurons": Usage(neurons, limits[0]), "axons": Usage(int(used[number]), limits[1])}
            found.append(Core(len(found), 0, node, stage.label, first, neurons, usage))
    begin = np.cumsum([0, *(node.size for node in program.nodes)])
    for splitter in splitters(program, fan_out(program, wired), limits[0]):
        node = int(np.searchsorted(begin, splitter.first, "right")) - 1
        usage = {"neurons": Usage(splitter.relays, limits[0]), "axons": Usage(splitter.neurons, limits[1])}
        label = f"splitters of {program.nodes[node].label}"
        found.append(Core(len(found), 0, node, label, int(splitter.first - begin[node]), splitter.relays, usage))
    return tuple(found)
