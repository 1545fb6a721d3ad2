"""SpiNNaker 1: the family object. Emulator, compiler and cost model are imported when they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnctl.hardware.spinnaker1.numbers import CAPABILITY, NUMBERS

if TYPE_CHECKING:
    from snnctl.hardware.chip import Chip
    from snnctl.hardware.cost import CostModel
    from snnctl.hardware.family import Fit
    from snnctl.hardware.stages import FloatStage
    from snnctl.network.program import Program


class SpiNNaker1:
    """The first generation of SpiNNaker, with the software of sPyNNaker."""

    name = "spinnaker1"
    numbers = NUMBERS
    capability = CAPABILITY

    def compile(self, program: Program, chip: Chip) -> Fit:
        """Place, check every rule, quantise."""
        from snnctl.hardware.spinnaker1 import compiler

        return compiler.compile(program, chip)

    def nearest(self, program: Program, stages: tuple[FloatStage, ...], chip: Chip) -> tuple[FloatStage, ...]:
        """The stages with the numbers that the chip holds."""
        from snnctl.hardware.spinnaker1 import quantise

        return tuple(quantise.quantise(stage).held for stage in stages)

    def cost(self, fit: Fit) -> CostModel:
        """Energy and latency of decisions."""
        from snnctl.hardware.spinnaker1.cost import SpiNNaker1Cost

        return SpiNNaker1Cost(fit)


FAMILY = SpiNNaker1()
