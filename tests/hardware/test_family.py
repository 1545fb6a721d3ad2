"""Families are open: nothing outside a folder knows its family, and one from elsewhere works everywhere."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import snnctl
from snnctl import hardware, slots
from snnctl.cli.main import call
from snnctl.errors import ConfigError
from snnctl.hardware import chip, family
from snnctl.network.program import Program
from tests.hardware.chip_cases import REPOSITORY
from tests.hardware.programs import random_program, random_spikes, reference

PACKAGE = Path(snnctl.__file__).parent
EXAMPLES = REPOSITORY / "docs" / "examples"
ADDER = str(EXAMPLES / "mylab" / "adder.toml")
LEANING = str(REPOSITORY / "tests" / "data" / "agents" / "leaning")


def words(file: Path) -> set[str]:
    """Every identifier, imported name and string of a file, without docstrings."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    docs = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            docs.add(id(node.body[0].value))
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str() as text) if id(node) not in docs:
                found.add(text)
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.alias(name=name):
                found.add(name)
            case ast.ImportFrom(module=str() as name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
    return found


@pytest.mark.parametrize("name", slots.FAMILIES.parts)
def test_no_file_but_its_own_folder_and_the_table_names_a_family(name: str) -> None:
    table = PACKAGE / "hardware" / "__init__.py"
    own = PACKAGE / "hardware" / name
    assert own.is_dir()
    others = [file for file in PACKAGE.rglob("*.py") if file != table and own not in file.parents]
    assert [file for file in others if any(name in word.lower() for word in words(file))] == []
    assert name in words(table)


def test_families_of_the_package_have_all_that_a_family_needs() -> None:
    assert list(slots.FAMILIES.parts) == ["loihi1", "spinnaker1", "truenorth", "xylo"]
    for part in slots.FAMILIES.parts.values():
        assert family.defects(part) == []


def test_what_is_not_a_family_is_told_all_that_it_lacks() -> None:
    class Half:
        name = "half"

        def __init__(self) -> None:
            self.numbers = {"limits": (), "colours": ()}

    found = " ".join(family.defects(Half()))
    assert "capability" in found and "compile(program, chip)" in found and "cost(fit)" in found and "colours" in found
    assert family.defects(Half) == ["it is a class; name an object of it"]


def test_importing_the_package_imports_no_family() -> None:
    code = "import sys, snnctl.hardware; print([m for m in sys.modules if m.startswith('snnctl.hardware.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ------------------------------------------------------------------ a third family, from outside


@pytest.fixture
def mylab(monkeypatch, tmp_path):
    """The example, importable and not yet trusted."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setenv("SNNCTL_TRUST", "")
    monkeypatch.chdir(tmp_path)
    yield
    for module in [m for m in sys.modules if m == "mylab" or m.startswith("mylab.")]:
        sys.modules.pop(module)


def test_a_family_named_by_a_file_needs_trust(mylab) -> None:
    with pytest.raises(ConfigError, match=r"adder.toml:family: names Python code outside snnctl.*--trust mylab"):
        chip.load(ADDER)


def test_its_chip_file_is_checked_against_its_own_numbers(mylab, tmp_path) -> None:
    slots.trust("mylab")
    path = tmp_path / "wrong.toml"
    path.write_text(Path(ADDER).read_text().replace("[energy.update]", "[energy.updates]").replace('"s"', '"J"'))
    with pytest.raises(ConfigError) as caught:
        chip.load(str(path))
    text = str(caught.value)
    assert "energy.update: is required" in text and "did you mean 'update'" in text and "time.tick.unit: is 'J'" in text


def test_fit_of_a_network_in_python_on_it(mylab, capsys) -> None:
    assert call(["--trust", "mylab", "fit", "mylab.chip:network", "--chip", ADDER]) == 0
    out = capsys.readouterr().out
    assert "mylab.chip:network on Adder, an example of a chip: fits" in out
    assert "6 / 256" in out and "1 core, 1 chip; a decision takes 8 ticks" in out


def test_fit_tells_what_it_refuses(mylab, capsys, monkeypatch) -> None:
    import mylab.chip

    monkeypatch.setattr(mylab.chip, "streaming", lambda: random_program(0, "streaming"), raising=False)
    assert call(["--trust", "mylab", "fit", "mylab.chip:streaming", "--chip", ADDER, "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert not data["fits"] and data["ticks"] is None and not data["violations"]
    assert any("does not make 'streaming' decisions" in r["message"] and r["remedy"] for r in data["refusals"])


def test_evaluate_on_it(mylab, capsys) -> None:
    assert call(["--trust", "mylab", "evaluate", LEANING, "--chip", ADDER, "--episodes", "2", "--power", "5mW"]) == 0
    out = capsys.readouterr().out
    assert "on Adder, an example of a chip" in out and "PASS" in out
    saved = json.loads(Path("runs/evaluations/hand-made-adder.json").read_text())
    assert saved["power"]["static_w"] == 1e-3 and saved["latency"]["max_s"] == pytest.approx(5e-5)


def test_its_arithmetic_is_what_its_page_says(mylab) -> None:
    slots.trust("mylab")
    adder, compared = chip.load(ADDER), 0
    for seed in range(600):
        program = random_program(seed, "reset")
        fit = hardware.fit(program, adder)
        if fit.image is None:
            continue
        for spikes in random_spikes(program, seed, 1):
            _, got, counters = fit.image.run(fit.image.start(), spikes)
            for w, g in zip(in_python(program, fit.image, spikes), got, strict=True):
                assert np.array_equal(w, g)
            compared += counters.overflows == 0
    assert compared > 5


def in_python(program: Program, image: object, spikes: np.ndarray) -> list[np.ndarray]:
    state = [([0] * r.bias.size, [0] * r.bias.size) for r in image.stages]

    def tick(stage: int, neuron: int, arriving: list[tuple[int, int]]) -> bool:
        r, (i, v) = image.stages[stage], state[stage]
        i[neuron] += -(i[neuron] >> r.syn) + sum(int(r.weights.ravel()[synapse]) * n for synapse, n in arriving)
        v[neuron] += i[neuron] + int(r.bias[neuron]) - (v[neuron] >> r.mem)
        v[neuron] = min(max(v[neuron], -(2**15)), 2**15 - 1)
        spike = v[neuron] > r.threshold[neuron]
        v[neuron] = 0 if spike else v[neuron]
        return spike

    return reference(program, spikes, tick)


# ------------------------------------------------------------------ networks in Python, on any chip


@pytest.mark.parametrize(
    ("returned", "code", "said"),
    [
        (lambda: random_program(1, "streaming"), 0, "fits"),
        (lambda: "net", 2, "returns str, not a network"),
        (lambda x: x, 2, "without arguments"),
    ],
)
def test_fit_takes_what_a_function_returns(mylab, monkeypatch, capsys, returned, code: int, said: str) -> None:
    import mylab.chip

    monkeypatch.setattr(mylab.chip, "made", returned, raising=False)
    assert call(["fit", "mylab.chip:made", "--chip", "loihi1"]) == code
    shown = capsys.readouterr()
    assert said in shown.out + shown.err
