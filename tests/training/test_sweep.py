import collections
import json
import os
import signal
from functools import partial
from pathlib import Path

import pytest

from snnctl import config
from snnctl.errors import ConfigError, InputError, NotFoundError
from snnctl.training import pool, run, run_folder, space, sweep
from tests.training import small_tasks  # noqa: F401

from . import random_walk
from .random_walk import RandomWalk
from .test_ppo import recipe as small_recipe

SPACE = """
[keys]
trainer.total_steps = [20, 60]
evaluation.episodes = { low = 1, high = 2, integer = true }
"""


@pytest.fixture(scope="module", autouse=True)
def warm(tmp_path_factory):
    """Kernels and libraries are loaded once, before workers are forked."""
    run.train(random_walk.recipe(updates=1), out=tmp_path_factory.mktemp("warm"), build=RandomWalk)


@pytest.fixture(autouse=True)
def quick(tmp_path, monkeypatch):
    """Forked workers, which have nothing to import, and short final evaluations; both leave the claims as they are."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pool, "START", "fork")
    Path("walk.toml").write_text(config.to_toml(random_walk.recipe(final_episodes=3)))
    Path("space.toml").write_text(SPACE)


def begin(out="runs", search="grid", trials=4, seeds=(100, 101), recipe="walk.toml", where="space.toml"):
    plan = sweep.plan(recipe, [], where, search, trials, seeds)
    return sweep.begin(plan, Path(out))


def read(folder):
    return (folder / sweep.RESULT).read_bytes()


def parse(text):
    path = Path("other.toml")
    path.write_text(text)
    return space.load(path)


# --------------------------------------------------------------------------- the space


def test_a_grid_is_every_combination_and_the_last_key_is_the_fastest():
    made = parse(
        '[keys]\na = ["x", "y"]\n"b.c" = { low = 1, high = 100, log = true, steps = 3 }\n'
        "d = { low = 0, high = 1, integer = true }"
    )
    rows = space.settings(made, "grid", 1)
    assert len(rows) == 12 and [tuple(row.values()) for row in rows[:3]] == [("x", 1, 0), ("x", 1, 1), ("x", 10, 0)]
    assert space.overrides(rows[-1]) == ['a="y"', "b.c=100.0", "d=1"]


def test_what_a_trial_gets_depends_on_neither_other_keys_nor_the_number_of_trials():
    wide = '"a.lr" = { low = 1e-4, high = 1e-2, log = true }\n'
    few, more = parse("[keys]\n" + wide), parse("[keys]\nb = [1, 2, 3]\n" + wide)
    alone = [row["a.lr"] for row in space.settings(few, "random", 5)]
    assert alone == [row["a.lr"] for row in space.settings(more, "random", 50)][:5]
    assert alone != [row["a.lr"] for row in space.settings(parse("seed = 1\n[keys]\n" + wide), "random", 5)]


def test_random_values_are_spread_as_the_space_says():
    made = parse(
        "[keys]\nlog = { low = 1e-4, high = 1e-2, log = true }\nflat = { low = -1, high = 3 }\n"
        "whole = { low = 1, high = 4, integer = true }\nround = { low = 1, high = 7, integer = true, log = true }\n"
        "one = [true, false]"
    )
    rows = space.settings(made, "random", 2000)
    values = {key: [row[key] for row in rows] for key in made.keys}
    assert all(1e-4 <= x <= 1e-2 for x in values["log"]) and all(-1 <= x <= 3 for x in values["flat"])
    shares = {
        "log": sum(x < 1e-3 for x in values["log"]), "flat": sum(x < 1 for x in values["flat"]),
        "one": sum(values["one"]), "round": sum(x == 1 for x in values["round"]) * 1.5,  # ln 2 / ln 8 = 1 / 3
    }  # fmt: skip
    assert all(abs(count / 2000 - 0.5) < 0.06 for count in shares.values()), shares
    whole = collections.Counter(values["whole"])
    assert sorted(whole) == [1, 2, 3, 4] and all(abs(n / 2000 - 0.25) < 0.04 for n in whole.values())
    assert set(values["round"]) == {*range(1, 8)}


def test_every_mistake_of_a_space_is_a_line_of_its_own():
    Path("space.toml").write_text(
        "schema = 1\nnam = 'x'\n[keys]\ntrainer.lr = { low = 1, high = 0.1 }\ntrainer.lrr = [1.0]\n"
        "trainer.gamma = [0.5, 2.0]\n'network.ticks' = []\ntrainer.clip = { low = 0, high = 1, log = true }\n"
        "trainer.gae_lambda = { low = 0.5, high = 1.0 }\ntrainer.epochs = { lo = 1, high = 2 }\nseed = [1, 2]\n"
        "encoder.kind = ['gaussian_populatio']\nnetwork.tick_s = ['1ms', '5mW']\nnetwork.hidden = [[8], [0]]\n"
        "trainer.max_gradient_norm = { low = 1.5, high = 3, integer = true }\nname.x = [1]\n"
    )
    with pytest.raises(ConfigError) as caught:
        begin()
    told = {p.where.rpartition(":")[2]: f"{p.message}; {p.remedy}" for p in caught.value.problems}
    expected = {
        "nam": "did you mean 'name'",
        "keys.trainer.lr": "low = 1 is not below high = 0.1",
        "keys.trainer.lrr": "did you mean 'lr'",
        "keys.trainer.gamma": "less than or equal to 1, got 2.0",
        "keys.network.ticks": "has no values",
        "keys.trainer.clip": "choose low > 0",
        "keys.trainer.gae_lambda": "add steps = 5",
        "keys.trainer.epochs.lo": "did you mean 'low'",
        "keys.trainer.epochs.low": "is required",
        "keys.seed": "--seeds",
        "keys.encoder.kind": "did you mean 'gaussian_population'",
        "keys.network.tick_s": "write a time like 5ms",
        "keys.network.hidden.0": "greater than 0, got 0",
        "keys.trainer.max_gradient_norm": "whole numbers",
        "keys.name.x": "not a table",
    }
    assert told.keys() == expected.keys()
    assert all(part in told[where] for where, part in expected.items()), told


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "keys: is required"), ("keys = 3", "should be an object"), ("[keys]", "varies nothing"), ("a = ", "TOML"),
     ("schema = 2\n[keys]\na = [1]", "schema: is 2"), ("[keys]\na = 3", "keys.a")],
)  # fmt: skip
def test_what_is_no_space(text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        parse(text)
    assert len(caught.value.problems) == 1


def test_values_that_contradict_each_other_are_refused_before_anything_is_trained():
    Path("space.toml").write_text("[keys]\ntrainer.minibatch = [64, 48]\ntrainer.rollout_steps = [32, 48]\n")
    with pytest.raises(ConfigError, match=r"trial 2: .*minibatch must divide") as caught:
        begin()
    assert len(caught.value.problems) == 1 and not Path("runs").exists()


def test_a_grid_that_nobody_could_wait_for():
    Path("space.toml").write_text("[keys]\ntrainer.total_steps = { low = 1, high = 1e12, integer = true }\n")
    with pytest.raises(InputError, match="use --search random"):
        begin()


# --------------------------------------------------------------------------- the sweep


def test_a_sweep_comes_to_the_same_with_any_number_of_jobs_and_each_run_to_the_same_as_alone():
    Path("space.toml").write_text("[keys]\ntrainer.total_steps = [20, 60]\n")
    one, three = begin("one"), begin("three")
    trials = sweep.sweep(one, 1, build=RandomWalk)
    sweep.sweep(three, 3, build=RandomWalk)
    assert read(one) == read(three)
    assert [t.score for t in trials] == sorted((t.score for t in trials), reverse=True)
    for trial in trials:
        means = [r.mean for r in trial.runs]
        assert trial.score == sum(means) / 2 and (trial.worst, trial.steps) == (min(means), 2 * trial.values[
            "trainer.total_steps"])  # fmt: skip
    row = json.loads(read(one))["trials"][0]
    best = one / row["runs"][1]["folder"]
    alone = run.train(run_folder.load_recipe(best), out=Path("alone"), build=RandomWalk)
    assert (best / "eval.json").read_bytes() == (alone.folder / "eval.json").read_bytes()
    assert row["runs"][1]["weights_sha256"] == alone.weights_sha256
    assert (one / sweep.FIGURE).read_bytes().startswith(b"\x89PNG")
    assert f"trainer.total_steps={row['values']['trainer.total_steps']}" in (best / "command.txt").read_text()


class Fatal(RandomWalk):
    """Sends a signal, once in the life of the folder, at the third update of trials with 60 steps."""

    def __init__(self, *args, number, target):
        super().__init__(*args)
        self.number, self.target = number, target

    def update(self):
        report = super().update()
        mark = Path("sent")
        if self.total_steps == 60 and self.steps == 30 and not mark.exists():
            mark.touch()
            os.kill(os.getppid() if self.target == "sweep" else os.getpid(), self.number)
        return report


@pytest.mark.parametrize(
    ("number", "target", "status"), [(signal.SIGTERM, "sweep", "unfinished"), (signal.SIGKILL, "run", "failed")]
)
def test_a_sweep_interrupted_or_with_a_killed_run_is_resumed_to_the_same_result(number, target, status):
    Path("space.toml").write_text("[keys]\ntrainer.total_steps = [20, 60, 40]\n")
    whole, part = begin("whole", seeds=(100,)), begin("part", seeds=(100,))
    sweep.sweep(whole, 2, build=RandomWalk)
    first = {t.trial: t for t in sweep.sweep(part, 1, build=partial(Fatal, number=number, target=target))}
    assert (first[0].status, first[1].status) == ("finished", status) and read(part) != read(whole)
    if status == "failed":
        assert "exit code -9" in first[1].runs[0].reasons[0] and first[2].status == "finished"
    kept = part / first[0].runs[0].folder / "eval.json"
    before = kept.stat().st_mtime_ns
    sweep.sweep(sweep.find("last", Path("part")), 2, build=RandomWalk)
    assert read(part) == read(whole) and kept.stat().st_mtime_ns == before


def test_a_diverged_trial_is_listed_with_its_reason_and_ends_nothing():
    folder = begin(seeds=(100,))
    trials = sweep.sweep(folder, 2, build=partial(RandomWalk, diverge_at=40))
    assert [t.status for t in trials] == ["finished", "finished", "failed", "failed"]
    assert {t.values["trainer.total_steps"] for t in trials[2:]} == {60}
    assert all("are not finite" in run.reasons[0] and str(folder) not in str(run.reasons) for run in trials[3].runs)
    assert json.loads(read(folder))["trials"][3]["score"] is None


@pytest.mark.needs_compiler
def test_a_sweep_finds_the_setting_that_learns():
    Path("small.toml").write_text(config.to_toml(small_recipe(steps=4096)))
    Path("space.toml").write_text('[keys]\n"trainer.lr" = [1e-7, 3e-3]\n')
    seen = []
    trials = sweep.sweep(begin(recipe="small.toml", seeds=(100,)), 1, seen.append)
    assert trials[0].values == {"trainer.lr": 3e-3} and trials[0].score > trials[1].score + 3
    last = seen[-1]
    assert (last.done, last.runs, last.best) == (2, 2, (1, trials[0].score)) and not last.moments


def test_a_sweep_is_not_continued_with_other_versions_or_twice_at_once(monkeypatch):
    folder = begin()
    with run_folder.lock(folder), pytest.raises(InputError, match="in use by"):
        sweep.sweep(folder, 1, build=RandomWalk)
    real = run_folder.environment()
    monkeypatch.setattr(run_folder, "environment", lambda: {**real, "numpy": "0.1"})
    with pytest.raises(InputError, match=r"numpy: is '0\.1' now and was .* start a new sweep"):
        sweep.sweep(folder, 1, build=RandomWalk)


def test_sweeps_are_found_by_name_path_and_last():
    first, second = begin(), begin()
    assert sweep.find(first.name, Path("runs")) == sweep.find(str(first), Path("nowhere")) == first
    assert sweep.find("last", Path("runs")) in {first, second} and first != second
    with pytest.raises(NotFoundError, match="does not exist"):
        sweep.find("walk", Path("nowhere"))
