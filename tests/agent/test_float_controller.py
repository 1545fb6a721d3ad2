"""The float controller on the general engine: seeds reach every neuron, and decisions keep what their kind keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from snnctl.agent.description import problems
from snnctl.agent.float_controller import FloatController
from snnctl.agent.folder import Agent
from snnctl.coding import ChoiceDecoder, GaussianPopulation
from snnctl.network.description import NetworkDescription, Population, Projection
from snnctl.neurons import CurrentLif, EscapeLif, IntegrateAndFire
from snnctl.plasticity import PairStdp, Resume, RewardStdp
from tests import factories

OBSERVATIONS = np.random.default_rng(0).normal(size=(6, 3))
LIF = CurrentLif(tau_mem_s=0.004, tau_syn_s=0.002)


def agent(neuron: Any, decision: str = "reset", plasticity: tuple[Any, ...] = (), **more: Any) -> Agent:
    """Three observations, one hidden population of ``neuron`` whose input may be plastic, two choices."""
    encoder, decoder = GaussianPopulation(neurons_per_dim=5), ChoiceDecoder(neurons_per_action=4)
    least = 1 if decision == "streaming" else 0
    network = NetworkDescription(
        tick_s=1e-3,
        ticks=8,
        decision=decision,
        populations=(
            Population(name="input", size=15),
            Population(name="hidden", size=12, neuron=neuron),
            Population(name="output", size=8, neuron=LIF),
        ),
        projections=(
            Projection(source="input", target="hidden", delay_ticks=least, plasticity=plasticity),
            Projection(source="hidden", target="output", delay_ticks=least),
        ),
        **more,
    )
    return factories.agent(factories.task(3, 2), encoder=encoder, decoder=decoder, network=network, gain=3.0)


def noisy() -> Agent:
    made = agent(EscapeLif())
    tensors = dict(made.tensors)
    tensors["projection.input.hidden.weight"] = np.full((15, 12), 4.0, np.float32)  # mV: near its soft threshold
    tensors["population.hidden.bias"] = np.full(12, 12.0, np.float32)
    return made._replace(tensors=tensors)


def hidden(controller: FloatController, seed: int, observations: Any = OBSERVATIONS) -> list[np.ndarray[Any, Any]]:
    """Spikes of the hidden population in each decision of an episode."""
    controller.reset(seed)
    rasters = []
    for observation in observations:
        controller.act(observation)
        rasters.append(controller.activity().spikes["hidden"])
    return rasters


def test_the_seed_of_an_episode_reaches_every_noisy_neuron() -> None:
    controller = FloatController(noisy())
    first, again, other = (hidden(controller, seed) for seed in (1, 1, 2))
    assert any(raster.any() for raster in first)
    np.testing.assert_array_equal(first, again)
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


def test_decisions_of_an_episode_draw_different_noise() -> None:
    same = np.repeat(OBSERVATIONS[:1], 6, axis=0)
    rasters = hidden(FloatController(noisy()), 0, same)
    assert any((rasters[0] != raster).any() for raster in rasters[1:])


@pytest.mark.parametrize("decision", ["reset", "streaming"])
def test_plastic_synapses_are_kept_from_decision_to_decision_of_an_episode(decision: str) -> None:
    rule = PairStdp(weight_min=-4.0, weight_max=4.0, a_plus=0.5, a_minus=0.0)
    controller = FloatController(agent(LIF, decision, (rule,)))
    same = np.repeat(OBSERVATIONS[:1], 6, axis=0)
    spikes = [int(raster.sum()) for raster in hidden(controller, 0, same)]
    frozen = [int(r.sum()) for r in hidden(FloatController(agent(LIF, decision)), 0, same)]
    assert spikes[-1] > frozen[-1]  # what fired together is stronger by now
    if decision == "reset":
        assert len(set(frozen)) == 1  # without plasticity every decision is the same
    assert spikes == [int(raster.sum()) for raster in hidden(controller, 0, same)]  # an episode begins as the agent is


@pytest.mark.parametrize(
    ("rule", "needs"), [(RewardStdp(weight_min=-1.0), "a signal"), (Resume(), "a teacher")], ids=["signal", "teacher"]
)
def test_rules_that_nobody_signals_or_teaches_are_refused(rule: Any, needs: str) -> None:
    found = problems(agent(LIF, plasticity=(rule,)).description, "agent.toml")
    assert len(found) == 1
    assert needs in found[0].message
    assert "agent.toml:network.projections[0].plasticity" in found[0].where


def test_a_carried_residual_changes_the_next_decision_and_not_the_next_episode() -> None:
    same = np.repeat(OBSERVATIONS[:1], 6, axis=0)
    carried = FloatController(agent(IntegrateAndFire(), "carry", carry=0.9))
    plain = hidden(FloatController(agent(IntegrateAndFire())), 0, same)
    first, again = hidden(carried, 0, same), hidden(carried, 0, same)
    np.testing.assert_array_equal(first[0], plain[0])
    assert any((a != b).any() for a, b in zip(first[1:], plain[1:], strict=True))
    np.testing.assert_array_equal(first, again)
