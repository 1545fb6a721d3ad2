"""The page of a model says what the model says: every parameter by its name, with its unit and its default."""

import dataclasses
import re
from pathlib import Path

import pytest

from snnctl.coding.event_camera import EventCamera
from snnctl.plasticity.chronotron import ELearning
from snnctl.plasticity.td_stdp import Critic
from snnctl.slots import DECODERS, ENCODERS, NEURONS, RULES

DOCS = Path(__file__).parents[2] / "docs"
UNITS = {
    "_s": "s",
    "_hz": "Hz",
    "_mv": "mV",
    "_mv_ms": "mV ms",
    "_mohm": "MOhm",
    "_pf": "pF",
    "_ns": "nS",
    "_pa": "pA",
    "_ticks": "ticks",
    "_uf_cm2": "uF/cm2",
    "_ms_cm2": "mS/cm2",
    "_c": "degrees C",
}
KEYS = ("model", "rule", "kind", "camera")


def _page(cls):
    """docs/<package>/<module>.md"""
    package, module = cls.__module__.split(".")[1:]
    return DOCS / package / f"{module}.md"


PARTS = [part for slot in (NEURONS, RULES, ENCODERS, DECODERS) for part in slot.parts.values()]
CLASSES = (*PARTS, EventCamera, ELearning, Critic)


def _rows(cls):
    """The table of parameters of ``cls``: names, units and defaults of each row."""
    lines = _page(cls).read_text().splitlines()
    own = [k for k, line in enumerate(lines) if line.startswith(f"| parameter of `{cls.__name__}` | unit | default |")]
    own = own or [k for k, line in enumerate(lines) if line.startswith("| parameter | unit | default |")]
    assert len(own) == 1, f"{_page(cls)} has {len(own)} tables of the parameters of {cls.__name__}"
    for line in lines[own[0] + 2 :]:
        if not line.startswith("|"):
            return
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not cells[0].startswith("tensors"):
            yield re.findall(r"`([^`]+)`", cells[0]), cells[1], cells[2]


def _each(cell, count):
    """The entries of a cell: one for each name, or one for all; what follows ';' or stands in brackets is a note."""
    plain = re.sub(r"\s+\([^)]*\)", "", cell.partition(";")[0])
    parts = [part.strip() for part in plain.split(",")]
    return parts * count if len(parts) == 1 else parts


def _value(name, text, whole):
    """A default as it is written: a number (milliseconds where it says so), `a word`, true, false, none, required."""
    words = {"required": dataclasses.MISSING, "none": None, "true": True, "false": False}
    if text in words:
        return words[text]
    if quoted := re.fullmatch(r'`"?(\w+)"?`', text):
        return quoted[1]
    if root := re.fullmatch(r"sqrt\((.+)\)", text):
        return float(root[1]) ** 0.5
    number, _, unit = text.partition(" ")
    assert unit in ("", "s", "ms"), f"{text}: unknown unit"
    in_ms = unit == "ms" or (unit == "" and name.endswith("_s") and whole.endswith(" ms"))
    return float(number) * 1e-3 if in_ms and float(number) else float(number)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: f"{cls.__module__.split('.')[1]}-{cls.__name__}")
def test_the_table_of_parameters_names_every_field_with_its_unit_and_default(cls):
    stated = {}
    for names, unit, default in _rows(cls):
        units, values = _each(unit, len(names)), _each(default, len(names))
        assert len(values) == len(names) == len(units), f"{names}: {len(units)} units, {len(values)} defaults"
        for name, of, text in zip(names, units, values, strict=True):
            assert name not in stated, f"{name} is listed twice"
            stated[name] = _value(name, text, default.partition(";")[0].strip())
            suffix = max((s for s in UNITS if name.endswith(s)), key=len, default=None)
            expected = of if suffix is None else UNITS[suffix]
            assert re.match(rf"{re.escape(expected)}(?: |$)", of), f"{name} is in {expected}, the page says {of}"
    fields = {f.name: f.default for f in dataclasses.fields(cls) if f.name not in KEYS}
    assert sorted(stated) == sorted(fields)
    for name, default in fields.items():
        told = stated[name]
        if isinstance(default, float) and isinstance(told, float):
            assert told == pytest.approx(default, rel=1e-12), name
        else:
            assert told == default or told is default, f"{name}: {default!r}, the page says {told!r}"


def test_what_is_not_a_model_has_no_page():
    """A page of a model that is gone would go on promising it."""
    pages = {_page(cls) for cls in CLASSES}
    others = {"README", "your_own", "currents", "event_camera"}
    for package in ("neurons", "plasticity", "coding"):
        for page in (DOCS / package).glob("*.md"):
            assert page in pages or page.stem in others, page


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: f"{cls.__module__.split('.')[1]}-{cls.__name__}")
def test_the_page_has_a_definition_and_a_figure(cls):
    text = _page(cls).read_text()
    title, blank, definition, *_ = text.splitlines()
    assert title.startswith("# ") and not blank and len(definition) > 30
    assert re.search(r"^!\[[^\]]+\]\(\.\./img/\w+\.png\)$", text, re.MULTILINE), "no figure"


@pytest.mark.parametrize("package", ["neurons", "plasticity", "coding"])
def test_the_index_links_every_page(package):
    index = (DOCS / package / "README.md").read_text()
    for page in sorted((DOCS / package).glob("*.md")):
        assert page.name == "README.md" or f"]({page.name})" in index, page.name
