"""What is known about a chip: limits, energies, times and powers, each number with its source.

A chip is a file ``configs/chips/<name>.toml``. Every number is a table with ``value`` (SI, or a count),
``unit``, ``source`` and ``status``: *published* (in a paper or shipped code), *measured* (on silicon, by
its source), *derived* (arithmetic from such numbers), *unsourced* (the vendor's software says so and gives no
source), *assumed* (nobody says so; we chose it).
``family`` names the code that runs and prices it, which says which numbers it needs (:mod:`snnctl.hardware.family`).
"""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal, NamedTuple

from snnctl import library, slots, stages
from snnctl.config import schema
from snnctl.errors import ConfigError, Problem, nearest
from snnctl.hardware import family as families
from snnctl.hardware.family import SECTIONS

MOST = 10**12  # of a limit
Status = Literal["published", "derived", "measured", "unsourced", "assumed"]


@schema
class Quantity:
    """One number and where it comes from."""

    value: float
    unit: Literal["count", "bit", "byte", "J", "s", "W"]
    source: str
    status: Status


class Constant(NamedTuple):
    """A named quantity, as reports list it."""

    name: str
    value: float
    unit: str
    source: str
    status: str


@schema
class Chip:
    """One chip."""

    schema: Literal[1] = 1
    name: str
    family: Annotated[str, slots.PYTHON]  # name or import path
    title: str
    description: str = ""
    limits: dict[str, Quantity] = dataclasses.field(default_factory=dict)
    energy: dict[str, Quantity] = dataclasses.field(default_factory=dict)
    time: dict[str, Quantity] = dataclasses.field(default_factory=dict)
    power: dict[str, Quantity] = dataclasses.field(default_factory=dict)

    def limit(self, name: str) -> int:
        """A limit, as the whole number that it is."""
        return int(self.limits[name].value)

    def value(self, key: str) -> float:
        """A constant by ``section.name``, e.g. ``energy.synaptic_op``."""
        section, _, name = key.partition(".")
        quantity: Quantity = getattr(self, section)[name]
        return quantity.value

    def constants(self, *sections: str) -> tuple[Constant, ...]:
        """Every constant of these sections with its source."""
        return tuple(
            Constant(f"{section}.{name}", q.value, q.unit, q.source, q.status)
            for section in sections
            for name, q in getattr(self, section).items()
        )


def load(name: str) -> Chip:
    """Read a chip by name (``snnctl list chips``) or path.

    Raises:
        NotFoundError: there is no such chip.
        ConfigError: its family is unknown or not trusted; or one problem for every missing, unknown, negative or
            wrongly measured number.
    """
    path = library.find("chip", name).path
    chip = stages.load(Chip, path, lambda chip: problems(chip, str(path)))
    found = problems(chip, str(path))
    if found:
        raise ConfigError(*found)
    return chip


def problems(chip: Chip, where: str) -> list[Problem]:
    """What a chip file says that its family cannot use; empty when it is sound, or its family is not imported yet.

    Raises:
        ConfigError: it has no family.
    """
    if slots.stays_unresolved(chip.family):
        return []
    found: list[Problem] = []
    numbers = families.of(chip, where).numbers
    for section in SECTIONS:
        units, names = numbers.get(section, ((), ()))
        given: dict[str, Quantity] = getattr(chip, section)
        for name in names:
            if name not in given:
                found.append(
                    Problem(f"{where}:{section}.{name}", f"is required by the family '{chip.family}'", "add it")
                )
        for name, quantity in given.items():
            place = f"{where}:{section}.{name}"
            if name not in names:
                found.append(Problem(place, "is not a known number", nearest(name, names)))
            elif quantity.unit not in units:
                found.append(Problem(f"{place}.unit", f"is '{quantity.unit}'", "use " + " or ".join(units)))
            if quantity.value < 0 or (section == "limits" and quantity.value < 1):
                found.append(Problem(f"{place}.value", f"is {quantity.value}", "must be positive"))
            elif section == "limits" and not (quantity.value <= MOST and quantity.value == int(quantity.value)):
                found.append(Problem(f"{place}.value", f"is {quantity.value}", f"must be whole, at most {MOST}"))
            if not quantity.source.strip():
                found.append(Problem(f"{place}.source", "is empty", "say where the number comes from"))
    return found
