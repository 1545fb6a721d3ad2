"""Mistakes that later stages find are told with those of the schema."""

from pathlib import Path

import pytest
from safetensors.numpy import save_file

import snnctl
from snnctl import library
from snnctl.agent import folder as agent_folder
from snnctl.cli import main
from snnctl.errors import SnnctlError
from snnctl.hardware import chip
from snnctl.robots import task
from snnctl.training import blueprint


def edited(source: Path, target: Path, *changes: tuple[str, str]) -> Path:
    text = source.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    target.write_text(text)
    return target


def said(read, *arguments) -> str:
    with pytest.raises(SnnctlError) as caught:
        read(*arguments)
    return str(caught.value)


CODE = ('kind = "rate"', 'kind = "choice"')  # a code of the other kind of actions: known once the environment is open


@pytest.mark.parametrize(
    "override",
    ["trainer.lr=-1.0", "trainer.no_such_key=1", "network.hidden=[0,-1]", "evaluation.episodes=1.5", "seed=-3"],
)
def test_a_recipe_with_a_wrong_key_also_says_what_would_keep_the_rest_from_being_trained(tmp_path, override):
    path = edited(library.find("recipe", "pendulum-ppo").path, tmp_path / "r.toml", CODE)
    text = said(blueprint.load, path, [override])
    assert f"override {override.partition('=')[0]}" in text
    assert "pendulum-ppo:decoder.kind: 'choice' gives discrete actions, the task takes continuous ones" in text
    assert text == said(snnctl.train, path, override)


def test_an_environment_that_does_not_exist_is_told_with_a_wrong_key():
    path = library.find("recipe", "pendulum-ppo").path
    text = said(blueprint.load, path, ["trainer.lr=-1.0", "env.id=NoSuch-v0"])
    assert "override trainer.lr" in text and "NoSuch-v0" in text


def test_what_a_later_stage_says_of_the_key_that_is_wrong_is_left_out():
    path = library.find("recipe", "cartpole-rstdp").path  # without bounds, two observations of CartPole have none
    text = said(blueprint.load, path, ['trainer.observation_low=["a"]'])
    assert "override trainer.observation_low" in text and "is missing" not in text


def test_a_file_of_which_too_little_is_left_tells_the_first_stage_alone():
    path = library.find("recipe", "pendulum-ppo").path
    assert said(blueprint.load, path, ["encoder.kind=gausian"]).count("\n") == 0


def test_chip_and_robot_tell_both_stages(tmp_path):
    unknown = ("schema = 1", "schema = 1\nno_such_key = 1")
    first = 'source = "Davies et al., IEEE Micro 38(1), 2018"'
    path = edited(library.find("chip", "loihi1").path, tmp_path / "c.toml", unknown, (first, 'source = ""'))
    told = said(chip.load, str(path))
    assert "no_such_key: is not a known key" in told and "limits.cores.source: is empty" in told

    source, folder = library.find("env", "balancer").path, tmp_path / "robot"
    folder.mkdir()
    slower = ('physics_dt_s = "2ms"', 'physics_dt_s = "3ms"')
    edited(source / "task.toml", folder / "task.toml", unknown, slower)
    told = said(task.load, folder)
    assert "no_such_key: is not a known key" in told and "clock.physics_dt_s: 0.003 s does not divide" in told


def test_an_agent_tells_mistakes_of_its_description_and_of_its_tensors(tmp_path):
    source, folder = library.find("agent", "cartpole-ppo").path, tmp_path / "agent"
    folder.mkdir()
    edited(source / "agent.toml", folder / "agent.toml", ("schema = 1", "schema = 1\nno_such_key = 1"))
    tensors = agent_folder.read_tensors(source / "weights.safetensors")
    tensors["normaliser.std"] = tensors["normaliser.std"] * 0
    save_file(tensors, folder / "weights.safetensors")
    told = said(agent_folder.load, folder)
    assert "no_such_key: is not a known key" in told and "tensor 'normaliser.std' must be positive" in told


def test_check_tells_both(tmp_path, capsys):
    path = edited(
        library.find("recipe", "pendulum-ppo").path,
        tmp_path / "r.toml",
        CODE,
        ("[trainer]", "[trainer]\nno_such_key = 1"),
    )
    assert main.call(["check", str(path), "--kind", "recipe"]) == 1
    told = capsys.readouterr()
    assert "no_such_key" in told.out and "gives discrete actions" in told.out
