"""Whatever spaces an environment has, a controller meets flat ones, in Gymnasium's order; the rest is refused."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from snnctl.agent.environment import EnvChoice
from snnctl.errors import SpaceError
from snnctl.robots import environments
from snnctl.robots.flat_spaces import MAX_CHOICES, action_problems, flat, observation_problems
from snnctl.slots import WRAPPERS
from tests.odd_environment import ACTIONS, OBSERVATIONS, Odd

NESTED = spaces.Dict(
    {
        "z": spaces.Box(-1, 1, (2, 2)),
        "a": spaces.Tuple((spaces.Discrete(3, start=4), spaces.MultiBinary(2), spaces.MultiDiscrete([2, 3]))),
        "m": spaces.Box(0, 5, ()),
    }
)
VALUE = {
    "z": np.array([[0.1, 0.2], [0.3, 0.4]], np.float32),
    "a": (5, np.array([1, 0], np.int8), np.array([1, 2])),
    "m": np.array(2.5, np.float32),
}
# alphabetical keys of a plain dict; one-hot Discrete, 0 and 1, one-hot choices; then m; then z by rows
EXPECTED = [0, 1, 0, 1, 0, 0, 1, 0, 0, 1, 2.5, 0.1, 0.2, 0.3, 0.4]


class Told(gymnasium.Env[Any, Any]):
    def __init__(self, space: spaces.Space[Any], value: Any) -> None:
        self.observation_space, self.action_space, self.value = space, spaces.Discrete(2), value

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        return self.value, {}


def test_the_order_is_the_documented_one_and_gymnasiums() -> None:
    env = flat(Told(NESTED, VALUE))
    observation, _ = env.reset()
    np.testing.assert_allclose(observation, EXPECTED, rtol=1e-6)
    np.testing.assert_array_equal(observation, spaces.flatten(NESTED, VALUE))
    assert env.observation_space == spaces.flatten_space(NESTED)
    kept = spaces.Dict([("z", NESTED["m"]), ("a", NESTED["z"])], sort_keys=False)
    assert flat(Told(kept, VALUE)).observation_space.shape == (5,)
    first = flat(Told(kept, {"z": VALUE["m"], "a": VALUE["z"]})).reset()[0]
    assert first[0] == 2.5  # an order of its own is kept


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1"])
def test_a_plain_environment_is_not_wrapped(env_id: str) -> None:
    env = gymnasium.make(env_id)
    assert flat(env) is env


@pytest.mark.parametrize("act", [name for name in ACTIONS if name not in ("unbounded", "half bounded", "dict")])
def test_every_flat_action_reaches_the_environment_in_its_own_form(act: str) -> None:
    env = environments.make("snnctl-test/Odd-v0", act=act)
    task = environments.task(env, EnvChoice(id="odd"))
    env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(100):
        env.step(env.action_space.sample())  # Odd asserts that it is in its space
    done = {str(action) for action in env.unwrapped.done}
    assert len(done) > 1
    if task.action_kind == "discrete":
        assert sum(task.choices) == task.action_size
        assert len(done) == np.prod(task.choices)  # all of them were possible, and no others


def test_several_choices_are_indices_from_zero_in_order() -> None:
    env = environments.make("snnctl-test/Odd-v0", act="shifted several")
    env.reset(seed=0)
    env.step(np.array([1, 0]))
    assert env.unwrapped.done[-1].tolist() == [[2], [-1]]
    env = environments.make("snnctl-test/Odd-v0", act="binary")
    env.reset(seed=0)
    env.step(np.array([0, 1]))
    assert env.unwrapped.done[-1].tolist() == [0, 1] and env.unwrapped.done[-1].dtype == np.int8
    env = environments.make("snnctl-test/Odd-v0", act="matrix")
    env.reset(seed=0)
    env.step(np.array([0.25, -0.5], np.float32))
    assert env.unwrapped.done[-1].tolist() == [[0.25], [-0.5]]


REFUSED = {
    ("image", "box"): "is an image (80, 60, 3)",
    ("grey", "box"): "is an image (80, 60)",
    ("small image", "box"): "is an image (4, 4, 3)",
    ("mission", "box"): "cannot be flattened: eye is an image (4, 4, 3); say is a Text",
    ("box", "unbounded"): "component 0 is unbounded [-inf, inf]",
    ("box", "half bounded"): "component 0 is unbounded [3.0, inf]",
}


def remedied(error: SpaceError, choice: EnvChoice) -> EnvChoice:
    """The choice with the wrapper that the message says to append, read as a file would be."""
    (problem,) = error.problems
    (tables,) = re.findall(r"append (\{.*\}) to env.wrappers", problem.remedy)
    wrappers = tuple(WRAPPERS.read(table) for table in tomllib.loads(f"w = [{tables}]")["w"])
    return EnvChoice(id=choice.id, kwargs=choice.kwargs, wrappers=(*choice.wrappers, *wrappers))


@pytest.mark.parametrize(("observe", "act"), REFUSED)
def test_what_is_refused_is_accepted_with_the_printed_remedy(observe: str, act: str) -> None:
    choice = EnvChoice(id="snnctl-test/Odd-v0", kwargs={"observe": observe, "act": act})
    with pytest.raises(SpaceError) as caught:
        environments.task(environments.opened(choice), choice)
    assert REFUSED[observe, act] in str(caught.value)
    choice = remedied(caught.value, choice)
    env = environments.opened(choice)
    task = environments.task(env, choice)
    observation, _ = env.reset(seed=0)
    assert observation.shape == (task.observation_size,)
    env.step(env.action_space.sample())
    if observe == "mission":
        assert task.observation_size == 2 + 4 * 4 * 3  # all but the text
    if act == "half bounded":  # what is bounded keeps its bounds
        assert env.action_space.low.tolist() == [3.0, -1.0] and env.action_space.high.tolist() == [5.0, 9.0]


def test_what_is_too_large_or_has_no_parts_is_refused_before_it_is_made() -> None:
    for space, words in (
        (OBSERVATIONS["wide"], "5000 numbers"),
        (spaces.Discrete(10**12), "1000000000000 numbers"),
        (spaces.Box(0, 1, (0,)), "without components"),
        (spaces.Graph(OBSERVATIONS["box"], None), "it is a Graph"),
    ):
        (problem,) = observation_problems(space, "X-v0")
        assert words in problem.message and "mylab:MyWrapper" in problem.remedy
    for space, words in (
        (spaces.Discrete(MAX_CHOICES + 1), "4097 choices"),
        (ACTIONS["dict"], "is a Dict"),
        (spaces.Box(0, 1, (0,)), "without components"),
        (spaces.Box(np.zeros(1), np.zeros(1), dtype=np.float64), "no room"),
    ):
        (problem,) = action_problems(space, "X-v0")
        assert words in problem.message and "mylab:MyWrapper" in problem.remedy


def test_both_spaces_are_reported_at_once() -> None:
    choice = EnvChoice(id="odd")
    with pytest.raises(SpaceError) as caught:
        environments.task(flat(Odd("image", "unbounded")), choice)
    assert len(caught.value.problems) == 2 and caught.value.exit_code == 2
