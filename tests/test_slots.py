"""Slots: parts by name, entry point and import path; trust; and no file of the package asks which part it has."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest

import snnctl
from snnctl import coding, config, neurons, plasticity, slots
from snnctl.errors import ConfigError, InputError
from snnctl.neurons import Lif
from snnctl.slots import (
    DECODERS,
    DERIVATIVES,
    ENCODERS,
    FAMILIES,
    MODULATORS,
    NEURONS,
    RULES,
    TRAINERS,
    Slot,
    Unresolved,
)

PACKAGE = Path(snnctl.__file__).parent
ALL = (NEURONS, RULES, ENCODERS, DECODERS, DERIVATIVES, TRAINERS, FAMILIES, MODULATORS)
every_slot = pytest.mark.parametrize("slot", ALL, ids=[slot.noun for slot in ALL])


@every_slot
def test_every_part_of_the_package_is_found_by_its_name_and_is_sound(slot: Slot) -> None:
    assert slot.parts
    for name, part in slot.parts.items():
        assert slot.find(name) is part
        assert slot.defects(part) == []


@every_slot
def test_an_unknown_name_is_answered_with_the_nearest_one(slot: Slot) -> None:
    name = next(iter(slot.parts))
    with pytest.raises(ValueError, match=f"did you mean '{name}'"):
        slot.find(name + "x")


def test_a_part_is_written_as_it_is_read() -> None:
    for slot, value in ((NEURONS, Lif(tau_mem_s=0.01)), (ENCODERS, coding.GaussianPopulation()), (TRAINERS, None)):
        value = value or slot.find(next(iter(slot.parts)))()
        assert slot.read(slot.dump(value)) == value


def test_mistakes_are_told_under_their_keys_those_of_nested_tables_too() -> None:
    learner = {"kind": "rstdp", "total_step": 3, "learning": {"gama": 0.9, "noise": -1.0}}
    with pytest.raises(ConfigError) as caught:
        config.validate(_Holder, {"trainer": learner}, "recipe.toml")
    told = "\n".join(str(problem) for problem in caught.value.problems)
    assert "recipe.toml:trainer.total_step: is not a known key; did you mean 'total_steps'?" in told
    assert "recipe.toml:trainer.learning.gama: is not a known key; did you mean 'gamma'?" in told
    assert "recipe.toml:trainer.learning.noise" in told


# --------------------------------------------------------------------------- trust


@pytest.fixture
def nobody_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("SNNCTL_TRUST", "")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "stranger.py").write_text("raise SystemExit('imported')\n")
    return tmp_path


def test_what_a_file_names_is_not_imported_without_the_users_word(nobody_trusted: Path) -> None:
    for slot in ALL:
        with pytest.raises(ValueError, match="--trust stranger"):
            slot.find("stranger:Part")


def test_the_word_is_given_by_module_in_settings_or_in_the_environment(nobody_trusted: Path) -> None:
    assert not slots.is_trusted("mylab.codes:Window")
    slots.trust("mylab")
    assert slots.is_trusted("mylab.codes:Window")
    assert not slots.is_trusted("mylaboratory:Window")
    assert os.environ["SNNCTL_TRUST"] == "mylab"  # for the processes that this one starts
    os.environ["SNNCTL_TRUST"] = ""
    (nobody_trusted / "snnctl").mkdir()
    (nobody_trusted / "snnctl" / "settings.toml").write_text('trust = ["mylab.codes"]\n')
    assert slots.is_trusted("mylab.codes:Window")
    assert not slots.is_trusted("mylab.chips:FAMILY")
    (nobody_trusted / "snnctl" / "settings.toml").write_text('trust = "mylab"\n')
    with pytest.raises(ConfigError, match="trust"):
        slots.is_trusted("mylab:Part")


def test_settings_in_the_strangers_folder_are_not_read(nobody_trusted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (nobody_trusted / "settings.toml").write_text('trust = ["stranger"]\n')
    monkeypatch.chdir(nobody_trusted)
    assert not slots.is_trusted("stranger:Part")


def test_what_is_typed_is_trusted(nobody_trusted: Path) -> None:
    slots.trust_typed(["train", "recipe.toml", "trainer.kind='mylab.trainer:Search'", "theirs:Env-v0", "a=b", "1:2"])
    assert slots.is_trusted("mylab.trainer:Other")
    assert slots.is_trusted("theirs:Env-v0")
    slots.trust_typed(['encoder={kind="ours.codes:Window",inner=0.1}', "trainer={kind='yours:Search'}"])
    assert slots.is_trusted("ours.codes:Window") and slots.is_trusted("yours:Search")
    assert not slots.is_trusted("stranger:Part")
    with pytest.raises(InputError, match="not the name of a module"):
        slots.trust("my lab")


def test_a_part_that_is_not_trusted_can_be_shown_and_written_back(nobody_trusted: Path) -> None:
    table = {"kind": "stranger:Encoder", "levels": 3}
    with slots.unresolved():
        part = ENCODERS.read(table)
    assert isinstance(part, Unresolved)
    assert ENCODERS.dump(part) == table
    assert ENCODERS.name_of(part) == "stranger:Encoder"


# --------------------------------------------------------------------------- nobody asks which part it is

# Where the names of parts may stand: the files of the parts, and the table of their slot. Families of chips have a test
# of their own, tests/hardware/test_family.py.
OWN_FILES = {
    # a scaffolded recipe, and an agent of an imported policy, say in words which parts they take
    "trainer": (*(f"training/{name}.py" for name in TRAINERS.parts), "training/__init__.py", "training/scaffold.py"),
    "code": ("coding/", "training/scaffold.py", "interop/dense_agent.py"),
}


def words(kind: str) -> set[str]:
    """Names and classes of the parts; of codes the names that are not ordinary words, too."""
    slots_of = {"trainer": (TRAINERS,), "code": (ENCODERS, DECODERS)}[kind]
    found = {part.__name__ for slot in slots_of for part in slot.parts.values()}
    names = {name for slot in slots_of for name in slot.parts}
    ordinary = {"Poisson", "Latency"}  # a neuron model and a figure are called so, too
    return found - ordinary | {name for name in names if kind == "trainer" or "_" in name}


def spelled(source: str) -> Iterator[str]:
    """Identifiers, parts of imported names and whole strings of a file; not its docstrings and help texts."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield name
            case ast.ImportFrom(module=module, names=names):
                yield from (module or "").split(".")
                yield from (alias.name for alias in names)
            case ast.Import(names=names):
                yield from (part for alias in names for part in alias.name.split("."))
            case ast.Constant(value=str(text)):
                yield text


@pytest.mark.parametrize("kind", OWN_FILES)
def test_no_part_is_named_outside_its_own_file_and_the_table_of_its_slot(kind: str) -> None:
    unwanted, found = words(kind), []
    assert len(unwanted) > len(TRAINERS.parts)
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE).as_posix()
        if not place.startswith(OWN_FILES[kind]):
            found += [f"{place}: {name}" for name in spelled(path.read_text(encoding="utf-8")) if name in unwanted]
    assert not found


@every_slot
def test_tables_name_every_part_as_it_names_itself(slot: Slot) -> None:
    for name, part in slot.parts.items():
        assert name == (slots.literal(part, slot.key) if isinstance(part, type) else part.name)


@pytest.mark.parametrize("package", [neurons, plasticity, coding])
def test_packages_export_their_parts_each_when_it_is_asked_for(package: Any) -> None:
    tables = [value for name, value in vars(package).items() if name.isupper() and isinstance(value, dict)]
    classes = {path.partition(":")[2] for table in tables for path in table.values()}
    assert classes <= set(package.__all__)
    for name in classes:
        assert getattr(package, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = package.Nothing
    other = next(path for table in tables for path in table.values()).partition(":")[0]
    code = f"import sys, {package.__name__}; print({other!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@config.schema
class _Holder:
    """A configuration with one slot."""

    trainer: Annotated[Any, TRAINERS]
