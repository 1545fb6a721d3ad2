"""Loihi 1: the family object. Emulator, compiler and cost model are imported when they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnctl.hardware.loihi1.numbers import CAPABILITY, NUMBERS

if TYPE_CHECKING:
    from snnctl.hardware.chip import Chip
    from snnctl.hardware.cost import CostModel
    from snnctl.hardware.family import Fit
    from snnctl.hardware.stages import FloatStage
    from snnctl.network.program import Program


class Loihi1:
    """The first generation of Loihi."""

    name = "loihi1"
    numbers = NUMBERS
    capability = CAPABILITY

    def compile(self, program: Program, chip: Chip) -> Fit:
        """Place, check every rule, quantise."""
        from snnctl.hardware.loihi1 import compiler

        return compiler.compile(program, chip)

    def nearest(self, program: Program, stages: tuple[FloatStage, ...], chip: Chip) -> tuple[FloatStage, ...]:
        """The stages with the numbers that the chip holds."""
        from snnctl.hardware.loihi1 import quantise

        return tuple(quantise.nearest(stage, chip.limit("weight_bits")) for stage in stages)

    def cost(self, fit: Fit) -> CostModel:
        """Energy and latency of decisions."""
        from snnctl.hardware.loihi1.cost import Loihi1Cost

        return Loihi1Cost(fit)


FAMILY = Loihi1()
