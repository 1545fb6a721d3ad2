import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from .test_train import TINY

SPACE = 'recipe = "cartpole-ppo"\n[keys]\ntrainer.lr = [1e-3, 1e-4]\n'
SWEEP = ["sweep", "cartpole-ppo", *TINY, "--space", "space.toml", "--seeds", "7", "--jobs", "1"]


@pytest.fixture
def call(call):
    """As everywhere, with a space in the folder."""
    Path("space.toml").write_text(SPACE)
    return call


@pytest.mark.needs_compiler
def test_an_interrupted_sweep_says_how_to_continue_and_ends_as_if_it_had_not_been(call):
    code, out, err = call(*SWEEP, "--out", "whole")
    assert code == 0 and "best: trial" in err and " trainer.lr=" in err, err
    assert out.splitlines()[0].split() == ["trial", "status", "score", "worst", "steps", "wall", "lr"]

    def interrupt():
        while not [*Path("part").glob("sweeps/*/trial-0/seed7/metrics.jsonl")]:
            time.sleep(0.005)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    code, out, err = call(*SWEEP, "--out", "part")
    thread.join()
    (folder,) = Path("part").glob("sweeps/*")
    assert code == 130 and "unfinished" in out and f"continue with: snnctl sweep --resume {folder}" in err
    code, out, _ = call("sweep", "--resume", str(folder), "--json")
    found = json.loads(out)
    assert code == 0 and [t["score"] for t in found["trials"]] == sorted(t["score"] for t in found["trials"])[::-1]
    (whole,) = Path("whole").glob("sweeps/*")
    assert (whole / "sweep.json").read_bytes() == (folder / "sweep.json").read_bytes()
    assert {row["trial"] for row in found["trials"]} == {0, 1} and found["trials"][0]["runs"][0]["wall_s"] > 0
    for trial, slope in enumerate((1.0, 0.0)):
        curve = "".join(json.dumps({"steps": k, "mean_return": 1.0 + slope * k}) + "\n" for k in range(6))
        (folder / f"trial-{trial}" / "seed7" / "metrics.jsonl").write_text(curve)
    code, _, err = call("sweep", "--resume", str(folder))
    assert code == 0 and "trial 1 seed 7: it is not learning" in err and "trial 0 seed" not in err


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        (["sweep"], ["RECIPE: is missing", "--space: is missing"]),
        (["sweep", "cartpole-ppo"], ["--space: is missing"]),
        (["sweep", "trainer.lr=1", "--space", "space.toml"], ["stands where the recipe belongs"]),
        (["sweep", "cartpole-pp", "--space", "space.toml"], ["did you mean 'cartpole-ppo'"]),
        (["sweep", "cartpole-ppo", "--space", "spac"], ["space 'spac': does not exist in configs/sweeps/"]),
        (["sweep", "cartpole-ppo", "--space", "space.toml", "--search", "gird"], ["did you mean 'grid'"]),
        (["sweep", "cartpole-ppo", "--space", "space.toml", "--search", "grid", "--trials", "3"], ["random search"]),
        (["sweep", "cartpole-ppo", "--space", "space.toml", "--seeds", "1..0"], ["write 0..4"]),
        (["sweep", "cartpole-ppo", "--space", "space.toml", "--out", "/proc/here"], ["--out"]),
        (["sweep", "cartpole-ppo", "--resume", "last"], ["--resume: goes on with what the sweep began with"]),
        (["sweep", "--resume", "last"], ["sweep 'last': does not exist"]),
        (["sweep", "cartpole-ppo", "trainer.lrr=1", "--space", "space.toml"], ["did you mean 'lr'"]),
        (["sweep", "cartpole-ppo", "--space", "bad.toml"], ["keys.trainer.lrr: is not a known key", "keys.seed"]),
    ],
)
def test_bad_input_is_a_line_a_problem(call, arguments, messages):
    Path("bad.toml").write_text("[keys]\ntrainer.lrr = [1]\nseed = [1]\n")
    code, out, err = call(*arguments)
    lines = err.splitlines()
    assert (code, out, len(lines)) == (2, "", len(messages)), err
    assert all(message in line for message, line in zip(messages, lines, strict=True)), err


def test_spaces_are_listed_shown_and_checked_on_their_recipe(call):
    folder = Path("configs/sweeps")
    folder.mkdir(parents=True)
    (folder / "mine.toml").write_text('description = "Step sizes."\n' + SPACE)
    assert "Step sizes." in call("list", "spaces")[1]
    code, out, _ = call("show", "mine")
    assert code == 0 and "varies 1 keys of the recipe cartpole-ppo" in out and "snnctl sweep RECIPE --space mine" in out
    Path("copy.toml").write_text(out)
    assert call("check", "mine", "copy.toml")[0] == 0
    (folder / "mine.toml").write_text(SPACE.replace("lr", "lrr") + '"trainer.gamma" = []\n')
    code, out, _ = call("check", "mine")
    assert code == 1 and "did you mean 'lr'" in out and "has no values" in out
    (folder / "mine.toml").write_text(SPACE.replace("ppo", "ppx"))
    assert "recipe 'cartpole-ppx' does not exist" in call("check", "mine")[1]
