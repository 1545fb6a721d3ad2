"""What a chip family is: what its chip file says, what it runs, how a program becomes what the chip holds, its cost.

    fit(program, chip) -> Fit          placement, design rules and quantisation in one step
    fit.image.run(state, spikes)       one decision
    cost(fit).decision(rasters, ...)   what that decision took

A family is an object, usually ``FAMILY`` of a folder of :mod:`snnctl.hardware`, of an installed package (entry point
``snnctl.chips``) or of a module that the chip file names (``family = "mylab.chip:FAMILY"``). No file outside its
folder asks which one it is. See ``docs/your_own_chip.md``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from snnctl.errors import ConfigError, MappingError, Problem
from snnctl.slots import FAMILIES, missing

if TYPE_CHECKING:
    from snnctl.hardware.chip import Chip
    from snnctl.hardware.cost import CostModel
    from snnctl.hardware.placement import Core
    from snnctl.hardware.rules import Violation
    from snnctl.hardware.stages import FloatStage, Rounding
    from snnctl.network.capability import Capability
    from snnctl.network.program import Program

Spikes = NDArray[np.uint8]  # (ticks, n) of counts: 0 and 1; more where a chip's neuron spikes several times a tick
Rasters = Sequence[Spikes]  # of the program's nodes, inputs first, each in its own ticks


class Section(NamedTuple):
    """What one section of a chip file must say."""

    units: tuple[str, ...]  # that its numbers may have
    names: tuple[str, ...]


class Counters(NamedTuple):
    """What went wrong in a decision."""

    overflows: int  # numbers that wrapped or saturated; 0 by construction of the scales


class Image(Protocol):
    """A program as the chip holds it. Nothing in it changes while it runs."""

    ticks: int  # of the chip in a decision, hops included
    rounding: tuple[Rounding, ...]

    def start(self) -> Any:
        """The state before the first tick of an episode."""
        ...

    def run(self, state: Any, spikes: Spikes) -> tuple[Any, Rasters, Counters]:
        """One decision.

        Args:
            state: as ``start`` or the decision before gave it; a *reset* decision clears it
            spikes: (ticks, n) of all inputs, side by side in the order of the program

        Returns:
            the new state; the spikes of every node, inputs first, (ticks, n) each in its own ticks; the counters
        """
        ...


class Fit(NamedTuple):
    """How a program sits on a chip; without an ``image`` it does not fit."""

    program: Program
    chip: Chip
    cores: tuple[Core, ...]  # with use and limit, even when it does not fit; none for what the family lacks
    refusals: tuple[Problem, ...]  # features of the program that the family lacks
    violations: tuple[Violation, ...]  # design rules that it breaks
    image: Image | None

    @property
    def ok(self) -> bool:
        """Whether it fits."""
        return self.image is not None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that keeps it from the chip."""
        return (*self.refusals, *(violation.problem(self.chip.name) for violation in self.violations))

    @property
    def rounding(self) -> tuple[Rounding, ...]:
        """Errors of quantisation; none when it does not fit."""
        return self.image.rounding if self.image is not None else ()

    @property
    def chips(self) -> int:
        """Chips in use."""
        return 1 + max((core.chip for core in self.cores), default=0)

    def loaded(self) -> Image:
        """The image.

        Raises:
            MappingError: the program does not fit; one problem for everything that it needs and the chip lacks.
        """
        if self.image is None:
            raise MappingError(*self.problems)
        return self.image


class Family(Protocol):
    """One kind of chip."""

    name: str
    numbers: Mapping[str, Section]  # section of the chip file -> what it must say
    capability: Capability  # of the language of networks

    def compile(self, program: Program, chip: Chip) -> Fit:
        """Place, check every rule, quantise. Never raises for a misfit; takes only what ``capability`` allows."""
        ...

    def cost(self, fit: Fit) -> CostModel:
        """The cost of decisions of a program that fits."""
        ...


@runtime_checkable
class Trainable(Protocol):
    """A family that controllers can be trained for: it says which numbers it holds."""

    def nearest(self, program: Program, stages: tuple[FloatStage, ...], chip: Chip) -> tuple[FloatStage, ...]:
        """The stages with the numbers that the chip holds instead of their own, nearest to them.

        They are in a unit in which ``v_threshold`` is the stage's own. The decays do not depend on weights and biases.
        Stages of held numbers are their own nearest ones, but for the last digits.

        Args:
            program: its structure is read, not its tensors
            stages: with the weights and biases of the moment, in the order of the program
            chip: of the family
        """
        ...


def of(chip: Chip, where: str = "") -> Family:
    """The family of a chip.

    Raises:
        ConfigError: there is none of its name, or it is not trusted, or not a family.
    """
    try:
        found: Family = FAMILIES.find(chip.family)
    except ValueError as error:
        raise ConfigError(Problem(f"{where or chip.name}:family", str(error))) from None
    return found


def fit(program: Program, chip: Chip) -> Fit:
    """Put a program on a chip. Never raises for a misfit: see :attr:`Fit.problems`.

    A family may have ``sizes(program, chip)``, the violations that sizes alone tell: they are told beside refusals too.
    """
    family = of(chip)
    if refusals := family.capability.refuses(program):
        sizes = getattr(family, "sizes", lambda program, chip: ())
        return Fit(program, chip, (), tuple(refusals), sizes(program, chip), None)
    return family.compile(program, chip)


def cost(fit: Fit) -> CostModel:
    """The cost model of what fits."""
    return of(fit.chip).cost(fit)


def defects(part: Any) -> list[str]:
    """What keeps an object from being a chip family; empty when nothing does."""
    if isinstance(part, type):
        return ["it is a class; name an object of it"]
    found = missing(
        part,
        {
            "name": "name",
            "numbers": "numbers: what each section of its chip file must say",
            "capability": "capability: a snnctl.network.capability.Capability",
            "compile": "compile(program, chip) -> Fit",
            "cost": "cost(fit) -> CostModel",
        },
    )
    numbers = getattr(part, "numbers", {})
    if unknown := set(numbers) - set(SECTIONS):
        found.append(f"a chip file has {', '.join(SECTIONS)}; its numbers have {', '.join(sorted(unknown))} too")
    return found


SECTIONS = ("limits", "energy", "time", "power")  # of a chip file
