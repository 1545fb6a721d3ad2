from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl import hardware
from snnctl.agent.program import program as program_of
from snnctl.cli import fit as cli_fit
from snnctl.errors import MappingError
from snnctl.hardware import chip
from snnctl.hardware.loihi1.rules import RULES as LOIHI_RULES
from snnctl.hardware.rules import Rule
from snnctl.hardware.spinnaker1.rules import RULES as SPINNAKER_RULES
from snnctl.network.connection import Convolution
from snnctl.network.description import NetworkDescription, Population, Projection
from snnctl.network.program import Program, structure
from snnctl.neurons import Alif, CurrentLif, HodgkinHuxley, Lif
from snnctl.plasticity import PairStdp
from tests.hardware.chip_cases import random_agent

LOIHI, SPINNAKER = chip.load("loihi1"), chip.load("spinnaker1")
both_chips = pytest.mark.parametrize("target", [LOIHI, SPINNAKER], ids=lambda c: c.name)
NEURON = CurrentLif(tau_mem_s=0.004, tau_syn_s=0.002)


def random_program(hidden: tuple[int, ...] = (32,), **given: Any) -> Program:
    return program_of(random_agent(hidden, **given))


def small(neuron: Any = NEURON, decision: str = "reset", **projection: Any) -> Program:
    """Two inputs to two neurons, all zeros."""
    return structure(
        NetworkDescription(
            tick_s=1e-3,
            ticks=4,
            decision=decision,
            populations=(Population(name="in", size=2), Population(name="out", size=2, neuron=neuron)),
            projections=(Projection(source="in", target="out", **projection),),
        )
    )


def broken(program: Program, target: chip.Chip) -> set[str]:
    return {v.rule for v in hardware.fit(program, target).violations}


def refused(program: Program, target: chip.Chip) -> list[str]:
    fit = hardware.fit(program, target)
    assert not fit.ok
    assert not fit.violations
    return [problem.message for problem in fit.refusals]


@both_chips
@pytest.mark.parametrize("neuron", [NEURON, Lif(tau_mem_s=0.004)])
def test_an_ordinary_controller_fits(target: chip.Chip, neuron: CurrentLif | Lif) -> None:
    fit = hardware.fit(random_program((64, 64), neuron=neuron), target)
    assert fit.image is not None
    assert not fit.problems
    assert fit.image.ticks == 5 + 3
    assert len(fit.image.stages) == 3
    assert list(dict.fromkeys(row.layer for row in fit.rounding)) == ["hidden1", "hidden2", "output"]
    for core in fit.cores:
        assert core.usage
        assert all(0 <= u.used <= u.limit for u in core.usage.values())


@both_chips
def test_every_neuron_is_placed_once(target: chip.Chip) -> None:
    fit = hardware.fit(random_program((1500, 700), gain=0.5), target)
    assert fit.ok, fit.problems
    for name, size in (("hidden1", 1500), ("hidden2", 700), ("output", 20)):
        mine = [c for c in fit.cores if c.population == name]
        placed = np.concatenate([np.arange(c.first, c.first + c.neurons) for c in mine])
        assert np.array_equal(placed, np.arange(size))
    assert [c.number for c in fit.cores] == list(range(len(fit.cores)))


def test_synapse_memory_splits_a_population_over_cores() -> None:
    fit = hardware.fit(random_program((1000, 1000), gain=0.3), LOIHI)
    cores = [c for c in fit.cores if c.population == "hidden2"]
    assert len(cores) > 1
    assert all(c.usage["synapse_bits"].used <= 1048576 for c in cores)


def test_too_many_input_axons_are_reported_with_used_and_limit() -> None:
    fit = hardware.fit(random_program((4200,), gain=0.3), LOIHI)
    axons = [v for v in fit.violations if v.rule == "input_axons_per_core"]
    assert [(v.where, v.used, v.limit) for v in axons] == [("output", 4200, 4096)]
    assert axons[0].remedy
    assert fit.cores


def test_a_network_larger_than_the_chip_is_refused() -> None:
    assert "cores_on_chip" in broken(random_program((140000,), gain=0.1), LOIHI)


def test_all_violations_are_reported_together() -> None:
    neuron = CurrentLif(tau_mem_s=0.004, tau_syn_s=0.002, refractory_ticks=70)
    program = random_program((16,), neuron=neuron)
    huge = program.stages[0]._replace(bias=program.stages[0].bias._replace(values=np.full(16, 1e8)))
    program = dataclasses.replace(program, stages=(huge, *program.stages[1:]))
    assert broken(program, LOIHI) == {"refractory_register", "threshold_precision"}


@both_chips
def test_what_the_family_lacks_is_refused_by_name(target: chip.Chip) -> None:
    for neuron in (Alif(tau_mem_s=0.004, tau_adapt_s=0.1, beta=0.1), HodgkinHuxley(substeps=20)):
        messages = refused(small(neuron), target)
        assert any(f"does not have the neuron model '{neuron.model}'" in message for message in messages)
    assert "does not run the plasticity rule" in refused(small(plasticity=(PairStdp(),)), target)[0]
    assert "does not make 'carry' decisions" in refused(small(decision="carry"), target)[0]
    assert "does not reset by 'subtract'" in refused(small(dataclasses.replace(NEURON, reset="subtract")), target)[0]
    kernel = Convolution(shape=(1, 1, 2), channels=1, kernel=(1, 1))
    assert "does not take 'convolution' connectivity" in refused(small(connectivity=kernel), target)[0]
    agent = random_agent((16,))
    own = dict(agent.tensors) | {"population.hidden1.tau_mem_s": np.linspace(0.004, 0.008, 16, dtype=np.float32)}
    assert (
        "takes one 'tau_mem_s' for the whole population" in refused(program_of(agent._replace(tensors=own)), target)[0]
    )


def test_loihi_resets_to_zero_only() -> None:
    neuron = dataclasses.replace(NEURON, v_reset=0.1)
    assert "does not reset to another value than 0" in refused(small(neuron), LOIHI)[0]
    assert hardware.fit(small(neuron), SPINNAKER).ok


@pytest.mark.parametrize(("target", "most"), [(LOIHI, 62), (SPINNAKER, 14)], ids=["loihi1", "spinnaker1"])
def test_the_longest_delay_counts_the_hop(target: chip.Chip, most: int) -> None:
    # a second way of two hops puts 'out' on level 2: a link of delay d takes d + 2 chip ticks
    def program(delay: int) -> Program:
        populations = (
            Population(name="in", size=2),
            *(Population(name=n, size=2, neuron=NEURON) for n in ("mid", "out")),
        )
        pairs = (("in", "mid", 0), ("mid", "out", 0), ("in", "out", delay))
        projections = tuple(Projection(source=s, target=t, delay_ticks=d) for s, t, d in pairs)
        return structure(NetworkDescription(tick_s=1e-3, ticks=4, populations=populations, projections=projections))

    longest = most - 1
    assert hardware.fit(program(longest), target).ok
    fit = hardware.fit(program(longest + 1), target)
    (violation,) = fit.violations
    limit = target.limit("delay_ticks")
    assert (violation.rule, violation.where, violation.used, violation.limit) == (
        "delay_slots_per_core", "out", limit + 1, limit,
    )  # fmt: skip
    assert violation.remedy


@both_chips
def test_a_cycle_faster_than_the_chip_is_a_violation(target: chip.Chip) -> None:
    populations = (Population(name="in", size=1), *(Population(name=n, size=1, neuron=NEURON) for n in ("a", "b")))
    pairs = (("in", "a", 0), ("a", "b", 0), ("b", "a", 2))
    sound = structure(
        NetworkDescription(
            tick_s=1e-3,
            ticks=4,
            populations=populations,
            projections=tuple(Projection(source=s, target=t, delay_ticks=d) for s, t, d in pairs),
        )
    )
    assert hardware.fit(sound, target).ok
    hasty = dataclasses.replace(sound, links=(*sound.links[:2], sound.links[2]._replace(delay=1)))
    fit = hardware.fit(hasty, target)
    assert {v.rule for v in fit.violations} == {"hasty_cycle"}


@both_chips
def test_thresholds_above_zero(target: chip.Chip) -> None:
    agent = random_agent((16,))
    own = dict(agent.tensors) | {"population.hidden1.v_threshold": np.zeros(16, np.float32)}
    assert "positive_threshold" in broken(program_of(agent._replace(tensors=own)), target)


def test_spinnaker_rules() -> None:
    high = CurrentLif(tau_mem_s=0.004, tau_syn_s=0.002, v_reset=1.5)
    assert broken(random_program(neuron=high), SPINNAKER) == {"reset_below_threshold"}
    fast = CurrentLif(tau_mem_s=0.00005, tau_syn_s=0.002)
    assert broken(random_program(neuron=fast), SPINNAKER) == {"decay_range"}
    tired = CurrentLif(tau_mem_s=0.004, tau_syn_s=0.002, refractory_ticks=65536)
    assert broken(random_program(neuron=tired), SPINNAKER) == {"refractory_register"}
    fits = CurrentLif(tau_mem_s=0.004, tau_syn_s=0.002, v_reset=0.2)
    assert hardware.fit(random_program(neuron=fits), SPINNAKER).ok


@both_chips
def test_a_threshold_lost_under_a_huge_bias_is_reported(target: chip.Chip) -> None:
    agent = random_agent((16,))
    tensors = dict(agent.tensors) | {"population.hidden1.bias": np.full(16, 1e8)}
    assert broken(program_of(agent._replace(tensors=tensors)), target) == {"threshold_precision"}


def test_a_time_constant_at_which_the_chip_s_own_init_wraps_does_not_fit() -> None:
    neuron = CurrentLif(tau_mem_s=1.0, tau_syn_s=32.0)  # 32 000 ticks: init is 0.016 on the chip, not 1
    fit = hardware.fit(random_program((8,), neuron=neuron), SPINNAKER)
    assert {violation.rule for violation in fit.violations} == {"decay_range"}
    assert "init wrap" in fit.violations[0].message


@both_chips
@pytest.mark.parametrize("decision", ["reset", "streaming"])
@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("layer", ["input.hidden1", "hidden1.output"])
def test_a_layer_that_one_weight_erases_does_not_fit(target: chip.Chip, decision: str, sign: float, layer: str) -> None:
    agent = random_agent((16,))
    name = f"projection.{layer}.weight"
    weight = agent.tensors[name].copy()
    weight[0, 0] = sign * (500 if target is LOIHI else 3e5) * np.abs(weight).max()
    program = program_of(agent._replace(tensors=dict(agent.tensors) | {name: weight}))
    if decision == "streaming":
        links = tuple(link._replace(delay=1) for link in program.links)
        program = dataclasses.replace(program, decision="streaming", links=links)
    fit = hardware.fit(program, target)
    assert fit.image is None
    kinds = {"excitatory", "inhibitory"} if target is LOIHI else {"excitatory" if sign > 0 else "inhibitory"}
    assert {v.rule for v in fit.violations} == {"weights_kept"}
    assert {v.where for v in fit.violations} == {layer.split(".")[1]}
    assert {kind for kind in ("excitatory", "inhibitory") for v in fit.violations if kind in v.message} == kinds
    with pytest.raises(MappingError, match="weights_kept"):
        fit.loaded()


@both_chips
def test_weights_that_became_0_and_their_error_next_to_the_rms_weight_are_told(target: chip.Chip) -> None:
    agent = random_agent((16,))
    name = "projection.input.hidden1.weight"
    weight = agent.tensors[name].copy()
    weight[:5] = 1e-9  # 5 rows of 16
    fit = hardware.fit(program_of(agent._replace(tensors=dict(agent.tensors) | {name: weight})), target)
    (row,) = (r for r in fit.rounding if r.layer == "hidden1" and r.scale == "rms weight")
    assert fit.image is not None
    held = fit.image.stages[0].weights
    assert row.erased == np.count_nonzero((weight.ravel() != 0) & (held == 0)) >= 80
    assert row.nonzero == weight.size
    (largest,) = (r for r in fit.rounding if r.layer == "hidden1" and r.scale == "largest weight")
    scale = np.abs(weight).max() / np.sqrt(np.mean(weight.astype(np.float64) ** 2))
    assert row.error == pytest.approx(largest.error * scale)
    assert f"{row.erased} of {row.nonzero}" in cli_fit.text("agent", fit)


@pytest.mark.parametrize("rule", [*LOIHI_RULES, *SPINNAKER_RULES], ids=lambda r: r.__name__)
def test_rules_say_what_they_check(rule: Rule) -> None:
    assert rule.__doc__
    assert rule.__name__.isidentifier()


@settings(deadline=None)
@given(st.integers(0, 10_000), st.floats(0.3, 30.0), st.integers(1, 20))
def test_quantisation_never_overflows_and_stays_close(seed: int, gain: float, ticks: int) -> None:
    program = random_program((24,), seed=seed, gain=gain, ticks=ticks)
    for target, weight_error in ((LOIHI, 0.5 / 127 * 1.01), (SPINNAKER, 0.002)):
        fit = hardware.fit(program, target)
        assert fit.ok, fit.problems
        for r in fit.rounding:
            if r.scale == "rms weight":
                assert r.erased <= 0.1 * r.nonzero, r
                continue
            limit = {"weight": weight_error, "a_syn": 2e-4, "a_mem": 2e-4}.get(r.quantity, 0.02)
            assert r.error <= limit, r


@settings(deadline=None, max_examples=100)
@given(
    st.floats(1e-5, 100.0),
    st.one_of(st.just(0.0), st.floats(1e-5, 100.0)),
    st.floats(1e-4, 1e4),
    st.floats(-10.0, 10.0),
    st.integers(0, 100),
    st.floats(0.0, 1e4),
    st.floats(0.0, 1e4),
    st.sampled_from(["reset", "streaming"]),
)
def test_fit_never_raises(
    tau_mem_s: float, tau_syn_s: float, threshold: float, v_reset: float, refractory: int, gain: float, bias: float,
    decision: str,
) -> None:  # fmt: skip
    neuron = CurrentLif(
        tau_mem_s=tau_mem_s, tau_syn_s=tau_syn_s, v_threshold=threshold, v_reset=v_reset, refractory_ticks=refractory
    )
    agent = random_agent((8,), neuron=neuron, gain=gain)
    tensors = dict(agent.tensors) | {"population.hidden1.bias": np.linspace(-bias, bias, 8)}
    program = program_of(agent._replace(tensors=tensors))
    if decision == "streaming":
        links = tuple(link._replace(delay=1) for link in program.links)
        program = dataclasses.replace(program, decision="streaming", links=links)
    spikes = np.ones((5, 30), np.uint8)
    for target in (LOIHI, SPINNAKER):
        fit = hardware.fit(program, target)
        assert fit.ok == (not fit.problems)
        if fit.image is not None:
            state = fit.image.start()
            for _ in range(4):
                state, _, counters = fit.image.run(state, spikes)
                assert counters.overflows == 0
