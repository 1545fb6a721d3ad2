import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from snnctl import config
from snnctl.cli import console
from tests.training.random_walk import recipe
from tests.training.test_run import hashes

TINY = [
    "trainer.total_steps=512",
    "trainer.envs=2",
    "trainer.rollout_steps=64",
    "trainer.minibatch=64",
    "trainer.epochs=1",
    "network.hidden=[8]",
    "evaluation.every_steps=256",
    "evaluation.episodes=2",
    "evaluation.final_episodes=3",
]


def snnctl(folder, *arguments):
    command = [sys.executable, "-c", "from snnctl.cli.main import main; main()", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_train_evaluate_and_resume_a_real_recipe(call):
    code, out, err = call("train", "cartpole-ppo", *TINY, "--name", "a", "--json")
    assert code == 0, err
    result = json.loads(out)
    assert (result["status"], result["steps"], result["seed"]) == ("finished", 512, 0)
    _, out, _ = call("train", "--resume", "last", "--json")
    assert json.loads(out)["evaluation"] == result["evaluation"]
    listed = json.loads(call("list", "runs", "--json")[1])["runs"]
    assert [row["run"] for row in listed] == ["cartpole-ppo/a-seed0"] and listed[0]["state"] == "finished"
    code, out, _ = call("check", f"{result['folder']}/checkpoints/best")
    assert code == 0 and "agent best: ok" in out
    code, _, err = call("train", "cartpole-ppo", "--resume", "last")
    assert code == 2 and "evaluation.episodes: is 20, the run has 2" in err


@pytest.mark.needs_compiler
def test_an_interrupted_training_says_how_to_continue_and_ends_as_if_it_had_not_been(tmp_path):
    command = [sys.executable, "-c", "from snnctl.cli.main import main; main()"]
    long = [*TINY, "trainer.total_steps=10000"]
    child = subprocess.Popen(
        [*command, "train", "cartpole-ppo", *long, "--name", "a"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    log = tmp_path / "runs" / "cartpole-ppo" / "a-seed0" / "metrics.jsonl"
    while not (log.exists() and log.stat().st_size) and child.poll() is None:
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate()
    assert child.returncode == 130 and "continue with: snnctl train --resume runs/cartpole-ppo/a-seed0" in err
    assert snnctl(tmp_path, "train", "--resume", "runs/cartpole-ppo/a-seed0").returncode == 0
    assert snnctl(tmp_path, "train", "cartpole-ppo", *long, "--name", "b", "--workers", "2").returncode == 0
    for name in ("metrics.jsonl", "eval.json", "checkpoints/best/weights.safetensors"):
        a, b = (tmp_path / "runs" / "cartpole-ppo" / f"{run}-seed0" / name for run in "ab")
        assert a.read_bytes() == b.read_bytes(), name


def test_seeds_side_by_side_equal_seeds_alone_and_one_may_fail(tmp_path, call):
    taken = tmp_path / "runs" / "cartpole-ppo" / "a-seed1" / "recipe.toml"  # seed 1 finds its name taken
    taken.parent.mkdir(parents=True)
    taken.touch()
    code, out, err = call("train", "cartpole-ppo", *TINY, "--seeds", "0..1", "--name", "a", "--json")
    assert code == 3 and "seed 1: " in err and "exists already" in err
    rows = {row["seed"]: row for row in json.loads(out)["seeds"]}
    assert rows[0]["status"] == "finished" and rows[1]["reasons"]
    _, out, _ = call("train", "cartpole-ppo", *TINY, "--seed", "0", "--json")
    assert json.loads(out)["weights_sha256"] == rows[0]["weights_sha256"]


@pytest.mark.parametrize("number", [signal.SIGTERM])
def test_a_signal_stops_all_seeds_resumably(tmp_path, number):
    command = [sys.executable, "-c", "from snnctl.cli.main import main; main()", "train", "cartpole-ppo", *TINY,
               "trainer.total_steps=10000000", "--seeds", "0,1", "--name", "a"]  # fmt: skip
    child = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    logs = [tmp_path / "runs" / "cartpole-ppo" / f"a-seed{k}" / "metrics.jsonl" for k in (0, 1)]
    while not all(log.exists() and log.stat().st_size for log in logs) and child.poll() is None:
        time.sleep(0.05)
    os.kill(child.pid, number)
    out, err = child.communicate()
    assert child.returncode == 130, err
    assert out.count("interrupted") == 2 and err.count("continue with: snnctl train --resume") == 2


def test_a_refused_training_leaves_no_folder_and_its_name_free(call, tmp_path):
    refused = call("train", "cartpole-ppo", 'encoder={kind="poisson"}', "--name", "mine")
    assert refused[0] == 2 and "has no gradient" in refused[2]
    assert not list((tmp_path / "runs").rglob("mine*"))


VERBS = {
    "one run": (["train", "small.toml"], ["train", "--resume", "last"]),
    "seeds": (["train", "small.toml", "--seeds", "0"], ["train", "small.toml", "--seeds", "0"]),  # none had begun
    "sweep": (["sweep", "small.toml", "--space", "space.toml", "--seeds", "0"], ["sweep", "--resume", "last"]),
}


@pytest.mark.needs_compiler
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("verb", VERBS)
def test_a_signal_from_the_first_line_of_output_on_costs_nothing(tmp_path, call, monkeypatch, verb, number):
    (tmp_path / "small.toml").write_text(config.to_toml(recipe(1, final_episodes=3, confirm_episodes=1)))
    (tmp_path / "space.toml").write_text("[keys]\nevaluation.episodes = [2]\n")
    begin, rest = VERBS[verb]

    def compiling():
        console.note("compiling")
        os.kill(os.getpid(), number)

    with monkeypatch.context() as patch:
        patch.setattr(console, "compiling", compiling)
        code, _, err = call(*begin)
    assert code == 130 and err.splitlines()[0] == "compiling"
    assert verb == "seeds" or "continue with: snnctl" in err
    assert call(*rest)[0] == 0
    assert call("train", "small.toml", "--name", "whole")[0] == 0
    (whole,) = Path("runs").glob("*/whole-seed0")
    (run,) = {path.parent for path in Path("runs").rglob("eval.json") if path.parent.name not in ("best", whole.name)}
    assert hashes(run) == hashes(whole)
