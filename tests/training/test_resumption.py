"""Run folders that a stranger made: nothing in them becomes an index, a size or the name of a file unchecked."""

import hashlib
import json
import os
import shutil

import numpy as np
import pytest
from safetensors.numpy import load, save

from snnctl.errors import SnnctlError
from snnctl.training.run import train

from .random_walk import RandomWalk, recipe


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return train(recipe(), 0, tmp_path_factory.mktemp("run"), name="k", build=RandomWalk).folder


@pytest.fixture
def run(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "walk" / "k-seed0")


def resume(folder):
    return train(recipe(), 0, folder.parents[1], resume=folder, build=RandomWalk)


def signed(folder, change, arrays=None):
    """Change the values of ``state.json``, or an array, and let the file vouch for them."""
    last = folder / "checkpoints" / "last"
    content = json.loads((last / "state.json").read_text())
    inner = json.loads(content["values"])
    inner = change(inner) or inner
    if arrays is not None:
        raw = save(arrays(dict(load((last / "state.safetensors").read_bytes()))))
        (last / "state.safetensors").write_bytes(raw)
        content["sha256"]["arrays"] = hashlib.sha256(raw).hexdigest()
    content["values"] = json.dumps(inner)
    content["sha256"]["values"] = hashlib.sha256(content["values"].encode()).hexdigest()
    (last / "state.json").write_text(json.dumps(content))


def put(*path, value):
    def change(inner):
        node = inner["values"]
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = value

    return change


VALUES = {
    "no values": lambda inner: {"order": inner["order"]},
    "values of a list": lambda inner: {"order": inner["order"], "values": [1]},
    "an order of numbers": lambda inner: {"order": [1, 2], "values": inner["values"]},
    "update of text": put("update", value="x"),
    "update below 0": put("update", value=-1),
    "update beyond": put("update", value=10**400),
    "log of text": put("log_bytes", value="x"),
    "log below 0": put("log_bytes", value=-5),
    "log beyond the file": put("log_bytes", value=10**12),
    "evaluations of none": put("evaluations_bytes", value=None),
    "seconds not finite": put("wall_s", value=float("nan")),
    "judgement of other keys": put("judgement", value={"x": 1}),
    "judgement of text": put("judgement", "evaluations", value="x"),
    "report of other keys": put("report", value={"steps": 1}),
    "report of a list": put("report", value=[1]),
    "stopped for nothing": put("stopped", value="x"),
    "stopped without a best": put("best", value=None),
    "best of text": put("best", value="x"),
    "best without description": put("best", value={"score": 1.0}),
    "best that is no agent": put("best", "description", value={"name": "x"}),
    "recipe of text": put("recipe", value="x"),
    "environment of a list": put("environment", value=[]),
    "algorithm of other keys": put("algorithm", value={"x": 1}),
    "rows elsewhere": put("rows", value={"../../../victim": {"total": 0, "width": 1, "dtype": "<f4"}}),
    "rows of objects": put("rows", value={"replay": {"total": 1, "width": 1, "dtype": "O"}}),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_that_no_run_wrote_are_refused(run, name):
    victim = run.parents[1] / "victim.rows"
    victim.write_text("precious")
    signed(run, VALUES[name])
    with pytest.raises(SnnctlError) as caught:
        resume(run)
    assert all(problem.where and problem.remedy and len(str(problem)) < 700 for problem in caught.value.problems)
    assert victim.read_text() == "precious"


@pytest.mark.parametrize("work", ["missing", "longer", "type", "extra", "best"])
def test_arrays_that_no_training_has_are_refused(run, work):
    def arrays(known):
        name = next(n for n in sorted(known) if n.startswith("best." if work == "best" else "algorithm."))
        if work == "missing":
            del known[name]
        elif work == "extra":
            known["algorithm.x"] = np.zeros(3)
        elif work == "type":
            known[name] = known[name].astype(np.int8)
        else:
            known[name] = np.zeros((7, *known[name].shape), known[name].dtype)
        return known

    def order(inner):
        if work == "missing":
            inner["order"].remove(next(n for n in sorted(inner["order"]) if n.startswith("algorithm.")))
        if work == "extra":
            inner["order"].append("algorithm.x")

    signed(run, order, arrays)
    with pytest.raises(SnnctlError) as caught:
        resume(run)
    assert all("state" in problem.where and problem.remedy for problem in caught.value.problems)


@pytest.mark.parametrize("name", ["run.lock", "metrics.jsonl", "evaluations.jsonl", "checkpoints/x.rows", "eval.json"])
def test_links_out_of_a_run_folder_are_not_followed(run, name):
    victim = run.parents[1] / "victim"
    victim.write_text("precious")
    (run / name).unlink(missing_ok=True)
    (run / name).symlink_to(victim)
    with pytest.raises(SnnctlError, match="is a link; put the file itself in its place"):
        resume(run)
    assert victim.read_text() == "precious"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("command.txt", b"\xff\xfe\x00"),
        ("checkpoints/last/state.json", b"\xff\xfe"),
        ("checkpoints/last/state.json", b"[" * 100_000),
        ("checkpoints/last/state.json", b"[]"),
        ("checkpoints/last/state.json", b'{"sha256": 1, "values": 2}'),
        ("checkpoints/last/state.safetensors", b"\x00"),
        ("recipe.toml", b"\xff"),
    ],
)
def test_files_that_are_not_what_they_should_be_are_refused(run, name, content):
    from snnctl.training.run_folder import load_recipe

    (run / name).write_bytes(content)
    with pytest.raises(SnnctlError) as caught:
        load_recipe(run)
        resume(run)
    assert all(name.partition(".safe")[0] in problem.where and problem.remedy for problem in caught.value.problems)


def test_a_pipe_in_a_run_folder_does_not_hang(run):
    (run / "command.txt").unlink()
    os.mkfifo(run / "command.txt")
    with pytest.raises(SnnctlError, match="is a device or a pipe"):
        resume(run)


def test_a_sound_run_is_still_resumed(run, finished):
    assert resume(run).status == "finished"
    assert (run / "metrics.jsonl").read_bytes() == (finished / "metrics.jsonl").read_bytes()
