"""TrueNorth: the family object. Emulator, compiler and cost model are imported when they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnctl.hardware.truenorth.numbers import CAPABILITY, NUMBERS

if TYPE_CHECKING:
    from snnctl.hardware.chip import Chip
    from snnctl.hardware.cost import CostModel
    from snnctl.hardware.family import Fit
    from snnctl.network.program import Program


class TrueNorth:
    """IBM TrueNorth."""

    name = "truenorth"
    numbers = NUMBERS
    capability = CAPABILITY

    def compile(self, program: Program, chip: Chip) -> Fit:
        """Place, check every rule, quantise."""
        from snnctl.hardware.truenorth import compiler

        return compiler.compile(program, chip)

    def cost(self, fit: Fit) -> CostModel:
        """Energy and latency of decisions."""
        from snnctl.hardware.truenorth.cost import TrueNorthCost

        return TrueNorthCost(fit)


FAMILY = TrueNorth()
