"""Does a controller fit a chip: placement, quantisation, and every design rule that it breaks."""

from __future__ import annotations

from typing import NamedTuple

from snnctl.agent.folder import Agent
from snnctl.hardware import loihi1_compiler, rules, spinnaker1_compiler
from snnctl.hardware.chip import Chip
from snnctl.hardware.placement import Core, Usage, place
from snnctl.hardware.quantise import Rounding, float_layers
from snnctl.hardware.rules import Plan, Violation

ChipLayer = loihi1_compiler.Layer | spinnaker1_compiler.Layer

__all__ = ["ChipLayer", "Core", "Fit", "Rounding", "Usage", "Violation", "fit"]


class Fit(NamedTuple):
    """How a controller sits on a chip; ``layers`` and ``rounding`` are empty when it does not fit."""

    agent: Agent
    chip: Chip
    cores: tuple[Core, ...]
    violations: tuple[Violation, ...]
    layers: tuple[ChipLayer, ...]  # input side first

    @property
    def ok(self) -> bool:
        """No rule is broken."""
        return not self.violations

    @property
    def rounding(self) -> tuple[Rounding, ...]:
        """Quantisation errors of every layer."""
        return tuple(r for layer in self.layers for r in layer.rounding)

    @property
    def hops(self) -> int:
        """Projections between input and output: each costs a tick on a chip."""
        return len(self.agent.description.network.driven)

    @property
    def ticks(self) -> int:
        """Chip ticks of one decision."""
        return self.agent.description.network.ticks + self.hops

    @property
    def chips(self) -> int:
        """Chips in use."""
        return 1 + max((core.chip for core in self.cores), default=0)


def fit(agent: Agent, chip: Chip) -> Fit:
    """Place, check every rule, and quantise if none is broken. Never raises for a misfit."""
    plan = Plan(agent, chip, place(agent.description.network, chip))
    violations = rules.violations(plan)
    layers: tuple[ChipLayer, ...] = ()
    if not violations:
        compiler = loihi1_compiler if chip.family == "loihi1" else spinnaker1_compiler
        layers = tuple(compiler.quantise(layer) for layer in float_layers(agent))
    return Fit(agent, chip, plan.cores, violations, layers)
