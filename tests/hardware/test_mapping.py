from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl.agent.description import tensor_shapes
from snnctl.agent.folder import Agent
from snnctl.hardware import chip, loihi1, loihi1_compiler, mapping, placement, quantise, rules
from snnctl.hardware.controller import run_layer
from snnctl.network.description import NetworkDescription, Projection
from snnctl.neurons import Alif, CurrentLif, HodgkinHuxley, Lif, Poisson
from snnctl.plasticity import PairStdp

from .chip_cases import random_agent

LOIHI, SPINNAKER = chip.load("loihi1"), chip.load("spinnaker1")


def _with_network(agent: Agent, **changes: Any) -> Agent:
    network: NetworkDescription = dataclasses.replace(agent.description.network, **changes)
    description = dataclasses.replace(agent.description, network=network)
    tensors = {name: np.zeros(tuple(s or 0 for s in shape)) for name, shape in tensor_shapes(description).items()}
    return Agent(description, tensors | {k: v for k, v in agent.tensors.items() if k in tensors})


def _broken(agent: Agent, target: chip.Chip) -> set[str]:
    return {v.rule for v in mapping.fit(agent, target).violations}


@pytest.mark.parametrize("target", [LOIHI, SPINNAKER], ids=lambda c: c.name)
@pytest.mark.parametrize("neuron", [CurrentLif(tau_mem_s=0.004, tau_syn_s=0.002), Lif(tau_mem_s=0.004)])
def test_an_ordinary_controller_fits(target: chip.Chip, neuron: CurrentLif | Lif) -> None:
    fit = mapping.fit(random_agent((64, 64), neuron=neuron), target)
    assert fit.ok
    assert not fit.violations
    assert fit.ticks == 5 + 3
    assert [layer.name for layer in fit.layers] == ["hidden1", "hidden2", "output"]
    for core in fit.cores:
        assert core.usage
        assert all(0 <= u.used <= u.limit for u in core.usage.values())


@settings(deadline=None)
@given(st.integers(1, 3000))
def test_axon_bits_follow_the_block_format(n: int) -> None:
    bits = placement.axon_bits(n)
    full, rest = divmod(n, 64)
    per_block = -(-(64 * 8 + 10) // 64) * 64
    assert bits == full * per_block + (-(-(rest * 8 + 10) // 64) * 64 if rest else 0)


@pytest.mark.parametrize("target", [LOIHI, SPINNAKER], ids=lambda c: c.name)
def test_every_neuron_is_placed_once(target: chip.Chip) -> None:
    fit = mapping.fit(random_agent((1500, 700), gain=0.5), target)
    assert fit.ok, fit.violations
    for name, size in (("hidden1", 1500), ("hidden2", 700), ("output", 20)):
        mine = [c for c in fit.cores if c.population == name]
        placed = np.concatenate([np.arange(c.first, c.first + c.neurons) for c in mine])
        assert np.array_equal(placed, np.arange(size))
    assert [c.number for c in fit.cores] == list(range(len(fit.cores)))


def test_synapse_memory_splits_a_population_over_cores() -> None:
    fit = mapping.fit(random_agent((1000, 1000), gain=0.3), LOIHI)
    cores = [c for c in fit.cores if c.population == "hidden2"]
    assert len(cores) > 1
    assert all(c.usage["synapse_bits"].used <= 1048576 for c in cores)


def test_too_many_input_axons_are_reported_with_used_and_limit() -> None:
    violations = mapping.fit(random_agent((4200,), gain=0.3), LOIHI).violations
    axons = [v for v in violations if v.rule == "input_axons_per_core"]
    assert [(v.where, v.used, v.limit) for v in axons] == [("output", 4200, 4096)]
    assert axons[0].remedy


def test_a_network_larger_than_the_chip_is_refused() -> None:
    fit = mapping.fit(random_agent((140000,), gain=0.1), LOIHI)
    assert "cores_on_chip" in {v.rule for v in fit.violations}


def test_all_violations_are_reported_together() -> None:
    neuron = CurrentLif(tau_mem_s=0.004, tau_syn_s=0.002, reset="subtract", v_reset=0.1, refractory_ticks=70)
    agent = random_agent((16,), neuron=neuron)
    assert _broken(agent, LOIHI) == {"reset_to_value", "reset_to_zero", "refractory_register"}
    assert _broken(agent, SPINNAKER) == {"reset_to_value"}


def test_unknown_features_are_named() -> None:
    agent = random_agent((16,))
    projections = agent.description.network.projections
    loop = (*projections, Projection(source="hidden1", target="hidden1", delay_ticks=1))
    assert {"feed_forward", "no_extra_delay"} == _broken(_with_network(agent, projections=loop), LOIHI)
    sparse = tuple(dataclasses.replace(p, connectivity="sparse") for p in projections)
    assert _broken(_with_network(agent, projections=sparse), SPINNAKER) == {"dense_projections"}
    delayed = tuple(dataclasses.replace(p, delay_ticks=1) for p in projections)
    streaming = _with_network(agent, projections=delayed, decision="streaming")
    assert _broken(streaming, LOIHI) == {"reset_decisions", "no_extra_delay"}
    skip = (*projections, Projection(source="input", target="output"))
    assert _broken(_with_network(agent, projections=skip), LOIHI) == {"feed_forward"}


@pytest.mark.parametrize("target", [LOIHI, SPINNAKER], ids=lambda c: c.name)
def test_what_has_no_registers_is_refused_by_name(target: chip.Chip) -> None:
    agent = random_agent((16,))
    network = agent.description.network
    for neuron in (Alif(tau_mem_s=0.004, tau_adapt_s=0.1, beta=0.1), HodgkinHuxley(), Poisson(rate_hz=10.0)):
        others = tuple(dataclasses.replace(p, neuron=p.neuron and neuron) for p in network.populations)
        assert _broken(_with_network(agent, populations=others), target) == {"leaky_neurons"}
    plastic = tuple(dataclasses.replace(p, plasticity=(PairStdp(),)) for p in network.projections)
    assert _broken(_with_network(agent, projections=plastic), target) == {"fixed_weights"}
    own = dict(agent.tensors) | {"population.hidden1.tau_mem_s": np.linspace(0.004, 0.008, 16)}
    assert _broken(Agent(agent.description, own), target) == {"equal_neurons"}


def test_spinnaker_rules() -> None:
    high = CurrentLif(tau_mem_s=0.004, tau_syn_s=0.002, v_reset=1.5)
    assert _broken(random_agent(neuron=high), SPINNAKER) == {"reset_below_threshold"}
    fast = CurrentLif(tau_mem_s=0.00005, tau_syn_s=0.002)
    assert _broken(random_agent(neuron=fast), SPINNAKER) == {"decay_range"}
    tired = CurrentLif(tau_mem_s=0.004, tau_syn_s=0.002, refractory_ticks=65536)
    assert _broken(random_agent(neuron=tired), SPINNAKER) == {"refractory_register"}
    fits = CurrentLif(tau_mem_s=0.004, tau_syn_s=0.002, v_reset=0.2)
    assert mapping.fit(random_agent(neuron=fits), SPINNAKER).ok


def test_a_threshold_lost_under_a_huge_bias_is_reported() -> None:
    agent = random_agent((16,))
    tensors = dict(agent.tensors) | {"population.hidden1.bias": np.full(16, 1e8)}
    for target in (LOIHI, SPINNAKER):
        violations = mapping.fit(Agent(agent.description, tensors), target).violations
        assert {v.rule for v in violations} == {"threshold_precision"}


@pytest.mark.parametrize("rule", sorted({r for rs in rules.RULES.values() for r in rs}, key=lambda r: r.__name__))
def test_rules_say_what_they_check(rule: rules.Rule) -> None:
    assert rule.__doc__
    assert rule.__name__.isidentifier()


@settings(deadline=None)
@given(st.integers(0, 10_000), st.floats(0.3, 30.0), st.integers(1, 20))
def test_quantisation_never_overflows_and_stays_close(seed: int, gain: float, ticks: int) -> None:
    agent = random_agent((24,), seed=seed, gain=gain, ticks=ticks)
    for target, weight_error in ((LOIHI, 0.5 / 127 * 1.01), (SPINNAKER, 0.002)):
        fit = mapping.fit(agent, target)
        assert fit.ok, fit.violations
        for r in fit.rounding:
            limit = {"weight": weight_error, "a_syn": 2e-4, "a_mem": 2e-4}.get(r.quantity, 0.02)
            assert r.error <= limit, r


@settings(deadline=None, max_examples=150)
@given(
    st.floats(1e-5, 100.0),
    st.one_of(st.just(0.0), st.floats(1e-5, 100.0)),
    st.floats(1e-4, 1e4),
    st.floats(-10.0, 10.0),
    st.integers(0, 100),
    st.floats(0.0, 1e4),
    st.floats(0.0, 1e4),
)
def test_fit_never_raises(
    tau_mem_s: float, tau_syn_s: float, threshold: float, v_reset: float, refractory: int, gain: float, bias: float
) -> None:
    neuron = CurrentLif(
        tau_mem_s=tau_mem_s,
        tau_syn_s=tau_syn_s,
        v_threshold=threshold,
        v_reset=v_reset,
        refractory_ticks=refractory,
    )
    agent = random_agent((8,), neuron=neuron, gain=gain)
    tensors = dict(agent.tensors) | {"population.hidden1.bias": np.linspace(-bias, bias, 8)}
    spikes = np.ones((5, 30), np.uint8)
    for target in (LOIHI, SPINNAKER):
        fit = mapping.fit(Agent(agent.description, tensors), target)
        assert fit.ok == bool(fit.layers)
        if fit.ok:
            assert run_layer(fit.layers[0], spikes)[1] == 0


def test_bounds_of_a_layer_hold_for_the_worst_input() -> None:
    layer = quantise.float_layers(random_agent((24,), ticks=7))[0]
    current, worst = np.zeros(24), 0.0
    always = np.maximum(layer.weights, 0).sum(axis=0)  # only excitatory inputs, all in every tick
    for _ in range(7):
        current = layer.a_syn * current + always
        worst = max(worst, float(np.abs(current).max()))
    assert worst <= layer.largest_current


def test_many_small_weights_that_are_all_rounded_up_cannot_wrap() -> None:
    n = 4000
    weights = np.full((n + 1, 1), 1.01 / 254)  # of the largest weight, mantissa 1.01, which the format holds as 2
    weights[0] = 1.0
    layer = quantise.FloatLayer("a", "b", weights, np.zeros(1), 0.0, 0.5, 1.0, 0.0, 0, 4)
    made = loihi1_compiler.quantise(layer)
    assert made.weights.sum() > 1.9 * 64 * n * 2.0**made.exponent  # rounded up indeed
    spikes, wraps = loihi1.run_layer(made.compartments, made.weights, np.ones((4, n + 1), np.uint8))
    assert wraps == 0
    assert spikes.all()
