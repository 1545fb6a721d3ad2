"""A program as rows of synapses for an emulator, which runs all stages at once; and the ticks of each neuron.

The neurons of all stages are numbered through, in the order of the program; so are those of all inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from snnctl.hardware.family import Spikes
from snnctl.hardware.schedule import Schedule
from snnctl.hardware.stages import Integers
from snnctl.network.program import Program


class Table(NamedTuple):
    """Synapses of a program on a chip, one entry each; the order of a stage's weights is that of its links."""

    source: Integers  # (synapses,) among the inputs' neurons, or among the stages'
    target: Integers  # (synapses,) among the stages' neurons
    delay: Integers  # (synapses,) chip ticks
    outside: NDArray[np.bool_]  # (synapses,) whether the source is an input


def offsets(program: Program) -> tuple[Integers, Integers]:
    """First neuron of every input and of every stage, and the end.  # (inputs + 1,), (stages + 1,)"""
    inputs = np.cumsum([0, *(p.size for p in program.inputs)], dtype=np.int64)
    return inputs, np.cumsum([0, *(s.size for s in program.stages)], dtype=np.int64)


def table(program: Program, schedule: Schedule) -> Table:
    """Every synapse, by target stage, then by link."""
    inputs, stages = offsets(program)
    first = len(program.inputs)
    empty = np.zeros(0, np.int64)
    source, target, delay, outside = [empty], [empty], [empty], [np.zeros(0, bool)]
    for number in range(len(program.stages)):
        for link in program.into(first + number):
            synapses, is_input = link.synapses(), link.source < first
            base = inputs[link.source] if is_input else stages[link.source - first]
            source.append(synapses.source + base)
            target.append(synapses.target + stages[number])
            delay.append(schedule.delay(link, synapses.delay))
            outside.append(np.full(synapses.source.size, is_input))
    return Table(*(np.concatenate(column) for column in (source, target, delay, outside)))


def windows(program: Program, schedule: Schedule) -> Integers | None:
    """First and last tick in which each neuron is active; None where all always are.  # (n, 2)"""
    if program.decision == "streaming":
        return None
    levels = schedule.levels[len(program.inputs) :]
    start = np.repeat(np.array(levels, np.int64), [s.size for s in program.stages])  # (n,)
    return np.stack([start, start + program.ticks - 1], axis=1)


def split_inputs(program: Program, spikes: Spikes) -> list[Spikes]:
    """The spikes of each input.  # (ticks, n) each"""
    if len(program.inputs) == 1:
        return [spikes]
    ends = np.cumsum([p.size for p in program.inputs])[:-1]
    return [np.ascontiguousarray(raster) for raster in np.split(spikes, ends, axis=1)]


def own_ticks(program: Program, schedule: Schedule, spikes: Spikes) -> list[Spikes]:
    """Spikes (chip ticks, n) of all stages, each stage in its own ticks.  # (ticks, n) each"""
    _, stages = offsets(program)
    first = len(program.inputs)
    return [
        np.ascontiguousarray(spikes[level : level + program.ticks, begin:end])
        for level, begin, end in zip(schedule.levels[first:], stages, stages[1:], strict=False)
    ]


def padded(spikes: Spikes, ticks: int) -> Spikes:
    """The same followed by silence, up to ``ticks`` rows."""
    silence = np.zeros((ticks - len(spikes), spikes.shape[1]), np.uint8)
    return np.concatenate([spikes, silence]) if len(silence) else spikes


def concatenated(parts: Sequence[NDArray[Any]], axis: int = 0) -> NDArray[Any]:
    """One array of the stages' arrays, along the neurons or the synapses."""
    return np.ascontiguousarray(np.concatenate(parts, axis=axis))
