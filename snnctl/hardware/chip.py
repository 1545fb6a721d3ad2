"""What is known about a chip: limits, energies, times and powers, each number with its source.

A chip is a file ``configs/chips/<name>.toml``. Every number is a table with ``value`` (SI, or a count),
``unit``, ``source`` and ``status``: *published* (in a paper or shipped code), *measured* (on silicon, by
its source), *derived* (arithmetic from such numbers), *assumed* (nobody says so; we chose it).
``family`` names the emulator and the cost model; they say here which numbers they need.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from snnctl import config, library
from snnctl.config import schema
from snnctl.errors import ConfigError, Problem, nearest

Status = Literal["published", "derived", "measured", "assumed"]
Family = Literal["loihi1", "spinnaker1"]

# family -> section -> the numbers that its design rules and its cost model read
NEEDED: dict[str, dict[str, tuple[str, ...]]] = {
    "loihi1": {
        "limits": (
            "cores",
            "compartments_per_core",
            "synapse_bits_per_core",
            "input_axons_per_core",
            "output_axons_per_core",
            "compartment_configs_per_core",
            "threshold_configs_per_core",
            "delay_ticks",
            "cores_per_tile",
            "mesh_columns",
        ),
        "energy": (
            "synaptic_op",
            "neuron_update_active",
            "neuron_update_inactive",
            "spike_within_tile",
            "hop_east_west",
            "hop_north_south",
        ),
        "time": (
            "synaptic_op",
            "neuron_update_active",
            "neuron_update_inactive",
            "spike_within_tile",
            "hop_east_west",
            "hop_north_south",
            "barrier_one_tile",
            "barrier_32_tiles",
            "host_io_per_decision",
        ),
        "power": ("chip_static", "chip_idle", "board_idle"),
    },
    "spinnaker1": {
        "limits": (
            "chips",
            "application_cores_per_chip",
            "neurons_per_core",
            "dtcm_bytes_per_core",
            "ring_buffer_bytes_per_core",
            "sdram_bytes_per_chip",
            "router_entries_per_chip",
            "delay_ticks",
        ),
        "energy": ("packet",),
        "time": ("tick",),
        "power": ("chip_idle", "active_core", "board_idle"),
    },
}
_UNITS = {"limits": ("count", "bit", "byte"), "energy": ("J",), "time": ("s",), "power": ("W",)}


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
    family: Family
    title: str
    description: str = ""
    limits: dict[str, Quantity]
    energy: dict[str, Quantity]
    time: dict[str, Quantity]
    power: dict[str, Quantity]

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
    """Read a chip by name (``loihi1``) or path.

    Raises:
        NotFoundError: there is no such chip.
        ConfigError: one problem for every missing, unknown, negative or wrongly measured number.
    """
    path = library.find("chip", name).path
    chip = config.load(Chip, path)
    found = problems(chip, str(path))
    if found:
        raise ConfigError(*found)
    return chip


def problems(chip: Chip, where: str) -> list[Problem]:
    """What a chip file says that its family's model cannot use; empty when it is sound."""
    found: list[Problem] = []
    for section, names in NEEDED[chip.family].items():
        given: dict[str, Quantity] = getattr(chip, section)
        for name in names:
            if name not in given:
                found.append(Problem(f"{where}:{section}.{name}", f"is required by the family '{chip.family}'"))
        for name, quantity in given.items():
            place = f"{where}:{section}.{name}"
            if name not in names:
                found.append(Problem(place, "is not a known number", nearest(name, names)))
            if quantity.unit not in _UNITS[section]:
                found.append(Problem(f"{place}.unit", f"is '{quantity.unit}'", "use " + " or ".join(_UNITS[section])))
            if quantity.value < 0 or (section == "limits" and quantity.value < 1):
                found.append(Problem(f"{place}.value", f"is {quantity.value}", "must be positive"))
            if not quantity.source.strip():
                found.append(Problem(f"{place}.source", "is empty", "say where the number comes from"))
    return found
