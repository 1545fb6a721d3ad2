"""Any program on TrueNorth equals a slow reference of its integers, through crossbars and splitters or without."""

from __future__ import annotations

import numpy as np
import pytest

from snnctl import hardware
from snnctl.hardware import chip
from snnctl.hardware.truenorth.quantise import PRECISIONS
from snnctl.network.engine import Engine
from snnctl.neurons import IntegrateAndFire
from tests.conformance.programs import Edge, Menu, case, random_case
from tests.hardware.programs import reference
from tests.hardware.ticks import truenorth_tick

TRUENORTH = chip.load("truenorth")
COUNTING = IntegrateAndFire()
MENU = Menu(
    (COUNTING, IntegrateAndFire(reset="value", v_reset=-0.2), IntegrateAndFire(v_initial=0.3, spike_at_threshold=True)),
    ("chain", "branching", "recurrent"),
    ("dense", "sparse"),
    ("none", "projection", "synapse"),
    ("reset",),
    ("", "v_threshold"),
    (1, 2),
)


def fits(seeds: range) -> list:
    """Programs that fit: those with a delay too short for a splitter do not."""
    made = [random_case(seed, MENU) for seed in seeds]
    return [(c, fit.image) for c in made if (fit := hardware.fit(c.program, TRUENORTH)).image is not None]


def test_reset_decisions_equal_the_reference_in_both_ways() -> None:
    compared = by_stage = spikes = 0
    for made, image in fits(range(120)):
        for given in made.inputs:
            wanted = reference(made.program, given, truenorth_tick(image))
            ways = [image.at_once(given), *([image.by_stage(given)] if image.stack is not None else [])]
            by_stage += len(ways) > 1
            for got, counters in ways:
                assert counters.overflows == 0
                for w, g in zip(wanted, got, strict=True):
                    np.testing.assert_array_equal(g, w)
            compared += 1
            spikes += sum(int(raster.sum()) for raster in wanted[len(made.program.inputs) :])
    assert compared > 120 and by_stage > 60 and spikes > 1000


@pytest.mark.parametrize("seed", range(12))
def test_streaming_decisions_equal_the_reference_with_ticks_running_through(seed: int) -> None:
    draws = np.random.default_rng(seed)
    sizes = {"in": 6, "a": int(draws.integers(2, 9)), "b": int(draws.integers(2, 9)), "out": 4}
    delay = lambda: int(draws.integers(2, 6))  # noqa: E731
    edges = [Edge("in", "a", 1), Edge("a", "b", delay()), Edge("b", "out", delay()), Edge("b", "a", delay(), "sparse"),
             Edge("a", "a", 2), Edge("in", "out", 3)]  # fmt: skip
    made = case(
        sizes, edges, neurons=dict.fromkeys("ab", COUNTING) | {"out": COUNTING}, decision="streaming", seed=seed
    )
    image = hardware.fit(made.program, TRUENORTH).loaded()
    wanted = reference(made.program, made.inputs.reshape(-1, 6), truenorth_tick(image))
    state, decisions = image.start(), []
    for given in made.inputs:
        state, rasters, _ = image.run(state, given)
        decisions.append(rasters)
    for node, w in enumerate(wanted):
        np.testing.assert_array_equal(np.concatenate([rasters[node] for rasters in decisions]), w)
    assert wanted[-1].any()


def test_spikes_are_nearly_those_of_the_float_engine() -> None:
    different = total = 0
    for made, image in fits(range(120)):
        engine = Engine(made.program)
        for given in made.inputs:
            kept = engine.initial_state(0)
            engine.begin(kept, None)
            wanted, _ = engine.advance(kept, given)
            got = np.concatenate(image.run(image.start(), given)[1][len(made.program.inputs) :], axis=1)
            different += int((engine.raster(wanted) != got).sum())
            total += got.size
    assert total > 5000 and different / total < 0.02


@pytest.mark.parametrize("p", PRECISIONS)
def test_every_weight_of_a_precision_is_the_sum_of_its_axons(p) -> None:
    values = np.arange(-p.top, p.top + 1)
    digits, signed = p.digits(values), p.signed(np.array([1]))[0]
    assert digits.min() >= 0 and digits.max() <= p.copies
    np.testing.assert_array_equal(digits @ signed, values)
    assert np.abs(signed).max() <= 256 and p.axons == p.types * p.copies


@pytest.mark.parametrize(("sources", "axons"), [(12, 20), (13, 16), (21, 12), (32, 8), (64, 4), (85, 3), (128, 2)])
def test_the_precision_that_sources_leave_room_for(sources: int, axons: int) -> None:
    made = case({"in": sources, "a": 6, "out": 4}, [Edge("in", "a"), Edge("a", "out")],
                neurons={"a": COUNTING, "out": COUNTING})  # fmt: skip
    fit = hardware.fit(made.program, TRUENORTH)
    assert fit.cores[0].usage["axons"] == (sources * axons, 256)
    if fit.image is not None:  # coarse weights may erase too many
        for given in made.inputs:
            for a, b in zip(fit.image.by_stage(given)[0], fit.image.at_once(given)[0], strict=True):
                np.testing.assert_array_equal(a, b)
    else:
        assert {v.rule for v in fit.violations} == {"weights_kept"} and axons < 4
