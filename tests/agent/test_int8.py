"""Weights of 8 bits: the rounding, the sums (exact integers), the controller, and what it is refused for."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from snnctl.agent.controllers import make
from snnctl.agent.float_controller import FloatController
from snnctl.agent.folder import Agent
from snnctl.agent.int8 import LARGEST, quantise, relative_error
from snnctl.coding import Analog, AnalogDecoder, GaussianPopulation, MembraneDecoder, RateDecoder
from snnctl.errors import ConfigError
from snnctl.network.dense import DenseNetwork
from snnctl.neurons import CurrentLif
from tests import factories
from tests.agent.test_decision import make_agent
from tests.interpreted import INTERPRETED

WIDE = 40 if INTERPRETED else 600  # more than two blocks of sources
LIF = CurrentLif(tau_syn_s=1e-3, tau_mem_s=4e-3, v_threshold=0.5)


def chain(hidden: tuple[int, ...] = (WIDE, 130)) -> Agent:
    """A spiking chain of odd sizes."""
    encoder, decoder = GaussianPopulation(neurons_per_dim=9), RateDecoder(neurons_per_action=7)
    neurons = (LIF,) * (len(hidden) + 1)
    return make_agent(dims=3, hidden=hidden, actions=2, neurons=neurons, encoder=encoder, decoder=decoder)


def test_weights_are_rounded_to_the_nearest_of_255_values_of_their_target() -> None:
    weight = np.random.default_rng(0).normal(size=(50, 20)).astype(np.float32)
    weight[:, 3] = 0
    values, scale = quantise(weight)
    assert (np.abs(quantise(weight).weights() - weight) <= scale / 2 + 1e-6).all()
    assert (np.abs(values).max(axis=0) == np.where(np.arange(20) == 3, 0, LARGEST)).all()
    assert 0.001 < relative_error(weight) < 0.02
    assert relative_error(weight[:, 3:4]) == 0.0
    values, scale = quantise(np.array([[1e-45, 0.0], [0.0, 1.0]], np.float32))  # the first is the least float32
    np.testing.assert_array_equal(values, [[0, 0], [0, LARGEST]])
    assert scale[0] == 1.0


def test_a_decision_sums_integers_and_multiplies_once() -> None:
    """Spikes of every layer equal those of plain arithmetic on the spikes of the layer below."""
    agent = chain()
    controller = FloatController(agent, weights="int8")
    observation = np.array([0.3, -0.8, 1.1])
    controller.act(observation)
    spikes = controller.activity().spikes
    names = list(spikes)
    a_syn, a_mem = (np.float32(np.exp(-1e-3 / tau)) for tau in (LIF.tau_syn_s, LIF.tau_mem_s))
    for source, target in itertools.pairwise(names):
        values, scale = quantise(agent.tensors[f"projection.{source}.{target}.weight"])
        bias = agent.tensors.get(f"population.{target}.bias", np.zeros(scale.size, np.float32))
        i, v = np.zeros(scale.size, np.float32), np.zeros(scale.size, np.float32)
        for t, fired in enumerate(spikes[source]):
            drive = (fired.astype(np.int64) @ values.astype(np.int64)).astype(np.float32) * scale
            i = a_syn * i + drive
            v = a_mem * v + i + bias
            np.testing.assert_array_equal(spikes[target][t], v > np.float32(0.5))
            v = np.where(v > np.float32(0.5), np.float32(0), v)


def test_sums_of_a_whole_block_do_not_overflow() -> None:
    """256 weights of the largest integer, all of whose sources spike."""
    agent = chain((300,))
    tensors = dict(agent.tensors)
    tensors["projection.input.hidden0.weight"] = np.ones_like(tensors["projection.input.hidden0.weight"])
    tensors["projection.hidden0.output.weight"] = np.full((300, 14), -1.0, np.float32)
    tensors["population.hidden0.bias"] = np.full(300, 9.0, np.float32)  # every neuron spikes in every tick
    tensors["population.output.bias"] = np.full(14, 300.25, np.float32)  # v = 300.25 - 300, below the threshold
    tensors.pop("population.output.initial", None)
    controller = FloatController(Agent(agent.description, tensors), weights="int8")
    controller.act(np.zeros(3))
    spikes = controller.activity().spikes
    assert spikes["hidden0"].all()
    assert not spikes["output"][0].any()


def test_actions_stay_close_to_those_of_float32() -> None:
    agent = chain()
    exact, rounded = FloatController(agent), FloatController(agent, weights="int8")
    observations = np.random.default_rng(1).normal(size=(40, 3))
    wanted = np.array([exact.act(o) for o in observations])
    found = np.array([rounded.act(o) for o in observations])
    assert 0 < np.sqrt(np.mean((found - wanted) ** 2)) < 0.3 * wanted.std()


def test_other_agents_are_refused_with_the_reason() -> None:
    with pytest.raises(ConfigError, match="membranes"):
        FloatController(factories.coded(MembraneDecoder(), 2), weights="int8")
    network = DenseNetwork(inputs=3, hidden=(7,), outputs=2)
    dense = factories.agent(factories.task(3, 2), encoder=Analog(), network=network, decoder=AnalogDecoder())
    with pytest.raises(ConfigError, match="dense"):
        make(dense, "int8")
