"""An agent folder holds every tensor that the language of networks names."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from snnctl.agent import folder
from snnctl.agent.description import tensor_shapes
from snnctl.agent.float_controller import FloatController
from snnctl.agent.folder import Agent
from snnctl.coding import MembraneDecoder
from snnctl.errors import AgentError
from snnctl.network.description import NetworkDescription, Population, Projection
from snnctl.neurons import CubaLif, CurrentLif
from tests import factories

HIDDEN = 8


def rich_agent() -> Agent:
    """Two receptors, own delays of synapses, a parameter and a first membrane that differ from neuron to neuron."""
    plain = factories.coded(MembraneDecoder(), 2)
    network = NetworkDescription(
        tick_s=1e-4,
        ticks=60,
        populations=(
            Population(name="input", size=12),
            Population(name="hidden", size=HIDDEN, neuron=CubaLif()),
            Population(name="output", size=2, neuron=CurrentLif(tau_mem_s=4e-3, tau_syn_s=2e-3, v_threshold=50.0)),
        ),
        projections=(
            Projection(source="input", target="hidden", receptor="excitatory"),
            Projection(source="input", target="hidden", receptor="inhibitory", connectivity="sparse"),
            Projection(source="hidden", target="output", delay_ticks=1),
        ),
    )
    description = dataclasses.replace(plain.description, network=network)
    random = np.random.default_rng(3)
    tensors = {name: array for name, array in plain.tensors.items() if name in tensor_shapes(description)}
    tensors |= {
        "projection.input.hidden.excitatory.weight": random.uniform(0.02, 0.3, (12, HIDDEN)),
        "projection.input.hidden.inhibitory.indptr": np.arange(0, 25, 2, dtype=np.int32),
        "projection.input.hidden.inhibitory.indices": random.integers(0, HIDDEN, 24).astype(np.int32),
        "projection.input.hidden.inhibitory.weight": random.uniform(-0.05, 0.0, 24),
        "projection.hidden.output.weight": random.normal(size=(HIDDEN, 2)),
        "projection.hidden.output.delay": random.integers(1, 20, (HIDDEN, 2)).astype(np.int32),
        "population.hidden.bias": np.full(HIDDEN, 0.15),
        "population.hidden.tau_mem_s": random.uniform(5e-3, 30e-3, HIDDEN),
        "population.output.bias": np.zeros(2),
        "population.output.initial.v": np.array([0.25, -0.5]),
    }
    return Agent(description, {n: a if a.dtype == np.int32 else a.astype(np.float32) for n, a in tensors.items()})


def test_every_tensor_of_the_language_survives_the_folder(tmp_path: Path) -> None:
    agent = rich_agent()
    folder.save(agent, tmp_path / "a")
    again = folder.load(tmp_path / "a")
    assert set(again.tensors) == set(agent.tensors)
    one, other = FloatController(agent), FloatController(again)
    plain = FloatController(Agent(agent.description, {k: v for k, v in agent.tensors.items() if "tau_mem" not in k}))
    observations = np.random.default_rng(1).normal(size=(6, 3))
    actions = [one.act(o) for o in observations]
    np.testing.assert_array_equal(actions, [other.act(o) for o in observations])
    assert one.activity().spikes["hidden"].any()
    assert not np.array_equal(actions, [plain.act(o) for o in observations])


@pytest.mark.parametrize(
    ("name", "index", "value", "message"),
    [
        ("projection.input.hidden.inhibitory.indices", 3, 99, "name neurons outside 0 ... 7"),
        ("projection.input.hidden.inhibitory.indptr", 0, 1, "must rise from 0 to the 24 entries of .indices"),
        ("projection.hidden.output.delay", (0, 0), -2, "must lie between 1 and"),
    ],
)
def test_numbers_that_lead_out_of_an_array_are_refused(
    name: str, index: int | tuple[int, ...], value: int, message: str, tmp_path: Path
) -> None:
    agent = rich_agent()
    wrong = agent.tensors[name].copy()
    wrong[index] = value
    with pytest.raises(AgentError) as error:
        folder.save(Agent(agent.description, {**agent.tensors, name: wrong}), tmp_path / "a")
    (problem,) = error.value.problems
    assert f"tensor '{name}' {message}" in str(problem)
    assert not (tmp_path / "a" / folder.DESCRIPTION).exists()


def test_a_parameter_that_the_model_does_not_have_is_refused(tmp_path: Path) -> None:
    agent = rich_agent()
    with pytest.raises(AgentError, match=r"does not name: 'population\.hidden\.tau_memm_s'.*tau_mem_s"):
        folder.save(Agent(agent.description, {**agent.tensors, "population.hidden.tau_memm_s": np.ones(8)}), tmp_path)
