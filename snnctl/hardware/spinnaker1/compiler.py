"""A program on SpiNNaker 1: placed, checked, quantised, and ready to run."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from snnctl.hardware import windows
from snnctl.hardware.chip import Chip
from snnctl.hardware.family import Fit, Spikes
from snnctl.hardware.image import EmulatedImage, compiled
from snnctl.hardware.layers import Layer, Staged
from snnctl.hardware.rules import Plan
from snnctl.hardware.spinnaker1 import decision, emulator
from snnctl.hardware.spinnaker1.cores import cores
from snnctl.hardware.spinnaker1.quantise import quantise
from snnctl.hardware.spinnaker1.rules import RULES
from snnctl.hardware.synapses import from_table
from snnctl.network.program import Program


def compile(program: Program, chip: Chip) -> Fit:
    """Place, check every rule, quantise."""
    return compiled(program, chip, cores, RULES, SpiNNakerImage)


class SpiNNakerImage(EmulatedImage[emulator.State]):
    """A program in the memory of SpiNNaker 1."""

    def __init__(self, plan: Plan) -> None:
        self.stages = tuple(quantise(stage) for stage in plan.stages)
        report = tuple(r for stage in self.stages for r in stage.rounding)
        super().__init__(plan, [stage.weights.astype(np.int64) for stage in self.stages], report)

    @functools.cached_property
    def network(self) -> emulator.Network:
        """All stages as one network."""
        parts = [stage.neurons for stage in self.stages]
        flat = ("exponential", "v_rest", "v_reset", "v_thresh", "i_offset", "r_membrane", "exp_tc", "t_refract")
        constants: dict[str, Any] = {n: windows.concatenated([getattr(part, n) for part in parts]) for n in flat}
        constants |= {n: windows.concatenated([getattr(part, n) for part in parts], 1) for n in ("decay", "init")}
        neurons = emulator.Neurons(**constants, scale=parts[0].scale, steps=parts[0].steps)
        inputs, stages = windows.offsets(self.program)
        synapses = windows.table(self.program, self.schedule)
        word = windows.concatenated([stage.weights for stage in self.stages]).astype(np.int64)
        rows = []
        for outside, sources in ((True, inputs[-1]), (False, stages[-1])):
            own = (synapses.outside == outside) & (word != 0)
            columns = (synapses.source[own], synapses.target[own], np.abs(word[own]), synapses.delay[own])
            rows.append(from_table(int(sources), *columns, (word[own] < 0).astype(np.int64)))
        shift = windows.concatenated([stage.shift for stage in self.stages], 1)
        return emulator.Network(neurons, rows[0], rows[1], shift)

    def initial(self) -> emulator.State:
        """At rest."""
        return emulator.initial_state(self.network)

    def emulate(self, state: emulator.State, spikes: Spikes) -> tuple[emulator.State, Spikes, int]:
        """All stages at once; overflows are saturated entries of ring buffers and wraps of neurons."""
        state, record = emulator.run(self.network, state, len(spikes), emulator.packets_of(spikes), self.windows)
        return state, record.spikes, record.saturations + record.wraps

    def fast(self, stack: Sequence[Layer]) -> Staged | None:
        """Where no ring buffer can saturate and nothing wraps."""
        return decision.staged(self.program, stack, [(stage.neurons, stage.shift) for stage in self.stages])
