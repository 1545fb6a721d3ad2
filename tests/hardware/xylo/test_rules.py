"""What does not fit Xylo: every violation at once, each with a remedy that fits; and what rounding does."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnctl import hardware
from snnctl.cli.main import call
from snnctl.hardware import chip
from snnctl.hardware.xylo import emulator
from snnctl.network import Network, Uniform
from snnctl.network.program import Program
from snnctl.neurons import CurrentLif, Lif
from tests.conformance.programs import Edge, case

XYLO = chip.load("xylo")
SOFT = CurrentLif(tau_mem_s=6e-3, tau_syn_s=2e-3, reset="subtract")


def chain(sizes: dict[str, int], edges: list[Edge] | None = None, neuron: object = SOFT, **more: object) -> Program:
    driven = {name: neuron for name in sizes if not name.startswith("in")}
    wired = edges or [Edge("in", "a"), Edge("a", "out")]
    return case(sizes, wired, neurons=driven, **more).program  # type: ignore[arg-type]


def broken(program: Program) -> dict[str, tuple[str, float, float]]:
    fit = hardware.fit(program, XYLO)
    assert (fit.image is None) == bool(fit.problems)
    assert all(v.remedy for v in fit.violations)
    return {v.rule: (v.where, v.used, v.limit) for v in fit.violations}


def test_every_limit_of_size_is_told_at_once_and_its_own_number_fits() -> None:
    sizes = {"in": 17, "a": 1001, "out": 9}
    found = broken(chain(sizes, [Edge("in", "a", connectivity="sparse"), Edge("a", "out", connectivity="sparse")]))
    assert found["input_channels"] == ("in", 17, 16)
    assert found["hidden_neurons"] == ("a", 1001, 1000)
    assert found["output_neurons"] == ("out", 9, 8)
    assert found["fan_in"][0] == "out" and found["fan_in"][2] == 63
    assert broken(chain({"in": 16, "a": 63, "out": 8})) == {}


def test_too_many_weights() -> None:
    net = Network(tick_s=1e-3, seed=0)
    sensors, a, out = net.population("in", 4), net.population("a", 1000, SOFT), net.population("out", 2, SOFT)
    net.project(sensors, a, weight=Uniform(0.1, 0.2))
    net.project(a, a, weight=Uniform(0.1, 0.2))
    net.project(a, out, weight=Uniform(0.1, 0.2))
    assert {"fan_in", "weights"} <= broken(net.program()).keys()


def test_two_layers_and_links_of_one_tick() -> None:
    sizes = {"in": 4, "a": 5, "b": 3, "out": 2}
    forward = [Edge("in", "a"), Edge("a", "b"), Edge("b", "out")]
    assert broken(chain(sizes, forward)) == {}
    assert broken(chain(sizes, [*forward, Edge("in", "out")])).keys() == {"two_layers"}
    assert broken(chain(sizes, [*forward, Edge("out", "a", 3)], ticks=9)).keys() == {"two_layers"}
    assert broken(chain(sizes, [*forward, Edge("a", "out")])).keys() == {"one_tick_links"}
    assert broken(chain(sizes, [*forward, Edge("a", "a", 2)], ticks=9))["one_tick_links"][1] == 2
    assert broken(chain({"in": 3, "out": 2}, [Edge("in", "out")])).keys() == {"two_layers"}


def test_an_input_takes_a_channel_for_each_delay() -> None:
    sizes = {"in": 9, "a": 5, "b": 3, "out": 2}
    edges = [Edge("in", "a"), Edge("a", "b"), Edge("b", "out")]
    assert broken(chain(sizes, edges)) == {}
    assert broken(chain(sizes, [*edges, Edge("in", "b")]))["channels_within"] == ("in", 18, 16)
    assert broken(chain(sizes | {"in": 8}, [*edges, Edge("in", "b")])) == {}


@pytest.mark.parametrize(
    ("neuron", "rule"),
    [
        (dataclasses.replace(SOFT, tau_syn_s=0.0), "decay_range"),
        (dataclasses.replace(SOFT, tau_syn_s=0.0005), "decay_range"),
        (dataclasses.replace(SOFT, v_threshold=1e-4), "threshold_precision"),
        (dataclasses.replace(SOFT, v_threshold=1e4), "threshold_precision"),
    ],
)
def test_numbers_that_the_chip_cannot_hold(neuron: CurrentLif, rule: str) -> None:
    assert broken(chain({"in": 8, "a": 7, "out": 5}, neuron=neuron)).keys() == {rule}


def test_the_remedy_for_a_short_time_constant_fits() -> None:
    fit = hardware.fit(chain({"in": 8, "a": 7, "out": 5}, neuron=dataclasses.replace(SOFT, tau_syn_s=0.0)), XYLO)
    assert {v.remedy for v in fit.violations} == {"use a tau_syn_s of about 0.00144 s or more"}
    assert broken(chain({"in": 8, "a": 7, "out": 5}, neuron=dataclasses.replace(SOFT, tau_syn_s=0.00144))) == {}


def test_a_weight_that_erases_the_others_of_its_neurons_is_told() -> None:
    made = case({"in": 8, "a": 7, "out": 5}, [Edge("in", "a"), Edge("a", "out")], neurons={"a": SOFT, "out": SOFT})
    made.tensors["projection.in.a.weight"][0] = 300.0
    found = hardware.fit(made.program, XYLO)
    assert {v.rule for v in found.violations} == {"threshold_precision"}
    made.tensors["projection.in.a.weight"][0] = 4.0
    made.tensors["projection.in.a.weight"][1:] *= 0.02
    assert {v.rule for v in hardware.fit(made.program, XYLO).violations} == {"weights_kept"}


def test_the_neuron_that_the_chip_lacks_is_named_beside_what_is_too_large(capsys) -> None:
    program = chain({"in": 40, "a": 7, "out": 20}, neuron=Lif(tau_mem_s=5e-3))
    fit = hardware.fit(program, XYLO)
    said = [problem.message for problem in fit.problems]
    assert "Xylo does not have the neuron model 'lif'" in said
    assert {v.rule for v in fit.violations} == {"input_channels", "output_neurons"}
    assert call(["fit", "cartpole-ppo", "--chip", "xylo"]) == 1
    out = capsys.readouterr().out
    for part in ("does not reset by 'value'", "used 40, limit 16", "used 20, limit 8", "used 64, limit 63"):
        assert part in out


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.floats(0.05, 20.0), st.integers(1, 20), st.sampled_from(["reset", "streaming"]))
def test_rounding_stays_small_and_every_register_is_one_of_the_chip(
    seed: int, gain: float, ticks: int, decision: str
) -> None:
    delay = 0 if decision == "reset" else 1
    made = case(
        {"in": 12, "a": 24, "out": 6},
        [Edge("in", "a", delay), Edge("a", "out", delay)],
        neurons={"a": SOFT, "out": SOFT},
        gain={"a": gain, "out": gain},
        ticks=ticks,
        seed=seed,
        decision=decision,
    )
    fit = hardware.fit(made.program, XYLO)
    if fit.image is None:
        assert {v.rule for v in fit.violations} <= {"threshold_precision", "weights_kept"}
        return
    assert emulator.problems(fit.image.network) == []
    for r in fit.rounding:
        limit = {"weight": 0.5 / 127 * 1.01, "a_syn": 0.13, "a_mem": 0.13}.get(r.quantity, 0.14)
        if r.scale != "rms weight":
            assert r.error <= limit, r
    for stage in fit.image.stages:
        assert np.abs(stage.weights >> stage.shift).max() <= 127
        assert (stage.weights % (1 << stage.shift) == 0).all()
