"""Any program, on both chips, equals a slow reference of its integer network; and both ways to run it are equal."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from snnctl import hardware
from snnctl.errors import InputError
from snnctl.hardware import chip
from snnctl.hardware.loihi1.compiler import LoihiImage
from snnctl.network.engine import Engine
from tests.hardware.programs import random_program, random_spikes, reference
from tests.hardware.ticks import loihi_tick, spinnaker_tick

LOIHI, SPINNAKER = chip.load("loihi1"), chip.load("spinnaker1")
SEEDS = range(24)


CHIPS = [(LOIHI, loihi_tick), (SPINNAKER, spinnaker_tick)]
both_chips = pytest.mark.parametrize(("target", "tick_of"), CHIPS, ids=lambda x: getattr(x, "name", ""))


@both_chips
@pytest.mark.parametrize("seed", SEEDS)
def test_reset_decisions_equal_the_reference(target: chip.Chip, tick_of, seed: int) -> None:
    program = random_program(seed, "reset")
    fit = hardware.fit(program, target)
    assert fit.image is not None, fit.problems
    for spikes in random_spikes(program, seed, 2):
        wanted = reference(program, spikes, tick_of(fit.image))
        state, got, counters = fit.image.run(fit.image.start(), spikes)
        assert state is None
        assert counters.overflows == 0
        for w, g in zip(wanted, got, strict=True):
            assert np.array_equal(w, g)


@both_chips
@pytest.mark.parametrize("seed", SEEDS)
def test_streaming_decisions_equal_the_reference(target: chip.Chip, tick_of, seed: int) -> None:
    program = random_program(seed, "streaming")
    fit = hardware.fit(program, target)
    assert fit.image is not None, fit.problems
    assert fit.image.ticks == program.ticks
    spikes = random_spikes(program, seed, 4)
    wanted = reference(program, np.concatenate(spikes), tick_of(fit.image))
    state, decisions = fit.image.start(), []
    for one in spikes:
        state, rasters, counters = fit.image.run(state, one)
        assert counters.overflows == 0
        decisions.append(rasters)
    for node, w in enumerate(wanted):
        assert np.array_equal(w, np.concatenate([rasters[node] for rasters in decisions]))


@pytest.mark.parametrize("target", [LOIHI, SPINNAKER], ids=lambda c: c.name)
def test_stage_by_stage_equals_all_at_once(target: chip.Chip) -> None:
    compared = hidden = 0
    for seed in range(100):
        program = random_program(seed, "reset")
        image = hardware.fit(program, target).image
        assert image is not None
        if image.staged is None:
            continue
        for spikes in random_spikes(program, seed, 2):
            fast, (at_once, counters) = image.staged.run(spikes), image.at_once(spikes)
            for a, b in zip(fast, at_once, strict=True):
                assert np.array_equal(a, b)
            assert counters.overflows == 0
            compared += 1
            hidden += int(sum(raster.sum() for raster in fast[len(program.inputs) :]))
    assert compared > 40
    assert hidden > 300


@pytest.mark.parametrize("decision", ["reset", "streaming"])
@pytest.mark.parametrize("target", [LOIHI, SPINNAKER], ids=lambda c: c.name)
def test_spikes_are_nearly_those_of_the_float_engine(target: chip.Chip, decision: str) -> None:
    different = total = 0
    for seed in range(40):
        program = random_program(seed, decision)
        image, engine = hardware.fit(program, target).image, Engine(program)
        assert image is not None
        state, kept = image.start(), engine.initial_state(0)
        fired = None
        for spikes in random_spikes(program, seed, 3):
            engine.begin(kept, fired)
            fired, _ = engine.advance(kept, spikes)
            state, rasters, _ = image.run(state, spikes)
            got = np.concatenate(rasters[len(program.inputs) :], axis=1)
            different += int((engine.raster(fired) != got).sum())
            total += got.size
    assert total > 3000
    assert different / total < 0.02


def test_where_u_and_the_bias_may_wrap_all_stages_run_at_once_and_wraps_are_counted() -> None:
    made = ((p, hardware.fit(p, LOIHI).image) for p in (random_program(seed, "reset") for seed in SEEDS))
    program, image = next((p, i) for p, i in made if isinstance(i, LoihiImage) and i.layers() is not None)
    broken = [
        stage._replace(
            compartments=dataclasses.replace(stage.compartments, bias=stage.compartments.bias * 0 + (1 << 23))
        )
        for stage in image.stages
    ]
    image.stages = tuple(broken)
    (spikes,) = random_spikes(program, 0, 1)
    assert image.staged is None
    assert image.run(None, spikes)[2].overflows > 0


def test_spikes_that_are_not_0_or_1_are_refused() -> None:
    program = random_program(0, "reset")
    image = hardware.fit(program, LOIHI).image
    assert image is not None
    (spikes,) = random_spikes(program, 0, 1)
    spikes[-1, -1] = 2
    for wrong in (spikes, spikes[:, 1:], spikes.astype(np.int64)):
        with pytest.raises(InputError, match="give uint8 of 0 and 1"):
            image.run(image.start(), wrong)
