"""The coder's two ends: shapes, limits, seeds, and the controller protocol around it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from snnctl.agent.coder import Coder
from snnctl.agent.description import AgentDescription, Provenance, Task, tensor_shapes
from snnctl.agent.float_controller import FloatController
from snnctl.agent.folder import Agent
from snnctl.coding import ChoiceDecoder, GaussianPopulation, Normaliser, RateDecoder
from snnctl.network.description import stack
from snnctl.neurons import CurrentLif


def small_agent(decoder: Any, actions: int, spikes: Any = "deterministic") -> Agent:
    encoder = GaussianPopulation(neurons_per_dim=4, spikes=spikes)
    description = AgentDescription(
        name="small",
        task=Task(
            env_id="none",
            observation_size=3,
            action_size=actions,
            action_kind="continuous" if isinstance(decoder, RateDecoder) else "discrete",
            control_dt_s=0.02,
        ),
        normaliser=Normaliser(),
        encoder=encoder,
        network=stack(
            inputs=12,
            hidden=(8,),
            outputs=decoder.size(actions),
            neuron=CurrentLif(tau_mem_s=4e-3, tau_syn_s=2e-3),
            tick_s=1e-3,
            ticks=6,
        ),
        decoder=decoder,
        provenance=Provenance(recipe="none", seed=0),
    )
    rng = np.random.default_rng(0)
    tensors = {
        n: rng.normal(0.3, 0.5, [s or 0 for s in shape]).astype(np.float32)
        for n, shape in tensor_shapes(description).items()
    }
    tensors |= {n: np.abs(tensors[n]) + 0.2 for n in ("normaliser.std", "encoder.width")}
    if "decoder.low" in tensors:
        tensors["decoder.low"], tensors["decoder.high"] = np.full(actions, -0.4), np.full(actions, 0.4)
    return Agent(description, tensors)


def test_encodes_bits_and_decodes_within_the_limits() -> None:
    coder = Coder(small_agent(RateDecoder(neurons_per_action=3), 2))
    spikes = coder.encode(np.array([0.1, -0.5, 2.0], np.float32))
    assert spikes.shape == (6, 12) and spikes.dtype == np.uint8 and set(np.unique(spikes)) <= {0, 1}
    for raster in (np.zeros((6, 6), np.uint8), np.ones((6, 6), np.uint8)):
        action = coder.decode(raster)
        assert isinstance(action, np.ndarray) and action.dtype == np.float64
        assert (np.abs(action) <= 0.4).all()


def test_a_choice_is_an_int() -> None:
    agent = small_agent(ChoiceDecoder(neurons_per_action=2), 3)
    coder, counts = Coder(agent), np.array([0, 1, 6, 2, 3, 3])
    raster = (np.arange(6)[:, None] < counts).astype(np.uint8)  # (ticks, n_out)
    weight, bias = agent.tensors["decoder.weight"], agent.tensors["decoder.bias"]
    logits = (weight.astype(float) * counts.reshape(3, 2) / 6).sum(axis=1) + bias
    assert coder.decode(raster) == int(np.argmax(logits))
    assert isinstance(coder.decode(raster), int)
    assert isinstance(FloatController(agent).act(np.zeros(3)), int)


def test_the_seed_of_the_episode_makes_the_poisson_spikes() -> None:
    coder = Coder(small_agent(ChoiceDecoder(), 2, "poisson"))
    drawn = []
    for seed in (5, 6, 5):
        coder.reset(seed)
        drawn.append([coder.encode(np.zeros(3)) for _ in range(2)])
    np.testing.assert_array_equal(drawn[0], drawn[2])
    assert not np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0][0], drawn[0][1])  # the stream goes on


def test_an_observation_of_the_wrong_length_is_refused() -> None:
    agent = small_agent(ChoiceDecoder(), 2)
    with pytest.raises(ValueError, match="broadcast"):
        Coder(agent).encode(np.zeros(4))
    with pytest.raises(ValueError, match="broadcast"):
        FloatController(agent).act(np.zeros(4))
