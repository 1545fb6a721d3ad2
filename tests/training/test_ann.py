"""The ANN twin of a recipe: trained, saved, run, and refused where only spikes are taken."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from snnctl import config
from snnctl.agent import controllers, folder
from snnctl.agent.dense_controller import DenseController
from snnctl.agent.fused_learner import FusedLearner
from snnctl.agent.program import program
from snnctl.errors import AgentError, ConfigError, NetworkError
from snnctl.training.blueprint import build, opened
from snnctl.training.ppo import Ppo
from snnctl.training.recipe import Recipe

RECIPES = Path(__file__).parents[2] / "configs" / "train"
DISCRETE = ('network={kind="dense",hidden=[64]}', 'encoder={kind="analog"}', 'decoder={kind="argmax"}')
CONTINUOUS = (
    'network={kind="dense",hidden=[8,8],activation="tanh"}',
    'encoder={kind="analog"}',
    'decoder={kind="analog"}',
)
SMALL = ("trainer.envs=2", "trainer.rollout_steps=32", "trainer.minibatch=32", "trainer.epochs=2")


def twin(name: str, *overrides: str) -> Ppo:
    algorithm = build(opened(config.load(Recipe, RECIPES / f"{name}.toml", overrides)), 0)
    assert isinstance(algorithm, Ppo)
    return algorithm


@pytest.mark.needs_compiler
def test_the_twin_of_cartpole_learns_as_the_spiking_one_does() -> None:
    ppo = twin("cartpole-ppo", *DISCRETE)
    first = ppo.update()
    while ppo.steps < 30_000:
        report = ppo.update()
    ppo.close()
    assert first.mean_return is not None and report.mean_return is not None
    assert first.mean_return < 40 and report.mean_return > 150  # of 500; chance gives 20
    assert not any(name.startswith("snn/") for name in report.metrics)


@pytest.mark.parametrize(("name", "overrides"), [("cartpole-ppo", DISCRETE), ("pendulum-ppo", CONTINUOUS)])
def test_its_agent_is_a_folder_that_decides_as_the_trainer_does(
    name: str, overrides: tuple[str, ...], tmp_path: Path
) -> None:
    ppo = twin(name, *overrides, *SMALL)
    ppo.update()
    folder.save(ppo.agent(), tmp_path / "agent")
    loaded = folder.load(tmp_path / "agent")
    runs = controllers.make(loaded)
    assert isinstance(runs, DenseController)
    runs.reset(0)
    observations = np.random.default_rng(0).standard_normal((40, loaded.description.task.observation_size))
    work = ppo.policy.workspace(len(observations))
    z = work.forward(ppo.actor, ppo._normalise(observations), np.zeros(len(observations), np.uint64)).astype(np.float64)
    for observation, row in zip(observations, z, strict=True):
        action = runs.act(observation)
        if ppo.blueprint.limits is None:
            assert action == int(np.argmax(row))
        else:
            np.testing.assert_allclose(action, ppo.rollouts.to_environment(np.tanh(row)[None])[0], atol=1e-5)
    activity = runs.activity()
    sizes = ppo.policy.network.sizes  # type: ignore[attr-defined]
    assert activity.spikes == {}
    assert activity.synaptic_events == sum(a * b for a, b in itertools.pairwise(sizes))
    ppo.close()


def test_restoring_continues_bit_for_bit() -> None:
    whole, resumed = twin("cartpole-ppo", *DISCRETE, *SMALL), twin("cartpole-ppo", *DISCRETE, *SMALL)
    whole.update()
    resumed.restore(whole.state())
    whole.update()
    resumed.update()
    assert folder.digest(whole.agent().tensors) == folder.digest(resumed.agent().tensors)


def test_what_takes_only_spikes_refuses_it_in_a_sentence() -> None:
    ppo = twin("cartpole-ppo", *DISCRETE, *SMALL)
    with pytest.raises(NetworkError, match=r"cartpole-ppo:network: is dense, without spikes.*kind = 'stack'"):
        program(ppo.agent())
    with pytest.raises(AgentError, match="no rule to learn by"):
        FusedLearner(ppo.agent(), 0)
    with pytest.raises(ConfigError, match=r"cartpole-rstdp:network: is dense"):
        twin("cartpole-rstdp", *DISCRETE)


def test_codes_that_do_not_fit_are_all_told() -> None:
    with pytest.raises(ConfigError) as caught:
        twin("cartpole-ppo", DISCRETE[0])
    assert {p.where for p in caught.value.problems} == {"cartpole-ppo:encoder.kind", "cartpole-ppo:decoder.kind"}
    assert any("use one that reads values: analog, argmax" in str(p) for p in caught.value.problems)
    with pytest.raises(ConfigError, match=r"decoder\.kind: 'argmax' reads the numbers of a network without spikes"):
        twin("cartpole-ppo", "decoder={kind='argmax'}")
    with pytest.raises(ConfigError, match=r"decoder\.kind: 'analog' has no gradient as it is configured"):
        twin("pendulum-ppo", *CONTINUOUS[:2], "decoder={kind='analog',squash='clip'}")
