"""``list``, ``show`` and ``check`` of neuron models, plasticity rules, codes, trainers and other parts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from snnctl import slots
from snnctl.cli import vocabulary
from snnctl.cli.main import call
from snnctl.coding import DECODERS, ENCODERS
from snnctl.neurons import MODELS
from snnctl.plasticity import RULES

NEURON = '''"""A neuron that counts.

    v = v + current
"""
from typing import Any, NamedTuple
from snnctl.config import schema, Seconds

@schema
class Counter:
    limit: float = 1.0
    span_s: Seconds

    def constants(self, tick_s):
        if tick_s > self.span_s:
            raise ValueError(f"span_s {self.span_s} is shorter than a tick")
        return Constants(self.limit, 0.0)

    def initial(self):
        return State(0.0)

class Constants(NamedTuple):
    limit: Any
    zero: Any

class State(NamedTuple):
    v: Any

def step(c: Constants, s: State, drive, current):
    v = s.v + drive + current
    return State(c.zero if v > c.limit else v), v > c.limit
'''


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "labcounter.py").write_text(NEURON)
    yield tmp_path
    sys.modules.pop("labcounter", None)


def test_lists_have_every_name_and_a_definition_of_a_line(capsys: Any) -> None:
    sizes = {"neurons": len(MODELS), "rules": len(RULES), "codes": len(ENCODERS) + len(DECODERS)}
    for kind, size in sizes.items():
        assert call(["list", kind, "--json"]) == 0
        rows = json.loads(capsys.readouterr().out)[kind]
        assert len({row["path"] for row in rows}) == len(rows) >= size
        assert all(len(row["about"]) > 20 and "\n" not in row["about"] for row in rows)
    assert call(["list", "rule"]) == 0
    assert "pair_stdp" in capsys.readouterr().out
    assert call(["list", "neuronss"]) == 2
    assert "did you mean 'neurons'?" in capsys.readouterr().err


def test_show_gives_the_equation_and_the_parameters(lab: Path, capsys: Any) -> None:
    assert call(["show", "pair_stdp"]) == 0
    shown = capsys.readouterr().out
    assert "w = w + a_plus f_plus(w) x" in shown and "tau_pre_s" in shown
    assert call(["show", "labcounter:Counter", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert "v = v + current" in data["text"]
    assert data["parameters"] == [
        {"name": "limit", "type": "float", "required": False, "default": 1.0},
        {"name": "span_s", "type": "float (s)", "required": True, "default": None},
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "poisson"], "add --kind neuron or --kind code"),
        (["show", "pair_stdq"], "did you mean 'pair_stdp'?"),
        (["show", "nolab:X"], "there is no module 'nolab' here"),
        (["check", "pair_stdq"], "did you mean 'pair_stdp'?"),
        (["show", "analog"], "add --kind encoder or --kind decoder"),
        (["check", "gaussian_populatio"], "did you mean 'gaussian_population'?"),
        (["check", "lif", "tau_mem_s=-1"], "tau_mem_s: input should be greater than 0"),
        (["check", "lif", "tau=1"], "tau: is not a known key"),
        (["check", "lif", "pair_stdp", "tau_mem=1"], "is not a known key of lif, pair_stdp; did you mean 'tau_mem_s'?"),
        (["check", "lif", "--tick", "5"], "--tick: '5' has no unit"),
        (["check", "labcounter:Count"], "did you mean 'Counter'?"),
    ],
)
def test_what_does_not_exist_is_one_line_and_exit_2(lab: Path, arguments: list[str], message: str, capsys: Any) -> None:
    assert call(arguments) == 2
    said = capsys.readouterr()
    assert message in said.err and "Traceback" not in said.err


@pytest.mark.needs_compiler
def test_check_tries_a_users_model(lab: Path, capsys: Any) -> None:
    assert call(["check", "labcounter:Counter", "span_s=0.5ms", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["ok"] and data["entries"][0]["kind"] == "neuron"
    found = {f["what"]: f for f in data["entries"][0]["findings"]}
    assert "constants(0.0001 s)" in found["interface"]["message"]  # 1 ms is refused by the model
    assert found["interpreted"]["status"] == "passed"
    assert call(["check", "labcounter:Counter", "--tick", "1s"]) == 1
    said = capsys.readouterr().out
    assert "tried with span_s=0.02" in said and "span_s 0.02 is shorter than a tick; give another --tick" in said


@pytest.mark.needs_compiler
def test_check_tries_the_packages_models_and_rules(capsys: Any) -> None:
    assert call(["check", "lif", "pair_stdp"]) == 0
    said = capsys.readouterr().out
    assert "neuron lif: ok" in said and "rule pair_stdp: ok" in said
    assert said.count("plain Python and compiled code agree bit for bit") == 2


def test_every_mistake_of_a_model_is_told_with_exit_1(lab: Path, capsys: Any) -> None:
    (lab / "labcounter.py").write_text(
        NEURON.replace("def initial", "def begin").replace("c: Constants, s: State", "c, s: State")
    )
    assert call(["check", "labcounter:Counter"]) == 1
    said = capsys.readouterr().out
    assert "labcounter:Counter: 2 problems" in said
    assert "it has no method initial(self)" in said
    assert "'c' must be annotated with the NamedTuple of constants, not nothing" in said


CODE = '''"""Observations that are above 0."""
import numpy as np
from snnctl.coding.code import Encoder
from snnctl.config import schema

@schema
class Sign(Encoder):
    level: float = 0.0

    def size(self, dims):
        return dims

    def build(self, tensors, tick_s, dtype):
        return Built(self.level)

class Built:
    def __init__(self, level):
        self.level = level

    def reset(self):
        pass

    def encode(self, x, ticks, state):
        return np.tile((x > self.level).astype(np.uint8), (ticks, 1))
'''


def test_codes_are_checked_and_shown_the_users_too(lab: Path, capsys: Any) -> None:
    (lab / "labcode.py").write_text(CODE)
    try:
        assert call(["show", "labcode:Sign"]) == 0
        said = capsys.readouterr().out
        assert said.startswith("# code labcode:Sign") and "above 0" in said and "level" in said
        assert call(["check", "labcode:Sign", "level=0.1", "membrane", "place_cells", "analog", "--kind", "code"]) == 2
        assert "add --kind encoder or --kind decoder" in capsys.readouterr().err
        assert call(["check", "labcode:Sign", "level=0.1"]) == 0
        assert "after reset(), the same spikes again" in capsys.readouterr().out
        assert call(["check", "membrane", "place_cells"]) == 0
        assert "tried with grid=[2]" in capsys.readouterr().out
    finally:
        sys.modules.pop("labcode", None)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("def build", "def construct", "it does not define build()"),
        ("Sign(Encoder)", "Sign", "it is not derived from snnctl.coding.code.Encoder"),
        (".astype(np.uint8)", "", "encode() gives bool (8, 3), not uint8"),
        ("x > self.level", "x > self.levle", "AttributeError"),
    ],
)
def test_what_is_wrong_with_a_code_is_told(lab: Path, right: str, wrong: str, message: str, capsys: Any) -> None:
    (lab / "labcode.py").write_text(CODE.replace(right, wrong))
    try:
        assert call(["check", "labcode:Sign", "--kind", "encoder"]) == 1
        assert message in capsys.readouterr().out
    finally:
        sys.modules.pop("labcode", None)


def test_trainers_derivatives_and_families_are_listed_and_shown(capsys: Any) -> None:
    for kind, name in (("trainers", "ppo"), ("derivatives", "fast_sigmoid"), ("families", "loihi1")):
        assert call(["list", kind]) == 0
        assert name in capsys.readouterr().out
    assert call(["show", "ppo"]) == 0
    said = capsys.readouterr().out
    assert "rollout_steps" in said and "loss/policy: the clipped objective" in said
    assert call(["show", "rstdp", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert "learning.gamma" in {row["name"] for row in data["parameters"]} and "rstdp/noise" in data["metrics"]
    assert call(["show", "loihi1"]) == 0  # a chip file, as before
    assert capsys.readouterr().out.startswith("# chip loihi1")
    assert call(["show", "loihi1", "--kind", "family"]) == 0
    assert "power (W): chip_static" in capsys.readouterr().out


def test_a_neuron_is_shown_without_importing_trainers_and_families() -> None:
    look = "print([m for m in sys.modules if m.startswith(('snnctl.training.', 'snnctl.hardware.'))])"
    code = f"import sys; from snnctl.cli.main import call; call(['show', 'lif']); {look}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_slot_is_listed_shown_and_checked(capsys) -> None:
    every = {value for value in vars(slots).values() if isinstance(value, slots.Slot)}
    assert {slot for some in vocabulary.SLOTS.values() for slot in some} == every
    assert call(["list", "critics"]) == 0 and call(["show", "layer_norm"]) == 0
    out = capsys.readouterr().out
    assert "batch_norm" in out and "bins" in out
    assert call(["check", "layer_norm"]) == 0
