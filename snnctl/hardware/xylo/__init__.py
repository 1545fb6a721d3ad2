"""Xylo: the family object. Emulator, compiler and cost model are imported when they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnctl.hardware.xylo.numbers import CAPABILITY, NUMBERS

if TYPE_CHECKING:
    from snnctl.hardware.chip import Chip
    from snnctl.hardware.cost import CostModel
    from snnctl.hardware.family import Fit
    from snnctl.hardware.rules import Violation
    from snnctl.hardware.stages import FloatStage
    from snnctl.network.program import Program


class Xylo:
    """The digital core of XyloAudio 2 (SYNS61201)."""

    name = "xylo"
    numbers = NUMBERS
    capability = CAPABILITY

    def sizes(self, program: Program, chip: Chip) -> tuple[Violation, ...]:
        """What is too large, whatever the neurons."""
        from snnctl.hardware.xylo.rules import sizes

        return sizes(program, chip)

    def compile(self, program: Program, chip: Chip) -> Fit:
        """Check every rule, quantise."""
        from snnctl.hardware.xylo import compiler

        return compiler.compile(program, chip)

    def nearest(self, program: Program, stages: tuple[FloatStage, ...], chip: Chip) -> tuple[FloatStage, ...]:
        """The stages with the numbers that the chip holds."""
        from snnctl.hardware.xylo import quantise

        return tuple(made.held for made in quantise.quantise(program, stages, chip.limit("weight_shift")))

    def cost(self, fit: Fit) -> CostModel:
        """Cycles and latency of decisions; energy is not priced."""
        from snnctl.hardware.xylo.cost import XyloCost

        return XyloCost(fit)


FAMILY = Xylo()
