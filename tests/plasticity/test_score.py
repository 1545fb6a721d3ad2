"""The score rule: the gradient of a log-probability, the fused learner's bits, sources that rest, what it refuses."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnctl.agent import folder
from snnctl.agent.coder import Coder
from snnctl.agent.fused_learner import FusedLearner
from snnctl.errors import NetworkError
from snnctl.network import Network
from snnctl.network.description import problems
from snnctl.neurons import CurrentLif, Lif, NoisyLif
from snnctl.neurons.noisy_lif import step
from snnctl.plasticity import Score
from tests.agent.learners import SCORE, network
from tests.interpreted import INTERPRETED
from tests.reference import plastic

TICK_S = 1e-3
AGENTS = Path(__file__).parents[2] / "agents"
DECISIONS = 3 if INTERPRETED else 40


def log_probability(neuron: NoisyLif, weight: Any, pre: Any, post: Any) -> float:
    """Of the spikes ``post`` (ticks,) of one neuron that gets ``pre`` (ticks, n)."""
    c, state, total = neuron.constants(TICK_S), neuron.initial(), 0.0
    for s, o in zip(pre, post, strict=True):
        state, _ = step(c, state, float(s @ weight), 0.0, -1.0 if o else 2.0)  # forced
        total += math.log(state.expected if o else 1 - state.expected)
    return total


@pytest.mark.parametrize("reset", ["value", "subtract"])
def test_without_decay_the_eligibility_is_the_gradient_of_the_log_probability(reset: Any) -> None:
    random, neuron = np.random.default_rng(0), NoisyLif(noise=0.4, reset=reset)
    weight, pre, post = random.uniform(0.1, 0.8, 3), random.random((30, 3)) < 0.4, random.random(30) < 0.2
    rule = Score(reset=reset, decision_ticks=30, decay=1 - 1e-9)
    loop, c, state = plastic(rule, TICK_S, weight[:, None]), neuron.constants(TICK_S), neuron.initial()
    for s, o in zip(pre, post, strict=True):
        loop.begin()
        loop.deliver(np.flatnonzero(s).tolist())
        state, _ = step(c, state, float(s @ weight), 0.0, -1.0 if o else 2.0)
        loop.end([state.expected], [0] if o else [])
    h = 1e-6
    for i, e in enumerate(loop.field("e")[:, 0]):
        up, down = (log_probability(neuron, weight + sign * h * np.eye(3)[i], pre, post) for sign in (1, -1))
        assert e / neuron.noise == pytest.approx((up - down) / (2 * h), rel=1e-5)


class Probabilities:
    """What the fused learner's neurons expected in each tick, from the weights that it acted with and its spikes."""

    def __init__(self, neuron: CurrentLif, noise: float, bias: Any) -> None:
        c = neuron.constants(TICK_S)
        self.c, self.noise, self.bias = type(c)(*map(np.float32, c)), noise, bias

    def of(self, weight: Any, starts: Any, sources: Any, raster: Any) -> Any:
        """(ticks, m) float32; as :func:`snnctl.agent.actor_critic.explore` rounds."""
        m, c = weight.shape[1], self.c
        i, v, found = np.zeros(m, np.float32), np.zeros(m, np.float32), np.zeros(raster.shape, np.float32)
        for t in range(len(raster)):
            drive = np.zeros(m, np.float32)
            for source in sources[starts[t] : starts[t + 1]]:
                drive += weight[source]
            i = c.a_syn * i + drive
            v = c.a_mem * v + i + self.bias
            for j in range(m):
                below = min(float(c.v_threshold - v[j]) / self.noise, 80.0)
                found[t, j] = np.float32(1.0 / (1.0 + math.exp(below)))
            v = np.where(raster[t] > 0, c.keep * v + c.shift, v).astype(np.float32)
        return found


def test_in_closed_loop_its_weights_are_those_of_the_fused_learner_bit_for_bit() -> None:
    """The same spikes, probabilities and signals: two codes of one equation, in float32."""
    agent = folder.load(AGENTS / "cartpole-rstdp")
    own, net = agent.description.learning, agent.description.spiking_network
    neuron = net.output.neuron
    assert own is not None and isinstance(neuron, CurrentLif)
    own = dataclasses.replace(own, trace_lambda=0.3, learning_rate=0.05)  # forgotten within 6 decisions
    fused = FusedLearner(agent._replace(description=dataclasses.replace(agent.description, learning=own)), 0)
    rule = Score(
        tau_mem_s=neuron.tau_mem_s, tau_syn_s=neuron.tau_syn_s, reset=neuron.reset, decision="reset",
        decision_ticks=net.ticks, decay=own.gamma * own.trace_lambda, learning_rate=1.0,
        weight_min=-own.weight_limit, weight_max=own.weight_limit,
    )  # fmt: skip
    loop, coder = plastic(rule, TICK_S, fused.weight, scalar=np.float32), Coder(agent)
    expected = Probabilities(neuron, own.noise, agent.tensors[net.output.bias_name].astype(np.float32))
    random, x, numbers, rested = np.random.default_rng(1), np.zeros(4), fused._syn.numbers, 0
    fused.reset(0)
    coder.reset(0)
    for decision in range(DECISIONS):
        x = 0.7 * x + random.uniform(-0.5, 0.5, 4) * [2.4, 2.5, 0.21, 2.5]
        starts, sources = coder.sources(x)
        fused.act(x)
        d = 0.0 if decision == 0 else fused.delta / math.sqrt(numbers[3])
        gain = np.float32(own.learning_rate * min(max(d, -own.dopamine_limit), own.dopamine_limit))
        rho = expected.of(fused.weight, starts, sources, fused._raster)
        for t in range(net.ticks):
            loop.begin(gain if t == 0 else 0.0)
            loop.deliver(sources[starts[t] : starts[t + 1]].tolist())
            loop.end(rho[t], np.flatnonzero(fused._raster[t]).tolist())
        last_digits = 1e-5 if INTERPRETED else 0.0  # Python's own numbers of 64 bits come between
        np.testing.assert_allclose(loop.field("weight"), fused.weight, last_digits, err_msg=f"decision {decision}")
        rested += sum(pre.left == 0 and pre.tick == 0 for pre in loop.rules[0].pre)
        fused.feedback(float(random.normal()), x, False, False)
    assert np.abs(fused.weight - agent.tensors[net.projections[0].weight_name]).max() > 1e-3
    assert rested > 0


def test_a_source_that_was_silent_for_long_rests_and_keeps_its_weight() -> None:
    loop = plastic(Score(decay=0.5, learning_rate=0.1), TICK_S, [[0.5], [0.5]])
    for tick in range(30):
        loop.begin(1.0)
        loop.deliver([0] if tick == 0 else [])
        loop.end([0.2], [0] if tick == 1 else [])
        if tick == 12:
            known = loop.field("weight")
    np.testing.assert_array_equal(loop.field("weight"), known)
    assert known[0, 0] > 0.5 == known[1, 0]
    assert loop.field("eligibility").tolist() == loop.field("x").tolist() == [[0.0], [0.0]]


def test_a_neuron_without_a_probability_is_refused() -> None:
    net = Network(TICK_S)
    net.population("in", 2)
    net.population("out", 2, Lif(tau_mem_s=8e-3))
    net.project("in", "out", weight=0.1, plasticity=Score())
    with pytest.raises(NetworkError, match=r"'score' reads the field 'expected' of its target.*such as noisy_lif"):
        net.run(TICK_S)


def test_decisions_must_be_those_of_the_network() -> None:
    made = network("reset", ("input", "output", Score(decision_ticks=4)), neuron=NoisyLif())
    (told,) = problems(made, "network")
    assert "'score': decision is 'streaming' where the network's is 'reset'; make them equal" in str(told)
    other = dataclasses.replace(SCORE, decision_ticks=3)
    (told,) = problems(network("reset", ("input", "output", other), neuron=NoisyLif()), "network")
    assert "decision_ticks is 3, the network's 4" in str(told)
