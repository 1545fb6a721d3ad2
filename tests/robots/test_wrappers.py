"""Wrappers by name: what each does, how it is written and read, and what is said of one that does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from snnctl import config, slots
from snnctl.agent.environment import EnvChoice
from snnctl.errors import ConfigError, InputError
from snnctl.robots import environments
from tests import odd_environment  # noqa: F401


def choice(*tables: dict[str, Any], env_id: str = "snnctl-test/Odd-v0", **kwargs: Any) -> EnvChoice:
    return config.validate(EnvChoice, {"id": env_id, "kwargs": kwargs, "wrappers": list(tables)}, "recipe.toml")


def opened(*tables: dict[str, Any], **kwargs: Any) -> gymnasium.Env[Any, Any]:
    return environments.opened(choice(*tables, **kwargs))


def test_hidden_observations_are_left_out_of_the_flat_observation() -> None:
    env = opened({"name": "hide_observation", "indices": [1, 3]}, env_id="CartPole-v1")
    whole = opened(env_id="CartPole-v1")
    observation, full = env.reset(seed=4)[0], whole.reset(seed=4)[0]
    np.testing.assert_array_equal(observation, full[[0, 2]])
    assert env.observation_space.shape == (2,)
    np.testing.assert_array_equal(env.observation_space.high, whole.observation_space.high[[0, 2]])


def test_stacked_frames_are_flat_with_the_oldest_first() -> None:
    env = opened({"name": "frame_stack", "size": 3, "padding": "zero"})
    first, _ = env.reset(seed=0)
    second, *_ = env.step(np.array([0, 0]))
    assert first.shape == (6,) and not first[:4].any()
    np.testing.assert_array_equal(second[2:4], first[4:])


def test_observations_are_scaled_and_transformed(monkeypatch: pytest.MonkeyPatch) -> None:
    env = opened({"name": "rescale_observation", "low": 0.0, "high": [1.0, 10.0]}, observe="matrix")
    a, b = env.reset(seed=1)[0]
    plain = opened(observe="matrix").reset(seed=1)[0]
    assert (a, b) == pytest.approx(((plain[0] + 1) / 2, 5 * (plain[1] + 1)), rel=1e-6)
    monkeypatch.setenv("SNNCTL_TRUST", "")
    table = {"name": "transform_observation", "function": "numpy:cumsum", "low": [-1.0, -2.0], "high": [1.0, 2.0]}
    with pytest.raises(InputError, match="add --trust numpy"):
        opened(table, observe="matrix")
    slots.trust("numpy")
    np.testing.assert_allclose(opened(table, observe="matrix").reset(seed=1)[0], np.cumsum(plain), rtol=1e-6)


def test_one_hot_counts_from_the_lower_bound() -> None:
    env = opened({"name": "one_hot", "low": -1, "high": 1}, observe="box")  # rounded
    plain = opened(observe="box").reset(seed=1)[0]
    expected = [[value == k for k in (-1, 0, 1)] for value in np.rint(plain)]
    np.testing.assert_array_equal(env.reset(seed=1)[0], np.ravel(expected))
    with pytest.raises(InputError, match="give a smaller high"):
        opened({"name": "one_hot"}, observe="image")
    assert opened({"name": "one_hot"}, observe="discrete").observation_space.shape == (6,)


def test_blocks_of_an_image_are_its_brightness() -> None:
    env = opened({"name": "image_blocks", "rows": 7, "columns": 3}, observe="image")
    blocks = env.reset(seed=0)[0].reshape(7, 3)
    bright, level = env.unwrapped.right
    assert (blocks[:3] == bright).all()  # rows 0 to 33 of the upper 40
    np.testing.assert_allclose(blocks[4:], 127 * level / 255, rtol=1e-6)
    upper = 40 - 80 * 3 // 7  # rows of the fourth block that are in the upper half
    rows = 80 * 4 // 7 - 80 * 3 // 7
    np.testing.assert_allclose(blocks[3], (upper * bright + (rows - upper) * 127 * level / 255) / rows, rtol=1e-6)
    assert opened({"name": "image_blocks"}, observe="grey").observation_space.shape == (64,)


def test_actions_are_limited_rescaled_divided_and_combined() -> None:
    env = opened({"name": "limit_action", "low": -2.0, "high": [2.0, 8.0]}, {"name": "rescale_action"}, act="unbounded")
    assert env.action_space == spaces.Box(-1, 1, (2,), np.float32)
    env.reset(seed=0)
    env.step(np.array([0.5, 1.0], np.float32))
    assert env.unwrapped.done[-1].tolist() == [1.0, 8.0]
    env = opened({"name": "discretize_action", "bins": 3}, observe="box", act="box")
    assert env.action_space == spaces.MultiDiscrete([3, 3])
    env = opened({"name": "combine_choices"})
    assert env.action_space == spaces.Discrete(6)
    env.reset(seed=0)
    env.step(4)
    assert env.unwrapped.done[-1].tolist() == [1, 1]


def test_rewards_and_time_are_limited() -> None:
    env = opened({"name": "clip_reward", "high": 0.25}, {"name": "time_limit", "steps": 2})
    env.reset(seed=0)
    steps = [env.step(np.array([1, 1])) for _ in range(2)]
    assert max(step[1] for step in steps) <= 0.25
    assert [step[3] for step in steps] == [False, True]


@pytest.mark.parametrize(
    ("table", "kwargs", "words"),
    [
        ({"name": "hide_observation", "indices": [2]}, {}, "index 2 does not exist, the flat observation has 0 to 1"),
        ({"name": "hide_observation", "indices": [0, 1]}, {}, "nothing is left"),
        ({"name": "filter_observation", "keys": ["c"]}, {}, "filter_keys"),
        ({"name": "rescale_action"}, {"act": "unbounded"}, "limit_action"),
        ({"name": "rescale_action", "low": 1.0}, {"act": "box"}, "low must be below high"),
        ({"name": "limit_action", "low": 4.0, "high": 5.0}, {"act": "box"}, "nothing is left of component 0"),
        ({"name": "limit_action", "low": [0.0], "high": 5.0}, {"act": "box"}, "1 entries for 2 components"),
        ({"name": "combine_choices"}, {"act": "box"}, "not several choices"),
        ({"name": "image_blocks"}, {}, "the observations are a Dict"),
        ({"name": "image_blocks"}, {"observe": "small image"}, "4 rows and 4 columns"),
        ({"name": "frame_stack", "size": 4000}, {}, "8000 numbers"),
        ({"name": "flatten"}, {"observe": "image"}, "14400 numbers"),
    ],
)
def test_one_that_does_not_fit_is_told_by_its_place(table: dict[str, Any], kwargs: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as caught:
        opened({"name": "time_limit", "steps": 9}, table, **kwargs)
    (problem,) = caught.value.problems
    assert problem.where == "snnctl-test/Odd-v0:env.wrappers[1]"
    assert words in problem.message and "\n" not in str(problem)


def test_they_are_written_as_they_are_read_and_mistakes_are_told_under_their_keys() -> None:
    tables = [{"name": "frame_stack", "size": 3}, {"name": "hide_observation", "indices": [0]}]
    made = choice(*tables)
    again = config.validate(EnvChoice, config.to_data(made), "again")
    assert again == made
    with pytest.raises(ConfigError) as caught:
        choice({"name": "frame_stak"}, {"name": "time_limit", "steps": 0, "stps": 1})
    told = "\n".join(map(str, caught.value.problems))
    assert "recipe.toml:wrappers.0.name" in told and "'frame_stack'" in told
    assert "recipe.toml:wrappers.1.steps" in told and "stps: is not a known key" in told


def test_wrappers_of_others_need_trust_and_get_their_arguments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SNNCTL_TRUST", "")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    table = {"name": "gymnasium.wrappers:TimeAwareObservation", "flatten": True, "normalize_time": True}
    with pytest.raises(ConfigError, match="add --trust gymnasium"):
        choice(table, env_id="CartPole-v1")
    with slots.unresolved():
        shown = choice(table, env_id="CartPole-v1")
    assert config.to_data(shown)["wrappers"] == [table]
    with pytest.raises(InputError, match="add --trust gymnasium"):
        environments.opened(shown)
    slots.trust("gymnasium")
    made = choice(table, env_id="CartPole-v1")
    assert environments.opened(made).observation_space.shape == (5,)
    assert config.validate(EnvChoice, config.to_data(made), "again") == made
    with pytest.raises(InputError, match="unexpected keyword argument 'flaten'"):
        environments.opened(choice({**table, "flaten": True}, env_id="CartPole-v1"))
    with pytest.raises(ConfigError, match="is not a wrapper"):
        choice({"name": "gymnasium.spaces:Box"})


def test_arguments_of_environments_are_plain_values_of_any_shape() -> None:
    shape = {"maps": [[1, 2.5], [True, "x"]], "inner": {"deeper": {"list": []}}}
    made = choice(shape=shape)
    assert opened(shape=shape).unwrapped.shape == shape
    assert config.validate(EnvChoice, config.to_data(made), "again") == made
    deep: Any = 1
    for _ in range(9):
        deep = [deep]
    for bad, words in (
        ({"a": float("nan")}, "a is nan"),
        ({"a": [1, {"b": None}]}, r"a\[1\].b is None"),
        ({"deep": deep}, "nested deeper than 8 levels"),
        ({"many": [0] * 10_000}, "more than 10000 values"),
    ):
        with pytest.raises(ConfigError, match=words):
            choice(**bad)
