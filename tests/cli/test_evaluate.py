from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path

import pytest

from snnctl.agent import folder
from snnctl.cli import evaluate as evaluate_command
from snnctl.cli.main import call

LEANING = str(Path(__file__).parents[1] / "data" / "agents" / "leaning")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def evaluate(*arguments: str) -> int:
    return call(["evaluate", LEANING, "--episodes", "2", *arguments])


def test_a_budget_that_holds(capsys) -> None:
    assert evaluate("--chip", "loihi1", "--power", "150mW", "--latency", "10ms") == 0
    out = capsys.readouterr().out
    assert out.count("PASS") == 2 and "FAIL" not in out
    assert "static" in out and "idle" in out and "dynamic" in out and "modelled" in out
    saved = json.loads(Path("runs/evaluations/hand-made-loihi1.json").read_text())
    assert saved["holds"] is True
    assert Path("runs/evaluations/hand-made-loihi1.html").read_text().startswith("<!doctype html>")


def test_a_budget_that_fails_still_writes_the_report(capsys) -> None:
    assert evaluate("--chip", "spinnaker1", "--power", "150mW", "--out", "a/b.json", "--html", "c/d.html") == 1
    assert "FAIL" in capsys.readouterr().out
    assert json.loads(Path("a/b.json").read_text())["holds"] is False
    assert Path("c/d.html").is_file()


def test_json_on_stdout_equals_the_file(capsys) -> None:
    assert evaluate("--chip", "loihi1", "--budget", "nano-drone", "--json", "--out", "x.json") == 0
    assert json.loads(capsys.readouterr().out) == json.loads(Path("x.json").read_text())


def test_the_boundary_option(capsys) -> None:
    limits = ("--chip", "loihi1", "--power", "50mW")
    assert evaluate(*limits) == 1
    assert evaluate(*limits, "--boundary", "dynamic") == 0
    assert evaluate(*limits, "--boundary", "board") == 1


def test_without_a_budget(capsys) -> None:
    assert evaluate("--chip", "loihi1") == 0
    assert "no budget given" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--chip", "loihi1", "--power", "0W"], "greater than zero"),
        (["--chip", "loihi1", "--power", "-5mW"], "greater than zero"),
        (["--chip", "loihi1", "--power", "nan"], "100mW"),
        (["--chip", "loihi1", "--power", "1e999W"], "finite"),
        (["--chip", "loihi1", "--latency", "10"], "no unit"),
        (["--chip", "loihi1", "--latency", "10mW"], "5ms"),
        (["--chip", "loihi1", "--energy", "inf"], "20uJ"),
        (["--chip", "loihi"], "did you mean 'loihi1'"),
        (["--chip", "loihi1", "--budget", "nano-dron"], "did you mean 'nano-drone'"),
        (["--chip", "loihi1", "--boundary", "chp"], "did you mean 'chip'"),
        (["--chip", "loihi1", "--episodes", "0"], "--episodes"),
        (["--chip", "loihi1", "--seed", "-1"], "--seed"),
        (["--chip", "loihi1", "--env", "CartPole-v9"], "CartPole-v1"),
        (["--chip", "loihi1", "--env", "Pendulum-v1"], "observations"),
        (["--chip", "loihi1", "--out", "."], "is a folder"),
        (["--chip", "loihi1", "--out", "x.html", "--html", "x.html"], "two names"),
        (["--chip", "loihi1", "--out", "/proc/no/x.json"], "cannot be written"),
    ],
)
def test_bad_input(arguments: list[str], hint: str, capsys) -> None:
    assert evaluate(*arguments) == 2
    shown = capsys.readouterr()
    assert hint in shown.err and "Traceback" not in shown.err
    assert shown.out == ""
    assert not list(Path().rglob("*.json"))


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    text: list[str] = []
    reader = threading.Thread(target=lambda: text.append(pipe.read_text()))
    reader.start()
    assert evaluate("--chip", "loihi1", "--out", str(pipe)) == 0
    reader.join()
    assert json.loads(text[0])["evidence"] == "modelled"
    assert pipe.is_fifo()
    assert Path("runs/evaluations/hand-made-loihi1.html").is_file()


def test_all_bad_limits_at_once(capsys) -> None:
    assert evaluate("--chip", "loihi1", "--power", "0W", "--latency", "5", "--energy", "x") == 2
    error = capsys.readouterr().err
    assert all(option in error for option in ("--power", "--latency", "--energy"))


def test_a_damaged_agent(tmp_path, capsys) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(LEANING, broken)
    weights = broken / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    assert call(["evaluate", str(broken), "--chip", "loihi1"]) == 2
    assert "truncated" in capsys.readouterr().err


def tiny_chip(folder: Path) -> str:
    text = (Path(__file__).parents[2] / "configs" / "chips" / "loihi1.toml").read_text()
    path = folder / "tiny.toml"
    path.write_text(text.replace("value = 128\n", "value = 1\n").replace("value = 4096\n", "value = 16\n"))
    return str(path)


def test_a_misfit_shows_every_violation(tmp_path, capsys) -> None:
    assert evaluate("--chip", tiny_chip(tmp_path)) == 1
    assert capsys.readouterr().err.count("limit") >= 2


def test_fit(tmp_path, capsys) -> None:
    assert call(["fit", LEANING, "--chip", "loihi1"]) == 0
    out = capsys.readouterr().out
    assert "fits" in out and "24 / 1024" in out and "largest error" in out
    assert call(["fit", LEANING, "--chip", "spinnaker1", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["fits"] and data["rounding"] and data["cores"][0]["usage"]


def test_fit_of_a_misfit(tmp_path, capsys) -> None:
    chip = tiny_chip(tmp_path)
    assert call(["fit", LEANING, "--chip", chip]) == 1
    out = capsys.readouterr().out
    assert "does NOT fit" in out and out.count("remedy:") >= 2
    assert call(["fit", LEANING, "--chip", chip, "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert not data["fits"] and all(v["remedy"] for v in data["violations"])


@pytest.mark.parametrize("arguments", [["--chip", "loihi"], [], ["--chip", "loihi1", "--jsn"]])
def test_fit_with_bad_input(arguments: list[str], capsys) -> None:
    assert call(["fit", LEANING, *arguments]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_without_a_chip_it_is_the_returns_of_the_float_half(capsys) -> None:
    assert evaluate("--seed", "4") == 0
    shown = capsys.readouterr()
    assert "return IQM" in shown.out and "add --chip" in shown.err
    alone = json.loads(Path("runs/evaluations/hand-made.json").read_text())["returns"]["float"]
    assert evaluate("--seed", "4", "--chip", "loihi1", "--json") == 0
    assert len(alone) == 2 and alone == json.loads(capsys.readouterr().out)["returns"]["float"]


@pytest.mark.parametrize("budget", [("--power", "1W"), ("--budget", "nano-drone"), ("--html", "x.html")])
def test_a_budget_needs_a_chip(capsys, budget: tuple[str, str]) -> None:
    assert evaluate(*budget) == 2
    said = "--chip: is missing: budget and report are of a chip; choose one of: loihi1, spinnaker1"
    assert said in capsys.readouterr().err


def test_the_report_of_another_agent_or_environment_is_not_overwritten() -> None:
    agent = folder.load(Path(LEANING))
    other = agent._replace(tensors={name: tensor + 1 for name, tensor in agent.tensors.items()})
    assert evaluate_command._stem(agent, "loihi1", "") == "hand-made-loihi1"
    seen = []
    for one, env in ((agent, ""), (other, ""), (other, "Else-v0"), (agent, "Else-v0"), (agent, ""), (other, "")):
        stem = evaluate_command._stem(one, "loihi1", env)
        seen.append(stem)
        path = evaluate_command.EVALUATIONS / f"{stem}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        env_id = env or one.description.task.env_id
        digest = folder.digest(one.tensors)
        path.write_text(json.dumps({"agent": {"weights_sha256": digest}, "env": {"id": env_id}}))
    assert len(set(seen)) == 4  # of four different ones, each its own
    assert seen[4:] == seen[:2]  # and the same again for the same again
