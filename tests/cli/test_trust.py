"""What a file names of Python is not imported without the user's word: every verb, every kind of name and of file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from snnctl import config, library
from snnctl.robots.scaffold import scaffold
from tests.cli.conftest import Command

LEANING = Path(__file__).parents[1] / "data" / "agents" / "leaning"
STRANGER = """
import os
from pathlib import Path

Path(os.environ["STRANGER_RAN"]).touch()

class Part:
    pass

def function(*_, **__):
    return 0.0
"""
NAMED = "stranger_lab:Part"
ENVIRONMENTS = {
    "id": {"id": "stranger_lab:Env-v0"},
    "id of a robot": {"id": "stranger_lab:snnctl/Env-v0"},
    "id after a prefix": {"id": "snnctl.robots:stranger_lab:Env-v0"},
    "argument": {"id": "CartPole-v1", "kwargs": {"inner": [{"env_id": "stranger_lab:Env-v0"}]}},
    "wrapper": {"id": "CartPole-v1", "wrappers": [{"name": NAMED}]},
    "function of a wrapper": {
        "id": "CartPole-v1",
        "wrappers": [{"name": "transform_observation", "function": NAMED, "low": [0.0], "high": [1.0]}],
    },
}


@pytest.fixture
def ran(call: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """What exists once the stranger's module has run; it can be imported, and nobody has trusted it."""
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "stranger_lab.py").write_text(STRANGER)
    monkeypatch.setenv("SNNCTL_TRUST", "")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.setenv("STRANGER_RAN", str(tmp_path / "ran"))
    monkeypatch.syspath_prepend(str(tmp_path / "lab"))
    yield tmp_path / "ran"
    sys.modules.pop("stranger_lab", None)


def written(path: Path, data: dict[str, Any]) -> str:
    path.write_text(tomli_w.dumps(config.without_none(data)))
    return str(path)


def recipe(changes: dict[str, Any], base: str = "cartpole-ppo") -> str:
    data = config.read_toml(library.find("recipe", base).path)
    for key, value in changes.items():
        *way, last = key.split(".")
        node = data
        for part in way:
            node = node[part]
        node[last] = value
    return written(Path("theirs.toml"), data)


def agent(changes: dict[str, Any]) -> str:
    shutil.copytree(LEANING, "theirs", dirs_exist_ok=True)
    data = config.read_toml(LEANING / "agent.toml")
    for key, value in changes.items():
        node: Any = data
        *way, last = key.split(".")
        for part in way:
            node = node[int(part) if part.isdigit() else part]
        node[last] = value
    written(Path("theirs/agent.toml"), data)
    return "theirs"


def robot() -> str:
    folder = scaffold("theirs", Path("robots"))
    data = config.read_toml(folder / "task.toml")
    data["quantities"]["speed"] = {"kind": "python", "function": "stranger_lab:function"}
    written(folder / "task.toml", data)
    return str(folder)


def chip() -> str:
    data = config.read_toml(library.find("chip", "loihi1").path)
    return written(Path("chip.toml"), {**data, "family": NAMED})


def space(key: str, value: Any) -> str:
    return written(Path("space.toml"), {"schema": 1, "name": "theirs", "keys": {key: [value]}})


RECIPES = {
    "encoder": {"encoder": {"kind": NAMED}},
    "decoder": {"decoder": {"kind": NAMED}},
    "neuron": {"network.neuron": {"model": NAMED}},
    "trainer": {"trainer": {"kind": NAMED}},
    "derivative": {"trainer.derivative": {"kind": NAMED}},
    **{name: {"env": table} for name, table in ENVIRONMENTS.items()},
}
TASKS = {
    name: {"task.env_id": table["id"], "task.env_kwargs": table.get("kwargs", {}),
           "task.env_wrappers": table.get("wrappers", [])}
    for name, table in ENVIRONMENTS.items()
}  # fmt: skip
AGENTS = {
    "encoder": {"encoder": {"kind": NAMED}},
    "decoder": {"decoder": {"kind": NAMED}},
    "neuron": {"network.populations.1.neuron": {"model": NAMED}},
    "rule": {"network.projections.0.plasticity": [{"rule": NAMED}]},
    **TASKS,
}
FILES: dict[str, Any] = {
    **{f"recipe, {name}": (recipe, changes) for name, changes in RECIPES.items()},
    "recipe, critic": (recipe, {"trainer.critic": {"kind": NAMED}}, "pendulum-v1-sac"),
    **{f"agent, {name}": (agent, changes) for name, changes in AGENTS.items()},
    "robot": (robot,),
    "chip": (chip,),
    "space, encoder": (space, "encoder", {"kind": NAMED}),
    "space, id": (space, "env.id", "stranger_lab:Env-v0"),
}
# Where nothing but the import is needed to see that it would be done: an argument and a space alone import nothing.
IMPORTED = [
    *(file for file in FILES if not file.startswith("space") and file.partition(", ")[2] not in (*ENVIRONMENTS, "")),
    *("robot", "chip", "recipe, id"),
]
RUNNING = {
    "recipe": (["train", "{}"], ["sweep", "{}", "--space", "keys.toml", "--trials", "1"]),
    "agent": (["run", "{}", "--episodes", "1"], ["evaluate", "{}", "--episodes", "1"],
              ["evaluate", "{}", "--chip", "loihi1", "--episodes", "1"]),
    "robot": (["run", str(LEANING), "--env", "{}"], ["evaluate", str(LEANING), "--env", "{}"],
              ["train", "cartpole-ppo", "env.id={}"], ["new", "recipe", "mine", "--env", "{}"]),
    "chip": (["fit", str(LEANING), "--chip", "{}"], ["evaluate", str(LEANING), "--chip", "{}", "--episodes", "1"]),
    "space": (["sweep", "cartpole-ppo", "--space", "{}", "--trials", "1"],),
}  # fmt: skip


@pytest.mark.parametrize("file", FILES)
def test_no_verb_imports_what_a_file_names_without_the_users_word(call: Command, ran: Path, file: str) -> None:
    make, *arguments = FILES[file]
    name = make(*arguments)
    written(Path("keys.toml"), {"schema": 1, "name": "keys", "keys": {"env.delay.action": [0]}})
    kind = ["--kind", "env"] if file == "robot" else []
    code, out, err = call("show", name, *kind)
    assert code == 0 and "stranger_lab" in out and "not imported" in out, out + err
    code, out, err = call("check", name, *kind)
    assert code == 1 and "--trust stranger_lab" in out and "not imported" in out, out + err
    for command in RUNNING[file.partition(",")[0]]:
        code, out, err = call(*(word.format(name) for word in command))
        assert code == 2 and "--trust stranger_lab" in err and "Traceback" not in err, f"{command}: {out} {err}"
    assert not ran.exists()


@pytest.mark.parametrize("file", [file for file in FILES if file.startswith("agent")])
def test_fit_says_what_it_left_unchecked(call: Command, ran: Path, file: str) -> None:
    make, *arguments = FILES[file]
    code, out, err = call("fit", make(*arguments), "--chip", "loihi1")
    assert "--trust stranger_lab" in err
    assert code == (0 if file.removeprefix("agent, ") in TASKS else 2), out + err
    assert not ran.exists()


@pytest.mark.parametrize("file", IMPORTED)
def test_with_the_users_word_it_is_imported(call: Command, ran: Path, file: str) -> None:
    make, *arguments = FILES[file]
    name = make(*arguments)
    call("--trust", "stranger_lab", "check", name, *(["--kind", "env"] if file == "robot" else []))
    assert ran.exists()


def test_only_a_function_that_is_marked_is_a_quantity(call: Command, ran: Path) -> None:
    name = robot()
    for function, trusted, said in (
        ("stranger_lab:function", "stranger_lab", "is not marked as a quantity"),
        ("mujoco:mj_printData", "mujoco", "is not marked as a quantity"),
        ("os:remove", "os", "is not marked as a quantity"),
        ("mujoco:mj_printData", "stranger_lab", "--trust mujoco"),
    ):
        path = Path(name) / "task.toml"
        data = config.read_toml(path)
        data["quantities"]["speed"] = {"kind": "python", "function": function, "args": {"filename": "printed.txt"}}
        written(path, data)
        code, out, _ = call("--trust", trusted, "check", name)
        assert code == 1 and said in out
        os.environ["SNNCTL_TRUST"] = ""
    assert not Path("printed.txt").exists()


# Modules that Python itself imports before any of this package, such as contextlib, cannot be kept away under -m.
SHADOWS = ("typing", "hashlib", "multiprocessing", "gymnasium", "pydantic", "stranger_lab", "tomli_w")
WORKER = """
import multiprocessing, sys
from snnctl.training import pool

if __name__ == "__main__":
    worker = pool._Worker(multiprocessing.get_context("spawn"))
    worker.end()
    sys.exit(worker.process.exitcode)
"""


def exit_code(command: list[str], ran: Path, safe_path: str | None = None) -> int:
    """Of Python in a folder whose modules would leave ``ran`` behind."""
    here = ran.parent / "here"
    here.mkdir()
    for name in SHADOWS:
        (here / f"{name}.py").write_text(STRANGER)
    environment = {**os.environ, "STRANGER_RAN": str(ran), "PYTHONPATH": ""}
    environment.pop("PYTHONSAFEPATH", None)
    if safe_path is not None:
        environment["PYTHONSAFEPATH"] = safe_path
    return subprocess.run([sys.executable, *command], cwd=here, env=environment, capture_output=True).returncode


@pytest.mark.parametrize("safe_path", ["", None, "1"])
def test_the_current_folder_is_not_searched_for_modules(ran: Path, safe_path: str | None) -> None:
    assert exit_code(["-m", "snnctl", "show", "stranger_lab:Part"], ran, safe_path) == 2
    assert not ran.exists()


def test_a_worker_does_not_search_the_current_folder(ran: Path, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(WORKER)
    assert exit_code([str(tmp_path / "script.py")], ran) == 0
    assert not ran.exists()
