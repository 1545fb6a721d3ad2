"""Any program on Xylo equals a slow reference of its integer network, whichever way it runs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from snnctl import hardware
from snnctl.errors import InputError
from snnctl.hardware import chip
from tests.hardware.programs import random_spikes, reference
from tests.hardware.ticks import xylo_tick
from tests.hardware.xylo.programs import random_program

XYLO = chip.load("xylo")
SEEDS = range(60)


@pytest.mark.parametrize("seed", SEEDS)
def test_reset_decisions_equal_the_reference_in_both_ways(seed: int) -> None:
    program = random_program(seed, "reset")
    image = hardware.fit(program, XYLO).loaded()
    for spikes in random_spikes(program, seed, 2):
        wanted = reference(program, spikes, xylo_tick(image))
        ways = [image.at_once(spikes), *([image.by_stage(spikes)] if image.stack is not None else [])]
        for got, counters in ways:
            assert counters == ways[0][1]
            for w, g in zip(wanted, got, strict=True):
                np.testing.assert_array_equal(g, w)


@pytest.mark.parametrize("seed", SEEDS)
def test_streaming_decisions_equal_the_reference_with_ticks_running_through(seed: int) -> None:
    program = random_program(seed, "streaming")
    image = hardware.fit(program, XYLO).loaded()
    spikes = random_spikes(program, seed, 4)
    wanted = reference(program, np.concatenate(spikes), xylo_tick(image))
    state, decisions = image.start(), []
    for one in spikes:
        state, rasters, _ = image.run(state, one)
        decisions.append(rasters)
    for node, w in enumerate(wanted):
        np.testing.assert_array_equal(np.concatenate([rasters[node] for rasters in decisions]), w)


def test_programs_of_both_kinds_spike_burst_and_come_back() -> None:
    programs = [random_program(seed, kind) for seed in SEEDS for kind in ("reset", "streaming")]
    largest = spikes = 0
    for seed, program in enumerate(programs):
        image = hardware.fit(program, XYLO).loaded()
        for given in random_spikes(program, seed, 1):
            _, rasters, _ = image.run(image.start(), given)
            hidden = rasters[len(program.inputs) : -1]
            largest = max(largest, *(int(raster.max()) for raster in hidden))
            spikes += int(rasters[-1].sum())
            assert rasters[-1].max() <= 1
    assert largest > 1 and spikes > 300
    assert sum(not program.is_acyclic for program in programs) > 30


def test_several_spikes_of_an_input_in_a_tick() -> None:
    program = random_program(3, "reset")
    image = hardware.fit(program, XYLO).loaded()
    (spikes,) = random_spikes(program, 3, 1)
    wanted = reference(program, spikes * 15, xylo_tick(image))
    _, got, _ = image.run(image.start(), spikes * 15)
    for w, g in zip(wanted, got, strict=True):
        np.testing.assert_array_equal(g, w)
    with pytest.raises(InputError, match=r"give uint8 of 0 ... 15"):
        image.run(image.start(), spikes * 16)


def test_a_feed_forward_program_without_bursts_never_overflows() -> None:
    quiet = 0
    for seed in range(200):
        program = random_program(seed, "reset")
        if not program.is_acyclic:
            continue
        image = hardware.fit(program, XYLO).loaded()
        worst = np.ones((program.ticks, sum(p.size for p in program.inputs)), np.uint8)
        for spikes in (worst, *random_spikes(program, seed, 2)):
            _, rasters, counters = image.run(image.start(), spikes)
            bursts = any(raster.max() > 1 for raster in rasters)
            assert counters.overflows == 0 or bursts
            quiet += not bursts
    assert quiet > 30


def test_where_neither_rounds_nor_bursts_the_chip_spikes_as_the_engine_does() -> None:
    from snnctl.network.engine import Engine

    different = total = fired = 0
    for seed in range(60):
        program = random_program(seed, "reset")
        taus = {"tau_mem_s": -1e-3 / np.log(0.75), "tau_syn_s": -1e-3 / np.log(0.5)}  # shifts of 2 and 1
        stages = tuple(
            dataclasses.replace(stage.neuron, **{k: float(v) for k, v in taus.items()}) for stage in program.stages
        )
        weak = tuple(
            link._replace(weight=link.weight._replace(values=0.3 * link.weight.values)) for link in program.links
        )
        program = dataclasses.replace(
            program,
            links=weak,
            stages=tuple(s._replace(neuron=n, parameters={}) for s, n in zip(program.stages, stages, strict=True)),
        )
        image, engine = hardware.fit(program, XYLO).loaded(), Engine(program)
        for spikes in random_spikes(program, seed, 3):
            kept = engine.initial_state(0)
            engine.begin(kept, None)
            wanted, _ = engine.advance(kept, spikes)
            _, rasters, _ = image.run(image.start(), spikes)
            got = np.concatenate(rasters[len(program.inputs) :], axis=1)
            if got.max() > 1:
                continue
            different += int((engine.raster(wanted) != got).sum())
            total += got.size
            fired += int(got.sum())
    assert fired > 200
    assert different / total < 0.02
