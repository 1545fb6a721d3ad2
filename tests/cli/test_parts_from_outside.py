"""Parts that live outside the package, on the command line: trained, shown, run, evaluated and fitted."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from snnctl import config
from snnctl.library import find
from tests.cli.conftest import Command

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
CODES = """
schema = 1
name = "coded"
env = { id = "Pendulum-v1" }
encoder = { kind = "mylab.codes:Window" }
decoder = { kind = "mylab.codes:Antagonists", tau_s = "20ms" }
trainer = { kind = "rstdp", total_episodes = 2, learning = { value_low = -1.0 } }
evaluation = { episodes = 1, final_episodes = 1 }

[network]
hidden = []
ticks = 4
tick_s = "4ms"
neuron = { model = "current_lif", tau_mem_s = "8ms", tau_syn_s = "2ms" }
"""
TRAINER = """
schema = 1
name = "evolved"
env = { id = "CartPole-v1" }
encoder = { kind = "analog" }
decoder = { kind = "argmax" }
network = { kind = "dense", hidden = [] }
trainer = { kind = "mylab.trainer:EvolutionStrategy", total_steps = 100, episodes = 1 }
evaluation = { episodes = 1, final_episodes = 1 }
"""


def trained(call: Command, folder: Path, recipe: str, *trust: str) -> str:
    """The agent that the command line trains by a recipe."""
    (folder / "theirs.toml").write_text(recipe)
    code, _, err = call(*trust, "train", "theirs.toml", "--out", "runs")
    assert code == 0, err
    (run,) = (folder / "runs").glob("*/*")
    return str(run / "checkpoints" / "best")


@pytest.fixture
def mylab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The examples' package, importable and not trusted; the folder of this test."""
    monkeypatch.setenv("SNNCTL_TRUST", "")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.syspath_prepend(str(EXAMPLES))
    yield tmp_path
    forget()


def forget() -> None:
    """As if nothing of the package had been imported, and nobody had trusted it."""
    os.environ["SNNCTL_TRUST"] = ""
    for module in [m for m in sys.modules if m == "mylab" or m.startswith("mylab.")]:
        sys.modules.pop(module)


@pytest.mark.needs_compiler
@pytest.mark.parametrize(("recipe", "keys"), [(CODES, ("encoder", "decoder")), (TRAINER, ("trainer",))])
def test_a_trainer_an_encoder_and_a_decoder_work_where_a_user_trusts_them(
    call: Command, mylab: Path, recipe: str, keys: tuple[str, ...]
) -> None:
    (mylab / "theirs.toml").write_text(recipe)
    code, _, err = call("train", "theirs.toml")
    assert code == 2 and "Traceback" not in err
    assert all(f"{key}.kind: names Python code outside snnctl" in err for key in keys)
    agent = trained(call, mylab, recipe, "--trust", "mylab")
    for command in (["run", agent, "--episodes", "1"], ["evaluate", agent, "--episodes", "1"], ["check", agent]):
        code, _, err = call("--trust", "mylab", *command)
        assert code == 0, err


@pytest.mark.needs_compiler
def test_an_agent_with_parts_that_are_not_trusted_is_shown_and_not_run(call: Command, mylab: Path) -> None:
    agent = trained(call, mylab, CODES, "--trust", "mylab")
    forget()
    code, out, _ = call("show", agent)
    assert code == 0 and "mylab.codes:Window" in out
    for command in ("run", "evaluate"):
        code, _, err = call(command, agent, "--episodes", "1")
        assert code == 2 and "--trust mylab" in err and "Traceback" not in err
    assert "mylab.codes" not in sys.modules


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, mylab: Path) -> Path:
    """The examples' package as pip leaves it: with a dist-info folder whose entry points name its parts."""
    info = mylab / "site" / "mylab-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mylab\nVersion: 1.0\n")
    points = {
        "chips": "adder = mylab.chip:FAMILY",
        "encoders": "window = mylab.codes:Window",
        "decoders": "antagonists = mylab.codes:Antagonists",
        "trainers": "es = mylab.trainer:EvolutionStrategy",
    }
    (info / "entry_points.txt").write_text("".join(f"[snnctl.{slot}]\n{point}\n" for slot, point in points.items()))
    monkeypatch.syspath_prepend(str(info.parent))
    return mylab


def test_an_installed_family_needs_a_chip_file_and_no_trust(call: Command, installed: Path) -> None:
    text = (EXAMPLES / "mylab" / "adder.toml").read_text().replace("mylab.chip:FAMILY", "adder")
    (installed / "theirs.toml").write_text(text)
    code, out, err = call("fit", "mylab.chip:network", "--chip", "theirs.toml", "--json")
    assert code == 0, err
    assert json.loads(out)["fits"]
    leaning = str(Path(__file__).parents[1] / "data" / "agents" / "leaning")
    code, out, err = call("evaluate", leaning, "--chip", "theirs.toml", "--episodes", "2", "--power", "5mW")
    assert code == 0, err
    assert "on Adder, an example of a chip" in out and "PASS" in out


@pytest.mark.needs_compiler
def test_installed_codes_and_trainers_go_by_their_names(call: Command, installed: Path) -> None:
    recipe = CODES.replace("mylab.codes:Window", "window").replace("mylab.codes:Antagonists", "antagonists")
    agent = trained(call, installed, recipe)
    assert call("run", agent, "--episodes", "1")[0] == 0
    kinds = config.read_toml(Path(agent) / "agent.toml")
    assert (kinds["encoder"]["kind"], kinds["decoder"]["kind"]) == ("window", "antagonists")
    code, _, err = call("train", "theirs.toml", "trainer.kind=ess", "--out", "others")
    assert code == 2 and "did you mean 'es'" in err


def test_an_unknown_name_is_answered_with_the_installed_one(call: Command, installed: Path) -> None:
    text = find("chip", "loihi1").path.read_text().replace('family = "loihi1"', 'family = "ader"')
    (installed / "theirs.toml").write_text(text)
    code, _, err = call("fit", "mylab.chip:network", "--chip", "theirs.toml")
    assert code == 2 and "did you mean 'adder'" in err


@pytest.mark.needs_compiler
def test_the_check_that_the_page_on_codes_gives(call: Command, mylab: Path) -> None:
    page = (EXAMPLES.parent / "coding" / "your_own.md").read_text()
    (line,) = re.findall(r"`PYTHONPATH=\S+ snnctl (check .*?)`", page)
    code, out, err = call(*line.split())
    assert code == 0, err
    assert "mylab.codes:Window: ok" in out and "mylab.codes:Antagonists: ok" in out
    code, _, err = call(*line.replace("tau_s", "tau").split())
    assert code == 2 and "tau: is not a known key of mylab.codes:Window, mylab.codes:Antagonists" in err


def test_families_and_trainers_are_checked_by_their_interface(call: Command, mylab: Path) -> None:
    code, out, err = call("check", "mylab.chip:FAMILY", "mylab.trainer:EvolutionStrategy", "sigma=0.1", "--json")
    assert code == 0, err
    kinds = [(entry["kind"], entry["path"]) for entry in json.loads(out)["entries"]]
    assert kinds == [("family", "mylab.chip:FAMILY"), ("trainer", "mylab.trainer:EvolutionStrategy")]
    code, out, _ = call("show", "mylab.trainer:EvolutionStrategy")
    assert code == 0 and "sigma" in out and "es/sigma: standard deviation of a step" in out
    (mylab / "labfamily.py").write_text("class Chip:\n    name = 'half'\n\nFAMILY = Chip()\n")
    sys.path.insert(0, str(mylab))
    try:
        code, out, _ = call("check", "labfamily:FAMILY")
    finally:
        sys.path.remove(str(mylab))
        sys.modules.pop("labfamily", None)
    assert code == 1 and "family labfamily:FAMILY" in out and "it has no compile(program, chip) -> Fit" in out


NETS = """
from mylab.chip import network
from snnctl.network import Network

READY = network()

def builds():
    return network()

def needs(n):
    return network()

def breaks():
    raise RuntimeError("boom")

def unsound():
    net = Network(1e-3)
    return net
"""


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("READY", 0, "fits"),
        ("builds", 0, "fits"),
        ("needs", 2, "missing a required argument: 'n'); name a function without arguments"),
        ("breaks", 2, "labnets:breaks: raised RuntimeError: boom in labnets.py:14"),
        ("build", 2, "did you mean 'builds'?"),
        ("unsound", 2, "snnctl: labnets:unsound"),
    ],
)
def test_fit_of_what_a_module_holds(
    call: Command, mylab: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int, said: str
) -> None:
    (mylab / "labnets.py").write_text(NETS)
    monkeypatch.syspath_prepend(str(mylab))
    try:
        adder = str(EXAMPLES / "mylab" / "adder.toml")
        got, out, err = call("--trust", "mylab", "fit", f"labnets:{name}", "--chip", adder)
    finally:
        sys.modules.pop("labnets", None)
    assert got == code and said in out + err
    assert ("arguments" in err) == (name == "needs")
