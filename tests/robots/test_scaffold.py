"""A scaffolded robot passes every check as it is; the check finds what is broken, all of it at once."""

import sys

import gymnasium
import pytest

from snnctl import slots
from snnctl.errors import InputError, OutputError, RobotError
from snnctl.robots import check, environments
from snnctl.robots.scaffold import scaffold


@pytest.fixture
def robot(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return scaffold("my-robot", tmp_path / "envs")


def edit(folder, old, new, name="task.toml"):
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new))


def test_a_new_robot_passes_every_check_and_is_found_by_name(robot):
    assert check.problems(robot) == []
    assert environments.make("my-robot").spec.id == "snnctl/MyRobot-v0"
    assert environments.make("snnctl/MyRobot-v0").observation_space.shape == (4,)


def test_a_robot_in_the_search_path_is_found_from_elsewhere(tmp_path, monkeypatch):
    scaffold("far", tmp_path / "lab" / "envs")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("SNNCTL_PATH", str(tmp_path / "lab"))
    env = environments.make("far")
    env.reset(seed=0)
    assert env.spec.max_episode_steps == 500


def test_the_bundled_balancer_passes_every_check():
    from snnctl import library

    assert check.problems(library.find("env", "balancer").path) == []


@pytest.mark.parametrize("name", ["", "../x", "A", "a b", "1a", "a--b", "a/b", "x" * 65])
def test_names_that_cannot_be_folders_and_ids_are_refused(tmp_path, name):
    with pytest.raises(InputError, match="cannot name a robot"):
        scaffold(name, tmp_path)


def test_an_existing_folder_is_never_overwritten(robot):
    with pytest.raises(OutputError, match="exists already"):
        scaffold("my-robot", robot.parent)


def test_every_unknown_name_is_reported_at_once_with_the_nearest(robot):
    edit(robot, 'joint = "hinge" }', 'joint = "hing" }')
    edit(robot, 'sensor = "gyro", component = 1', 'sensor = "gyro", component = 3')
    edit(robot, 'actuator = "drive"', 'actuator = "drve"')
    edit(robot, 'body = "pole"', 'body = "pol"')
    edit(robot, 'camera = "side"', 'camera = "sid"')
    found = "\n".join(map(str, check.problems(robot)))
    assert found.count("\n") == 4
    for words in ("'hinge'", "take 0 to 2", "'drive'", "'pole'", "'side'", "task.toml:quantities.tilt.joint"):
        assert words in found


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('physics_dt_s = "2ms"', 'physics_dt_s = "3ms"', "does not divide"),
        ('physics_dt_s = "2ms"', "physics_dt_s = 1e-300", "at most 10000"),
        ('control_dt_s = "20ms"', 'control_dt_s = "20mW"', "not a time"),
        ('max_episode_s = "10s"', 'max_episode_s = "1ms"', "control steps"),
        ('quantity = "place"\nlow = -5.0', 'quantity = "plce"\nlow = -5.0', "did you mean 'place'"),
        ("low = -0.05\nhigh = 0.05", "low = 0.05\nhigh = -0.05", "is above"),
        ("low = -0.8\nhigh = 0.8", "", "never ends"),
        ("low = -0.8\nhigh = 0.8", "low = 0.8\nhigh = -0.8", "not below"),
        ("scale = 10.0", "scale = 0.0", "does nothing"),
        ("margin = 0.4", "margin = 0.4\nvalue_at_margin = 0.0", "impossible"),
        ("margin = 0.4", "margin = 0.4\nweight = 2.0", 'combine = "sum"'),
        ("margin = 0.4", 'margin = 0.4\nsigmoid = "gausian"', "did you mean 'gaussian'"),
        ('name = "fell"', 'name = "fell"\nlo = 3', "not a known key"),
        ('duration_s = "40ms"', 'duration_s = "30ms"', "multiple of control_dt_s"),
        ('every_s = "2s"', 'every_s = "20ms"', "longer than every_s"),
        ("[[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]", "[[0.0, 0.0, 0.0]]", "no length"),
        ('name = "centred"', 'name = "upright"', "occurs twice"),
        ('speed = { kind = "joint_velocity", joint = "rail" }', "", "'speed' is not in"),
        ("[quantities]", '[quantities]\nidle = { kind = "control", actuator = "drive" }', "used by no"),
        ('joint = "hinge"\nposition', 'joint = "rails"\nposition', "no joint 'rails'"),
        (
            'kind = "joint"\njoint = "hinge"\nposition = 0.05\nvelocity = 0.05',
            'kind = "free"\njoint = "hinge"',
            "not free",
        ),
        ('xml = "robot.xml"', 'xml = "../robot.xml"', "leaves its folder"),
        ("schema = 1", "schema = 2", "schema = 1"),
    ],
)
def test_a_mistake_in_task_toml_is_named(robot, old, new, words):
    edit(robot, old, new)
    assert words in "\n".join(map(str, check.problems(robot)))


OUTSIDE = '<asset><mesh name="m" file="{}"/></asset><worldbody>'


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("<worldbody>", OUTSIDE.format("/etc/passwd"), "absolute path"),
        ("<worldbody>", OUTSIDE.format("../secret.stl"), "leaves its folder"),
        ("<worldbody>", OUTSIDE.format("C:\\secret.stl"), "absolute path"),
        ("<worldbody>", OUTSIDE.format("none.stl"), "does not exist"),
        ("<worldbody>", '<include file="/etc/passwd"/><worldbody>', "absolute path"),
        ("<worldbody>", '<include file="robot.xml"/><worldbody>', "more than 64 places"),
        ('<compiler angle="radian"', '<compiler meshdir="/etc" angle="radian"', "absolute path"),
        ("<worldbody>", '<extension><plugin plugin="x"/></extension><worldbody>', "plugins"),
        ("<worldbody>", '<size memory="900G"/><worldbody>', "size.memory: asks for 966,367,641,600 of"),
        ("<worldbody>", '<asset><hfield name="h" nrow="99999" ncol="999" size="1 1 1 1"/></asset><worldbody>', "nrow"),
        (
            "<worldbody>",
            '<worldbody><replicate count="1000000"><geom size="1"/></replicate>',
            "robot.xml:geom: asks for 1,000,000",
        ),
        ("<mujoco model", '<!DOCTYPE x [<!ENTITY a "b">]><mujoco model', "DOCTYPE"),
        ("</mujoco>", "", "not XML"),
        ('type="slide"', 'type="slyde"', "MuJoCo refuses"),
        ('integrator="implicitfast"', 'integrator="RK4"', "RK4"),
        ("<mujoco model", "<robot/><!-- <mujoco model", "not XML"),
    ],
)
def test_hostile_and_broken_mjcf_is_refused_before_it_is_loaded(robot, old, new, words):
    edit(robot, old, new, "robot.xml")
    found = "\n".join(map(str, check.problems(robot)))
    assert words in found and len(found) < 1500


def test_a_link_out_of_the_folder_and_an_included_file_are_looked_at(robot, tmp_path):
    (tmp_path / "outside.stl").write_text("x")
    (robot / "inside.stl").symlink_to(tmp_path / "outside.stl")
    (robot / "part.xml").write_text('<mujocoinclude><asset><mesh file="inside.stl"/></asset></mujocoinclude>')
    edit(robot, "<worldbody>", '<include file="part.xml"/><worldbody>', "robot.xml")
    assert "link to a file outside" in "\n".join(map(str, check.problems(robot)))


def test_a_huge_binary_or_missing_file_is_one_line(robot):
    (robot / "robot.xml").write_bytes(b"\x00\xff" * 1000)
    assert "not XML" in str(check.problems(robot)[0])
    (robot / "robot.xml").write_bytes(b" " * 10_000_001)
    assert "larger than" in str(check.problems(robot)[0])
    (robot / "robot.xml").unlink()
    assert "does not exist" in str(check.problems(robot)[0])
    (robot / "task.toml").unlink()
    assert "has no task.toml" in str(check.problems(robot)[0])


TERMS = """
import numpy as np
from snnctl.robots.quantities import quantity
@quantity
def energy(model, data, gain=1.0):
    return gain * data.qvel[0] ** 2
@quantity
def broken(model, data):
    raise KeyError("oops")
@quantity
def drunk(model, data):
    return np.random.random()
@quantity
def nothing(model, data):
    return float("nan")
"""


@pytest.fixture
def terms(tmp_path, monkeypatch):
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "robot_terms_for_tests.py").write_text(TERMS)
    monkeypatch.syspath_prepend(str(folder))
    slots.trust("robot_terms_for_tests", "no_such_lab")
    yield "robot_terms_for_tests"
    sys.modules.pop("robot_terms_for_tests", None)


def python_term(robot, function, args=""):
    table = f'{{ kind = "python", function = "{function}"{args} }}'
    edit(robot, 'speed = { kind = "joint_velocity", joint = "rail" }', f"speed = {table}")


def test_a_term_in_python_is_named_by_import_path(robot, terms):
    python_term(robot, f"{terms}:energy", ", args = { gain = 2.0 }")
    assert check.problems(robot) == []
    env = environments.make(str(robot))
    env.reset(seed=0)
    observation, *_ = env.step([0.5])
    assert observation[3] == pytest.approx(0.5 * 2.0 * env.unwrapped.data.qvel[0] ** 2)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("{}:broken", "KeyError"),
        ("{}:drunk", "differ"),
        ("{}:nothing", ""),
        ("{}:enrgy", "did you mean 'energy'"),
        ("no_such_lab:x", "cannot be imported"),
        ("{}", "not an import path"),
    ],
)
def test_a_python_term_that_is_wrong_is_named(robot, terms, function, words):
    python_term(robot, function.format(terms))
    found = check.problems(robot)
    assert found and words in "\n".join(map(str, found))


def test_nothing_inside_the_folder_is_executed(robot, tmp_path):
    (robot / "evil_inside_the_folder.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    python_term(robot, "evil_inside_the_folder:x")
    slots.trust("evil_inside_the_folder")
    assert "cannot be imported" in str(check.problems(robot)[0])
    assert not (tmp_path / "ran").exists()


def test_a_broken_folder_is_left_out_of_the_registry_and_named_when_asked_for(robot):
    edit(robot, "schema = 1", "schema = 1\nversion_ = 3")
    gymnasium.registry.pop("snnctl/MyRobot-v0", None)
    with pytest.raises((RobotError, InputError), match="version_"):
        environments.make("snnctl/MyRobot-v0")
