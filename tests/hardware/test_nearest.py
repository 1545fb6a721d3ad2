"""The numbers that a chip holds, in the units of the network."""

import dataclasses

import numpy as np
import pytest

from snnctl import hardware
from snnctl.agent.program import program
from snnctl.errors import ConfigError
from snnctl.hardware import chip as chips
from snnctl.hardware.loihi1 import quantise as loihi1
from snnctl.hardware.nearest import Nearest
from snnctl.hardware.stages import FloatStage
from snnctl.network.engine import Engine
from tests.hardware.chip_cases import random_agent

CHIPS = ("loihi1", "spinnaker1")


def with_bits(bits):
    loihi = chips.load("loihi1")
    changed = dataclasses.replace(loihi.limits["weight_bits"], value=bits)
    return dataclasses.replace(loihi, limits=loihi.limits | {"weight_bits": changed})


def held(agent, chip):
    nearest = Nearest(program(agent), chip)
    description = dataclasses.replace(agent.description, network=nearest.network(agent.description.network))
    return agent._replace(description=description, tensors=nearest(agent.tensors))


@pytest.mark.parametrize("chip", [*map(chips.load, CHIPS), *map(with_bits, (2, 3, 4, 6))], ids=lambda c: c.name)
def test_what_the_chip_holds_is_held_as_it_is(chip):
    agent = held(random_agent((24, 16)), chip)
    again = held(agent, chip)
    for name, tensor in agent.tensors.items():
        np.testing.assert_allclose(again.tensors[name], tensor, atol=2e-4 * np.abs(tensor).max(), err_msg=name)
    fit = hardware.fit(program(agent), chip)
    weights = [r for r in fit.rounding if r.quantity in ("weight", "bias", "threshold")]
    assert max(r.error for r in weights) < (1e-6 if chip.name == "loihi1" else 2e-4)
    assert max(r.error for r in fit.rounding if r.quantity in ("a_syn", "a_mem")) < 1e-9


@pytest.mark.parametrize("chip", CHIPS)
def test_the_engine_with_these_numbers_is_nearer_to_the_chip_than_with_its_own(chip):
    chip, random = chips.load(chip), np.random.default_rng(0)
    differing = np.zeros(2)
    for seed in range(12):
        agent = random_agent((32, 16), seed=seed)
        image = hardware.fit(program(agent), chip).loaded()
        spikes = (random.random((5, program(agent).inputs[0].size)) < 0.3).astype(np.uint8)
        _, rasters, _ = image.run(image.start(), spikes)
        for k, one in enumerate((held(agent, chip), agent)):
            engine = Engine(program(one), np.float64)
            fired, _ = engine.advance(engine.initial_state(0), spikes)
            differing[k] += np.count_nonzero(engine.raster(fired) != np.hstack(rasters[1:]))
    neurons = 12 * 5 * np.hstack(rasters[1:]).shape[1]
    assert differing[0] <= differing[1]
    assert differing[0] < 1e-3 * neurons  # what is left is rounding inside a tick


@pytest.mark.parametrize("bits", loihi1.WEIGHT_BITS)
def test_so_many_weights_there_are_and_no_more(bits):
    agent = held(random_agent((24,)), with_bits(bits))
    for link in program(agent).links:
        assert len(np.unique(np.round(link.weight.values, 9))) <= 2**bits - 1


@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6])
def test_few_bits_are_spent_where_the_squared_error_is_least(bits):
    weights = np.random.default_rng(bits).standard_normal(4000)
    stage = FloatStage("a", weights, np.arange(4000) % 50, np.zeros(50), 0.5, 0.75, np.ones(50), 0.0, 0, 5)
    error = np.square(loihi1.nearest(stage, bits).weights - weights).sum()
    steps = 2 ** (bits - 1) - 1
    units = np.linspace(0.02, 1.0, 300) * np.abs(weights).max() / steps
    best = min(np.square(weights - u * np.clip(np.round(weights / u), -steps, steps)).sum() for u in units)
    assert error <= 1.05 * best


@pytest.mark.parametrize("bits", [1, 7, 9, 40])
def test_a_number_of_bits_that_no_synapse_has_is_one_violation(bits):
    fit = hardware.fit(program(random_agent((24,))), with_bits(bits))
    assert [violation.rule for violation in fit.violations] == ["weight_format"]
    assert "2, 3, 4, 5, 6, 8" in fit.violations[0].remedy


def test_a_family_that_does_not_say_what_it_holds_is_named():
    class Silent:
        name, numbers = "silent", {}
        capability = hardware.family.of(chips.load("loihi1")).capability
        compile = cost = None

    import sys
    import types

    module = types.ModuleType("silent_chip")
    module.FAMILY = Silent()
    sys.modules["silent_chip"] = module
    from snnctl import slots

    try:
        slots.trust("silent_chip")
        chip = dataclasses.replace(chips.load("loihi1"), family="silent_chip:FAMILY")
        with pytest.raises(ConfigError, match="does not say what numbers it holds"):
            Nearest(program(random_agent((24,))), chip)
    finally:
        del sys.modules["silent_chip"]
