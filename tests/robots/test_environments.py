"""Environments by name; spaces that cannot be connected are refused with what to do."""

from typing import ClassVar

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from snnctl import slots
from snnctl.agent.environment import EnvChoice
from snnctl.errors import InputError, MissingExtraError, NotFoundError, OutputError, RobotError, SpaceError
from snnctl.robots import environments, rendering


class _Spaces(gymnasium.Env):
    metadata: ClassVar = {"render_modes": []}

    def __init__(self, observation, action):
        self.observation_space, self.action_space = observation, action


BOX = spaces.Box(-1, 1, (3,))


@pytest.mark.parametrize(
    ("env_id", "sizes", "kind", "dt"),
    [
        ("CartPole-v1", (4, 2), "discrete", 0.02),
        ("InvertedPendulum-v5", (4, 1), "continuous", 0.04),
        ("Pendulum-v1", (3, 1), "continuous", 0.05),
        ("Acrobot-v1", (6, 3), "discrete", 0.2),
        ("gymnasium:MountainCar-v0", (2, 3), "discrete", 1 / 30),
    ],
)
def test_a_task_is_read_from_the_environment(env_id, sizes, kind, dt):
    env = environments.make(env_id)
    task = environments.task(env, EnvChoice(id=env_id))
    assert (task.observation_size, task.action_size) == sizes
    assert task.action_kind == kind and task.control_dt_s == pytest.approx(dt)
    assert task.env_id == env_id


def test_an_environment_without_any_clock_gets_the_documented_default():
    assert environments.control_dt_s(_Spaces(BOX, BOX)) == environments.DEFAULT_CONTROL_DT_S


def test_limits_are_float64_vectors():
    low, high = environments.limits(environments.make("InvertedPendulum-v5"))
    assert low.dtype == high.dtype == np.float64
    assert low.tolist() == [-3.0] and high.tolist() == [3.0]
    with pytest.raises(SpaceError, match="has no limits"):
        environments.limits(environments.make("CartPole-v1"))


@pytest.mark.parametrize(
    ("env_id", "words"),
    [
        ("CartPol-v1", "'CartPole-v1'"),
        ("CartPole-v9", "'CartPole-v1'"),
        ("CartPole", "'CartPole-v1'"),
        ("balncer", "'balancer'"),
        ("snnctl/Balancr-v0", "'snnctl/Balancer-v0'"),
        ("../nowhere", "list envs"),
        ("a b c", "list envs"),
        ("", "empty"),
        ("x" * 5000, "list envs"),
        ("gymnasium:Nothing-v0", "does not exist"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(env_id, words):
    with pytest.raises(NotFoundError) as caught:
        environments.make(env_id)
    assert words in str(caught.value) and len(str(caught.value)) < 300 and "\n" not in str(caught.value)


def test_refused_arguments_modules_and_modes_are_one_line():
    with pytest.raises(InputError, match="does not take the argument 'foo'"):
        environments.make("CartPole-v1", foo=1)
    with pytest.raises(InputError, match="add --trust no_such_module"):
        environments.make("no_such_module:Foo-v0")
    slots.trust("no_such_module")
    with pytest.raises(InputError, match="cannot be imported"):
        environments.make("no_such_module:Foo-v0")
    with (
        pytest.warns(UserWarning),
        pytest.raises(InputError, match="no render mode 'hologram'; allowed: human, rgb_array"),
    ):
        environments.make("CartPole-v1", render_mode="hologram")


def test_a_constructor_that_fails_is_one_line():
    def explode():
        raise ZeroDivisionError("first line\nsecond line")

    def lacking():
        raise gymnasium.error.DependencyNotInstalled("pip install it")

    gymnasium.register("Exploding-v0", entry_point=explode)
    gymnasium.register("Lacking-v0", entry_point=lacking)
    try:
        with pytest.raises(RobotError, match="ZeroDivisionError: first line") as caught:
            environments.make("Exploding-v0")
        assert "second" not in str(caught.value)
        with pytest.raises(MissingExtraError, match="pip install it"):
            environments.make("Lacking-v0")
    finally:
        del gymnasium.registry["Exploding-v0"], gymnasium.registry["Lacking-v0"]


def test_a_machine_without_opengl_gets_a_message_that_names_the_package(monkeypatch):
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(rendering, "works", lambda name: False)
    assert rendering.choose_gl() is None

    class Blind(_Spaces):
        metadata: ClassVar = {"render_modes": ["rgb_array"]}
        render_mode = "rgb_array"

        def render(self):
            raise RuntimeError("no OpenGL\nlong story")

    with pytest.raises(OutputError, match=r"cannot draw \(no OpenGL\).*libegl1"):
        rendering.frame(Blind(BOX, BOX))
    with pytest.raises(OutputError, match="render_mode"):
        rendering.frame(_Spaces(BOX, BOX))


def test_the_first_backend_that_works_is_chosen_and_the_user_s_choice_kept(monkeypatch):
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(rendering, "works", lambda name: name == "osmesa")
    assert rendering.choose_gl() == "osmesa"
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    assert rendering.choose_gl() == "glfw"
