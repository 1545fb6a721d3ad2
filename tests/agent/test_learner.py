"""Controller and modulator: any network and rule learns in closed loop, equal to the plain loop, saved and resumed."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnctl.agent import description, folder, learner
from snnctl.agent.coder import Coder
from snnctl.agent.controller import Controller, CountingController, LearningController, ValuingController
from snnctl.agent.float_controller import FloatController
from snnctl.agent.folder import Agent
from snnctl.agent.fused_learner import FusedLearner
from snnctl.agent.learner import Learner
from snnctl.agent.prediction_error import PredictionError
from snnctl.agent.reward import Reward
from snnctl.agent.td import Td
from snnctl.errors import AgentError
from snnctl.loop.closed_loop import run_episodes
from snnctl.plasticity import HomeostaticScaling, PairStdp, Resume
from tests.agent.learners import EPROP, LIF, NETWORKS, R_MAX, REWARD, World, agent, network
from tests.interpreted import INTERPRETED
from tests.reference import Reference

DECISIONS = 4 if INTERPRETED else 25
TD = Td(gain=0.5, gamma=0.9)
named = pytest.mark.parametrize("name", NETWORKS)


def play(made: Learner, world: World, x: Any, decisions: int) -> tuple[list[Any], Any]:
    """Rasters and weights after each decision, in the middle of an episode; and where the world has got to."""
    found = []
    for _ in range(decisions):
        action = made.act(x)
        found.append((made.path.activity().spikes, made.weights(), made.signal))
        reward, x = world.step(action)
        made.feedback(reward, x, False, False)
    return found, x


def same(a: list[Any], b: list[Any]) -> None:
    assert len(a) == len(b) > 0
    for (spikes, weights, signal), (other, others, theirs) in zip(a, b, strict=True):
        assert signal == theirs
        for mine, yours in ((spikes, other), (weights, others)):
            for name in mine:
                np.testing.assert_array_equal(mine[name], yours[name], err_msg=name)


def written(state: dict[str, Any]) -> dict[str, Any]:
    """Arrays as they come back from a file."""
    file = io.BytesIO()
    np.savez(file, **state)
    file.seek(0)
    with np.load(file, allow_pickle=False) as read:
        return dict(read)


@named
def test_in_closed_loop_it_equals_the_plain_loop_tick_for_tick_also_when_resumed_in_mid_episode(name: str) -> None:
    """Everything but the signal is computed a second time, by :mod:`tests.reference`.

    Where an exponential is in the tick, in float64: the one of float32 is another function in Python.
    """
    net, made = NETWORKS[name], agent(NETWORKS[name], TD)
    dtype = np.float32 if all(p.neuron in (None, LIF) for p in net.populations) else np.float64
    ours, reference, coder = Learner(made, 3, dtype), Reference(net, made.tensors, dtype, seed=3), Coder(made, dtype)
    coder.reset(3)
    plastic = [p for p in net.projections if p.plasticity]
    world, x, spikes, moved = World(1), np.zeros(4), 0, 0.0
    for decision in range(DECISIONS):
        if decision == DECISIONS // 2:
            state, ours = written(ours.state()), Learner(made, 99, dtype)
            ours.restore(state)
        inputs = coder.encode(x)
        action = ours.act(x)
        if net.decision == "reset":
            reference.neurons, reference.spikes = Reference(net, made.tensors, dtype).neurons, []
        signals, teach = np.zeros((net.ticks, len(plastic))), np.zeros((net.ticks, len(ours._taught)))
        signals[0] = [0 if p.plasticity in ((EPROP,), (PairStdp(),)) else ours.signal for p in plastic]
        teach[0, ours._taught] = -ours.signal
        raster = reference.run(inputs, signals=signals, teach=teach)
        driven = np.hstack([ours.activity().spikes[p.name] for p in net.driven])
        np.testing.assert_array_equal(driven, raster, err_msg=f"decision {decision}")
        for p in plastic:
            weight = reference.synapses(p)["weight"]
            np.testing.assert_array_equal(
                ours.weights()[p.weight_name].ravel(), weight, err_msg=f"{decision} {p.prefix}"
            )
            moved = max(moved, float(np.abs(weight - made.tensors[p.weight_name].ravel()).max()))
        spikes += int(raster.sum())
        reward, x = world.step(action)
        ours.feedback(reward, x, False, False)
    assert spikes > 10 and moved > 1e-4  # silence, or weights at rest, would compare nothing


@named
@pytest.mark.parametrize("modulator", [TD, PredictionError(), Reward()], ids=lambda m: m.kind)
def test_it_is_resumed_bit_for_bit_across_episodes(name: str, modulator: Any) -> None:
    def whole(cut: int) -> list[Any]:
        made = learner.make(agent(NETWORKS[name], modulator), 5)
        assert isinstance(made, Learner)
        found: list[Any] = []
        world, x = World(2), np.zeros(4)
        for episode in range(3):
            made.reset(episode)
            for k in range(6):
                if (episode, k) == divmod(cut, 6):
                    state = written(made.state())
                    made = Learner(agent(NETWORKS[name], modulator), 77)
                    made.restore(state)
                part, x = play(made, world, x, 1)
                found += part
            made.feedback(0.3, x, episode == 0, episode != 0)
        return found

    same(whole(99), whole(8))


@named
def test_what_it_became_is_an_agent_that_goes_on(name: str, tmp_path: Path) -> None:
    made = learner.make(agent(NETWORKS[name], TD), 0)
    run_episodes(made, "CartPole-v1", [1, 2], max_steps=8)
    folder.save(made.agent(), tmp_path / "agent")
    loaded = folder.load(tmp_path / "agent")
    again = learner.make(loaded, 0)
    assert isinstance(made, Learner) and isinstance(again, Learner)
    for weight, weights in made.weights().items():
        np.testing.assert_array_equal(again.weights()[weight], weights)
        np.testing.assert_array_equal(loaded.tensors[weight], weights)
    assert loaded.description.modulator == TD
    assert again.modulator is not None and again.modulator.tensors()["critic.numbers"][5] > 0
    FloatController(loaded).act(np.zeros(4))  # the rules of the modulator are at rest


def test_the_contracts_that_it_keeps() -> None:
    plain, predicting = (learner.make(agent(NETWORKS["one layer"], m), 0) for m in (Reward(), TD))
    controller: Controller = plain
    controller.reset(1)
    for contract in (LearningController, CountingController):
        assert isinstance(plain, contract) and isinstance(predicting, contract)
    assert isinstance(predicting, ValuingController) and not isinstance(plain, ValuingController)


def test_the_critic_is_that_of_the_fused_learner_bit_for_bit() -> None:
    trained = folder.load(Path(__file__).parents[2] / "agents" / "cartpole-rstdp")
    fused, own = FusedLearner(trained, 0), trained.description.learning
    assert own is not None
    keys = ("gamma", "trace_lambda", "critic_learning_rate", "critic_weight_limit", "critic_neurons",
            "value_low", "value_high", "value_baseline", "reward_scale")  # fmt: skip
    config = Td(
        signal_limit=own.dopamine_limit, deviation_share=own.dopamine_share, **{k: getattr(own, k) for k in keys}
    )
    inputs = trained.description.spiking_network.inputs[0].size
    td = config.build(inputs, trained.description.spiking_network.ticks, trained.tensors)
    coder, random = Coder(trained), np.random.default_rng(0)
    for episode in range(3):
        fused.reset(episode)
        coder.reset(episode)
        for step in range(20):
            x, reward, last = random.uniform(-0.2, 0.2, 4), float(random.normal()), step == 19
            volley = learner.Volley(*coder.sources(x))
            if step == 0:
                fused.act(x)
                td.begin(volley)
                continue
            fused.feedback(reward, x, last and episode == 0, last and episode != 0)
            if not last:
                fused.act(x)
            signal = td.signal(reward, volley, last and episode == 0, last and episode != 0)
            assert td.delta == fused.delta and abs(signal) <= config.signal_limit
            assert last or td.value == fused.value
            np.testing.assert_array_equal(td.state()["value_weight"], fused.value_weight)
    assert np.abs(td.state()["value_weight"] - trained.tensors["critic.weight"]).max() > 1e-3


def test_rules_without_a_signal_keep_what_they_learn_across_episodes() -> None:
    rules = (PairStdp(a_plus=0.02), HomeostaticScaling(target_hz=5.0, tau_s=0.2, every_s=5e-3))
    made = Learner(agent(network("streaming", ("input", "output", rules)), None), 0)
    (name,) = made.weights()
    first = made.weights()[name]
    run_episodes(made, "CartPole-v1", [1], max_steps=8)
    middle, traces = made.weights()[name], made.path.state.traces.copy()
    assert (middle != first).any()
    made.reset(4)
    np.testing.assert_array_equal(made.weights()[name], middle)
    np.testing.assert_array_equal(made.path.state.traces, traces)
    run_episodes(made, "CartPole-v1", [2], max_steps=8)
    assert (made.weights()[name] != middle).any()


def test_rules_with_a_signal_keep_weights_and_forget_eligibilities_and_the_warm_up_teaches_nothing() -> None:
    made = Learner(agent(network("streaming", ("input", "output", REWARD)), Reward()), 0)
    (name,) = made.weights()
    first = made.weights()[name]
    made.act(np.ones(4))  # nothing came of it
    made.reset(1)
    np.testing.assert_array_equal(made.weights()[name], first)
    play(made, World(0), np.ones(4), 6)
    assert made.path.state.traces.any()
    learnt = made.weights()[name]
    assert (learnt != first).any()
    made.reset(2)
    np.testing.assert_array_equal(made.weights()[name], learnt)
    assert not made.path.state.traces.any()


def test_the_last_reward_of_an_episode_is_learnt_from_at_once() -> None:
    changes = []
    for reward in (0.0, 1.0):
        made = Learner(agent(network("reset", ("input", "output", REWARD)), Reward()), 0)
        (name,) = made.weights()
        made.act(np.ones(4))
        made.feedback(reward, np.ones(4), True, False)
        made.reset(1)
        changes.append(made.weights()[name])
    assert (changes[0] != changes[1]).any()


def messages(made: Agent) -> list[str]:
    return [str(problem) for problem in description.problems(made.description, "agent.toml")]


def test_a_modulator_on_rules_that_read_none_is_one_clear_problem() -> None:
    (told,) = messages(agent(network("streaming", ("input", "output", PairStdp())), TD))
    assert told.startswith("agent.toml:modulator: is given, but no projection has a rule that reads a signal; give one")


def test_rules_that_wait_for_a_modulator_or_a_teacher_are_told() -> None:
    (told,) = messages(agent(network("reset", ("input", "output", R_MAX)), None))
    assert "projections[0].plasticity: 'r_max' needs a signal, and the agent has no modulator; give the agent" in told
    assert "td, prediction_error, reward" in told
    both = network("streaming", ("input", "hidden", REWARD), ("hidden", "output", Resume()))
    (told,) = messages(agent(both, TD))
    assert "projections[1].plasticity: 'resume' needs a teacher" in told
    assert messages(agent(network("reset", ("input", "output", EPROP)), TD)) == []


def test_an_agent_without_rules_cannot_learn() -> None:
    with pytest.raises(AgentError, match="learning: is missing: the agent has no rule to learn by"):
        learner.make(agent(network("reset", ("input", "output", None)), None), 0)


def test_damaged_states_are_refused() -> None:
    made = Learner(agent(NETWORKS["one layer"], TD), 0)
    play(made, World(0), np.zeros(4), 3)
    state = made.state()
    state["modulator.marked"] = state["modulator.marked"] + 10**6
    with pytest.raises(AgentError, match=r"state\.modulator\.marked: names inputs that do not exist"):
        made.restore(state)


def test_slower_means_all_rates() -> None:
    slow = TD.slowed(0.5)
    assert (slow.gain, slow.critic_learning_rate) == (0.25, TD.critic_learning_rate / 2)
    assert dataclasses.replace(slow, gain=TD.gain, critic_learning_rate=TD.critic_learning_rate) == TD
    assert PredictionError(gain=2.0).slowed(0.5).gain == Reward(gain=2.0).slowed(0.5).gain == 1.0
