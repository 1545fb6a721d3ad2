import dataclasses
from pathlib import Path

import numpy as np
import pytest

from snnctl import config
from snnctl.agent import folder
from snnctl.agent.float_controller import FloatController
from snnctl.agent.fused_learner import FusedLearner
from snnctl.errors import ConfigError, DivergedError
from snnctl.loop.closed_loop import run_episodes
from snnctl.training.blueprint import build, opened
from snnctl.training.recipe import Recipe
from snnctl.training.rstdp import Rstdp
from tests.interpreted import INTERPRETED

RECIPES = Path(__file__).parents[2] / "configs" / "train"
# interpreted: one short episode an update, nothing is learnt
SHORT = ["trainer.episodes_per_update=1"] if INTERPRETED else ["trainer.episodes_per_update=3"]


def trainer(seed: int, *overrides: str, name: str = "cartpole-rstdp") -> Rstdp:
    algorithm = build(opened(config.load(Recipe, RECIPES / f"{name}.toml", [*SHORT, *overrides])), seed)
    assert isinstance(algorithm, Rstdp)
    return algorithm


def bits(algorithm: Rstdp) -> str:
    state = algorithm.state()
    return folder.digest(state.arrays) + str(state.values)


def learnt(seed: int, *overrides: str, name: str = "cartpole-rstdp", steps: int = 40_000) -> tuple[float, float]:
    """Mean returns of the first update and of the last 100 episodes."""
    algorithm = trainer(seed, f"trainer.total_steps={100 if INTERPRETED else steps}", *overrides, name=name)
    first = algorithm.update()
    while algorithm.steps < algorithm.total_steps:
        report = algorithm.update()
    algorithm.close()
    assert first.mean_return is not None and report.mean_return is not None
    assert report.metrics["rollout/ep_rew_mean"] == report.mean_return
    assert report.metrics["rstdp/at_limits"] < 0.5
    assert report.metrics["snn/rate_hz"] > 0
    return first.mean_return, report.mean_return


def test_it_learns_to_balance():
    first, last = learnt(100)
    assert first < 60
    assert last > (5 if INTERPRETED else 150)


@pytest.mark.skipif(INTERPRETED, reason="learning takes compiled kernels")
def test_it_learns_in_integers_and_not_without_dopamine():
    _, integer = learnt(100, "trainer.learning.arithmetic=integer")
    assert integer > 150
    _, clamped = learnt(100, "trainer.learning.learning_rate=0.0", steps=5_000)
    assert clamped < 60


def test_noise_and_rates_fall_geometrically():
    algorithm = trainer(0, "trainer.anneal_steps=1000", "trainer.final_noise=0.2", "trainer.final_rate_fraction=0.04")
    first = algorithm.config.learning
    for steps, part in ((0, 0.0), (500, 0.5), (1000, 1.0), (5000, 1.0)):
        algorithm._steps = steps
        algorithm._anneal()
        now = algorithm.learner.learning
        assert now.noise == pytest.approx(first.noise * (0.2 / first.noise) ** part)
        assert now.learning_rate == pytest.approx(first.learning_rate * 0.04**part)
        assert now.critic_learning_rate == pytest.approx(first.critic_learning_rate * 0.04**part)
    algorithm._steps = 0
    for _ in range(2):
        algorithm.update()
    assert algorithm.learner.learning.noise < first.noise  # what the last episode acted with
    algorithm.close()


def test_every_slot_learns_its_own_way():
    found = []
    for rule in ("score", "pair"):
        for dopamine in ("td", "prediction_error"):
            overrides = (f"trainer.learning.rule={rule}", f"trainer.learning.dopamine={dopamine}")
            algorithm = trainer(4, *overrides)
            before = algorithm.learner.weight.copy()
            for _ in range(2):
                algorithm.update()
            assert (algorithm.learner.weight != before).any()
            found.append(algorithm.learner.weight.tobytes())
            algorithm.close()
    assert len(set(found)) == 4


@pytest.mark.skipif(INTERPRETED, reason="learning takes compiled kernels")
def test_a_continuous_action_is_learnt():
    _, last = learnt(100, "trainer.total_episodes=100", name="mountaincar-continuous-rstdp")
    assert last > 70


def test_metrics_tell_weights_and_value():
    algorithm = trainer(0, "trainer.learning.critic_learning_rate=0.0")
    metrics = algorithm.update().metrics
    weight = algorithm.agent().tensors["projection.input.output.weight"]
    for q in (5, 25, 50, 75, 95):
        assert metrics[f"rstdp/weight_q{q:02}"] == pytest.approx(np.percentile(weight, q), rel=1e-6)
    assert metrics["rstdp/value_mean"] == 1.0  # the baseline of the recipe, which an untaught critic says everywhere
    algorithm.close()


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*-rstdp.toml")), ids=lambda p: p.stem)
def test_every_recipe_starts_and_its_agent_runs(path):
    algorithm = trainer(0, name=path.stem)
    agent = algorithm.agent()
    done = run_episodes(FusedLearner(agent, 0), agent.description.task.env_id, [1], max_steps=3)
    assert done[0].length == 3 and done[0].spikes["input"] > 0
    algorithm.close()


def test_same_seed_same_bits_and_another_seed_others():
    results = []
    for seed in (1, 1, 2):
        algorithm = trainer(seed)
        for _ in range(3):
            algorithm.update()
        results.append(bits(algorithm))
    assert results[0] == results[1] != results[2]


def test_restored_training_equals_an_uninterrupted_one():
    whole, first, second = trainer(7), trainer(7), trainer(7)
    reports = [whole.update() for _ in range(6)]
    for _ in range(2):
        first.update()
    second.restore(first.state())
    assert [second.update() for _ in range(4)] == reports[2:]
    assert bits(second) == bits(whole)


def test_an_agent_is_a_copy_that_runs_as_it_is(tmp_path):
    algorithm = trainer(3)
    for _ in range(5):
        algorithm.update()
    agent = algorithm.agent()
    folder.save(agent, tmp_path / "agent")
    loaded = folder.load(tmp_path / "agent")
    assert loaded.description.learning == algorithm.learner.learning
    controller, random = FloatController(loaded), np.random.default_rng(0)
    quiet = FusedLearner(loaded, 0)
    quiet.learning = dataclasses.replace(quiet.learning, noise=1e-9)
    quiet.reset(0)
    for _ in range(50):
        observation = random.uniform(-1, 1, 4) * algorithm.config.observation_high
        assert controller.act(observation) == quiet.act(observation)
    before = agent.tensors["projection.input.output.weight"].copy()
    algorithm.update()
    assert (agent.tensors["projection.input.output.weight"] == before).all()  # a copy


def test_a_diverged_episode_teaches_nothing_with_its_last_step(monkeypatch):
    algorithm = trainer(0, name="mountaincar-rstdp")
    env = algorithm.environments.envs[0].unwrapped
    step, told = type(env).step, list[float]()

    def broken(self, action):
        observation, _, *rest = step(self, action)
        told.append(algorithm.learner.weight.sum(dtype=np.float64))
        return (observation, float("inf") if len(told) % 5 == 0 else -1.0, *rest)

    monkeypatch.setattr(type(env), "step", broken)
    report = algorithm.update()
    assert report.metrics["rollout/diverged"] == report.episodes
    assert algorithm.learner.weight.sum(dtype=np.float64) == told[-1]


def test_training_ends_after_its_episodes():
    algorithm = trainer(0, "trainer.total_episodes=5")
    while algorithm.steps < algorithm.total_steps:
        report = algorithm.update()
    assert report.episodes == 5


def test_a_recipe_it_cannot_train_is_refused_with_all_reasons():
    with pytest.raises(ConfigError) as caught:
        trainer(0, "encoder.fields=[3, 3]", "network.hidden=[4]", "trainer.observation_low=[1.0]")
    assert len(caught.value.problems) == 3
    with pytest.raises(ConfigError, match="refractory"):
        trainer(0, "network.neuron.refractory_ticks=2")


def test_observations_without_bounds_are_named():
    recipe = config.load(Recipe, RECIPES / "cartpole-rstdp.toml", SHORT)
    assert isinstance(recipe.trainer.observation_low, tuple)
    bare = dataclasses.replace(recipe.trainer, observation_low=None, observation_high=None)
    with pytest.raises(ConfigError, match=r"(?s)observation_low.*no bound for observation 1, 3.*observation_high"):
        build(opened(dataclasses.replace(recipe, trainer=bare)), 0)


def test_weights_that_are_not_finite_stop_it():
    algorithm = trainer(0)
    algorithm.learner.weight[:] = np.nan
    with pytest.raises(DivergedError, match="learning_rate"):
        algorithm.update()
