from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from snnctl.errors import InputError
from snnctl.robots import environments
from snnctl.robots.changes import Change, changed, parse


def cartpole(*changes: str) -> gymnasium.Env:
    return changed(environments.make("CartPole-v1"), parse(changes))


def test_it_reads_what_it_writes():
    texts = [
        "length*=0.18",
        "observation[3]+=-0.3",
        "model.body_mass[pole]=9",
        "model.opt.gravity[2]*=0.5",
        "action*=-1",
        "length*=0.18123456789",
    ]
    changes = parse(texts)
    assert [str(change) for change in changes] == texts
    assert changes[2] == Change("model.body_mass", "pole", "=", 9.0)
    assert parse(["length *= 0.18"]) == changes[:1]


def test_the_pole_falls_as_the_equation_of_the_changed_plant_says():
    """d omega / dt at rest, a push to the right: -F cos(theta) / M / (l (4/3 - m cos^2 / M)), Florian 2007."""
    for changes, length, mass, push in (
        ((), 0.5, 0.1, 10.0),
        (("length*=0.18",), 0.09, 0.1, 10.0),
        (("masspole=0.5", "length+=0.5", "force_mag*=8"), 1.0, 0.5, 80.0),
    ):
        env = cartpole(*changes)
        observation, _ = env.reset(seed=3)
        env.unwrapped.state = np.zeros(4)
        observation = env.step(1)[0]
        total = mass + 1.0
        expected = -push / total / (length * (4 / 3 - mass / total))
        assert observation[3] == pytest.approx(0.02 * expected, rel=1e-6)
        env.close()


def test_a_changed_sensor_reads_wrong_and_the_plant_does_not_care():
    plain, wrong = cartpole(), cartpole("observation[3]+=0.3", "observation[0]=1.5", "observation[1]*=-2")
    for env_steps in range(8):
        one = plain.reset(seed=1)[0] if env_steps == 0 else plain.step(env_steps % 2)[0]
        two = wrong.reset(seed=1)[0] if env_steps == 0 else wrong.step(env_steps % 2)[0]
        assert two == pytest.approx([1.5, -2 * one[1], one[2], one[3] + np.float32(0.3)])
        assert two.dtype == one.dtype
        assert np.array_equal(plain.unwrapped.state, wrong.unwrapped.state)


def test_a_misspelt_name_is_refused_whatever_the_environment_computes():
    class Odd(gymnasium.Env):
        masses = 1.0

        @property
        def mess(self):
            raise RuntimeError("not now")

    with pytest.raises(InputError, match=r"'mass' does not exist.*'masses'"):
        changed(Odd(), parse(["mass*=2"]))


def test_a_reversed_motor_pushes_the_other_way():
    plain = environments.make("InvertedPendulum-v5")
    reversed_ = changed(environments.make("InvertedPendulum-v5"), parse(["action*=-1"]))
    geared = changed(environments.make("InvertedPendulum-v5"), parse(["model.actuator_gear[slide]*=-1"]))
    for env in (plain, reversed_, geared):
        env.reset(seed=0)
    for push in (1.0, 2.0, -0.5):
        expected = plain.step(np.array([-push], np.float32))[0]
        assert reversed_.step(np.array([push], np.float32))[0] == pytest.approx(expected)
        assert geared.step(np.array([push], np.float32))[0] == pytest.approx(expected)


def test_mujocos_model_is_whole_again_after_a_change():
    env = changed(environments.make("InvertedPendulum-v5"), parse(["model.body_mass[pole]*=4"]))
    plain = environments.make("InvertedPendulum-v5")
    pole = plain.unwrapped.model.body("pole").id
    assert env.unwrapped.model.body_mass[pole] == pytest.approx(4 * plain.unwrapped.model.body_mass[pole])
    assert env.unwrapped.model.body_subtreemass[0] == pytest.approx(env.unwrapped.model.body_mass.sum())


def test_the_robot_of_a_folder_can_be_changed():
    env = changed(environments.make("balancer"), parse(["model.actuator_gear*=0.5"]))
    plain = environments.make("balancer")
    assert env.unwrapped.model.actuator_gear == pytest.approx(0.5 * plain.unwrapped.model.actuator_gear)


@pytest.mark.parametrize(
    ("env_id", "change", "says"),
    [
        ("CartPole-v1", "lenght*=2", "did you mean 'length'"),
        ("CartPole-v1", "length[0]*=2", "leave out the index"),
        ("CartPole-v1", "observation[4]=0", "index 0 to 3"),
        ("CartPole-v1", "observation[angle]=0", "give a number"),
        ("CartPole-v1", "action*=-1", "continuous actions"),
        ("CartPole-v1", "kinematics_integrator*=2", "is a str"),
        ("CartPole-v1", "screen_width*=0.333", "whole number"),
        ("CartPole-v1", "model.body_mass*=2", "'model' does not exist"),
        ("InvertedPendulum-v5", "model.body_mass[pol]*=2", "pole"),
        ("InvertedPendulum-v5", "model.body_mass[7]*=2", "index 0 to 2"),
        ("InvertedPendulum-v5", "model.bodymass*=2", "did you mean 'body_mass'"),
        ("InvertedPendulum-v5", "dt*=2", "cannot be set"),
    ],
)
def test_what_cannot_be_changed_is_refused(env_id, change, says):
    env = environments.make(env_id)
    env.reset(seed=0)
    with pytest.raises(InputError, match="change") as caught:
        changed(env, parse([change]))
    assert says in str(caught.value)
    env.close()


@pytest.mark.parametrize(
    "text", ["length", "length*2", "length*=", "length=nan", "=3", "length=inf", "l[]=1", "a..b=1"]
)
def test_what_is_no_change_is_refused(text):
    with pytest.raises(InputError, match=r"cannot be read; write e\.g\. length"):
        parse([text])


SIMULATORS = ("data.nbuffer=1000000000", "data.threadpool=4096", "data.qpos=1", "model.nbody=3", "model.opt.solver=77")


@pytest.mark.parametrize("change", SIMULATORS)
def test_the_simulators_own_state_and_settings_are_no_part_of_the_plant(change):
    with pytest.raises(InputError, match="belongs to the simulator; change numbers of the plant"):
        changed(environments.make("InvertedPendulum-v5"), parse([change]))


def test_a_whole_number_stays_within_reason():
    with pytest.raises(InputError, match=r"frame_skip.*at most 100000 is allowed"):
        changed(environments.make("InvertedPendulum-v5"), parse(["frame_skip=1000000000"]))
    with pytest.raises(InputError, match=r"env.kwargs.frame_skip: is 1000000000"):
        environments.make("InvertedPendulum-v5", frame_skip=10**9)
    with pytest.raises(InputError, match="is not an index") as caught:
        cartpole("observation[" + "9" * 5000 + "]=1")
    assert len(str(caught.value)) < 300
