from pathlib import Path

import numba
import numpy as np
import pytest

from snnctl import config
from snnctl.agent import folder
from snnctl.agent.float_controller import FloatController
from snnctl.errors import ConfigError, DivergedError
from snnctl.plasticity.rstdp import initial_state
from snnctl.training.actor_critic import Critic, act
from snnctl.training.recipe import Recipe, build
from snnctl.training.rstdp import Rstdp

INTERPRETED = bool(numba.config.DISABLE_JIT)  # a thousand times slower: one short episode an update, nothing is learnt
RECIPE = Path(__file__).parents[2] / "configs" / "train" / "cartpole-rstdp.toml"

SHORT = (
    ["trainer.episodes_per_update=1", "encoder.grid=[2, 2, 2, 2]"] if INTERPRETED else ["trainer.episodes_per_update=3"]
)


def trainer(seed: int, *overrides: str) -> Rstdp:
    algorithm = build(config.load(Recipe, RECIPE, [*SHORT, *overrides]), seed)
    assert isinstance(algorithm, Rstdp)
    return algorithm


def bits(algorithm: Rstdp) -> str:
    state = algorithm.state()
    return folder.digest(state.arrays) + str(state.values)


def test_it_learns_to_balance():
    algorithm = trainer(100, f"trainer.total_steps={100 if INTERPRETED else 40_000}")
    first = algorithm.update()
    while algorithm.steps < algorithm.total_steps:
        report = algorithm.update()
    assert first.mean_return is not None
    assert report.mean_return is not None
    assert first.mean_return < 60
    assert report.mean_return > (5 if INTERPRETED else 150)
    assert report.metrics["rollout/ep_rew_mean"] == report.mean_return
    assert report.metrics["rstdp/at_limits"] < 0.5
    assert report.metrics["snn/rate_hz"] > 0
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


def test_agent_runs_as_it_is_and_chooses_like_the_trainer_without_noise(tmp_path):
    algorithm = trainer(3)
    for _ in range(5):
        algorithm.update()
    agent = algorithm.agent()
    folder.save(agent, tmp_path / "agent")
    controller = FloatController(folder.load(tmp_path / "agent"))
    random = np.random.default_rng(0)
    constants, n = algorithm.rule.constants(1e-3), algorithm.weight.shape[0]
    for _ in range(50):
        observation = random.uniform(-1, 1, 4) * algorithm.config.observation_range
        counts = np.zeros(20, np.int64)
        chosen, _ = act(
            Critic(np.zeros(n), np.zeros(n), np.zeros(1), 0.1, 0.9, 0.8, 0.0, 1.0),
            algorithm.neuron,
            constants,
            initial_state(n, 20),
            algorithm.weight.copy(),
            np.zeros(20, np.float32),
            agent.tensors["decoder.weight"].ravel(),
            agent.tensors["decoder.bias"],
            algorithm.coder.encode(observation),
            0.0,  # noise
            0.0,
            True,
            algorithm.random.copy(),
            counts,
        )
        assert controller.act(observation) == chosen
        assert (controller.activity().spikes["output"].sum(axis=0) == counts).all()
    before = agent.tensors["projection.input.output.weight"].copy()
    algorithm.update()
    assert (agent.tensors["projection.input.output.weight"] == before).all()  # a copy


def test_training_ends_after_its_episodes():
    algorithm = trainer(0, "trainer.total_episodes=6")
    while algorithm.steps < algorithm.total_steps:
        report = algorithm.update()
    assert report.episodes == 6


def test_a_recipe_it_cannot_train_is_refused_with_all_reasons():
    with pytest.raises(ConfigError) as caught:
        trainer(
            0,
            "encoder.grid=[3, 3]",
            "network.hidden=[4]",
            "trainer.observation_range=[1.0]",
            "network.neuron.refractory_ticks=2",
        )
    assert len(caught.value.problems) == 4


def test_weights_that_are_not_finite_stop_it():
    algorithm = trainer(0)
    algorithm.value_weight[0] = np.nan
    with pytest.raises(DivergedError, match="learning_rate"):
        algorithm.update()
