"""Neuron models and rules from outside the package: found, refused with reasons, run, cached by their sources."""

from __future__ import annotations

import importlib
import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from snnctl import config, models, slots
from snnctl.errors import ConfigError, NetworkError
from snnctl.network import Engine, Network, NetworkDescription, lower, model_check, rules, simulate, trial
from snnctl.neurons import Lif
from snnctl.slots import NEURONS, RULES

NEURON = """
from __future__ import annotations
import math
from typing import Annotated, Any, NamedTuple
from annotated_types import Gt
from snnctl.config import Seconds, schema

@schema
class Leaky:
    tau_s: Annotated[Seconds, Gt(0)] = 0.02
    v_threshold: float = 1.0

    def constants(self, tick_s: float) -> Constants:
        return Constants(math.exp(-tick_s / self.tau_s), self.v_threshold, 0.0)

    def initial(self) -> State:
        return State(0.0)

class Constants(NamedTuple):
    keep: Any
    v_threshold: Any
    zero: Any

class State(NamedTuple):
    v: Any

def step(c: Constants, s: State, drive: Any, current: Any) -> tuple[State, Any]:
    v = c.keep * s.v + drive + current
    spike = v > c.v_threshold
    return State(c.zero if spike else v), spike
"""
RULE = """
from __future__ import annotations
from typing import Annotated, Any, NamedTuple
from annotated_types import Gt
from snnctl.config import schema

@schema
class Hebb:
    gain: Annotated[float, Gt(0)] = 0.01

    def constants(self, tick_s: float) -> Constants:
        return Constants(self.gain, 0.9)

class Constants(NamedTuple):
    gain: Any
    keep: Any

class Synapse(NamedTuple):
    weight: Any

class Pre(NamedTuple):
    x: Any

class Post(NamedTuple):
    none: Any

class Shared(NamedTuple):
    none: Any

def relax_pre(c, pre):
    return Pre(c.keep * pre.x)

def mark_pre(c, m, pre):
    return Pre(pre.x + c.gain)

def fire(c, m, syn, pre, post):
    return Synapse(syn.weight + pre.x)
"""


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the import path; its modules are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv(
        "SNNCTL_TRUST", os.pathsep.join(("labneuron", "labother", "labrule", "labbroken", "wildrule", "nolab"))
    )
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def written(lab: Path, name: str, text: str, old: str = "", new: str = "") -> None:
    assert old in text
    (lab / f"{name}.py").write_text(text.replace(old, new) if old else text)


def described(neuron: str, rule: str = "") -> NetworkDescription:
    text = f"""
tick_s = 1e-3
ticks = 4
decision = "streaming"
populations = [{{ name = "input", size = 3 }}, {{ name = "out", size = 2, neuron = {{ {neuron} }} }}]
projections = [{{ source = "input", target = "out", delay_ticks = 1, plasticity = [{rule}] }}]
"""
    return config.validate(NetworkDescription, config.parse_toml(text, "net"), "net")


def test_the_arguments_of_hooks_are_those_that_the_engine_gives() -> None:
    assert tuple(models.HOOK_ARGUMENTS) == rules.HOOKS
    for name, arguments in models.HOOK_ARGUMENTS.items():
        assert tuple(inspect.signature(getattr(rules, f"call_{name}")).parameters) == arguments


def test_the_package_keeps_its_own_rules() -> None:
    assert [models.defects(cls, "model") for cls in NEURONS.parts.values()] == [[]] * len(NEURONS.parts)
    assert [models.defects(cls, "rule") for cls in RULES.parts.values()] == [[]] * len(RULES.parts)


def test_an_import_path_loads_runs_and_comes_back(lab: Path) -> None:
    written(lab, "labneuron", NEURON)
    written(lab, "labrule", RULE)
    found = described('model = "labneuron:Leaky", tau_s = "10ms"', '{ rule = "labrule:Hebb", gain = 0.02 }')
    assert found.output.neuron.tau_s == 0.01
    data = config.to_data(found)
    assert data["populations"][1]["neuron"] == {"model": "labneuron:Leaky", "tau_s": 0.01, "v_threshold": 1.0}
    assert config.validate(NetworkDescription, data, "again") == found
    tensors = {"projection.input.out.weight": np.full((3, 2), 0.6), "population.out.bias": np.zeros(2)}
    engine = Engine(lower(found, tensors), np.float64)
    state, raster = engine.run(engine.initial_state(), np.ones((4, 3), np.uint8))
    assert raster.tolist() == [[0, 0], [1, 1], [1, 1], [1, 1]]  # 3 x 0.6 > 1, a tick later
    # pre.x = 0.02, 0.9 x + 0.02, ... at the spikes of ticks 1, 2 and 3
    x = [0.02, 0.038, 0.0542]
    assert engine.weights(state, found.projections[0].prefix)[0, 0] == pytest.approx(0.6 + sum(x), abs=1e-12)


def test_the_network_takes_instances_that_equal_the_packages(lab: Path) -> None:
    written(lab, "labneuron", NEURON)
    from labneuron import Leaky  # type: ignore[import-not-found]

    rasters = []
    for neuron in (Leaky(tau_s=0.02), Lif(tau_mem_s=0.02)):
        net = Network(1e-3, seed=3)
        cells = net.population("cells", 4, neuron, v_threshold=np.array([0.5, 1.0, 1.5, 2.0]))
        net.record(cells)
        net.run(0.2, currents={"cells": 0.11})
        rasters.append(net.spikes(cells))
    assert len(rasters[0].neurons) > 20
    assert np.array_equal(rasters[0].times_s, rasters[1].times_s)
    assert np.array_equal(rasters[0].neurons, rasters[1].neurons)


@pytest.mark.needs_compiler
def test_models_of_one_name_keep_apart_in_one_process(lab: Path) -> None:
    currents = np.full((100, 1), 0.06)
    written(lab, "labneuron", NEURON)
    written(lab, "labother", NEURON, "drive + current", "drive + 2 * current")
    counts = [
        int(simulate(slots.imported(f"{m}:Leaky")(), 1e-3, currents).spikes.sum()) for m in ("labneuron", "labother")
    ]
    assert counts[0] == 2 and counts[1] > 4
    written(lab, "labneuron", NEURON, "drive + current", "drive + 2.0 * current")  # and imported again
    importlib.reload(sys.modules["labneuron"])
    assert int(simulate(slots.imported("labneuron:Leaky")(), 1e-3, currents).spikes.sum()) == counts[1]


def test_an_entry_point_is_found_by_its_name(lab: Path) -> None:
    written(lab, "labneuron", NEURON)
    info = lab / "mylab-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mylab\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[snnctl.neurons]\nleaky = labneuron:Leaky\n")
    assert type(described('model = "leaky"').output.neuron).__qualname__ == "Leaky"


@pytest.mark.parametrize(
    ("neuron", "messages"),
    [
        ('model = "nolab.x:Y"', ["there is no module 'nolab' here"]),
        ('model = "labneuron:Leeky"', ["has no 'Leeky'; did you mean 'Leaky'?"]),
        ('model = "labneuron:step"', ["is not a class"]),
        ('model = "labneuron:State"', ["is not a dataclass"]),
        (
            'model = "labneuron:Leaky", tau_s = "-1ms", v_treshold = 2.0',
            [
                "neuron.tau_s: input should be greater than 0",
                "v_treshold: is not a known key; did you mean 'v_threshold'?",
            ],
        ),
        ('model = "lif", tau_mm_s = 0.1', ["did you mean 'tau_mem_s'?", "neuron.tau_mem_s: is required"]),
        ('model = "liv"', ["did you mean 'lif'?"]),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_every_reason(lab: Path, neuron: str, messages: list[str]) -> None:
    written(lab, "labneuron", NEURON)
    with pytest.raises(ConfigError) as raised:
        described(neuron)
    assert len(raised.value.problems) == len(messages)
    for message in messages:
        assert message in str(raised.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("@schema\n", "", "is not a dataclass"),
        ("def constants(", "def konstants(", "no method constants(self, tick_s)"),
        ("def initial(self)", "def initial(self, x)", "its method must be initial(self)"),
        ("def step(c: Constants, s: State", "def tick(k, j", "has no function step(c: Constants"),
        ("c: Constants, s", "c: float, s", "'c' must be annotated with the NamedTuple of constants, not float"),
        ("s: State, drive", "s, drive", "'s' must be annotated with the NamedTuple of the state, not nothing"),
        ("class State(NamedTuple)", "class State", "'s' must be annotated with the NamedTuple of the state, not State"),
        ("drive: Any, current: Any)", "drive: Any)", "is not step(c: Constants, s: State, drive, current)"),
        ("import math", "import maths", "No module named 'maths'"),
        ("class State", "klass State", "SyntaxError"),
    ],
)
def test_a_class_that_is_no_model_says_what_is_missing(lab: Path, old: str, new: str, message: str) -> None:
    written(lab, "labbroken", NEURON, old, new)
    with pytest.raises(ConfigError) as raised:
        described('model = "labbroken:Leaky"')
    assert len(str(raised.value).splitlines()) == 1
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("def fire(", "def fires(", "fires is not a function that the engine calls; did you mean 'fire'?"),
        ("fire(c, m, syn, pre, post)", "fire(c, syn, pre, post)", "must be fire(c, m, syn, pre, post)"),
        ("class Pre(NamedTuple)", "class Pred(NamedTuple)", "has no NamedTuple Pre"),
        ("    weight: Any", "    w: Any", "first field of Synapse must be weight, not w"),
    ],
)
def test_a_rule_that_is_none_says_what_is_missing(lab: Path, old: str, new: str, message: str) -> None:
    written(lab, "labrule", RULE, old, new)
    with pytest.raises(ConfigError, match="is not a plasticity rule") as raised:
        described('model = "lif", tau_mem_s = 0.02', '{ rule = "labrule:Hebb" }')
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("return State(0.0)", "return (0.0,)", "initial() returns a tuple; it must be a NamedTuple"),
        ("self.v_threshold, 0.0)", "float('nan'), 0.0)", "v_threshold is not a number"),
        ("self.v_threshold, 0.0)", "'1', 0.0)", "v_threshold is '1', not a number"),
        ("self.v_threshold, 0.0)", "self.w, 0.0)", "raises AttributeError"),
    ],
)
def test_instances_with_wrong_numbers_are_refused(lab: Path, old: str, new: str, message: str) -> None:
    written(lab, "labneuron", NEURON, old, new)
    neuron = slots.imported("labneuron:Leaky")()
    net = Network(1e-3)
    net.population("cells", 1, neuron)
    for run in (lambda: net.run(0.01), lambda: simulate(neuron, 1e-3, np.zeros(3))):
        with pytest.raises(NetworkError) as raised:
            run()
        assert message in str(raised.value) and "labneuron:Leaky" in str(raised.value)


@pytest.mark.needs_compiler
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("drive + current", "drive + curent", "labneuron.py, line 28: NameError: name 'curent' is not defined"),
        ("drive + current", "drive + __import__('math').fabs(current)", "labneuron.py, line 28: "),
        ("), spike\n", ")\n", "returns a State; it must return (State, spike)"),
    ],
)
def test_a_step_that_cannot_run_is_explained_in_a_line(lab: Path, old: str, new: str, message: str) -> None:
    written(lab, "labneuron", NEURON, old, new)
    neuron = slots.imported("labneuron:Leaky")()
    with pytest.raises(NetworkError) as raised:
        simulate(neuron, 1e-3, np.zeros((3, 1)))
    assert message in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.needs_compiler
def test_a_sound_neuron_passes_every_check(lab: Path) -> None:
    written(lab, "labneuron", NEURON)
    found = list(model_check.neuron_findings(slots.imported("labneuron:Leaky")()))
    assert [f.status for f in found] == ["passed"] * 7
    assert [f.what for f in found][1:3] == ["compiles", "float type"]


@pytest.mark.needs_compiler
@pytest.mark.parametrize(
    ("old", "new", "what", "message"),
    [
        ("c.keep * s.v", "0.9 * s.v", "float type", "v (float64)"),
        (
            "c.keep * s.v",
            "(c.v_threshold + c.v_threshold) * s.v",
            "strong input",
            "leaves the finite numbers (float32)",
        ),
        ("return State(0.0)", "return State(0.5)", "rest", "the state moves"),
        ("+ current", "+ current + c.v_threshold", "rest", "spikes without input"),
    ],
)
def test_an_unsound_neuron_fails_the_check_that_it_should(
    lab: Path, old: str, new: str, what: str, message: str
) -> None:
    written(lab, "labneuron", NEURON, old, new)
    found = {f.what: f for f in model_check.neuron_findings(slots.imported("labneuron:Leaky")())}
    assert found[what].status == ("note" if what == "rest" else "failed")
    assert message in found[what].message


@pytest.mark.needs_compiler
def test_rules_are_replayed_bit_for_bit(lab: Path) -> None:
    written(lab, "labrule", RULE)
    found = {f.what: f for f in model_check.rule_findings(slots.imported("labrule:Hebb")())}
    assert {f.status for f in found.values()} == {"passed"}
    assert "bit for bit" in found["interpreted"].message
    written(lab, "wildrule", RULE, "syn.weight + pre.x", "syn.weight * 1e9 * syn.weight")
    found = {f.what: f for f in model_check.rule_findings(slots.imported("wildrule:Hebb")())}
    assert found["finite"].status == "failed"


@pytest.mark.needs_compiler
def test_a_helper_that_is_not_compiled_is_named(lab: Path) -> None:
    written(lab, "labrule", RULE + "\n\ndef _more(x):\n    return x\n", "syn.weight + pre.x", "_more(syn.weight)")
    constants = slots.imported("labrule:Hebb")().constants(1e-3)
    said = [s for f, arguments in trial.calls(constants) if (s := trial.mistake(f, arguments, compiled=True))]
    assert len(said) == 1 and "'_more' is not compiled; decorate it with numba.extending.register_jitable" in said[0]


# --------------------------------------------------------------------------- the cache of kernels

SET = ("NUMBA_CACHE_DIR", "SNNCTL_KERNEL_CACHE", "NUMBA_DISABLE_JIT")
COUNT = """
import numpy as np
from snnctl.network import population, simulate
from labneuron import Leaky
ran = simulate(Leaky(), 1e-3, np.full((100, 1), 0.06))
print(int(ran.spikes.sum()), sum(population._advance_one.stats.cache_hits.values()))
"""


def ran(code: str, lab: Path) -> list[int]:
    environment = {k: v for k, v in os.environ.items() if k not in SET and not k.startswith("COV")}
    environment |= {"XDG_CACHE_HOME": str(lab / "cache"), "PYTHONPATH": f"{lab}{os.pathsep}{Path.cwd()}"}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


@pytest.mark.needs_compiler
def test_an_edited_model_runs_its_new_code_and_an_unedited_one_comes_from_the_cache(tmp_path: Path) -> None:
    text = NEURON.replace("drive + current", "drive + GAIN * current").replace(
        "import math", "import math\nfrom labgain import GAIN"
    )
    written(tmp_path, "labgain", "GAIN = 1.0\n")
    written(tmp_path, "labneuron", text)
    spikes, hits = ran(COUNT, tmp_path)
    assert (spikes, hits) == (2, 0)  # v rises to 1.2 with 20 ms: past 1 after 36 ticks
    assert ran(COUNT, tmp_path) == [2, 1]
    written(tmp_path, "labneuron", text, "drive + GAIN", "drive + 2 * GAIN")
    spikes, hits = ran(COUNT, tmp_path)
    assert spikes > 4 and hits == 0  # to 2.4: past 1 after 11 ticks
    written(tmp_path, "labneuron", text)
    assert ran(COUNT, tmp_path) == [2, 1]  # both are kept
    written(tmp_path, "labgain", "GAIN = 2.0\n")  # a number of another of the user's modules
    assert ran(COUNT, tmp_path) == [spikes, 0]
    # What the package caches for itself does not name the user's classes: it can be read without them.
    (tmp_path / "labneuron.py").unlink()
    plain = "import numpy as np; from snnctl.network import simulate; from snnctl.neurons import Lif\n"
    assert ran(
        plain + "print(int(simulate(Lif(tau_mem_s=0.02), 1e-3, np.full((100, 1), 0.06)).spikes.sum()))", tmp_path
    ) == [2]
