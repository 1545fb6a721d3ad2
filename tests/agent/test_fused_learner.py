"""A learner is a controller that changes with what its actions lead to: repeatable, bounded, saved and resumed."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnctl.agent import folder
from snnctl.agent.controller import Controller, LearningController, ValuingController
from snnctl.agent.float_controller import FloatController
from snnctl.agent.folder import Agent
from snnctl.agent.fused_learner import FusedLearner, problems
from snnctl.coding import ChoiceDecoder, GaussianPopulation, PlaceCells, WinnerTakeAllDecoder
from snnctl.errors import AgentError
from snnctl.loop.closed_loop import run_episode, run_episodes
from snnctl.neurons import CurrentLif, Lif
from snnctl.plasticity import PairStdp
from snnctl.robots import environments
from tests import factories

AGENTS = Path(__file__).parents[2] / "agents"
WEIGHT = "projection.input.output.weight"


@pytest.fixture(scope="module")
def agent() -> Agent:
    """A trained one that learns on."""
    return folder.load(AGENTS / "cartpole-rstdp")


def changed(agent: Agent, **learning: Any) -> Agent:
    """The agent with other numbers of its rule."""
    assert agent.description.learning is not None
    new = dataclasses.replace(agent.description.learning, **learning)
    return Agent(dataclasses.replace(agent.description, learning=new), agent.tensors)


def test_it_is_a_controller_with_a_critic(agent: Agent) -> None:
    learner = FusedLearner(agent, 0)
    for contract in (LearningController, ValuingController):
        assert isinstance(learner, contract)
    controller: Controller = learner
    controller.reset(1)
    assert controller.act(np.zeros(4)) in (0, 1)
    activity = controller.activity()
    assert set(activity.spikes) == {"input", "output"}
    assert activity.synaptic_events > 0


def test_it_learns_in_closed_loop_and_the_same_seed_learns_the_same_bits(agent: Agent) -> None:
    results = []
    for seed in (5, 5, 6):
        learner = FusedLearner(changed(agent, noise=2.0), seed)  # it falls: what it has learnt expects that it does not
        run_episodes(learner, "CartPole-v1", [1, 2], max_steps=200)
        after = learner.agent()
        assert (after.tensors[WEIGHT] != agent.tensors[WEIGHT]).any()
        assert after.tensors["critic.numbers"][0] == 0  # no marks are left over
        results.append(folder.digest(after.tensors))
        FloatController(after).act(np.zeros(4))
    assert results[0] == results[1] != results[2]


def test_between_episodes_it_continues_from_its_state_bit_for_bit(agent: Agent) -> None:
    whole, first, second = (FusedLearner(changed(agent, noise=2.0), 3) for _ in range(3))
    env = environments.make("CartPole-v1")

    def play(learner: FusedLearner, *seeds: int) -> None:
        for seed in seeds:
            run_episode(learner, env, seed, max_steps=100)

    play(whole, 1, 2, 3, 4)
    play(first, 1, 2)
    second.restore(first.state())
    play(second, 3, 4)
    env.close()
    assert (whole.weight != agent.tensors[WEIGHT]).any()
    assert folder.digest(second.agent().tensors) == folder.digest(whole.agent().tensors)


def test_every_weight_stays_within_its_limit(agent: Agent) -> None:
    limit = np.float32(0.03)
    assert np.abs(agent.tensors[WEIGHT]).max() > 0.04
    clipped = {**agent.tensors, WEIGHT: np.clip(agent.tensors[WEIGHT], -limit, limit)}
    clipped["critic.weight"] = np.clip(agent.tensors["critic.weight"], -0.01, 0.01)
    narrow = changed(agent, weight_limit=0.03, critic_weight_limit=0.01, learning_rate=0.1)
    learner = FusedLearner(narrow._replace(tensors=clipped), 5)
    assert np.abs(learner.weight).max() == limit
    run_episodes(learner, "CartPole-v1", [1, 2], max_steps=20)
    after = learner.agent().tensors
    assert np.abs(after[WEIGHT]).max() == limit
    assert (after[WEIGHT] == -limit).any()
    assert np.abs(after["critic.weight"]).max() <= 0.01


def test_weights_outside_the_limits_of_the_rule_are_refused(agent: Agent) -> None:
    outside = {**agent.tensors, "critic.weight": np.full_like(agent.tensors["critic.weight"], -0.02)}
    narrow = changed(agent, weight_limit=0.03, critic_weight_limit=0.01)
    with pytest.raises(AgentError) as caught:
        FusedLearner(narrow._replace(tensors=outside), 5)
    actor, critic = caught.value.problems
    assert actor.where == WEIGHT
    assert "outside the limits of the rule, +-0.03" in actor.message
    assert critic.where == "critic.weight"
    assert f"{outside['critic.weight'].size} of {outside['critic.weight'].size} weights" in critic.message


def test_without_noise_it_acts_as_the_exported_agent(agent: Agent, tmp_path: Path) -> None:
    folder.save(agent, tmp_path / "agent")
    loaded = folder.load(tmp_path / "agent")
    controller, quiet = FloatController(loaded), FusedLearner(changed(loaded, noise=1e-9), 0)
    span = np.array([2.4, 2.5, 0.21, 2.5])
    random = np.random.default_rng(0)
    for _ in range(50):
        observation = random.uniform(-1, 1, 4) * span
        assert controller.act(observation) == quiet.act(observation)


@pytest.mark.parametrize(("terminated", "truncated"), [(True, False), (False, True)])
def test_the_end_of_an_episode_is_worth_nothing_only_where_the_task_was_failed(
    agent: Agent, terminated: bool, truncated: bool
) -> None:
    """delta = (1 - gamma) r + gamma V' - V in parts of the largest reward; V is the baseline everywhere."""
    made = changed(agent, critic_learning_rate=0.0, learning_rate=0.0, value_baseline=1.0, reward_scale=1.0)
    tensors = dict(made.tensors) | {"critic.weight": np.zeros_like(agent.tensors["critic.weight"])}
    learner = FusedLearner(made._replace(tensors=tensors), 0)
    gamma, observation = learner.learning.gamma, np.zeros(4)
    learner.reset(1)
    learner.act(observation)
    learner.feedback(1.0, observation, terminated, truncated)
    assert learner.delta == pytest.approx((1 - gamma) + (0.0 if terminated else gamma) - 1.0, abs=1e-6)


def test_an_abandoned_episode_teaches_nothing_more(agent: Agent) -> None:
    learner = FusedLearner(agent, 0)
    learner.reset(1)
    for _ in range(5):
        learner.act(np.zeros(4))
        learner.feedback(1.0, np.zeros(4), False, False)
    before = learner.weight.copy()
    learner.abandon()
    learner.reset(2)
    learner.act(np.zeros(4))  # the first decision of an episode learns nothing
    np.testing.assert_array_equal(learner.weight, before)


def test_an_agent_without_a_rule_cannot_learn() -> None:
    with pytest.raises(AgentError, match="no rule to learn by"):
        FusedLearner(folder.load(AGENTS / "cartpole-ppo"), 0)


def test_everything_that_the_rule_does_not_fit_is_told_at_once(agent: Agent) -> None:
    learning = agent.description.learning
    described = factories.description(
        factories.task(2, 2),
        encoder=PlaceCells(grid=(3, 3)),
        decoder=WinnerTakeAllDecoder(by="membrane"),
        hidden=(5,),
        neuron=Lif(tau_mem_s=0.01),
        learning=learning,
    )
    places = [problem.where for problem in problems(described, "agent.toml")]
    assert places == ["agent.toml:network", "agent.toml:network.neuron.model", "agent.toml:decoder.kind"]
    sound = factories.description(
        factories.task(2, 2),
        encoder=GaussianPopulation(),
        decoder=ChoiceDecoder(),
        hidden=(),
        neuron=CurrentLif(tau_mem_s=0.01, tau_syn_s=0.002),
        learning=learning,
    )
    assert problems(sound, "agent.toml") == []
    (projection,) = sound.network.projections
    plastic = dataclasses.replace(projection, plasticity=(PairStdp(),))
    both = dataclasses.replace(sound, network=dataclasses.replace(sound.network, projections=(plastic,)))
    assert "beside the agent's own rule" in str(problems(both, "agent.toml")[0])
