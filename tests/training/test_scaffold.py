"""A scaffolded recipe trains as it is, whatever the environment; its reasons are in the file."""

from __future__ import annotations

from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from snnctl import config
from snnctl.errors import ConfigError, InputError, NotFoundError, OutputError, SpaceError
from snnctl.training.blueprint import build, opened
from snnctl.training.recipe import Recipe
from snnctl.training.scaffold import scaffold
from tests.training import small_tasks


class Wide(gymnasium.Env):
    """Many observations, all within (0, 2); no time limit."""

    observation_space = spaces.Box(0.0, 2.0, (60,), np.float64)
    action_space = spaces.Box(-1.0, 1.0, (3,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(60), {}

    def step(self, action):
        return np.zeros(60), 0.0, False, False, {}


gymnasium.register("snnctl-test/Wide-v0", entry_point=Wide)
gymnasium.register(
    "snnctl-test/Brief-v0", small_tasks.Match, kwargs={"continuous": True}, max_episode_steps=50, reward_threshold=18.0
)


def made(tmp_path: Path, env_id: str, trainer: str = "") -> tuple[Recipe, str]:
    path, chosen = scaffold("mine", env_id, tmp_path / "lab", trainer)
    text = path.read_text(encoding="utf-8")
    for choice in chosen:
        assert f"{choice.key.rpartition('.')[2]} = {choice.written}\n" in text
        assert not choice.reason or f"# {choice.reason}\n" in text
    return config.load(Recipe, path), text


@pytest.mark.parametrize(
    ("env_id", "kind", "decoder", "hidden", "gamma"),
    [
        ("CartPole-v1", "ppo", "choice", (64,), 0.99),
        ("Acrobot-v1", "ppo", "choice", (64, 64), 0.99),
        ("Pendulum-v1", "sac", "rate", (64,), 0.975),
        ("Hopper-v5", "sac", "rate", (256, 256), 0.99),
        ("balancer", "sac", "rate", (64,), 0.99),
    ],
)
def test_the_spaces_decide(tmp_path, env_id, kind, decoder, hidden, gamma):
    recipe, text = made(tmp_path, env_id)
    assert (recipe.trainer.kind, recipe.decoder.kind, recipe.network.hidden) == (kind, decoder, hidden)
    assert recipe.trainer.gamma == gamma and recipe.normaliser.learnable
    assert text.startswith(f"# {env_id}: ")
    build(opened(recipe), 0).close()  # it can be trained


def test_it_learns_at_once(tmp_path):
    recipe, _ = made(tmp_path, "snnctl-test/Choice-v0")
    algorithm = build(opened(recipe), 0)
    reports = [algorithm.update() for _ in range(12)]
    algorithm.close()
    assert reports[-1].mean_return > reports[0].mean_return + 2  # of 20; guessing gives 10


def test_bounds_time_limit_and_threshold_are_the_environments(tmp_path):
    recipe, text = made(tmp_path, "snnctl-test/Wide-v0")
    encoder = recipe.encoder
    assert (encoder.low, encoder.high, encoder.neurons_per_dim) == (0.0, 2.0, 5) and not recipe.normaliser.learnable
    assert encoder.width == pytest.approx(0.75 * 2.0 / 4, abs=1e-4)  # three quarters of a spacing of five neurons
    assert recipe.trainer.gamma == 0.99 and "no time limit" in text
    recipe, _ = made(tmp_path / "more", "snnctl-test/Brief-v0")
    assert recipe.trainer.gamma == 0.95 and recipe.evaluation.stop_return == 18.0


def test_another_trainer_can_be_asked_for(tmp_path):
    recipe, text = made(tmp_path, "Hopper-v5", "ppo")
    assert recipe.trainer.kind == "ppo" and "asked for" in text
    with pytest.raises(ConfigError, match="needs continuous actions"):
        scaffold("other", "CartPole-v1", tmp_path, "sac")
    with pytest.raises(InputError, match="did you mean 'sac'"):
        scaffold("other", "Hopper-v5", tmp_path, "sacc")
    assert not (tmp_path / "other.toml").exists()


@pytest.mark.parametrize("name", ["", "A", "a b", "../a", "-a", "a--b", "x" * 65])
def test_what_cannot_be_a_name_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="cannot name a recipe"):
        scaffold(name, "CartPole-v1", tmp_path)


def test_nothing_is_overwritten_and_what_cannot_be_trained_is_not_written(tmp_path):
    scaffold("mine", "CartPole-v1", tmp_path)
    with pytest.raises(OutputError, match="exists already"):
        scaffold("mine", "CartPole-v1", tmp_path)
    with pytest.raises(NotFoundError, match="does not exist"):
        scaffold("other", "CartPool-v1", tmp_path)
    gymnasium.register("snnctl-test/Image-v0", lambda: _image())
    with pytest.raises(SpaceError, match="image"):
        scaffold("other", "snnctl-test/Image-v0", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]


def _image() -> gymnasium.Env:
    env = Wide()
    env.observation_space = spaces.Box(0, 255, (8, 8, 3), np.uint8)
    return env
