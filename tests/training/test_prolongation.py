"""A run that is continued beyond its planned end."""

import json
import sys

import pytest

from snnctl import config
from snnctl.cli import main
from snnctl.errors import InputError
from snnctl.training.recipe import Recipe
from snnctl.training.run import train

from .random_walk import RandomWalk, recipe
from .test_run import attempt, hashes


@pytest.mark.parametrize("interrupted", [False, True], ids=["finished", "before its first checkpoint"])
def test_more_steps_give_what_a_run_of_that_many_steps_gives_where_nothing_depends_on_the_plan(tmp_path, interrupted):
    whole = train(recipe(updates=30), 0, tmp_path / "whole", build=RandomWalk)
    first = attempt(tmp_path / "part", RandomWalk)
    assert first.steps == 200
    if interrupted:

        class Killed(RandomWalk):
            def update(self):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            attempt(tmp_path / "part", Killed, recipe_=recipe(updates=30))
        assert config.load(Recipe, first.folder / "recipe.toml").trainer.total_steps == 300
    again = attempt(tmp_path / "part", RandomWalk, recipe_=recipe(updates=30))
    assert (again.status, again.stopped, again.steps) == ("finished", "total_steps", 300)
    assert hashes(again.folder) == hashes(whole.folder)
    assert config.load(Recipe, again.folder / "recipe.toml").trainer.total_steps == 300


def test_a_run_that_was_stopped_by_its_return_goes_on_without_that_limit(tmp_path):
    stopped = attempt(tmp_path / "part", RandomWalk, recipe_=recipe(stop_return=1.0))
    assert (stopped.stopped, stopped.steps) == ("stop_return", 50)
    again = attempt(tmp_path / "part", RandomWalk, recipe_=recipe())
    assert (again.stopped, again.steps) == ("total_steps", 200)


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ({"updates": 10}, "the run has done 200 steps, and this plan ends there or before; plan more"),
        ({"stop_return": 5.0}, "the run has done 200 steps, and this plan ends there or before; plan more"),
        (
            {"updates": 30, "episodes": 4},
            "evaluation.episodes: is 4, the run has 2; in a run that goes on, only evaluation.final",
        ),
    ],
    ids=["fewer steps", "no more steps", "another key"],
)
def test_a_plan_that_is_no_prolongation_is_refused_and_changes_nothing(tmp_path, plan, said):
    first = attempt(tmp_path, RandomWalk)
    before = {p: p.read_bytes() for p in first.folder.rglob("*") if p.is_file() and p.name != "run.lock"}
    with pytest.raises(InputError) as caught:
        attempt(tmp_path, RandomWalk, recipe_=recipe(**plan))
    assert said in str(caught.value)
    assert before == {p: p.read_bytes() for p in first.folder.rglob("*") if p.is_file() and p.name != "run.lock"}


def test_the_command_line_prolongs_a_run_and_records_how(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["snnctl", *arguments])
        return main.call(list(arguments))

    quick = ["evaluation.final_episodes=2", "evaluation.episodes=1", "evaluation.stop_return=none"]
    assert call("train", "cartpole-ppo", "trainer.total_steps=1024", *quick, "--name", "k") == 0
    assert call("train", "--resume", "k", "trainer.total_steps=2048") == 0
    folder = tmp_path / "runs" / "cartpole-ppo" / "k-seed0"
    steps = [json.loads(line)["steps"] for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert steps[-1] == 2048 and steps == sorted(set(steps))
    assert config.load(Recipe, folder / "recipe.toml").trainer.total_steps == 2048
    whole = (folder / "command.txt").read_text().strip()
    assert whole.endswith(" && snnctl train --resume k trainer.total_steps=2048")
    assert whole in config.read_toml(folder / "checkpoints" / "last" / "agent.toml")["provenance"]["command"]
    assert call("train", "--resume", "k", "trainer.total_steps=1024") == 2
    assert "plan more than it has done" in capsys.readouterr().err
