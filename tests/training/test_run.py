import hashlib
import json
import multiprocessing
import os
import random
import resource
import signal
from functools import partial

import numpy as np
import pytest

from snnctl import config
from snnctl.agent import folder as agent_folder
from snnctl.errors import DivergedError, InputError, OutputError, SnnctlError, StorageError
from snnctl.loop.closed_loop import episode_seeds
from snnctl.training import checkpoint, evaluations, run_folder
from snnctl.training.collapse import collapses
from snnctl.training.run import train

from .random_walk import RandomWalk, recipe

SAME_FILES = (
    "metrics.jsonl",
    "evaluations.jsonl",
    "eval.json",
    "checkpoints/best/weights.safetensors",
    "checkpoints/last/weights.safetensors",
    "checkpoints/last/state.safetensors",
)


def hashes(folder):
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in SAME_FILES}


def attempt(base, build, save_every_s=0.0, recipe_=None):
    """Start the run ``base/walk/k-seed0``, or continue it where it can be continued."""
    folder = base / "walk" / "k-seed0"
    resume = folder if (folder / "recipe.toml").exists() else None  # before that, its name is free
    return train(recipe_ or recipe(), 0, base, name="k", resume=resume, build=build, save_every_s=save_every_s)


def test_a_run_folder_is_complete_and_the_best_agent_is_an_agent_folder(tmp_path):
    moments = []
    result = train(recipe(), 3, tmp_path, command="snnctl train walk", build=RandomWalk, progress=moments.append)
    folder = result.folder
    assert (result.status, result.stopped, result.steps, result.updates) == ("finished", "total_steps", 200, 20)
    assert folder.parent == tmp_path / "walk" and folder.name.endswith("-seed3")
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [row["update"] for row in rows] == list(range(1, 21))
    evaluated = {row["steps"]: row["evaluation/return"] for row in rows if "evaluation/return" in row}
    assert list(evaluated) == [50, 100, 150, 200]
    raw = evaluations.read(folder)
    assert {row["steps"]: np.mean(row["returns"]) for row in raw} == evaluated
    assert [row["update"] for row in raw] == [5, 10, 15, 20] and not any(row["confirmation"] for row in raw)
    collapsed = collapses(list(evaluated.values()))
    assert [row["evaluation/collapsed"] for row in rows if "evaluation/return" in row] == collapsed
    assert (result.evaluations, result.collapsed) == (4, sum(collapsed))
    best, last = (agent_folder.load(folder / "checkpoints" / name) for name in ("best", "last"))
    assert result.best == max(evaluated.values()) == evaluated[best.description.provenance.steps]
    assert last.description.provenance.steps == raw[-1]["steps"] == 200
    used = {seed for row in raw for seed in row["episode_seeds"]}
    assert len(used) == 2 and not used & set(episode_seeds(3, 100))  # other ones than those of the reported figure
    assert 0 < result.evaluation_s + result.final_evaluation_s < result.wall_s
    assert best.description.provenance.weights_sha256 == result.weights_sha256
    assert best.description.provenance.command == "snnctl train walk"
    evaluation = json.loads((folder / "eval.json").read_text())
    assert evaluation == result.evaluation and len(evaluation["returns"]) == 100
    assert "100 evaluation episodes" in (folder / "checkpoints" / "best" / "README.md").read_text()
    assert config.load(type(recipe()), folder / "recipe.toml").seed == 3
    assert (folder / "figures" / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
    assert {m.phase for m in moments} == {"train", "evaluate", "evaluate the best"}
    assert [m.episodes for m in moments if m.phase == "evaluate"] == [0, 1, 2] * 4


def test_the_same_seed_gives_the_same_files_and_another_seed_does_not(tmp_path):
    first, second, other = (train(recipe(), s, tmp_path, build=RandomWalk).folder for s in (0, 0, 1))
    assert hashes(first) == hashes(second)
    assert not set(hashes(first).values()) & set(hashes(other).values())


@pytest.mark.parametrize("updates", [1, 10, 19])
def test_stop_and_resume_equals_an_uninterrupted_run(tmp_path, updates):
    class Stopping(RandomWalk):
        def update(self):
            report = super().update()
            if self.steps == updates * 10:
                os.kill(os.getpid(), signal.SIGTERM)
            return report

    whole = train(recipe(), 0, tmp_path / "whole", build=RandomWalk)
    part = attempt(tmp_path / "part", Stopping, save_every_s=1e9)
    assert (part.status, part.updates, part.evaluation) == ("interrupted", updates, None)
    rest = attempt(tmp_path / "part", RandomWalk)
    assert rest.status == "finished" and rest.folder == part.folder
    assert hashes(rest.folder) == hashes(whole.folder)


@pytest.mark.parametrize(("phase", "steps"), [("evaluate", 50), ("evaluate", 200), ("evaluate the best", None)])
def test_an_evaluation_that_is_interrupted_is_played_again(tmp_path, phase, steps):
    whole = train(recipe(), 0, tmp_path / "whole", build=RandomWalk)
    base, interrupted = tmp_path / "part", []

    def interrupt(moment):
        assert not interrupted  # nothing is played after it
        if (
            moment.phase == phase
            and 0 < moment.episodes < (100 if steps is None else 2)
            and steps in (None, moment.done)
        ):
            interrupted.append(moment)
            os.kill(os.getpid(), signal.SIGINT)

    part = train(recipe(), 0, base, name="k", build=RandomWalk, progress=interrupt)
    assert part.status == "interrupted" and interrupted
    assert hashes(attempt(base, RandomWalk).folder) == hashes(whole.folder)


@pytest.mark.parametrize("envs", [1, 3])
def test_the_result_does_not_depend_on_how_many_episodes_are_played_at_a_time(tmp_path, envs):
    chosen = {"episodes": 4, "stop_return": 1.0, "final_episodes": 10}
    base = train(recipe(envs=2, **chosen), 0, tmp_path / "2", build=RandomWalk)
    other = train(recipe(envs=envs, **chosen), 0, tmp_path / str(envs), build=RandomWalk)
    results = ("metrics.jsonl", "evaluations.jsonl", "eval.json", "checkpoints/best/weights.safetensors")
    assert [hashes(base.folder)[name] for name in results] == [hashes(other.folder)[name] for name in results]


def test_kill_9_at_random_moments_then_resume_equals_an_uninterrupted_run(tmp_path):
    build = partial(RandomWalk, pause_s=0.01)
    whole = train(recipe(), 0, tmp_path / "whole", build=build)
    context = multiprocessing.get_context("fork")
    chance = random.Random(7)
    for number in range(2):
        base = tmp_path / f"killed{number}"
        for _ in range(6):
            child = context.Process(target=attempt, args=(base, build))
            child.start()
            child.join(chance.uniform(0.005, 0.25))
            os.kill(child.pid, signal.SIGKILL)
            child.join()
            assert child.exitcode == -signal.SIGKILL
        attempt(base, build)
        assert hashes(base / "walk" / "k-seed0") == hashes(whole.folder)


def test_the_comparison_notices_a_generator_missing_from_the_state(tmp_path):
    class Forgetful(RandomWalk):
        def __init__(self, *args):
            super().__init__(*args, forget_generator=True)

        def update(self):
            report = super().update()
            if self.steps == 70:
                os.kill(os.getpid(), signal.SIGINT)
            return report

    whole = train(recipe(), 0, tmp_path / "whole", build=RandomWalk)
    attempt(tmp_path / "part", Forgetful)
    rest = attempt(tmp_path / "part", partial(RandomWalk, forget_generator=True))
    changed, same = hashes(rest.folder), hashes(whole.folder)
    assert all(changed[name] != same[name] for name in SAME_FILES)


def test_a_confirmed_agent_stops_the_training(tmp_path):
    result = train(recipe(stop_return=1.0), 0, tmp_path, build=RandomWalk)
    assert (result.stopped, result.updates) == ("stop_return", 5)
    row = json.loads((result.folder / "metrics.jsonl").read_text().splitlines()[-1])
    assert row["evaluation/episodes"] == 2 + 3
    (*_, raw) = evaluations.read(result.folder)
    assert len(raw["returns"]) == 2 and len(raw["confirmation"]["returns"]) == 3


def test_a_finished_run_resumed_gives_the_same_again(tmp_path):
    first = attempt(tmp_path, RandomWalk)
    before = hashes(first.folder)
    again = attempt(tmp_path, RandomWalk)
    assert again.evaluation == first.evaluation and hashes(again.folder) == before


def test_resume_refuses_another_recipe_and_shows_the_difference(tmp_path):
    attempt(tmp_path, RandomWalk)
    with pytest.raises(InputError) as caught:
        attempt(tmp_path, RandomWalk, recipe_=recipe(episodes=4, every_steps=20))
    text = str(caught.value)
    assert len(caught.value.problems) == 2
    assert "evaluation.episodes: is 4, the run has 2" in text and "evaluation.every_steps: is 20" in text


def test_resume_refuses_other_versions_unless_told_and_marks_the_result(tmp_path, monkeypatch):
    class Stopping(RandomWalk):
        def update(self):
            os.kill(os.getpid(), signal.SIGHUP)
            return super().update()

    part = attempt(tmp_path, Stopping)
    real = run_folder.environment()
    monkeypatch.setattr(run_folder, "environment", lambda: {**real, "numpy": "0.1"})
    with pytest.raises(InputError, match=r"numpy: is '0\.1' now and was"):
        train(recipe(), 0, resume=part.folder, build=RandomWalk)
    result = train(recipe(), 0, resume=part.folder, build=RandomWalk, other_versions=True)
    assert "not bit-exact" in (result.folder / "checkpoints" / "best" / "README.md").read_text()


def test_two_trainings_in_one_run_folder(tmp_path):
    class Rival(RandomWalk):
        def update(self):
            with pytest.raises(OutputError) as caught:
                attempt(tmp_path, RandomWalk)
            assert f"in use by process {os.getpid()} on" in str(caught.value)
            return super().update()

    assert attempt(tmp_path, Rival, recipe_=recipe(updates=1)).status == "finished"


def test_a_diverged_training_says_where_the_last_good_checkpoint_is(tmp_path):
    with pytest.raises(DivergedError, match="checkpoints/last"):
        attempt(tmp_path, partial(RandomWalk, diverge_at=80))
    kept = checkpoint.newest(tmp_path / "walk" / "k-seed0" / "checkpoints" / "last")
    assert kept.values["update"] == 7
    assert attempt(tmp_path, RandomWalk).status == "finished"


@pytest.mark.parametrize("limit", [700, 1500, 4000])
def test_a_full_disk_leaves_the_old_checkpoint(tmp_path, limit):
    class Filling(RandomWalk):
        def update(self):
            if self.steps == 60:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
            return super().update()

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(SnnctlError) as caught:
            attempt(tmp_path, Filling)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert isinstance(caught.value, StorageError) and "intact" in str(caught.value)
    kept = checkpoint.newest(tmp_path / "walk" / "k-seed0" / "checkpoints" / "last")
    assert kept.values["update"] == 6
    whole = train(recipe(), 0, tmp_path / "whole", build=RandomWalk)
    assert hashes(attempt(tmp_path, RandomWalk).folder) == hashes(whole.folder)


def test_an_output_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="--out"):
        train(recipe(), 0, tmp_path / "file", build=RandomWalk)


def test_a_name_that_is_taken(tmp_path):
    attempt(tmp_path, RandomWalk, recipe_=recipe(updates=1))
    with pytest.raises(OutputError, match="exists already"):
        train(recipe(updates=1), 0, tmp_path, name="k", build=RandomWalk)


def test_a_second_signal_stops_at_once(tmp_path):
    class Stubborn(RandomWalk):
        def update(self):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            raise AssertionError("still working")

    with pytest.raises(KeyboardInterrupt):
        attempt(tmp_path, Stubborn)
    assert attempt(tmp_path, RandomWalk).status == "finished"
