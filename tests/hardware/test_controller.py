from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl import hardware
from snnctl.agent.float_controller import FloatController
from snnctl.agent.program import program
from snnctl.errors import MappingError
from snnctl.hardware import chip
from snnctl.hardware.controller import ChipController
from snnctl.neurons import CurrentLif, Lif

from .chip_cases import random_agent

CHIPS = [chip.load("loihi1"), chip.load("spinnaker1")]
by_name = pytest.mark.parametrize("target", CHIPS, ids=lambda c: c.name)

controllers = st.fixed_dictionaries(
    {
        "hidden": st.lists(st.integers(1, 8), min_size=1, max_size=3).map(tuple),
        "ticks": st.integers(1, 8),
        "seed": st.integers(0, 10_000),
        "gain": st.floats(0.5, 8.0),
        "neuron": st.one_of(
            st.builds(
                CurrentLif,
                tau_mem_s=st.floats(0.001, 0.05),
                tau_syn_s=st.sampled_from([0.0, 0.001, 0.01]),
                refractory_ticks=st.integers(0, 3),
            ),
            st.builds(Lif, tau_mem_s=st.floats(0.001, 0.05)),
        ),
    }
)


@by_name
@settings(deadline=None, max_examples=20)
@given(controllers, st.floats(0.0, 1.0))
def test_a_controller_with_windows_equals_its_layers_one_by_one(
    target: chip.Chip, kwargs: dict, density: float
) -> None:
    fit = hardware.fit(program(random_agent(**kwargs)), target)
    assert fit.image is not None, fit.problems
    assert fit.image.ticks == kwargs["ticks"] + len(fit.program.stages)
    spikes = (np.random.default_rng(kwargs["seed"]).random((kwargs["ticks"], 30)) < density).astype(np.uint8)
    assert fit.image.staged is not None
    at_once, counters = fit.image.at_once(spikes)
    assert counters.overflows == 0
    for a, b in zip(fit.image.staged.run(spikes), at_once, strict=True):
        assert np.array_equal(a, b)


@by_name
@pytest.mark.parametrize(
    "neuron", [CurrentLif(tau_mem_s=0.004, tau_syn_s=0.002, refractory_ticks=1), Lif(tau_mem_s=0.004)]
)
def test_spikes_are_nearly_those_of_the_float_controller(target: chip.Chip, neuron: CurrentLif | Lif) -> None:
    agent = random_agent((64, 64), neuron=neuron)
    there, here = ChipController(agent, target), FloatController(agent)
    draws = np.random.default_rng(0)
    different = total = 0
    for _ in range(40):
        observation = draws.normal(size=3)
        there.act(observation)
        here.act(observation)
        wanted, got = here.activity().spikes, there.activity().spikes
        assert np.array_equal(wanted["input"], got["input"])
        for name in ("hidden1", "hidden2", "output"):
            different += int((wanted[name] != got[name]).sum())
            total += int(wanted[name].sum())
    assert total > 1000
    assert different / total < 0.05
    assert there.overflows == 0


@by_name
def test_is_a_controller(target: chip.Chip) -> None:
    agent = random_agent()
    controller = ChipController(agent, target)
    controller.reset(3)
    first = controller.act(np.array([0.1, -0.5, 1.0]))
    assert isinstance(first, np.ndarray)
    assert first.shape == (2,)
    assert (np.abs(first) <= 1).all()
    activity = controller.activity()
    assert {name: raster.shape for name, raster in activity.spikes.items()} == {
        "input": (5, 30), "hidden1": (5, 32), "output": (5, 20),
    }  # fmt: skip
    assert activity.synaptic_events == activity.spikes["input"].sum() * 32 + activity.spikes["hidden1"].sum() * 20
    assert np.array_equal(controller.act(np.array([0.1, -0.5, 1.0])), first)
    assert controller.description is agent.description


def test_a_misfit_raises_every_violation() -> None:
    neuron = CurrentLif(tau_mem_s=0.004, tau_syn_s=0.002, reset="subtract")
    with pytest.raises(MappingError) as caught:
        ChipController(random_agent(neuron=neuron), CHIPS[0])
    assert [p.where for p in caught.value.problems] == ["population.hidden1.reset", "population.output.reset"]
    assert caught.value.exit_code == 1
