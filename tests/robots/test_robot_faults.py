"""Mistakes around robots are told with their reason: ranges, folders that vanish, modules out of reach, pictures."""

from __future__ import annotations

import os

import gymnasium
import pytest

from snnctl import slots
from snnctl.errors import InputError, SnnctlError
from snnctl.robots import check, environments, folders, rendering
from snnctl.robots.robot_env import RobotEnv
from snnctl.robots.scaffold import scaffold


@pytest.fixture
def robot(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    known = set(gymnasium.registry)
    yield scaffold("faulty-robot", tmp_path / "envs")
    for name in set(gymnasium.registry) - known:
        del gymnasium.registry[name]


def edit(folder, old, new):
    text = (folder / "task.toml").read_text()
    assert old in text
    (folder / "task.toml").write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("action", "reach"),
    [
        ("scale = 20.0", "from -20 to 20"),
        ("scale = -10.5", "from -10.5 to 10.5"),
        ("scale = 10.0\noffset = 1.0", "from -9 to 11"),
        ("scale = 10.0\nlow = -2.0", "from -20 to 10"),
        ("scale = 10.0\nhigh = 1.5", "from -10 to 15"),
        ("scale = 10.0", ""),
        ("scale = 5.0\noffset = -5.0", ""),
    ],
)
def test_check_tells_a_range_of_an_action_that_its_actuator_clips(robot, monkeypatch, action, reach):
    monkeypatch.setattr(rendering, "choose_gl", lambda: None)
    edit(robot, "scale = 10.0", action)
    found = check.problems(robot)
    if not reach:
        assert found == []
        return
    (problem,) = found
    assert problem.where.endswith("task.toml:action.0") and problem.remedy
    assert f"controls 'drive' {reach}, its ctrlrange is -10 to 10" in problem.message


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('quantity = "tilt"', 'quantity = "tlt"', "tlt"),
        ("schema = 1", "schema = ", "task.toml"),
        ('actuator = "drive"', 'actuator = "drove"', "drove"),
        ("version = 0", 'version = "zero"', "version"),
    ],
)
def test_gymnasium_tells_why_a_robot_with_a_mistake_cannot_be_made(robot, old, new, reason):
    edit(robot, old, new)
    folders.register_all()
    with pytest.raises(SnnctlError, match=reason):
        gymnasium.make("snnctl/FaultyRobot-v0")
    edit(robot, new, old)
    folders.register_all()
    assert gymnasium.make("snnctl/FaultyRobot-v0").spec.max_episode_steps == 500


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "install it, or write PYTHONPATH=FOLDER before the command"),
        ({"snnctl_lab.py": ""}, "it is in the current folder, .* PYTHONPATH=. before the command"),
        ({"snnctl_lab/__init__.py": ""}, "it is in the current folder, .* PYTHONPATH=. before the command"),
        ({"lib/snnctl_lab.py": "import snnctl_absent"}, "install 'snnctl_absent', which it needs"),
    ],
)
def test_a_module_that_is_not_found_is_answered_with_how_to_name_its_folder(tmp_path, monkeypatch, files, words):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    slots.trust("snnctl_lab")
    with pytest.raises(InputError, match=words):
        environments.make("snnctl_lab:Lab-v0")


def test_plain_gymnasium_draws_with_what_works_without_a_screen(robot, monkeypatch):
    from gymnasium.envs.mujoco import mujoco_rendering

    asked = []

    class Renderer:
        def __init__(self, *args, **kwargs):
            asked.append(os.environ.get("MUJOCO_GL"))

        def render(self, mode):
            return None

        def close(self):
            pass

    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(rendering.sys, "platform", "linux")
    monkeypatch.setattr(rendering, "works", lambda name: name == "osmesa")
    monkeypatch.setattr(mujoco_rendering, "MujocoRenderer", Renderer)
    env = gymnasium.make(folders.register(robot), render_mode="rgb_array")
    env.reset(seed=0)
    env.render()
    env.close()
    assert asked == ["osmesa"]


@pytest.mark.parametrize(("works", "said"), [("egl", "cannot draw (no context)"), (None, "")])
def test_check_draws_a_picture_where_the_machine_can(robot, monkeypatch, works, said):
    def render(self):
        if self.render_mode == "rgb_array":
            raise RuntimeError("no context")

    monkeypatch.setattr(rendering, "choose_gl", lambda: works)
    monkeypatch.setattr(RobotEnv, "render", render)
    assert said in "".join(problem.message for problem in check.problems(robot))
    assert bool(check.problems(robot)) == bool(said)
