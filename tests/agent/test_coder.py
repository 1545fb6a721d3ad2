"""The coder's two ends: shapes, limits, seeds, and the controller protocol around it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snnctl.agent import folder
from snnctl.agent.coder import Coder
from snnctl.agent.description import problems
from snnctl.agent.float_controller import FloatController, Fused
from snnctl.agent.folder import Agent
from snnctl.coding import (
    Analog,
    AnalogDecoder,
    ArgmaxDecoder,
    Bernoulli,
    Burst,
    ChoiceDecoder,
    DirectCurrent,
    FilteredRateDecoder,
    FirstSpikeDecoder,
    GaussianPopulation,
    Latency,
    MembraneDecoder,
    Phase,
    Poisson,
    PopulationVectorDecoder,
    RateDecoder,
    SendOnDelta,
    WinnerTakeAllDecoder,
)
from snnctl.errors import SpaceError
from snnctl.neurons import CurrentLif
from tests import factories


def test_encodes_bits_and_decodes_within_the_limits() -> None:
    coder = Coder(factories.coded(RateDecoder(neurons_per_action=3), 2))
    spikes = coder.encode(np.array([0.1, -0.5, 2.0], np.float32))
    assert spikes.shape == (6, 12) and spikes.dtype == np.uint8 and set(np.unique(spikes)) <= {0, 1}
    for raster in (np.zeros((6, 6), np.uint8), np.ones((6, 6), np.uint8)):
        action = coder.decode(raster)
        assert isinstance(action, np.ndarray) and action.dtype == np.float64
        assert (np.abs(action) <= 0.4).all()


def test_a_choice_is_an_int() -> None:
    agent = factories.coded(ChoiceDecoder(neurons_per_action=2), 3)
    coder, counts = Coder(agent), np.array([0, 1, 6, 2, 3, 3])
    raster = (np.arange(6)[:, None] < counts).astype(np.uint8)  # (ticks, n_out)
    weight, bias = agent.tensors["decoder.weight"], agent.tensors["decoder.bias"]
    logits = (weight.astype(float) * counts.reshape(3, 2) / 6).sum(axis=1) + bias
    assert coder.decode(raster) == int(np.argmax(logits))
    assert isinstance(coder.decode(raster), int)
    assert isinstance(FloatController(agent).act(np.zeros(3)), int)


def test_the_seed_of_the_episode_makes_the_poisson_spikes() -> None:
    coder = Coder(factories.coded(ChoiceDecoder(), 2, GaussianPopulation(neurons_per_dim=4, spikes="poisson")))
    drawn = []
    for seed in (5, 6, 5):
        coder.reset(seed)
        drawn.append([coder.encode(np.zeros(3)) for _ in range(2)])
    np.testing.assert_array_equal(drawn[0], drawn[2])
    assert not np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0][0], drawn[0][1])  # the stream goes on


def test_an_observation_of_the_wrong_length_is_refused() -> None:
    agent = factories.coded(ChoiceDecoder(), 2)
    with pytest.raises(SpaceError, match=r"shape \(4,\); this agent was made for \(3,\)"):
        Coder(agent).encode(np.zeros(4))
    with pytest.raises(SpaceError, match="made for"):
        FloatController(agent).act(np.zeros(4))


ENCODERS = [
    Poisson(),
    Bernoulli(),
    Latency(),
    Latency(law="logarithmic", silent=True),
    Latency(law="charging", theta=0.3),
    Phase(period=3),
    Burst(max_spikes=2, isi_max=3),
    SendOnDelta(),
    DirectCurrent(gain=2.0),
    Analog(),
    GaussianPopulation(neurons_per_dim=4, placement="bohte", spikes="latency"),
    GaussianPopulation(neurons_per_dim=4, spikes="poisson"),
]
DECODERS: list[tuple[Any, int]] = [
    (RateDecoder(neurons_per_action=3), 2),
    (ChoiceDecoder(neurons_per_action=2), 3),
    (FilteredRateDecoder(neurons_per_action=3), 2),
    (FirstSpikeDecoder(neurons_per_action=3), 2),
    (PopulationVectorDecoder(neurons_per_action=3), 2),
    (WinnerTakeAllDecoder(neurons_per_action=2), 3),
    (WinnerTakeAllDecoder(by="first_spike"), 3),
    (MembraneDecoder(neurons_per_action=2), 2),
    (MembraneDecoder(neurons_per_action=2, read="mean"), 2),
    (WinnerTakeAllDecoder(by="membrane"), 3),
]


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda e: e.kind)
@pytest.mark.parametrize(("decoder", "actions"), DECODERS, ids=lambda d: getattr(d, "kind", ""))
def test_every_code_acts_within_the_limits_and_again_the_same(encoder: Any, decoder: Any, actions: int) -> None:
    agent = factories.coded(decoder, actions, encoder=encoder)
    controller = FloatController(agent)
    general = FloatController(agent, np.float64)
    fused = isinstance(decoder, RateDecoder | ChoiceDecoder) and encoder.signal == "spikes"
    assert isinstance(controller.path, Fused) == fused
    observations = np.random.default_rng(1).normal(size=(5, 3))
    runs = []
    for c in (controller, controller, general):
        c.reset(7)
        runs.append([c.act(o) for o in observations])
    np.testing.assert_array_equal(runs[0], runs[1])  # a reset forgets levels, filters and draws
    for action in (*runs[0], *runs[2]):
        if decoder.action_kind == "discrete":
            assert isinstance(action, int) and 0 <= action < actions
        else:
            assert isinstance(action, np.ndarray) and (np.abs(action) <= 0.4).all()
    spikes = controller.activity().spikes["input"]
    assert spikes.shape == (6, encoder.size(3)) and spikes.dtype == np.uint8 and spikes.max() <= 1


@pytest.mark.parametrize("encoder", [e for e in ENCODERS if e.kind != "gaussian_population"], ids=lambda e: e.kind)
def test_a_nan_observation_is_one_clear_error(encoder: Any) -> None:
    controller = FloatController(factories.coded(ChoiceDecoder(), 2, encoder=encoder))
    with pytest.raises(ValueError, match=r"observation\[1\] is nan"):
        controller.act(np.array([0.0, np.nan, 1.0]))


def test_the_filtered_rate_goes_on_over_decisions() -> None:
    decoder = FilteredRateDecoder(neurons_per_action=3, tau_s=10e-3)
    coder = Coder(factories.coded(decoder, 2))
    loud, quiet = np.ones((6, 6), np.uint8), np.zeros((6, 6), np.uint8)
    first = coder.decode(loud)
    held = coder.decode(quiet)
    coder.reset(0)
    assert not np.array_equal(held, coder.decode(quiet))
    coder.reset(0)
    np.testing.assert_array_equal(first, coder.decode(loud))


def test_membranes_are_read_from_whoever_has_them() -> None:
    agent = factories.coded(MembraneDecoder(neurons_per_action=1), 2)
    coder, v = Coder(agent), np.array([0.3, -1.2])
    y = agent.tensors["decoder.weight"][:, 0].astype(float) * v + agent.tensors["decoder.bias"]
    np.testing.assert_allclose(coder.decode(np.zeros((6, 2), np.uint8), v), 0.4 * np.tanh(y), rtol=1e-12)
    choice = Coder(factories.coded(WinnerTakeAllDecoder(by="membrane"), 2))
    assert choice.decode(np.zeros((6, 2), np.uint8), v) == 0
    with pytest.raises(ValueError, match="membranes"):
        coder.decode(np.zeros((6, 2), np.uint8))


def test_what_an_agent_cannot_do_is_one_problem_each() -> None:
    def found(decoder: Any, actions: int, encoder: Any = None) -> list[str]:
        return [str(p) for p in problems(factories.coded(decoder, actions, encoder=encoder).description, "a.toml")]

    assert found(WinnerTakeAllDecoder(), 2) == found(MembraneDecoder(), 2, DirectCurrent()) == []
    (problem,) = found(ChoiceDecoder(), 2, Phase(period=4))
    assert problem.startswith("a.toml:encoder.period: is 4, which does not divide the 6 ticks")
    (problem,) = found(ChoiceDecoder(), 2, Burst())
    assert problem.startswith("a.toml:encoder.isi_max: is 5: the longest burst takes 10 ticks, a decision has 6")
    agent = factories.coded(WinnerTakeAllDecoder(), 2)
    task = dataclasses.replace(agent.description.task, action_kind="continuous")
    (wrong,) = problems(dataclasses.replace(agent.description, task=task), "a.toml")
    assert "'winner_take_all' gives discrete actions, the task takes continuous ones" in str(wrong)


@pytest.mark.parametrize("encoder", [Latency(), SendOnDelta(threshold=0.2)], ids=lambda e: e.kind)
def test_the_description_of_every_code_survives_its_file(encoder: Any, tmp_path: Path) -> None:
    agent = factories.coded(PopulationVectorDecoder(neurons_per_action=3), 2, encoder=encoder)
    agent = folder.save(agent, tmp_path / "a")
    again = folder.load(tmp_path / "a")
    assert again.description == agent.description


@pytest.mark.parametrize("connectivity", ["dense", "sparse"])
def test_a_direct_current_drives_the_first_layer_beside_its_bias(connectivity: Any) -> None:
    agent = factories.coded(MembraneDecoder(neurons_per_action=1, read="mean"), 2, encoder=DirectCurrent(gain=1.5))
    description, tensors = agent.description, dict(agent.tensors)
    weight = tensors["projection.input.hidden1.weight"].astype(float)  # (3, 8)
    if connectivity == "sparse":
        first, *rest = description.network.projections
        sparse = dataclasses.replace(first, connectivity="sparse")
        network = dataclasses.replace(description.network, projections=(sparse, *rest))
        description = dataclasses.replace(description, network=network)
        tensors["projection.input.hidden1.weight"] = weight.astype(np.float32).ravel()
        tensors["projection.input.hidden1.indptr"] = np.arange(0, 25, 8).astype(np.int32)
        tensors["projection.input.hidden1.indices"] = np.tile(np.arange(8), 3).astype(np.int32)
    controller = FloatController(Agent(description, tensors), np.float64)
    observation = np.array([0.4, -0.3, 0.8])
    action = controller.act(observation)

    x = np.clip((observation - tensors["normaliser.mean"]) / tensors["normaliser.std"], -3, 3)
    c = CurrentLif(tau_mem_s=4e-3, tau_syn_s=2e-3).constants(1e-3)
    drive, spikes = np.tile(1.5 * x @ weight + tensors["population.hidden1.bias"], (6, 1)), None
    for name, synapses in (("hidden1", None), ("output", tensors["projection.hidden1.output.weight"].astype(float))):
        n = drive.shape[1] if synapses is None else 2
        i, v, trace, fired = np.zeros(n), np.zeros(n), [], []
        for t in range(6):
            if synapses is None:
                current = drive[t]
            else:
                i = c.a_syn * i + spikes[t] @ synapses
                current = i + tensors["population.output.bias"]
            v = c.a_mem * v + current
            fired.append(v > 1.0)
            v = np.where(fired[-1], 0.0, v)
            trace.append(v)
        spikes = np.array(fired, float)
        np.testing.assert_array_equal(controller.activity().spikes[name], spikes)
    assert spikes.any() or np.ptp(trace) > 0
    y = tensors["decoder.weight"][:, 0].astype(float) * np.mean(trace, axis=0) + tensors["decoder.bias"]
    np.testing.assert_allclose(action, 0.4 * np.tanh(y), rtol=1e-9)
    assert not controller.activity().spikes["input"].any()
    assert controller.activity().synaptic_events == 24 + 2 * controller.activity().spikes["hidden1"].sum()


def test_an_analog_input_is_a_direct_current_of_gain_1() -> None:
    observation = np.array([0.4, -0.3, 0.8])
    decoder = MembraneDecoder()
    one, other = (FloatController(factories.coded(decoder, 2, encoder=e)) for e in (Analog(), DirectCurrent()))
    np.testing.assert_array_equal(one.act(observation), other.act(observation))


def test_numbers_are_decoded_from_networks_that_give_numbers() -> None:
    coder = Coder(factories.coded(AnalogDecoder(squash="clip"), 2))
    np.testing.assert_allclose(coder.decode(None, np.array([0.5, -9.0])), [0.2, -0.4])
    with pytest.raises(ValueError, match="the decoder reads values, which this controller does not give"):
        coder.decode(np.zeros((6, 2), np.uint8))
    (problem,) = problems(factories.coded(ArgmaxDecoder(), 2).description, "a.toml")
    assert str(problem).startswith("a.toml:decoder.kind: 'argmax' reads the numbers of a network without spikes")
