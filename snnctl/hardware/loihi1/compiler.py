"""A program on Loihi 1: placed, checked, quantised, and ready to run.

A delay register holds one less than the ticks that a spike is under way.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from snnctl.hardware import windows
from snnctl.hardware.chip import Chip
from snnctl.hardware.family import Fit, Spikes
from snnctl.hardware.image import EmulatedImage, compiled
from snnctl.hardware.layers import Layer, Staged
from snnctl.hardware.loihi1 import decision, emulator
from snnctl.hardware.loihi1.cores import cores
from snnctl.hardware.loihi1.quantise import quantise
from snnctl.hardware.loihi1.rules import RULES
from snnctl.hardware.rules import Plan
from snnctl.hardware.synapses import from_table
from snnctl.network.program import Program


def compile(program: Program, chip: Chip) -> Fit:
    """Place, check every rule, quantise."""
    return compiled(program, chip, cores, RULES, LoihiImage)


class LoihiImage(EmulatedImage[emulator.State]):
    """A program in the registers and synapses of Loihi 1."""

    def __init__(self, plan: Plan) -> None:
        self.stages = tuple(quantise(stage, plan.chip.limit("weight_bits")) for stage in plan.stages)
        report = tuple(r for stage in self.stages for r in stage.rounding)
        super().__init__(plan, [stage.weights for stage in self.stages], report)

    @functools.cached_property
    def network(self) -> emulator.Network:
        """All stages as one network."""
        parts = [stage.compartments for stage in self.stages]
        names = ("decay_u", "decay_v", "threshold", "refractory", "bias", "v_min", "v_max")
        constants: dict[str, Any] = {n: windows.concatenated([getattr(part, n) for part in parts]) for n in names}
        inputs, stages = windows.offsets(self.program)
        synapses = windows.table(self.program, self.schedule)
        weight = windows.concatenated([stage.weights for stage in self.stages])
        rows = []
        for outside, sources, early in ((True, inputs[-1], 0), (False, stages[-1], 1)):
            own = (synapses.outside == outside) & (weight != 0)
            columns = (synapses.source[own], synapses.target[own], weight[own], synapses.delay[own] - early)
            rows.append(from_table(int(sources), *columns))
        return emulator.Network(emulator.Compartments(**constants), rows[0], rows[1])

    def initial(self) -> emulator.State:
        """All zero."""
        return emulator.initial_state(self.network)

    def emulate(self, state: emulator.State, spikes: Spikes) -> tuple[emulator.State, Spikes, int]:
        """All stages at once; overflows are wraps of ``u`` and of ``u + bias``."""
        state, record = emulator.run(self.network, state, spikes, self.windows)
        return state, record.spikes, record.wraps

    def fast(self, stack: Sequence[Layer]) -> Staged | None:
        """Where no register can wrap."""
        return decision.staged(self.program, stack, [stage.compartments for stage in self.stages])
