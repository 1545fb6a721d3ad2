"""A chip family in one file: 16-bit neurons whose leaks are shifts, all on one core, inputs and outputs as spikes.

    i -= i >> syn; i += sum of the 8-bit weights of the spikes that arrive       syn = 0: i is what arrives
    v = i + bias + v - (v >> mem), held within 16 bits;  spike = v > threshold;  if spike: v = 0

``adder.toml`` gives its numbers. It runs acyclic networks, and a hop costs it no tick: a stage computes when the stages
before it are done.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from snnctl.hardware import Fit
from snnctl.hardware.chip import Chip
from snnctl.hardware.cost import Counts, DecisionCost
from snnctl.hardware.family import Counters, Rasters, Section, Spikes
from snnctl.hardware.placement import Core, Usage
from snnctl.hardware.rules import Violation
from snnctl.hardware.stages import FloatStage, Rounding, float_stages, rounding
from snnctl.hardware.traffic import SynapticEvents
from snnctl.hardware.windows import split_inputs
from snnctl.network import Network, Uniform
from snnctl.network.capability import Capability
from snnctl.network.program import Program
from snnctl.neurons import CurrentLif

TOP = 2**15 - 1  # of 16 bits


class Registers(NamedTuple):
    """A stage as the chip holds it."""

    label: str
    weights: Any  # (sources, n), sources side by side in the order of the links
    bias: Any  # (n,)
    threshold: Any  # (n,)
    syn: int
    mem: int


def shift(decay: float) -> int:
    """The shift whose leak 2^-shift is nearest, in powers of two, to 1 - decay."""
    return round(-math.log2(max(1 - decay, 2.0**-15)))


def quantise(stage: FloatStage, sources: int) -> tuple[Registers, tuple[Rounding, ...]]:
    """The largest weight becomes 127; everything else in the stage has the same scale."""
    scale = 127 / (stage.largest_weight or 1.0)
    registers = Registers(
        stage.name,
        np.round(stage.weights * scale).astype(np.int64).reshape(sources, stage.size),
        np.round(stage.bias * scale).astype(np.int64),
        np.round(stage.v_threshold * scale).astype(np.int64),
        shift(stage.a_syn),
        shift(stage.a_mem),
    )
    back = registers.weights.ravel() / scale
    report = (
        rounding(stage.name, "weight", stage.weights, back, stage.largest_weight, "largest weight"),
        rounding(stage.name, "a_mem", stage.a_mem, 1 - 2.0**-registers.mem, 1.0, "1"),
    )
    return registers, report


class Image:
    """A program in the registers of the chip."""

    def __init__(self, program: Program) -> None:
        self.program, self.ticks = program, program.ticks
        self.stages: list[Registers] = []
        self.rounding: tuple[Rounding, ...] = ()
        for number, stage in enumerate(float_stages(program), start=len(program.inputs)):
            sources = sum(program.nodes[link.source].size for link in program.into(number))
            registers, report = quantise(stage, sources)
            self.stages.append(registers)
            self.rounding += report

    def start(self) -> None:
        """Nothing is kept from decision to decision."""

    def run(self, state: None, spikes: Spikes) -> tuple[None, Rasters, Counters]:
        """One decision, stage after stage."""
        rasters = dict(enumerate(split_inputs(self.program, spikes)))
        overflows = 0
        for node in self.program.order:
            r = self.stages[node - len(self.program.inputs)]
            arriving = np.hstack([spikes[:, :0], *(rasters[link.source] for link in self.program.into(node))])
            i = v = np.zeros(len(r.bias), np.int64)
            fired = np.zeros((len(arriving), len(r.bias)), np.uint8)
            for k, row in enumerate(arriving.astype(np.int64)):
                i = i - (i >> r.syn) + row @ r.weights
                exact = i + r.bias + v - (v >> r.mem)
                v = np.clip(exact, -TOP - 1, TOP)
                overflows += int((v != exact).sum())
                fired[k] = v > r.threshold
                v = np.where(fired[k], 0, v)
            rasters[node] = fired
        return None, [rasters[node] for node in range(len(self.program.nodes))], Counters(overflows)


class AdderCost:
    """Additions and updates cost energy, a tick its time."""

    def __init__(self, fit: Fit) -> None:
        self.fit, self.events = fit, SynapticEvents(fit.program)

    def decision(self, rasters: Rasters, control_dt_s: float) -> DecisionCost:
        """The cost of one decision."""
        chip, ticks = self.fit.chip, self.fit.program.ticks
        additions, updates = self.events.count(rasters), ticks * sum(s.size for s in self.fit.program.stages)
        latency = {"ticks": ticks * chip.value("time.tick")}
        return DecisionCost(
            evidence="modelled",
            chip=chip.name,
            ticks=ticks,
            period_s=max(control_dt_s, latency["ticks"]),
            counts=Counts(sum(int(r.sum()) for r in rasters), additions, updates, 0, 0),
            energy_j={
                "additions": additions * chip.value("energy.addition"),
                "neuron_updates": updates * chip.value("energy.update"),
            },
            latency_s=latency,
            chip_w=(chip.value("power.static"), 0.0),
            board_w=(chip.value("power.static"), 0.0),
            constants=chip.constants("energy", "time", "power"),
            notes=("an example: the numbers are invented",),
        )


NUMBERS = {
    "limits": Section(("count",), ("neurons",)),
    "energy": Section(("J",), ("addition", "update")),
    "time": Section(("s",), ("tick",)),
    "power": Section(("W",), ("static",)),
}


class Adder:
    """The family."""

    name = "adder"
    numbers = NUMBERS
    capability = Capability(
        machine="Adder",
        neurons=("lif", "current_lif"),
        resets=("value",),
        reset_value=("zero",),
        refractory=("none",),
        parameters=("v_threshold",),
        initial=("rest",),
        connectivity=("dense",),
        shape=("chain", "branching"),
        delays=("none",),
        decisions=("reset",),
        plasticity=("none",),
        inputs=("spikes",),
        readouts=("spikes",),
    )

    def compile(self, program: Program, chip: Chip) -> Fit:
        """One core that holds all neurons, or a violation."""
        usage = Usage(sum(stage.size for stage in program.stages), chip.limit("neurons"))
        first = len(program.inputs)
        cores = tuple(
            Core(0, 0, node, stage.label, 0, stage.size, {"neurons": usage})
            for node, stage in enumerate(program.stages, start=first)
        )
        image = Image(program)
        broken = [
            Violation(
                "threshold_range", label, "threshold next to the largest weight", highest, TOP, "lower v_threshold"
            )
            for label, highest in ((r.label, int(r.threshold.max())) for r in image.stages)
            if highest > TOP
        ]
        if usage.used > usage.limit:
            broken.append(Violation("neurons_on_chip", chip.name, "too many neurons", *usage, "use fewer neurons"))
        return Fit(program, chip, cores, (), tuple(broken), None if broken else image)

    def nearest(self, program: Program, stages: tuple[FloatStage, ...], chip: Chip) -> tuple[FloatStage, ...]:
        """The stages with the numbers that the chip holds, for ``snnctl train --chip``."""
        held = []
        for stage in stages:
            registers, _ = quantise(stage, len(stage.weights) // stage.size)
            unit = stage.v_threshold / registers.threshold
            weights, bias = registers.weights.ravel() * unit[stage.targets], registers.bias * unit
            decays = {"a_syn": 1 - 2.0**-registers.syn, "a_mem": 1 - 2.0**-registers.mem}
            held.append(stage._replace(weights=weights, bias=bias, **decays))
        return tuple(held)

    def cost(self, fit: Fit) -> AdderCost:
        """What its decisions cost."""
        return AdderCost(fit)


FAMILY = Adder()


def network() -> Program:
    """Something to put on the chip: two inputs drive four neurons, and these two more, in decisions of 8 ticks."""
    neuron = CurrentLif(tau_mem_s=0.01, tau_syn_s=0.003)
    net = Network(tick_s=1e-3, seed=1)
    sensors, middle, out = (net.population(*p) for p in (("sensors", 2), ("middle", 4, neuron), ("out", 2, neuron)))
    net.project(sensors, middle, weight=Uniform(0.2, 1.0), delay_s=0.0)
    net.project(middle, out, weight=Uniform(0.2, 1.0), delay_s=0.0)
    return net.program(ticks=8)
