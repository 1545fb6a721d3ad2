"""A program on TrueNorth: placed, split, checked, quantised, and ready to run."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from snnctl.hardware import windows
from snnctl.hardware.chip import Chip
from snnctl.hardware.family import Fit, Spikes
from snnctl.hardware.image import compiled
from snnctl.hardware.rules import Plan
from snnctl.hardware.stages import Integers
from snnctl.hardware.stagewise import StagewiseImage
from snnctl.hardware.synapses import from_table
from snnctl.hardware.truenorth import emulator
from snnctl.hardware.truenorth.cores import NOTHING, Wiring, cores, fan_out, wiring
from snnctl.hardware.truenorth.quantise import Quantised
from snnctl.hardware.truenorth.rules import RULES, quantised
from snnctl.network.program import Program

HOP = 2  # ticks of a spike of a neuron: one of them in a splitter


def compile(program: Program, chip: Chip) -> Fit:
    """Place, check every rule, quantise."""
    return compiled(program, chip, cores, RULES, TrueNorthImage, input_hop=0, hop=HOP)


class TrueNorthImage(StagewiseImage[emulator.State]):
    """A program in crossbars and registers of TrueNorth."""

    def __init__(self, plan: Plan) -> None:
        self.stages = quantised(plan)
        report = tuple(r for stage in self.stages for r in stage.rounding)
        super().__init__(plan, [stage.weights for stage in self.stages], report)
        self._wired = wiring(plan.program, plan.schedule, plan.chip)
        if self.windows is not None:  # splitters are always active
            relays = len(self.network.axon) - len(self.windows)
            always = np.broadcast_to(np.array([0, emulator.ALWAYS]), (relays, 2))
            self.windows = np.ascontiguousarray(np.concatenate([self.windows, always]))

    @functools.cached_property
    def network(self) -> emulator.Network:
        """All cores: the axons of the stages, then those of the splitters; the neurons likewise."""
        inputs, stages = windows.offsets(self.program)
        outside, own = int(inputs[-1]), int(stages[-1])
        first_axon, rows, source, delay = 0, [], [], []
        for number, (stage, wires) in enumerate(zip(self.stages, self._wired, strict=True)):
            rows.append(_crossbar(stage, wires, first_axon, int(stages[number])))
            source.append(np.repeat(wires.source, stage.precision.axons))
            delay.append(np.repeat(wires.delay, stage.precision.axons))
            first_axon += wires.source.size * stage.precision.axons
        sender, ticks = np.concatenate(source), np.concatenate(delay)  # (axons,) of the stages
        fed = np.flatnonzero(sender < outside)  # axons that packets from outside name
        relayed = np.flatnonzero(sender >= outside)
        order = relayed[np.argsort(sender[relayed], kind="stable")]
        read = [outside + n for k in self.program.readouts for n in range(stages[k.stage], stages[k.stage + 1])]
        fans = fan_out(self.program, self._wired)
        read = [neuron for neuron in read if fans[neuron] > 1]  # they have a relay to the host too
        split = np.unique(np.concatenate([sender[order], np.array(read, np.int64)])).astype(np.int64)
        relay_of = np.concatenate([sender[order], np.array(read, np.int64)])
        relay_axon = np.concatenate([order, np.full(len(read), emulator.NOWHERE)])
        relay_delay = np.concatenate([ticks[order] - 1, np.ones(len(read), np.int64)])
        axon, out_delay = np.full(own, emulator.NOWHERE), np.ones(own, np.int64)
        axon[split - outside] = first_axon + np.arange(split.size)
        relays = own + np.arange(relay_of.size)
        splits = first_axon + np.searchsorted(split, relay_of)
        table = np.concatenate([*rows, np.stack([splits, relays, np.ones_like(relays)], axis=1)])
        return emulator.Network(
            _all(self.stages, relay_of.size),
            from_table(first_axon + split.size, *table.T),
            from_table(outside, sender[fed], fed, np.ones(fed.size), ticks[fed]),
            np.concatenate([axon, relay_axon]).astype(np.int64),
            np.concatenate([out_delay, relay_delay]).astype(np.int64),
        )

    def initial(self) -> emulator.State:
        """All at ``v_initial``."""
        return emulator.initial_state(self.network)

    def emulate(self, state: emulator.State, spikes: Spikes) -> tuple[emulator.State, Spikes, int]:
        """All cores at once."""
        state, record = emulator.run(self.network, state, spikes, None, self.windows)
        own = sum(stage.neurons.size for stage in self.stages)
        return state, record.spikes[:, :own], record.overflows

    def advance(self, number: int, weights: NDArray[np.int32], arriving: Spikes) -> tuple[Spikes, int]:
        """One stage."""
        return emulator.run_layer(self.stages[number].neurons, weights, arriving)

    def events(self) -> list[Integers]:
        """Synapses that a spike of each neuron reaches, those of its splitter included.  # (n,) of each node"""
        network, fans = self.network, fan_out(self.program, self._wired)
        bits = np.diff(network.crossbar.indptr)
        found = np.where(fans > 1, fans, 0)
        found[: sum(node.size for node in self.program.inputs)] = 0  # packets from outside need no splitter
        first = 0
        for stage, wires in zip(self.stages, self._wired, strict=True):
            count = stage.precision.axons
            reached = bits[first : first + wires.source.size * count].reshape(-1, count).sum(axis=1)
            np.add.at(found, wires.source, reached)
            first += wires.source.size * count
        return np.split(found, np.cumsum([node.size for node in self.program.nodes])[:-1])


def _crossbar(stage: Quantised, wires: Wiring, first_axon: int, first_neuron: int) -> Integers:
    """Axon, neuron and signed weight of every bit of the cores of a stage.  # (bits, 3)"""
    p, used = stage.precision, np.flatnonzero(wires.channel != NOTHING)
    target = stage.targets[used]
    digits, signed = p.digits(stage.multiples[used]), p.signed(stage.unit)[target]  # (synapses, types)
    found = [np.zeros((0, 3), np.int64)]
    for g in range(p.types):
        for copy in range(p.copies):
            own = digits[:, g] > copy
            axon = first_axon + wires.channel[used][own] * p.axons + g * p.copies + copy
            found.append(np.stack([axon, first_neuron + target[own], signed[own, g]], axis=1))
    return np.concatenate(found)


def _all(stages: tuple[Quantised, ...], relays: int) -> emulator.Neurons:
    """Registers of all neurons, relays last."""
    parts = [*(stage.neurons for stage in stages), emulator.neurons(relays, alpha=1)]
    names = emulator.Neurons.__dataclass_fields__
    return emulator.Neurons(**{name: windows.concatenated([getattr(part, name) for part in parts]) for name in names})
