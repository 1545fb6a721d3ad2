"""The fused decision kernel equals coder + engine bit for bit, at any size and with every option."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from snnctl import streams
from snnctl.agent.coder import Coder
from snnctl.agent.decision import _encode, refuses, strips
from snnctl.agent.description import AgentDescription, problems, tensor_shapes
from snnctl.agent.float_controller import FloatController
from snnctl.agent.folder import Agent
from snnctl.agent.program import program
from snnctl.coding import ChoiceDecoder, GaussianPopulation, PlaceCells, RateDecoder
from snnctl.network.description import NetworkDescription, Population, Projection
from snnctl.network.engine import Engine
from snnctl.network.vector import aligned
from snnctl.neurons import CurrentLif, Lif
from tests import factories
from tests.interpreted import INTERPRETED

WIDEST = 30 if INTERPRETED else 300


def make_agent(
    *,
    dims: int,
    hidden: tuple[int, ...],
    actions: int,
    neurons: tuple[Any, ...],
    encoder: Any,
    decoder: Any,
    ticks: int = 5,
    seed: int = 0,
) -> Agent:
    """A chain with random tensors that spikes everywhere."""
    names = ["input", *(f"hidden{k}" for k in range(len(hidden))), "output"]
    sizes = [encoder.size(dims), *hidden, decoder.size(actions)]
    populations = tuple(
        Population(name=n, size=s, neuron=neurons[k - 1] if k else None)
        for k, (n, s) in enumerate(zip(names, sizes, strict=True))
    )
    network = NetworkDescription(
        tick_s=1e-3,
        ticks=ticks,
        populations=populations,
        projections=tuple(Projection(source=a, target=b) for a, b in itertools.pairwise(names)),
    )
    task = factories.task(dims, actions, decoder.action_kind)
    description = factories.description(task, encoder=encoder, network=network, decoder=decoder, seed=seed)
    assert not problems(description, "agent")
    rng = np.random.default_rng(seed)
    tensors: dict[str, NDArray[Any]] = {}
    for name, (shape, required, _) in tensor_shapes(description).items():
        if not required:
            continue
        size = tuple(s or 0 for s in shape)
        scale = 2.0 / np.sqrt(size[0]) if name.startswith("projection") else 0.3
        tensors[name] = rng.normal(0.0, scale, size).astype(np.float32)
    for name in ("normaliser.std", "encoder.width"):
        tensors[name] = np.abs(tensors[name]) + np.float32(0.3)
    if isinstance(decoder, RateDecoder):
        tensors["decoder.low"], tensors["decoder.high"] = np.full(actions, -2, np.float32), np.ones(actions, np.float32)
    return Agent(description, tensors)


def neurons() -> st.SearchStrategy[Lif | CurrentLif]:
    common = {
        "tau_mem_s": st.floats(5e-4, 2e-2),
        "v_threshold": st.floats(0.2, 1.0),
        "v_reset": st.floats(-0.5, 0.2),
        "reset": st.sampled_from(["value", "subtract"]),
        "refractory_ticks": st.integers(0, 3),
    }
    return st.builds(Lif, **common) | st.builds(CurrentLif, tau_syn_s=st.sampled_from([0.0, 1e-3]), **common)


@st.composite
def agents(draw: st.DrawFn) -> Agent:
    hidden = tuple(draw(st.lists(st.integers(1, WIDEST), min_size=0, max_size=3)))
    spikes = draw(st.sampled_from(["deterministic", "poisson"]))
    decoder = draw(st.sampled_from([RateDecoder, ChoiceDecoder]))
    return make_agent(
        dims=draw(st.integers(1, 9)),
        hidden=hidden,
        actions=draw(st.integers(1, 7)),
        neurons=tuple(draw(neurons()) for _ in range(len(hidden) + 1)),
        encoder=GaussianPopulation(neurons_per_dim=draw(st.integers(1, 12)), spikes=spikes),
        decoder=decoder(neurons_per_action=draw(st.integers(1, 12))),
        ticks=draw(st.integers(1, 9)),
        seed=draw(st.integers(0, 2**31)),
    )


@settings(max_examples=5 if INTERPRETED else 60, deadline=None)
@given(agents(), st.integers(0, 2**31))
def test_equals_coder_and_engine_bit_for_bit(agent: Agent, seed: int) -> None:
    description = agent.description
    controller, coder = FloatController(agent), Coder(agent)
    engine = Engine(program(agent))
    controller.reset(seed)
    coder.reset(seed)
    n_out = description.network.output.size
    for observation in np.random.default_rng(seed).normal(0, 1.5, (4, description.task.observation_size)):
        action = controller.act(observation)
        inputs = coder.encode(observation)
        _, raster = engine.run(engine.initial_state(), inputs)
        activity = controller.activity()
        np.testing.assert_array_equal(activity.spikes["input"], inputs)
        np.testing.assert_array_equal(
            np.concatenate([activity.spikes[p.name] for p in description.network.driven], axis=1), raster
        )
        assert activity.synaptic_events == engine.synaptic_events
        expected = coder.decode(raster[:, -n_out:])
        assert np.array_equal(np.asarray(action), np.asarray(expected))


def test_other_encoders_feed_the_same_kernel() -> None:
    agent = make_agent(
        dims=2,
        hidden=(33,),
        actions=3,
        neurons=(CurrentLif(tau_mem_s=4e-3, tau_syn_s=2e-3),) * 2,
        encoder=PlaceCells(grid=(5, 7), spikes="poisson"),
        decoder=ChoiceDecoder(),
    )
    controller, coder = FloatController(agent), Coder(agent)
    engine = Engine(program(agent))
    controller.reset(3)
    coder.reset(3)
    for observation in np.random.default_rng(0).normal(0, 0.5, (10, 2)):
        action = controller.act(observation)
        _, raster = engine.run(engine.initial_state(), coder.encode(observation))
        assert action == coder.decode(raster[:, 33:])


def test_spikes_occur_in_every_layer_and_the_action_is_within_limits() -> None:
    agent = make_agent(
        dims=17,
        hidden=(WIDEST, 70),
        actions=6,
        neurons=(CurrentLif(tau_mem_s=4e-3, tau_syn_s=2e-3),) * 3,
        encoder=GaussianPopulation(),
        decoder=RateDecoder(),
    )
    controller = FloatController(agent)
    action = np.asarray(controller.act(np.random.default_rng(1).normal(size=17)))
    assert all(0 < s.mean() < 1 for s in controller.activity().spikes.values())
    assert ((action >= -2) & (action <= 1)).all()
    before = action.copy()
    controller.act(np.zeros(17))
    np.testing.assert_array_equal(action, before)  # each action is an array of its own


def test_float64_takes_the_general_path_and_agrees() -> None:
    agent = make_agent(
        dims=4,
        hidden=(40,),
        actions=2,
        neurons=(CurrentLif(tau_mem_s=4e-3, tau_syn_s=2e-3),) * 2,
        encoder=GaussianPopulation(),
        decoder=RateDecoder(),
    )
    one, two = FloatController(agent), FloatController(agent, np.float64)
    for observation in np.random.default_rng(2).normal(size=(20, 4)):
        np.testing.assert_allclose(one.act(observation), two.act(observation), rtol=1e-12)
        spikes = two.activity().spikes
        np.testing.assert_array_equal(one.activity().spikes["output"], spikes["output"])


def test_a_streaming_network_remembers_the_decision_before() -> None:
    neuron = CurrentLif(tau_mem_s=4e-3, tau_syn_s=2e-3)
    agent = make_agent(
        dims=3, hidden=(20,), actions=2, neurons=(neuron,) * 2, encoder=GaussianPopulation(), decoder=ChoiceDecoder()
    )
    network = agent.description.network
    streaming = NetworkDescription(
        tick_s=network.tick_s,
        ticks=network.ticks,
        decision="streaming",
        populations=network.populations,
        projections=tuple(Projection(source=p.source, target=p.target, delay_ticks=1) for p in network.projections),
    )
    streamed = Agent(_with_network(agent.description, streaming), agent.tensors)
    assert not refuses(program(agent))
    refused = [str(problem) for problem in refuses(program(streamed))]
    assert any("does not make 'streaming' decisions" in problem for problem in refused)
    controller = FloatController(streamed)
    observation = np.array([0.3, -0.4, 1.0])
    controller.act(observation)
    first = controller.activity().spikes["hidden0"]
    controller.act(observation)
    assert not np.array_equal(first, controller.activity().spikes["hidden0"])
    controller.reset(0)
    controller.act(observation)
    np.testing.assert_array_equal(first, controller.activity().spikes["hidden0"])


def _with_network(description: AgentDescription, network: NetworkDescription) -> AgentDescription:
    import dataclasses

    return dataclasses.replace(description, network=network)


def test_poisson_input_depends_on_the_seed_alone() -> None:
    agent = make_agent(
        dims=3,
        hidden=(20,),
        actions=2,
        neurons=(Lif(tau_mem_s=4e-3),) * 2,
        encoder=GaussianPopulation(spikes="poisson"),
        decoder=ChoiceDecoder(),
    )
    controller = FloatController(agent)
    rasters = []
    for seed in (1, 2, 1):
        controller.reset(seed)
        controller.act(np.zeros(3))
        rasters.append(controller.activity().spikes["input"])
    np.testing.assert_array_equal(rasters[0], rasters[2])
    assert not np.array_equal(rasters[0], rasters[1])
    assert streams.kernel_state(1, "encoder").shape == (4,)


def test_strips_hold_every_weight_once_and_start_on_64_bytes() -> None:
    weight = np.arange(1.0, 5 * 200 + 1).reshape(5, 200)
    laid = strips(weight, 16, 208)
    assert laid.size == 16 * 208
    np.testing.assert_array_equal(np.sort(laid[laid > 0]), weight.ravel())
    np.testing.assert_array_equal(laid[: 2 * 128].reshape(2, 128), weight[:2, :128])
    assert aligned(100).ctypes.data % 64 == 0


def test_the_padding_of_the_input_never_fires() -> None:
    data = np.zeros(16 * 6, np.float32)  # centre, slope, threshold, work space of 3: one strip of 16 each
    data[32] = 0.9
    layout = np.array([1, 3, 2, 0, 1, 0, 0, 3, 16, 48], np.int64)  # 3 neurons of one observation, 2 ticks
    border = np.array([0.0, 0.0, 1.0, 0.0, 3.0])  # observation, mean, std, x, clip
    spikes = np.zeros(32, np.uint8)
    _encode(data, border, layout, spikes, np.zeros(4, np.uint64))
    np.testing.assert_array_equal(spikes.reshape(2, 16).sum(axis=0), [2] * 3 + [0] * 13)
